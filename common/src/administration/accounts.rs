//! Users, which are accounts with their owners.

use serde::{Deserialize, Serialize};

use super::elements::{Done, Entries, Items};
use crate::actions;
use crate::iam::arn::PARTITION;
use crate::iam::{Resource, Subject};

/// The name by which policies know a user of administration, account and administrator alike. Names
/// of users know no case.
pub fn user_arn(name: &str) -> String {
    format!("arn:{PARTITION}:eucalypt:::user/{}", name.to_ascii_lowercase())
}

/// These users.
pub(super) fn users<'a>(names: impl IntoIterator<Item = &'a String>) -> Subject {
    Subject::of(names.into_iter().map(|name| Resource::Arn(user_arn(name))))
}

/// Registers a user. One that is to be an administrator becomes a user of the cloud's own account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddUser {
    /// The name, by the rules of [`crate::name`].
    pub user_name: String,
    /// The mail address; `N/A`, which 2.0's tool sends when it was given none, is none.
    #[serde(default)]
    pub email: Option<String>,
    /// Whether they are to administrate the cloud.
    #[serde(default)]
    pub admin: Option<bool>,
}

/// Removes a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteUser {
    /// The name.
    pub user_name: String,
    /// What becomes of what they own: `refuse`, which is the default, removes nobody who owns
    /// something; with `give` all of it becomes another's; with `end` it ends with them.
    #[serde(default)]
    pub belongings: Option<String>,
    /// Whose it becomes.
    #[serde(default)]
    pub heir: Option<String>,
}

/// Lets a user use the cloud, or nothing of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnableUser {
    /// The name.
    pub user_name: String,
    /// Whether they may.
    pub enabled: bool,
}

/// Lists users.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeUsers {
    /// These only; all if there is none.
    #[serde(default)]
    pub user_names: Vec<String>,
}

/// Users.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Users {
    /// The users.
    #[serde(rename(serialize = "euca:users", deserialize = "users"), default)]
    pub users: Items<User>,
}

/// A user.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The name.
    #[serde(rename(serialize = "euca:userName", deserialize = "userName"))]
    pub user_name: String,
    /// The account's number.
    #[serde(rename(serialize = "euca:accountNumber", deserialize = "accountNumber"), default)]
    pub account: String,
    /// The mail address; `N/A` if none is known.
    #[serde(rename(serialize = "euca:email", deserialize = "email"), default)]
    pub email: String,
    /// Whether they administrate the cloud.
    #[serde(rename(serialize = "euca:admin", deserialize = "admin"))]
    pub admin: bool,
    /// Whether they have confirmed their registration, or needed not.
    #[serde(rename(serialize = "euca:confirmed", deserialize = "confirmed"))]
    pub confirmed: bool,
    /// Whether they may use anything.
    #[serde(rename(serialize = "euca:enabled", deserialize = "enabled"))]
    pub enabled: bool,
    /// How far the registration is: `applied`, `approved`, `confirmed`.
    #[serde(rename(serialize = "euca:registration", deserialize = "registration"), default)]
    pub registration: String,
    /// The subject of their newest certificate.
    #[serde(
        rename(serialize = "euca:distinguishedName", deserialize = "distinguishedName"),
        default
    )]
    pub distinguished_name: String,
    /// The id of their newest certificate.
    #[serde(
        rename(serialize = "euca:certificateSerial", deserialize = "certificateSerial"),
        default
    )]
    pub certificate_serial: String,
    /// Where 2.0 has the code by which credentials are fetched. There is none: it would be a secret
    /// in a list.
    #[serde(rename(serialize = "euca:certificateCode", deserialize = "certificateCode"), default)]
    pub certificate_code: String,
    /// Where 2.0 has the code by which a registration is confirmed. Only its digest is known.
    #[serde(
        rename(serialize = "euca:confirmationCode", deserialize = "confirmationCode"),
        default
    )]
    pub confirmation_code: String,
    /// Their newest access key that is active.
    #[serde(rename(serialize = "euca:accessKey", deserialize = "accessKey"), default)]
    pub access_key: String,
    /// Its secret, which is told of users who were asked for by their names to whoever may do
    /// `eucalypt:GetCredentials` to them, and not in a list of all.
    #[serde(rename(serialize = "euca:secretKey", deserialize = "secretKey"), default)]
    pub secret_key: String,
    /// The groups they are in.
    #[serde(rename(serialize = "euca:groups", deserialize = "groups"), default)]
    pub groups: Entries,
    /// The ids of certificates that were deactivated or deleted.
    #[serde(rename(serialize = "euca:revoked", deserialize = "revoked"), default)]
    pub revoked: Entries,
    /// Of one who is being deleted: how, what is left of what they owned, and what failed.
    #[serde(
        rename(serialize = "euca:deletion", deserialize = "deletion"),
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub deletion: Option<String>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "User({}, {})", self.user_name, self.account)
    }
}

actions! {
    AddUser => Done, Write, |it| users([&it.user_name]);
    DeleteUser => Done, Write, |it| users([&it.user_name]);
    EnableUser => Done, Write, |it| users([&it.user_name]);
    DescribeUsers => Users, Read, |it| users(&it.user_names);
}

//! What the console, and whoever else lets people in, asks of the clc: applying, confirming,
//! logging in, passwords, credentials.
//!
//! Whoever sends these speaks for somebody whom nobody knows yet, so each names the address that
//! the request came from, and none says what its sender may do: what an account may is decided by
//! its record alone. What needs more than that names a person who has logged in, and it is looked at
//! whether they still are and may. Nothing here has a `Debug` that could show a secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Service;
use crate::id::AccountId;
use crate::messages;
use crate::time::Timestamp;

/// The clc, as those see it who want to come in.
pub struct People;

impl Service for People {
    const NAME: &'static str = "people";
    const VERSION: u32 = 1;
}

/// The language of mails and of what is said to a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// Who stands behind an account. All of it is text that its owner wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// The mail address.
    pub email: String,
    /// The full name.
    pub full_name: String,
    /// The telephone number.
    pub telephone: String,
    /// The affiliation.
    pub affiliation: String,
    /// The project's leader.
    pub project_leader: String,
    /// What the project is about; may have several lines.
    pub project_description: String,
}

/// What is to be changed of who stands behind an account; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactChange {
    /// The mail address.
    pub email: Option<String>,
    /// The full name.
    pub full_name: Option<String>,
    /// The telephone number.
    pub telephone: Option<String>,
    /// The affiliation.
    pub affiliation: Option<String>,
    /// The project's leader.
    pub project_leader: Option<String>,
    /// What the project is about.
    pub project_description: Option<String>,
}

impl ContactChange {
    /// The contact with what is changed.
    pub fn of(&self, before: &Contact) -> Contact {
        let or = |new: &Option<String>, before: &String| new.as_ref().unwrap_or(before).clone();
        Contact {
            email: or(&self.email, &before.email),
            full_name: or(&self.full_name, &before.full_name),
            telephone: or(&self.telephone, &before.telephone),
            affiliation: or(&self.affiliation, &before.affiliation),
            project_leader: or(&self.project_leader, &before.project_leader),
            project_description: or(&self.project_description, &before.project_description),
        }
    }
}

impl From<Contact> for ContactChange {
    /// All of it becomes what is said.
    fn from(it: Contact) -> Self {
        Self {
            email: Some(it.email),
            full_name: Some(it.full_name),
            telephone: Some(it.telephone),
            affiliation: Some(it.affiliation),
            project_leader: Some(it.project_leader),
            project_description: Some(it.project_description),
        }
    }
}

/// How far the registration of an account is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its user has applied; an administrator decides.
    Applied,
    /// An administrator has agreed; its user has to follow the link in the mail.
    Approved,
    /// Its user has followed the link, or needs none.
    #[default]
    Confirmed,
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Applied => "applied",
            Self::Approved => "approved",
            Self::Confirmed => "confirmed",
        })
    }
}

/// A user applies. The answer is the same whether the name is free or not: what became of it is
/// told by mail.
#[derive(Clone, Serialize, Deserialize)]
pub struct Apply {
    /// The name that the account shall have.
    pub name: String,
    /// Who applies.
    pub contact: Contact,
    /// The password that they want.
    pub password: String,
    /// The language of the mails; the cloud's if it is not said.
    #[serde(default)]
    pub language: Option<Language>,
    /// Where the request came from.
    pub address: String,
}

/// An administrator agrees to an application, or to one who is approved already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Approve {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// An administrator turns an application down: nothing of it stays, its user gets a mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reject {
    /// The account's name.
    pub name: String,
    /// Why, in the administrator's words; it stands in the mail.
    #[serde(default)]
    pub reason: Option<String>,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// A user has followed the link of a mail.
#[derive(Clone, Serialize, Deserialize)]
pub struct Confirm {
    /// The account's name, as in the link.
    pub name: String,
    /// The token of the link.
    pub token: String,
    /// The password of one who has none yet.
    #[serde(default)]
    pub password: Option<String>,
    /// Where the request came from.
    pub address: String,
}

/// A user has forgotten the password. The answer is the same whoever they are; if there is such a
/// user with a mail address, a mail goes there, and the password stays as it is until its link is
/// followed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestRecovery {
    /// The account's name.
    pub name: String,
    /// The language of the mail; the account's if it is not said.
    #[serde(default)]
    pub language: Option<Language>,
    /// Where the request came from.
    pub address: String,
}

/// A user sets a new password by the link of a recovery mail.
#[derive(Clone, Serialize, Deserialize)]
pub struct Recover {
    /// The account's name, as in the link.
    pub name: String,
    /// The token of the link.
    pub token: String,
    /// The new password.
    pub password: String,
    /// Where the request came from.
    pub address: String,
}

/// A user logs in.
#[derive(Clone, Serialize, Deserialize)]
pub struct LogIn {
    /// The account's name.
    pub account: String,
    /// The user in it; `admin`, its owner, if it is not said.
    #[serde(default)]
    pub user: Option<String>,
    /// The password.
    pub password: String,
    /// What the second factor shows at the moment, if the user has one.
    #[serde(default)]
    pub code: Option<String>,
    /// Where the request came from.
    pub address: String,
}

/// How a log-in went, if it was not refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoggedIn {
    /// This is who they are.
    In(Person),
    /// This is who they are, and nothing but [`ChangePassword`] is to be allowed to them.
    MustChange(Person),
    /// The password is right; the second factor's code is wanted, too.
    NeedsCode,
}

/// Somebody who has logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub alias: String,
    /// The user in it.
    pub user: String,
    /// Whether they may administrate the cloud.
    pub administrator: bool,
    /// When the password was set. A session that began before is to be ended.
    pub password_set: Timestamp,
}

/// Whether somebody who logged in once may go on: asked for each use of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckPerson {
    /// The account.
    pub account: AccountId,
    /// The user in it.
    pub user: String,
    /// [`Person::password_set`] as it was at the log-in.
    pub password_set: Timestamp,
}

/// A user sets another password, knowing the old one.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The account's name.
    pub account: String,
    /// The user in it; `admin` if it is not said.
    #[serde(default)]
    pub user: Option<String>,
    /// The old password.
    pub old: String,
    /// The new one.
    pub new: String,
    /// What the second factor shows at the moment, if the user has one.
    #[serde(default)]
    pub code: Option<String>,
    /// Where the request came from.
    pub address: String,
}

/// Somebody who is signed in sets another password. Others of theirs who are signed in are so no
/// more: the person that is answered has another [`Person::password_set`].
#[derive(Clone, Serialize, Deserialize)]
pub struct SetOwnPassword {
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// The old password; needed unless it has to be changed ([`LoggedIn::MustChange`]), of which the
    /// log-in that told so is proof enough.
    #[serde(default)]
    pub old: Option<String>,
    /// What the second factor shows at the moment; needed with the old password, if the user has one.
    #[serde(default)]
    pub code: Option<String>,
    /// The new one.
    pub new: String,
    /// Where the request came from.
    pub address: String,
}

/// Somebody who is signed in proves again who they are, before something dangerous.
#[derive(Clone, Serialize, Deserialize)]
pub struct ProveAgain {
    /// Who has logged in.
    pub by: CheckPerson,
    /// The password.
    pub password: String,
    /// What the second factor shows at the moment, if the user has one.
    #[serde(default)]
    pub code: Option<String>,
    /// Where the request came from.
    pub address: String,
}

/// What was proven again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// Whether a second factor was shown, too.
    pub second_factor: bool,
}

/// The owner of an account changes what is known of them. Where mails are sent, another mail address is
/// theirs when the link is followed that goes there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetOwnContact {
    /// Who has logged in and asks: the account's owner.
    pub by: CheckPerson,
    /// What is to be another.
    pub contact: ContactChange,
    /// Where the request came from.
    pub address: String,
}

/// A user has followed the link that went to the mail address which their account is to have.
#[derive(Clone, Serialize, Deserialize)]
pub struct ConfirmAddress {
    /// The account's name, as in the link.
    pub name: String,
    /// The token of the link.
    pub token: String,
    /// Where the request came from.
    pub address: String,
}

/// What a credentials zip holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZipKind {
    /// Everything: access key, a new certificate with its private key, the cloud's certificate.
    #[default]
    Whole,
    /// Only access keys, in an eucarc without certificates.
    Keys,
}

impl ZipKind {
    /// What the zip of an account of that name is called.
    pub fn file_name(self, name: &str) -> String {
        match self {
            Self::Whole => format!("euca2-{name}-x509.zip"),
            Self::Keys => format!("euca2-{name}-keys.zip"),
        }
    }
}

/// The credentials of the owner of an account as a zip. The access key is the one they have, or a
/// new one; a certificate is new each time, because no private key is kept. Old ones stay good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetZip {
    /// The account's name.
    pub name: String,
    /// What it holds.
    #[serde(default)]
    pub kind: ZipKind,
    /// Who has logged in and asks: the account's owner, or an administrator.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// A credentials zip.
#[derive(Clone, Serialize, Deserialize)]
pub struct Zip {
    /// `euca2-NAME-x509.zip`.
    pub file_name: String,
    /// Its bytes, in base64.
    pub base64: String,
}

/// All that is known of an account's registration, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The account's name.
    pub name: String,
    /// Its number.
    pub account: AccountId,
    /// Whether an administrator lets it use anything.
    pub enabled: bool,
    /// How far its registration is.
    pub standing: Standing,
    /// Who stands behind it.
    pub contact: Contact,
    /// When its user applied, if they did.
    pub applied: Option<Timestamp>,
    /// When it was approved.
    pub approved: Option<Timestamp>,
    /// When it was confirmed.
    pub confirmed: Option<Timestamp>,
    /// The zone groups it is in, by name.
    pub zone_groups: Vec<String>,
    /// Why it is still there, if it is being deleted: what is left of what it owned.
    pub leaving: Option<String>,
    /// How it is being deleted, if it is.
    #[serde(default)]
    pub deletion: Option<DeletionView>,
}

/// How an account is being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionView {
    /// Since when.
    pub since: Timestamp,
    /// The name of the account that gets what it owned; if there is none, that ends.
    pub heir: Option<String>,
    /// What is left, in words.
    pub left: String,
    /// Why the last step failed, if it did. It is tried again.
    pub failure: Option<String>,
}

impl DeletionView {
    /// All of it in one line.
    pub fn line(&self) -> String {
        let how = match &self.heir {
            Some(heir) => format!("give to {heir}"),
            None => "end".to_owned(),
        };
        let failed = self.failure.as_ref().map(|why| format!("; failed: {why}"));
        format!("{how}; left: {}{}", self.left, failed.unwrap_or_default())
    }
}

/// One account's registration, for its owner or an administrator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeRegistration {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

messages! {
    People:
    Apply => (), false;
    Approve => Registered, true;
    Reject => (), false;
    Confirm => (), false;
    RequestRecovery => (), false;
    Recover => (), false;
    LogIn => LoggedIn, false;
    CheckPerson => Person, true;
    ProveAgain => Proven, false;
    ChangePassword => (), false;
    SetOwnPassword => Person, false;
    SetOwnContact => (), false;
    ConfirmAddress => (), false;
    GetZip => Zip, false;
    DescribeRegistration => Registered, true;
}

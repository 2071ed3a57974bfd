//! Access keys of users.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing};
use super::subjects;
use crate::actions;

/// Whether a key or certificate may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It may.
    Active,
    /// It may not, until it is made active again.
    Inactive,
}

impl Status {
    /// The status of what may be used or not.
    pub fn of(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }
}

/// Makes an access key for a user, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccessKey {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
}

/// An access key that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatedAccessKey {
    /// The key with its secret, which is told this once.
    pub access_key: AccessKey,
}

/// An access key with its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKey {
    /// The user.
    pub user_name: String,
    /// Its id.
    pub access_key_id: String,
    /// Whether it may be used.
    pub status: Status,
    /// Its secret.
    pub secret_access_key: String,
    /// When it was made.
    pub create_date: Moment,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AccessKey {} of {}", self.access_key_id, self.user_name)
    }
}

/// Lists the access keys of a user, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccessKeys {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A page of access keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeys {
    /// The user.
    pub user_name: String,
    /// The keys, by id.
    pub access_key_metadata: Members<AccessKeyMetadata>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// An access key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessKeyMetadata {
    /// The user.
    pub user_name: String,
    /// Its id.
    pub access_key_id: String,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub create_date: Moment,
}

/// Lets an access key be used, or not.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAccessKey {
    /// The user; the caller if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The key.
    pub access_key_id: String,
    /// What it becomes.
    pub status: Status,
}

/// Removes an access key for good.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteAccessKey {
    /// The user; the caller if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The key.
    pub access_key_id: String,
}

/// Tells when and for what an access key was used last.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccessKeyLastUsed {
    /// The key.
    pub access_key_id: String,
}

/// Whose an access key is, and its last use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyLastUsed {
    /// The user.
    pub user_name: String,
    /// The last use.
    pub access_key_last_used: LastUse,
}

/// The last use of an access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LastUse {
    /// When; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_date: Option<Moment>,
    /// For which service; `N/A` if it never was.
    pub service_name: String,
    /// In which region; `N/A` if it never was.
    pub region: String,
}

actions! {
    CreateAccessKey => CreatedAccessKey, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
    ListAccessKeys => AccessKeys, Read, |it| subjects::user_or_own(it.user_name.as_deref());
    UpdateAccessKey => Nothing, Write, |it| subjects::user_or_own(it.user_name.as_deref());
    DeleteAccessKey => Nothing, Write, |it| subjects::user_or_own(it.user_name.as_deref());
    GetAccessKeyLastUsed => KeyLastUsed, Read;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn secrets_are_not_shown() {
        let key = AccessKey {
            user_name: "u".into(),
            access_key_id: "AKI1".into(),
            status: Status::Active,
            secret_access_key: "s3cr3t".into(),
            create_date: Moment(Timestamp::EPOCH),
        };
        assert!(!format!("{key:?}").contains("s3cr3t"));
    }
}

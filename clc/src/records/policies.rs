//! Managed policies.

use std::collections::BTreeMap;

use common::iam::Arn;
use common::id::AccountId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// A managed policy of an account, with at most five versions. What it is attached to stands with
/// the users, groups and roles, and in the index `policy-attachments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// `ANPA…`.
    pub id: String,
    /// `/` or `/division/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Its versions by number.
    pub versions: BTreeMap<u32, PolicyVersion>,
    /// Which version counts.
    pub default_version: u32,
    /// The number of the last version ever made.
    pub last_version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When its default version last became another one.
    pub updated: Timestamp,
    /// What was written on it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The policy's text.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

record!(ManagedPolicy, "managed-policy", |it| ManagedPolicy::key_of(&it.account, &it.name));

impl ManagedPolicy {
    /// The key of the policy of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        Arn::iam(self.account.as_str(), format!("policy{}{}", self.path, self.name)).to_string()
    }

    /// The text that counts.
    pub fn document(&self) -> &str {
        self.versions.get(&self.default_version).map_or("", |version| &version.document)
    }
}

//! Roles, and the profiles by which instances take them on.

use std::collections::BTreeMap;

use common::iam::Arn;
use common::iam::entity::PolicySet;
use common::id::AccountId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// A role: permissions that others take on for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// `AROA…`.
    pub id: String,
    /// `/` or `/division/`.
    pub path: String,
    /// What it is for.
    pub description: String,
    /// Who may take it on: a trust policy's text.
    pub trust: String,
    /// The unique ids of the users, roles and sessions that it names, by ARN, as they were when it
    /// was written: who has a name later is somebody else.
    #[serde(default)]
    pub trusted: BTreeMap<String, String>,
    /// How long a session may last at most, seconds.
    pub max_session_seconds: u32,
    /// Its policies.
    pub policies: PolicySet,
    /// The ARN of the managed policy that is its permissions boundary.
    pub boundary: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// What was written on it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

record!(Role, "role", |it| Role::key_of(&it.account, &it.name));

impl Role {
    /// The key of the role of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        Arn::iam(self.account.as_str(), format!("role{}{}", self.path, self.name)).to_string()
    }
}

/// An instance profile: what an instance is given so that it can take on a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// `AIPA…`.
    pub id: String,
    /// `/` or `/division/`.
    pub path: String,
    /// The name of its role; there is one at most.
    pub role: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// What was written on it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

record!(InstanceProfile, "instance-profile", |it| InstanceProfile::key_of(&it.account, &it.name));

impl InstanceProfile {
    /// The key of the profile of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        let resource = format!("instance-profile{}{}", self.path, self.name);
        Arn::iam(self.account.as_str(), resource).to_string()
    }
}

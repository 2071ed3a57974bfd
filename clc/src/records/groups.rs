//! Groups of users.

use common::iam::entity::PolicySet;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// A group inside an account. Who is in it stands with the users, and in the index
/// `group-members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// `AGPA…`.
    pub id: String,
    /// `/` or `/division/`.
    pub path: String,
    /// Its policies.
    pub policies: PolicySet,
    /// When it was made.
    pub created: Timestamp,
}

record!(Group, "group", |it| Group::key_of(&it.account, &it.name));

impl Group {
    /// The key of the group of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// A new id.
    pub fn new_id(random: [u8; 16]) -> String {
        unique_id("AGPA", &random)
    }
}

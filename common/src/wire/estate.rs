//! What an account that is deleted leaves behind in walrus: given to another account, or ended.
//!
//! ```text
//!   clc ──GiveBuckets, rehearsal──▶ walrus    would the other's quota allow it?
//!   clc ──GiveBuckets──▶ walrus               a portion of the work; what is left
//!   clc ──EndBuckets───▶ walrus               a portion of the work; what is left
//! ```
//! Each call does a bounded portion and leaves on record how far it is, so that it is asked again
//! until nothing is left, whoever was killed meanwhile. From the first call on that is no rehearsal
//! no bucket can be made in the account's name, also by a request that is under way.

use serde::{Deserialize, Serialize};

use super::quota::Limits;
use super::walrus::Walrus;
use crate::id::AccountId;
use crate::messages;
use crate::s3::Owner;

/// Give all buckets of an account, with what is in them, to another. Names, keys, bytes and who
/// else may read stay; usage is counted anew.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GiveBuckets {
    /// Whose they are.
    pub from: AccountId,
    /// Whose they become.
    pub to: Owner,
    /// What policies let the new owner have, beside the quotas that walrus knows.
    #[serde(default)]
    pub caps: Limits,
    /// Only find out whether the new owner may have them all.
    #[serde(default)]
    pub rehearsal: bool,
}

/// Delete all buckets of an account with all objects and open uploads in them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndBuckets {
    /// Whose.
    pub account: AccountId,
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstateLeft {
    /// Buckets of which something is left to be done.
    pub buckets: u64,
    /// Objects and open uploads in them.
    pub objects: u64,
}

impl EstateLeft {
    /// Whether everything is done.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

messages! {
    Walrus:
    GiveBuckets => EstateLeft, true;
    EndBuckets => EstateLeft, true;
}

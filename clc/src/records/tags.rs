//! Tags: one record for what one account wrote on one resource.
//!
//! An account may tag whatever it sees, for itself: two accounts' tags on a shared image know
//! nothing of each other.

use std::collections::BTreeMap;

use common::id::AccountId;
use serde::{Deserialize, Serialize};

use super::record::record;

/// How many tags one account may write on one resource.
pub const MOST_TAGS: usize = 50;

/// Keys and their values.
pub type TagMap = BTreeMap<String, String>;

/// What an account wrote on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// Who wrote it.
    pub account: AccountId,
    /// The resource's id.
    pub resource: String,
    /// What it is.
    pub kind: ResourceKind,
    /// The tags; never empty.
    pub tags: TagMap,
}

record!(Tags, "tag", |it| Tags::key_of(&it.account, &it.resource));

/// What can be tagged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// A machine image, kernel or ramdisk.
    Image,
    /// An instance.
    Instance,
    /// A key pair.
    KeyPair,
}

impl ResourceKind {
    /// EC2's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Instance => "instance",
            Self::KeyPair => "key-pair",
        }
    }
}

impl Tags {
    /// The key of an account's tags on a resource.
    pub fn key_of(account: &AccountId, resource: &str) -> String {
        format!("{account}/{resource}")
    }
}

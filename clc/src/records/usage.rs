//! What was used, a day at a time: the ground of reports. Whole numbers, so that sums are exact.

use std::collections::BTreeMap;

use common::id::AccountId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// What an account used on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageDay {
    /// The day, `2026-11-23`, of UTC.
    pub day: String,
    /// Whose.
    pub account: AccountId,
    /// The account's name as it was then.
    pub alias: String,
    /// Instances, by their type.
    #[serde(default)]
    pub types: BTreeMap<String, TypeUse>,
    /// What was stored.
    #[serde(default)]
    pub stored: StoredUse,
}

record!(UsageDay, "usage-day", |it| format!("{}/{}", it.day, it.account));

/// What instances of a type used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeUse {
    /// How many there were, ended or not, running or not.
    pub there: u64,
    /// How many of them were launched on that day.
    pub launched: u64,
    /// How long they ran together, in milliseconds.
    pub ran_ms: u64,
    /// The same, each as often as it has virtual processors.
    pub cpu_ms: u64,
    /// The same, each as often as it has MiB of memory.
    pub mib_ms: u64,
}

impl TypeUse {
    /// Adds another's to it.
    pub fn add(&mut self, other: &Self) {
        self.there = self.there.saturating_add(other.there);
        self.launched = self.launched.saturating_add(other.launched);
        self.ran_ms = self.ran_ms.saturating_add(other.ran_ms);
        self.cpu_ms = self.cpu_ms.saturating_add(other.cpu_ms);
        self.mib_ms = self.mib_ms.saturating_add(other.mib_ms);
    }
}

/// What was stored, as it was looked at every ten minutes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredUse {
    /// For how long it is known, in seconds.
    pub known_s: u64,
    /// KiB, each as often as it was there for a second.
    pub kib_s: u64,
    /// Bytes, at last.
    pub bytes: u64,
    /// Objects, at last.
    pub objects: u64,
    /// Buckets, at last.
    pub buckets: u64,
}

/// Until when use has been added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metered {
    /// Of instances: everything before it is.
    pub upto: Timestamp,
    /// When storage was looked at last.
    #[serde(default)]
    pub stored: Option<Timestamp>,
}

record!(Metered, "usage-metered", |_it| Metered::KEY.to_owned());

impl Metered {
    /// The key of the one.
    pub const KEY: &'static str = "upto";
}

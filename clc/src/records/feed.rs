//! The order in which identity changed, by which others keep a copy of it.
//!
//! Each entity that permissions depend on stands once in the feed, at the number of its last
//! change; what is gone stays there as a name that leads to nothing. Whoever reads the feed from its
//! beginning has all of it; whoever goes on from where they were has what changed since.
//!
//! ```text
//!   identity-feed      00…042 → user/123456789012/taro
//!   identity-feed-of   user/123456789012/taro → 00…042
//!   identity-head      42, the epoch, and where former epochs ended
//! ```
//! Each start of the clc begins an epoch. A store that was brought back from a backup goes on from
//! an earlier number in a new epoch, so a copy that has seen numbers which this store never gave in
//! that epoch is known for what it is, however many changes come after. What is gone for long is
//! taken out now and then, which begins an epoch, too: whoever has not come so far starts anew.

use std::collections::BTreeSet;

use common::iam::EntityName;
use serde::{Deserialize, Serialize};

use super::record::record;

/// The key of [`FeedHead`]: there is one.
pub const HEAD: &str = "head";

/// Where the feed ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedHead {
    /// Made at chance at each start.
    pub epoch: u64,
    /// The number of the last change.
    pub version: u64,
    /// Former epochs, the last one first, and the number of the last change in each.
    #[serde(default)]
    pub former: Vec<(u64, u64)>,
    /// Up to here names that lead to nothing were taken out of the feed: a copy of a former epoch
    /// that has not come so far may hold what is gone, and starts anew.
    #[serde(default)]
    pub floor: u64,
    /// Whether identities that were made before there was a feed stand in it, too.
    #[serde(default)]
    pub whole: bool,
}

/// How many former epochs are known. A copy of an older one starts anew.
pub(super) const FORMER: usize = 16;

impl FeedHead {
    /// Whether a copy that has come so far in an epoch has seen nothing but this feed.
    pub fn knows(&self, epoch: u64, after: u64) -> bool {
        if epoch == self.epoch {
            return after <= self.version;
        }
        let former = self.former.iter().find(|(known, _)| *known == epoch);
        former.is_some_and(|(_, last)| (self.floor..=*last).contains(&after))
    }
}

record!(FeedHead, "identity-head", |_it| HEAD.to_owned());

/// Which entities a change of identity touches.
#[derive(Debug, Default)]
pub struct Touched(pub(super) BTreeSet<EntityName>);

impl Touched {
    /// This one is made, changed or removed.
    pub fn note(&mut self, name: EntityName) {
        self.0.insert(name);
    }
}

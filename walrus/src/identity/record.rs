//! The rows of the copy.

use common::iam::{Entity, EntityName};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{NoPrevious, Record};

/// An entity as it was told last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Copied {
    /// The copying that it belongs to.
    pub(crate) generation: u64,
    /// By what it is found.
    pub(crate) name: EntityName,
    /// What it is.
    pub(crate) entity: Entity,
}

/// How far the copy has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyHead {
    /// Which copying this is: each that starts anew has the next number, and only its rows count.
    pub(crate) generation: u64,
    /// The epoch of the feed.
    pub(crate) epoch: u64,
    /// The number up to which the feed was applied.
    pub(crate) upto: u64,
    /// When it was known last that nothing was lacking; none before the first whole copy.
    pub(crate) current: Option<Timestamp>,
}

impl Record for Copied {
    const TABLE: &'static str = "identity";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        row(self.generation, &self.name.to_string())
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// The key of an entity's row, or the beginning of several. Generations sort by age.
pub(crate) fn row(generation: u64, name: &str) -> String {
    format!("{generation:016x}/{name}")
}

/// The key of [`CopyHead`]: there is one.
pub(crate) const HEAD: &str = "head";

impl Record for CopyHead {
    const TABLE: &'static str = "identity-copy";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        HEAD.to_owned()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

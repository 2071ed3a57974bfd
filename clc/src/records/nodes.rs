//! What administrators have said of nodes.

use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// That a node is not used as the others are. A node without such a record is.
///
/// ```text
///   (no record) ──▶ draining ──▶ (no record)
///        │             │             ▲ once it answers
///        └─────────────┴─▶ given up ─┘
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRule {
    /// The node's name.
    pub node: String,
    /// How it is used.
    pub rule: Rule,
    /// Since when.
    pub since: Timestamp,
    /// Who said so, `ACCOUNT/USER`.
    pub by: String,
}

/// How a node is used that is not used as the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It gets no new instances; what is on it stays.
    Draining,
    /// It is lost: what was on it has ended, and ends there, too, should it come back.
    GivenUp,
}

impl Rule {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::GivenUp => "given-up",
        }
    }
}

record!(NodeRule, "node-rule", |it| it.node.clone());

//! The log of what was asked, for the administrator on the host.

use serde::{Deserialize, Serialize};

use super::admin::Admin;
use crate::audit::{Event, Filter};
use crate::messages;

/// Look for calls, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookAudit {
    /// Which.
    pub filter: Filter,
    /// Only records with numbers below this one.
    #[serde(default)]
    pub before: Option<u64>,
    /// How many at most.
    pub most: usize,
}

/// Calls that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The calls, the newest first.
    pub events: Vec<Event>,
    /// The number below which there may be more.
    #[serde(default)]
    pub before: Option<u64>,
}

/// Read the whole log and tell whether it is as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyAudit {}

/// How a log stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditState {
    /// Whose log it is.
    pub name: String,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record.
    pub last: u64,
    /// The hash of the last record; whoever keeps it elsewhere can tell later that nothing before
    /// it was changed.
    pub hash: String,
    /// What is wrong first, if anything is.
    #[serde(default)]
    pub fault: Option<String>,
}

messages! {
    Admin:
    LookAudit => AuditPage, true;
    VerifyAudit => Vec<AuditState>, true;
}

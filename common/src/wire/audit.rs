//! The logs of what was asked: looked up and verified over messages, by the administrator on the host
//! in those of all services, by the clc in walrus' own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::admin::Admin;
use super::walrus::Walrus;
use crate::audit::{Event, Filter, Piece, Place};
use crate::messages;

/// Look for calls, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookAudit {
    /// Which.
    pub filter: Filter,
    /// Where the last answer ended.
    #[serde(default)]
    pub next: Option<String>,
    /// How many at most.
    pub most: usize,
}

/// Calls that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The calls, the newest first.
    pub events: Vec<Event>,
    /// What to ask with for more, if there may be more.
    #[serde(default)]
    pub next: Option<String>,
}

/// Look for calls in walrus' own log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookRecords {
    /// Which.
    pub filter: Filter,
    /// Where the look-up stands: among changes, and among reads.
    pub places: [Place; 2],
    /// How many at most, of each.
    pub most: usize,
}

/// Read walrus' own log and tell whether it is as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyRecords {}

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

impl fmt::Display for AuditState {
    /// The line of a listing.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, last, hash, fault } = self;
        let told = fault.as_deref().unwrap_or("ok");
        write!(out, "LOG\t{name}\t{first}\t{last}\t{hash}\t{told}")
    }
}

messages! {
    Admin:
    LookAudit => AuditPage, true;
    VerifyAudit => Vec<AuditState>, true;
}

messages! {
    Walrus:
    LookRecords => [Piece; 2], true;
    VerifyRecords => Vec<AuditState>, true;
}

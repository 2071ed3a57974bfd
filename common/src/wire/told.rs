//! What services have said lately of what went wrong, as they wrote it into their logs.

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::walrus::Walrus;
use crate::messages;
use crate::time::Timestamp;

/// Tell the last warnings and errors of walrus' log since its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TellWarnings {}

/// Tell the last warnings and errors of a node's log since its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TellNodeWarnings {}

/// A warning or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// When it was written.
    pub at: Timestamp,
    /// Whether it is an error.
    pub error: bool,
    /// Which part of the program wrote it.
    pub part: String,
    /// What it says.
    pub text: String,
}

messages! {
    Walrus:
    TellWarnings => Vec<Warning>, true;
}

messages! {
    Node:
    TellNodeWarnings => Vec<Warning>, true;
}

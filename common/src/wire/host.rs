//! How a service and its host are, for whoever looks after the cloud.

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::walrus::Walrus;
use crate::messages;
use crate::time::Timestamp;

/// Tell how walrus and its host are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookAtWalrus {}

/// Tell how the node agent and its host are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookAtNode {}

/// A service and its host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// The version of the program.
    pub version: String,
    /// When it was started.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// What its clock shows.
    #[serde(default)]
    pub now: Option<Timestamp>,
    /// The file systems that it keeps things on.
    #[serde(default)]
    pub disks: Vec<DiskView>,
}

/// A file system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskView {
    /// A directory on it.
    pub path: String,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that can still be written.
    pub free: u64,
    /// Bytes of them that the service leaves free: below, it refuses what would need more.
    #[serde(default)]
    pub reserve: u64,
}

messages! {
    Walrus:
    LookAtWalrus => HostView, true;
}

messages! {
    Node:
    LookAtNode => HostView, true;
}

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
    /// What its host has to do; `None` if it cannot be told.
    #[serde(default)]
    pub load: Option<LoadView>,
    /// What waits or is under way.
    #[serde(default)]
    pub queues: Vec<QueueView>,
    /// The certificates that it shows.
    #[serde(default)]
    pub certificates: Vec<CertificateView>,
}

/// What a host has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadView {
    /// How many processes ran or waited to, in the mean of the last minute, in hundredths.
    pub hundredths: u64,
    /// The host's processors.
    pub cpus: u64,
    /// Its memory, MiB.
    pub memory_mib: u64,
    /// What of it is in use and could not be had by others, MiB.
    pub memory_used_mib: u64,
}

/// How much of something waits or is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Of what: `preparing`.
    pub name: String,
    /// How many.
    pub length: u64,
}

/// A certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    /// For what: `https`.
    pub name: String,
    /// Its file.
    pub path: String,
    /// Itself, PEM.
    pub pem: String,
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

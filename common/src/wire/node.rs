//! What can be asked of a node. Every message carries the wish, never a step.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::Service;
use super::bundling::{BundleView, CancelBundle, ForgetBundle, StartBundle};
use super::role::{RoleView, SetInstanceRole};
use super::spec::{InstanceSpec, MetadataOptions, PowerSpec};
use super::walrus::ImageTicket;
use crate::id::InstanceId;
use crate::messages;
use crate::time::Timestamp;

/// The node agent.
pub struct Node;

impl Service for Node {
    const NAME: &'static str = "node";
    const VERSION: u32 = 1;
}

/// Keep this instance running. Answered when the wish is on the node's disk, not when it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// The wish.
    pub spec: InstanceSpec,
    /// Where the images it names can be had, by their SHA-256; they expire.
    pub tickets: Vec<ImageTicket>,
}

/// What of the wish can change without the instance's images: whether it is on. Answered when the
/// wish is on the node's disk; an older generation than the node knows is ignored. An instance
/// that is unknown is `InvalidInstanceID.NotFound`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adjust {
    /// Which.
    pub instance: InstanceId,
    /// Of the wish, with this in it.
    pub generation: u64,
    /// Whether it is on.
    pub power: PowerSpec,
}

/// End this instance and remove its disk. Asking for one that is unknown is fine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Terminate {
    /// Which.
    pub instance: InstanceId,
}

/// Answer this instance's questions about itself in this way from now on. Answered when that is on
/// the node's disk and in force. Asking for one that is unknown, or with older options than the
/// node knows, is fine and changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetMetadataOptions {
    /// Which.
    pub instance: InstanceId,
    /// How.
    pub options: MetadataOptions,
}

/// What the instance wrote to its console: at most the last 64 KiB.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Console {
    /// Which.
    pub instance: InstanceId,
}

/// The end of a console log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConsoleLog {
    /// The bytes, in base64.
    pub base64: String,
    /// When they were last added to.
    pub at: Timestamp,
}

/// The node's state, as soon as it is newer than `since`, or after `wait_ms`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The `session` of the last report that was seen.
    pub session: String,
    /// The `revision` of the last report that was seen; 0 asks for an answer at once.
    pub since: u64,
    /// How long to wait for news, in milliseconds; at most a minute.
    pub wait_ms: u64,
}

/// What a node has and runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeReport {
    /// The node's name.
    pub name: String,
    /// Made anew at each start of the agent; revisions count within it.
    pub session: String,
    /// Counts changes.
    pub revision: u64,
    /// What runs guests: `qemu kvm`, `qemu tcg` or `sim`.
    pub hypervisor: String,
    /// What it can hold in all.
    pub capacity: Capacity,
    /// Where its instances' addresses come from.
    pub subnet: Subnet,
    /// Each instance it knows.
    pub instances: Vec<InstanceView>,
    /// Each bundle task it knows.
    #[serde(default)]
    pub bundles: Vec<BundleView>,
    /// What it runs.
    #[serde(default)]
    pub software: Software,
}

/// What a node runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// The version of its agent; empty of one that did not tell yet.
    #[serde(default)]
    pub version: String,
    /// The host's architecture, `x86_64`.
    #[serde(default)]
    pub architecture: String,
    /// When the agent was started.
    #[serde(default)]
    pub started: Option<Timestamp>,
}

/// What a node can hold in all, used or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
}

/// An IPv4 network and the addresses in it that instances may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The network's address.
    pub network: Ipv4Addr,
    /// Its prefix length, 8 to 30.
    pub prefix: u8,
}

impl Subnet {
    /// The guests' router: the first address.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.network).wrapping_add(1))
    }

    /// The last address, which no instance gets.
    pub fn broadcast(&self) -> Ipv4Addr {
        let host_bits = 32 - u32::from(self.prefix);
        Ipv4Addr::from(u32::from(self.network) | (1u32 << host_bits).wrapping_sub(1))
    }

    /// The addresses that instances may have, in order.
    pub fn usable(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        (u32::from(self.network).saturating_add(2)..u32::from(self.broadcast())).map(Ipv4Addr::from)
    }
}

/// What a node sees of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    /// Which.
    pub instance: InstanceId,
    /// The generation of the wish that this is about.
    pub generation: u64,
    /// Where it stands.
    pub state: MachineState,
    /// What went wrong, in `Failed`; why it ended, in `Gone`; why it was refused last, in
    /// `Preparing`; why it is off, in `Stopped`.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Its guest ran once, so its disk may be the only copy of something.
    #[serde(default)]
    pub ran: bool,
    /// It is `Stopped` because it could not be kept running.
    #[serde(default)]
    pub broke: bool,
    /// The revision of the metadata options that are in force.
    #[serde(default)]
    pub options: u64,
    /// Its role as it is told to the guest.
    #[serde(default, skip_serializing_if = "RoleView::is_none")]
    pub role: RoleView,
}

/// Where a machine stands on its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    /// Its images are fetched, its disk and network made.
    Preparing,
    /// Its guest runs.
    Running,
    /// It is being ended.
    Stopping,
    /// It is being switched off, and keeps its disk.
    Halting,
    /// It is off, and keeps its disk.
    Stopped,
    /// It has ended and nothing of it is left but this note.
    Gone,
    /// It could not be made to run; nothing of it is left but this note.
    Failed,
}

messages! {
    Node:
    Run => (), true;
    Adjust => (), true;
    Terminate => (), true;
    SetMetadataOptions => (), true;
    SetInstanceRole => (), true;
    Console => ConsoleLog, true;
    Report => NodeReport, true;
    StartBundle => (), true;
    CancelBundle => (), true;
    ForgetBundle => (), true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_gives_away_all_but_its_ends_and_its_router() {
        let subnet = Subnet { network: Ipv4Addr::new(10, 1, 0, 0), prefix: 29 };
        assert_eq!(subnet.gateway(), Ipv4Addr::new(10, 1, 0, 1));
        assert_eq!(subnet.broadcast(), Ipv4Addr::new(10, 1, 0, 7));
        let usable: Vec<_> = subnet.usable().collect();
        assert_eq!(usable.len(), 5);
        assert_eq!(usable[0], Ipv4Addr::new(10, 1, 0, 2));
    }
}

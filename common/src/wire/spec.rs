//! The whole wish for one machine.
//!
//! A node needs nothing but this to run an instance, keep it over its own restart, and tell the
//! guest who it is while every other service is down. It carries the wish and its generation,
//! never a step, so that hearing it twice is hearing it once.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::role::InstanceRole;
use crate::id::{AccountId, ImageId, InstanceId, ReservationId};
use crate::time::Timestamp;
use crate::user_data::UserData;

/// What a node is asked to keep running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// Which machine.
    pub instance: InstanceId,
    /// Counts changes of the wish; a node ignores an older one than it knows.
    pub generation: u64,
    /// Whose it is.
    pub account: AccountId,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// The root disk.
    pub root: DiskSpec,
    /// Its further disks, as the guest sees them after the root. What an older clc said: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disks: Vec<BlankDisk>,
    /// What is booted.
    pub boot: BootSpec,
    /// Its place in the network.
    pub network: NetworkSpec,
    /// What it may know about itself.
    pub metadata: MetadataSpec,
    /// Whether it is on. What an older clc said was: on, and ended with its guest.
    #[serde(default)]
    pub power: PowerSpec,
}

impl InstanceSpec {
    /// Every image it is made of.
    pub fn images(&self) -> Vec<ImageRef> {
        let root = std::iter::once(&self.root.image);
        root.chain(&self.boot.kernel).chain(&self.boot.ramdisk).cloned().collect()
    }
}

/// Whether a machine is on, and what happens when its guest switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PowerSpec {
    /// Whether it shall be on.
    pub wanted: Power,
    /// How often it was asked to reboot. A machine that runs and has rebooted less often does so
    /// once; one that is started meanwhile has it behind it.
    pub reboots: u64,
    /// What happens when its guest switches it off.
    pub on_shutdown: OnShutdown,
}

/// Whether a machine shall be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// It runs.
    #[default]
    On,
    /// It is off, and keeps its disk: its guest is asked first and given time to shut down.
    Off,
    /// It is off, and keeps its disk: its guest is not asked.
    ForcedOff,
}

/// What happens when a guest switches its machine off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnShutdown {
    /// It is off, and keeps its disk.
    Stop,
    /// It is gone with its disk.
    #[default]
    Terminate,
}

/// A disk made from an image, as an overlay: the image itself is never written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSpec {
    /// The image below it.
    pub image: ImageRef,
    /// Its size as the guest sees it, in bytes; at least the image's.
    pub size: u64,
}

/// A disk with nothing of an image in it: it begins empty, and lives as long as the root disk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlankDisk {
    /// What it is for.
    pub purpose: Purpose,
    /// Its size in bytes.
    pub size: u64,
}

/// What a disk beside the root is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The guest's to format and fill: zeros at first.
    Ephemeral0,
    /// Swap space, with its signature.
    Swap,
}

impl Purpose {
    /// The virtual name that mappings know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ephemeral0 => "ephemeral0",
            Self::Swap => "swap",
        }
    }
}

/// Kernel and ramdisk, started by the hypervisor itself; or the root disk's own boot loader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootSpec {
    /// The kernel; none for a whole disk, which boots by itself.
    pub kernel: Option<ImageRef>,
    /// The ramdisk, if any.
    pub ramdisk: Option<ImageRef>,
}

/// Plain bytes of an image, named by what they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageRef {
    /// Which image.
    pub image: ImageId,
    /// SHA-256 of the plain bytes, lower-case hex: the name under which a node keeps them.
    pub sha256: String,
    /// Size of the plain bytes.
    pub size: u64,
}

/// The network of one machine: one card on a routed tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// The card's address, lower-case hex with colons.
    pub mac: String,
    /// Its IPv4 address, inside the node's subnet.
    pub address: Ipv4Addr,
}

/// What 169.254.169.254 tells the guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataSpec {
    /// The machine image.
    pub image: ImageId,
    /// Where its manifest lies, `BUCKET/KEY`.
    pub manifest_path: String,
    /// The kernel it booted.
    pub kernel: Option<ImageId>,
    /// The ramdisk it booted.
    pub ramdisk: Option<ImageId>,
    /// Images that this image was made of, nearest last.
    pub ancestors: Vec<ImageId>,
    /// Product codes.
    pub product_codes: Vec<String>,
    /// The launch it came from.
    pub reservation: ReservationId,
    /// Its number in that launch, from 0.
    pub launch_index: u32,
    /// Its type, `m1.small`.
    pub instance_type: String,
    /// Its zone, `eucalyptus-1a`.
    pub zone: String,
    /// Its region.
    pub region: String,
    /// The key pair's name and public half in OpenSSH form.
    pub key: Option<PublicKey>,
    /// Names of its security groups.
    pub security_groups: Vec<String>,
    /// When it was launched, or started last.
    pub launched: Timestamp,
    /// What its owner gave it along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<UserData>,
    /// How it is told all this.
    #[serde(default)]
    pub options: MetadataOptions,
    /// Its instance profile and the credentials of its role.
    #[serde(default, skip_serializing_if = "InstanceRole::is_none")]
    pub role: InstanceRole,
}

/// How an instance may ask for its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataOptions {
    /// Counts changes of these options alone, from 0 at the launch; a node ignores an older one.
    pub revision: u64,
    /// Whether anything is answered at all.
    pub enabled: bool,
    /// Whether a read must bear a token; if not, both versions of the protocol are answered.
    pub tokens_required: bool,
    /// How many hops the packets of an answer that bears a token may make, 1 to 64.
    pub hop_limit: u8,
}

impl Default for MetadataOptions {
    fn default() -> Self {
        Self { revision: 0, enabled: true, tokens_required: false, hop_limit: 1 }
    }
}

/// A public key with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key pair's name.
    pub name: String,
    /// One line, `ssh-rsa AAAA… NAME`.
    pub openssh: String,
}

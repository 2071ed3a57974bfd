//! Instances. How a launch is asked for is `launch.rs`'s.

use serde::{Deserialize, Serialize};

use super::images::StateReason;
use super::instance_profiles::ProfileView;
pub use super::launch::{DEFAULT_TYPE, Placement, RunInstances};
use super::metadata_options::MetadataView;
use super::subjects;
use super::tags::Tag;
pub use super::types::ProductCode;
use super::types::{Filter, IsoTime, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::{InstanceId, ReservationId};

/// What one RunInstances made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservation {
    /// Its id.
    pub reservation_id: ReservationId,
    /// The account.
    pub owner_id: String,
    /// Security groups of the launch.
    #[serde(default)]
    pub group_set: Set<Group>,
    /// The instances.
    pub instances_set: Set<Instance>,
}

/// A security group, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id; classic clients take the name.
    pub group_id: String,
    /// Its name.
    pub group_name: String,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Its id.
    pub instance_id: InstanceId,
    /// Its machine image.
    pub image_id: String,
    /// Its state.
    pub instance_state: State,
    /// Its name inside the cloud; its address, as long as the cloud keeps no names.
    #[serde(default)]
    pub private_dns_name: String,
    /// Its name outside; its address, as long as the cloud keeps no names.
    #[serde(default)]
    pub dns_name: String,
    /// Why it changed state, for people.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub reason: Option<String>,
    /// The key pair it was launched with.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub key_name: Option<String>,
    /// Its number in its launch, from 0.
    pub ami_launch_index: u32,
    /// Product codes of its image.
    #[serde(default)]
    pub product_codes: Set<ProductCode>,
    /// Its type.
    pub instance_type: String,
    /// When it was launched.
    pub launch_time: IsoTime,
    /// Where it runs.
    pub placement: Placed,
    /// The kernel it booted.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub kernel_id: Option<String>,
    /// The ramdisk it booted.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub ramdisk_id: Option<String>,
    /// Whether it is watched; it is not.
    pub monitoring: Monitoring,
    /// Its address inside the cloud.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub private_ip_address: Option<String>,
    /// Its address outside.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub ip_address: Option<String>,
    /// Why it is in its state, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<StateReason>,
    /// Its architecture.
    pub architecture: String,
    /// `instance-store`.
    pub root_device_type: String,
    /// Its root device.
    pub root_device_name: String,
    /// No devices: volumes bring them.
    #[serde(default)]
    pub block_device_mapping: Set<MappedVolume>,
    /// `paravirtual`: kernel and ramdisk are given to the hypervisor; `hvm`: its disk boots by itself.
    pub virtualization_type: String,
    /// The token of its launch.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub client_token: Option<String>,
    /// `kvm`.
    pub hypervisor: String,
    /// Its instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_instance_profile: Option<ProfileView>,
    /// How it may ask for its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_options: Option<MetadataView>,
    /// Its security groups.
    #[serde(default)]
    pub group_set: Set<Group>,
    /// The tags that the caller's account wrote on it; left out as the groups are.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub tag_set: Set<Tag>,
}

/// A state by number and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// 0, 16, 32, 48, 64, 80.
    pub code: u16,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping`, `stopped`.
    pub name: String,
}

/// Where an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
    /// Its zone.
    pub availability_zone: String,
    /// `default`.
    pub tenancy: String,
}

/// Whether an instance is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    /// `disabled`.
    pub state: String,
}

/// A volume of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappedVolume {
    /// `/dev/sdb`.
    pub device_name: String,
    /// `ephemeral0` or `swap`, for a disk that is no volume.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub virtual_name: Option<String>,
}

/// Lists instances. A terminated one is listed for an hour.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstances {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub instance_id: Vec<String>,
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeInstances answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reservations {
    /// The launches, each with those of its instances that were asked for.
    pub reservation_set: Set<Reservation>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// Ends instances and removes their disks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TerminateInstances {
    /// Which; if one is unknown none is ended.
    #[serde(default)]
    pub instance_id: Vec<String>,
}

/// What TerminateInstances, StopInstances and StartInstances answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedInstances {
    /// Each with its state before and now.
    pub instances_set: Set<ChangedInstance>,
}

/// An instance whose state was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangedInstance {
    /// Which.
    pub instance_id: InstanceId,
    /// Its state now.
    pub current_state: State,
    /// Its state before.
    pub previous_state: State,
}

/// Reads the end of an instance's console log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetConsoleOutput {
    /// Which.
    pub instance_id: String,
}

/// What GetConsoleOutput answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleOutput {
    /// Which.
    pub instance_id: InstanceId,
    /// When it was last added to.
    pub timestamp: IsoTime,
    /// At most the last 64 KiB, in base64; absent if nothing was written yet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
}

actions! {
    RunInstances => Reservation, Tokened, |it| it.done_to();
    DescribeInstances => Reservations, Read;
    TerminateInstances => ChangedInstances, Write, |it| subjects::instances(&it.instance_id);
    GetConsoleOutput => ConsoleOutput, Read, |it| subjects::instance(&it.instance_id);
}

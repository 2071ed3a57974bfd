//! Instance types in both shapes that clients read: `instanceTypeSet` as EC2 has it, and
//! `instanceTypeDetails` as Eucalyptus has had it for longer. One answer holds both.

use serde::{Deserialize, Serialize};

use super::types::{Filter, is_blank};
use crate::actions;
use crate::dialect::xml::Set;

/// Lists the types that instances may have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceTypes {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub instance_type: Vec<String>,
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// Whether to tell, too, how many of each there is room for; administrators only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub availability: bool,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeInstanceTypes answers: the same types twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceTypes {
    /// The types as EC2 tells them.
    #[serde(default)]
    pub instance_type_set: Set<InstanceType>,
    /// The types as Eucalyptus tells them.
    #[serde(default)]
    pub instance_type_details: Set<TypeDetails>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// A type as EC2 tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceType {
    /// Its name.
    pub instance_type: String,
    /// Whether it is of today; they all are.
    pub current_generation: bool,
    /// Whether it costs nothing at first; nothing is known of costs here.
    pub free_tier_eligible: bool,
    /// `on-demand`.
    pub supported_usage_classes: Set<String>,
    /// `instance-store`.
    pub supported_root_device_types: Set<String>,
    /// `paravirtual`: kernel and ramdisk are given to the hypervisor.
    pub supported_virtualization_types: Set<String>,
    /// Whether it is a whole host.
    pub bare_metal: bool,
    /// `kvm`.
    pub hypervisor: String,
    /// What processors it may have.
    pub processor_info: ProcessorInfo,
    /// How many.
    pub v_cpu_info: VCpuInfo,
    /// How much memory.
    pub memory_info: MemoryInfo,
    /// Whether it has a disk of its own.
    pub instance_storage_supported: bool,
    /// That disk.
    pub instance_storage_info: StorageInfo,
    /// What it can do with volumes.
    pub ebs_info: EbsInfo,
    /// Its cards.
    pub network_info: NetworkInfo,
    /// What placement groups it may be in.
    pub placement_group_info: PlacementGroupInfo,
    /// Whether its memory can be put on disk.
    pub hibernation_supported: bool,
    /// Whether its processors are lent by credits.
    pub burstable_performance_supported: bool,
    /// Whether it can have a host for itself.
    pub dedicated_hosts_supported: bool,
    /// Whether it moves when its host fails.
    pub auto_recovery_supported: bool,
    /// `legacy-bios`.
    pub supported_boot_modes: Set<String>,
}

/// What processors a type may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorInfo {
    /// `x86_64`, `i386`.
    pub supported_architectures: Set<String>,
}

/// How many processors a type has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VCpuInfo {
    /// Virtual processors.
    #[serde(rename = "defaultVCpus")]
    pub default_vcpus: u32,
    /// Cores.
    #[serde(rename = "defaultCores")]
    pub default_cores: u32,
    /// Threads of each core.
    #[serde(rename = "defaultThreadsPerCore")]
    pub default_threads_per_core: u32,
}

/// How much memory a type has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryInfo {
    /// In MiB.
    #[serde(rename = "sizeInMiB")]
    pub size_in_mib: u64,
}

/// The disk of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageInfo {
    /// In GiB, whatever the name says.
    #[serde(rename = "totalSizeInGB")]
    pub total_size_in_gb: u64,
    /// Its parts: one.
    pub disks: Set<Disk>,
    /// `unsupported`.
    pub nvme_support: String,
    /// `unsupported`.
    pub encryption_support: String,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// In GiB, whatever the name says.
    #[serde(rename = "sizeInGB")]
    pub size_in_gb: u64,
    /// How many of these.
    pub count: u32,
}

/// What a type can do with volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EbsInfo {
    /// `unsupported`.
    pub ebs_optimized_support: String,
    /// `unsupported`.
    pub encryption_support: String,
    /// `unsupported`.
    pub nvme_support: String,
}

/// The cards of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkInfo {
    /// How many interfaces it may have.
    pub maximum_network_interfaces: u32,
    /// On how many cards.
    pub maximum_network_cards: u32,
    /// Addresses of each interface.
    pub ipv4_addresses_per_interface: u32,
    /// Addresses of each interface.
    pub ipv6_addresses_per_interface: u32,
    /// Whether it may have such.
    pub ipv6_supported: bool,
    /// `unsupported`.
    pub ena_support: String,
    /// Whether it has one of AWS' own adapters.
    pub efa_supported: bool,
}

/// What placement groups a type may be in: none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacementGroupInfo {
    /// None.
    pub supported_strategies: Set<String>,
}

/// A type as Eucalyptus tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeDetails {
    /// Its name.
    pub name: String,
    /// Virtual processors.
    pub cpu: u32,
    /// Disk in GiB.
    pub disk: u64,
    /// Memory in MiB.
    pub memory: u64,
    /// How many interfaces it may have.
    pub network_interfaces: u32,
    /// How many there is room for in each zone, if that was asked; left out if not, because boto 2
    /// takes every item for one more type.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub availability: Set<Availability>,
}

/// How many instances of a type a zone has room for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// The zone.
    pub zone_name: String,
    /// How many fit if it is empty.
    pub max: u64,
    /// How many fit now.
    pub available: u64,
}

/// Lists where which types can be had: everywhere.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceTypeOfferings {
    /// `region`, which is meant if it is absent, or `availability-zone`.
    #[serde(default)]
    pub location_type: Option<String>,
    /// Only those that match: `instance-type`, `location`.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeInstanceTypeOfferings answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offerings {
    /// The offerings.
    pub instance_type_offering_set: Set<Offering>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// A type somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offering {
    /// The type's name.
    pub instance_type: String,
    /// `region` or `availability-zone`.
    pub location_type: String,
    /// The name of the region or zone.
    pub location: String,
}

actions! {
    DescribeInstanceTypes => InstanceTypes, Read;
    DescribeInstanceTypeOfferings => Offerings, Read;
}

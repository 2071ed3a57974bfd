//! Regions and availability zones.

use serde::{Deserialize, Serialize};

use super::types::Filter;
use crate::actions;
use crate::dialect::xml::Set;

/// Lists the cloud's one region.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeRegions {
    /// Only these.
    #[serde(default)]
    pub region_name: Vec<String>,
    /// Only those that match: `region-name`, `endpoint`.
    #[serde(default)]
    pub filter: Vec<Filter>,
}

/// What DescribeRegions answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Regions {
    /// The regions.
    pub region_info: Set<Region>,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Its name.
    pub region_name: String,
    /// The URL of its EC2 API.
    pub region_endpoint: String,
}

/// Lists the zones; the one name `verbose` asks, as in 2.0, for the capacity of each type too.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAvailabilityZones {
    /// Only these, or `verbose`.
    #[serde(default)]
    pub zone_name: Vec<String>,
    /// Only those that match: `zone-name`, `state`, `region-name`, `message`.
    #[serde(default)]
    pub filter: Vec<Filter>,
}

/// What DescribeAvailabilityZones answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityZones {
    /// The zones, and with `verbose` lines of capacity below each.
    pub availability_zone_info: Set<AvailabilityZone>,
}

/// A zone, or with `verbose` a line of its capacity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityZone {
    /// Its name.
    pub zone_name: String,
    /// `available`, `unavailable`, or the figures of a line of capacity.
    pub zone_state: String,
    /// The region.
    pub region_name: String,
    /// What is to be known about it.
    #[serde(default)]
    pub message_set: Set<Message>,
}

/// A message about a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The sentence.
    pub message: String,
}

actions! {
    DescribeRegions => Regions, Read;
    DescribeAvailabilityZones => AvailabilityZones, Read;
}

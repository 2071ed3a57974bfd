//! How instances fare, as far as that is seen from outside.

use serde::{Deserialize, Serialize};

use super::instances::State;
use super::types::{Filter, IsoTime, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::InstanceId;

/// Tells how instances fare that run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeInstanceStatus {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub instance_id: Vec<String>,
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// Whether to tell of those, too, that do not run.
    #[serde(default)]
    pub include_all_instances: bool,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeInstanceStatus answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatuses {
    /// The instances.
    pub instance_status_set: Set<InstanceStatus>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// How an instance fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceStatus {
    /// Which.
    pub instance_id: InstanceId,
    /// Its zone.
    pub availability_zone: String,
    /// What is planned with it: nothing, ever.
    #[serde(default)]
    pub events_set: Set<String>,
    /// Its state.
    pub instance_state: State,
    /// How its host fares.
    pub system_status: Status,
    /// How it fares itself.
    pub instance_status: Status,
}

/// How something fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// `ok`, `impaired`, `initializing`, `insufficient-data` or `not-applicable`.
    pub status: String,
    /// What was looked at; left out if nothing was.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub details: Set<Detail>,
}

/// What was looked at, and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// `reachability`.
    pub name: String,
    /// `passed`, `failed`, `initializing` or `insufficient-data`.
    pub status: String,
    /// Since when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impaired_since: Option<IsoTime>,
}

actions! {
    DescribeInstanceStatus => InstanceStatuses, Read;
}

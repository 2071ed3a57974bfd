//! Instances stopped, started and rebooted.

use serde::{Deserialize, Serialize};

use super::instances::ChangedInstances;
use super::subjects;
use super::types::Done;
use crate::actions;

/// Stops instances; their disks stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StopInstances {
    /// Which; if one cannot be stopped none is.
    #[serde(default)]
    pub instance_id: Vec<String>,
    /// Do not wait for the guests to shut down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// Keep what is in memory; cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hibernate: Option<bool>,
    /// The same, under its newer name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_os_shutdown: Option<bool>,
}

/// Starts instances that were stopped.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StartInstances {
    /// Which; if one cannot be started none is.
    #[serde(default)]
    pub instance_id: Vec<String>,
}

/// Reboots instances that run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RebootInstances {
    /// Which; if one cannot be rebooted none is.
    #[serde(default)]
    pub instance_id: Vec<String>,
}

actions! {
    StopInstances => ChangedInstances, Write, |it| subjects::instances(&it.instance_id);
    StartInstances => ChangedInstances, Write, |it| subjects::instances(&it.instance_id);
    RebootInstances => Done, Write, |it| subjects::instances(&it.instance_id);
}

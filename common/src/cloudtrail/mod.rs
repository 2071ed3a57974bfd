//! CloudTrail's API as types: looking up what was asked of the cloud, and by whom.

use serde::{Deserialize, Serialize};

use crate::actions;

/// What policies call the API.
pub const PREFIX: &str = "cloudtrail";
/// What its requests name in `X-Amz-Target`, before the action.
pub const TARGET: &str = "CloudTrail_20131101";
/// Its version.
pub const VERSION: &str = "2013-11-01";
/// The namespace of what is answered as XML, to those who ask by a form.
pub const NAMESPACE: &str = "http://cloudtrail.amazonaws.com/doc/2013-11-01/";

/// Looks up calls, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LookupEvents {
    /// What must hold, all of it.
    pub lookup_attributes: Vec<LookupAttribute>,
    /// Not before: seconds since 1970, or ISO 8601.
    pub start_time: Option<String>,
    /// Not after.
    pub end_time: Option<String>,
    /// How many at most, 1 to 50; 50 if absent.
    pub max_results: Option<i64>,
    /// Where the last answer ended.
    pub next_token: Option<String>,
    /// `insight`, which nobody keeps here.
    pub event_category: Option<String>,
}

/// A condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LookupAttribute {
    /// `EventId`, `EventName`, `ReadOnly`, `Username`, `ResourceName`, `EventSource` or
    /// `AccessKeyId`.
    pub attribute_key: String,
    /// What it has to be.
    pub attribute_value: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FoundEvents {
    /// The calls.
    #[serde(default)]
    pub events: Vec<FoundEvent>,
    /// What to ask with for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FoundEvent {
    /// The id of the request.
    pub event_id: String,
    /// The action.
    pub event_name: String,
    /// `true` or `false`.
    pub read_only: String,
    /// The access key that it was asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Seconds since 1970.
    pub event_time: f64,
    /// `ec2.amazonaws.com`.
    pub event_source: String,
    /// The user's or role's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What it was done to.
    #[serde(default)]
    pub resources: Vec<FoundResource>,
    /// Everything, as JSON.
    pub cloud_trail_event: String,
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FoundResource {
    /// `AWS::EC2::Instance`, if that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// Its ARN or id.
    pub resource_name: String,
}

actions! {
    LookupEvents => FoundEvents, Read;
}

/// Every action that the cloud answers.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().copied()
}

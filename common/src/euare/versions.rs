//! Versions of managed policies: one of at most five counts.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing};
use super::managed::policy;
use crate::actions;
use crate::ec2::types::is_blank;

/// A version as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyVersion {
    /// The policy's text, percent-encoded; lists leave it out.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub document: Option<String>,
    /// `v1`.
    pub version_id: String,
    /// Whether it counts.
    pub is_default_version: bool,
    /// When it was made.
    pub create_date: Moment,
}

/// What CreatePolicyVersion and GetPolicyVersion answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneVersion {
    /// The version.
    pub policy_version: PolicyVersion,
}

/// Adds a version to a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatePolicyVersion {
    /// The policy's ARN.
    pub policy_arn: String,
    /// The text.
    pub policy_document: String,
    /// Whether it counts from now on.
    #[serde(default)]
    pub set_as_default: bool,
}

/// Reads a version with its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPolicyVersion {
    /// The policy's ARN.
    pub policy_arn: String,
    /// `v1`.
    pub version_id: String,
}

/// Lists the versions of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicyVersions {
    /// The policy's ARN.
    pub policy_arn: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// What ListPolicyVersions answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionList {
    /// The versions, the newest first.
    pub versions: Members<PolicyVersion>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// Makes another version the one that counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SetDefaultPolicyVersion {
    /// The policy's ARN.
    pub policy_arn: String,
    /// `v1`.
    pub version_id: String,
}

/// Removes a version that does not count.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeletePolicyVersion {
    /// The policy's ARN.
    pub policy_arn: String,
    /// `v1`.
    pub version_id: String,
}

actions! {
    CreatePolicyVersion => OneVersion, Write, |it| policy(&it.policy_arn);
    GetPolicyVersion => OneVersion, Read, |it| policy(&it.policy_arn);
    ListPolicyVersions => VersionList, Read, |it| policy(&it.policy_arn);
    SetDefaultPolicyVersion => Nothing, Write, |it| policy(&it.policy_arn);
    DeletePolicyVersion => Nothing, Write, |it| policy(&it.policy_arn);
}

//! Managed policies: made once, attached to many.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing, Tag};
use super::subjects::{new, tagged, untagged};
use super::tagging::TagList;
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::{Resource, Subject};

/// A managed policy as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// Its name.
    pub policy_name: String,
    /// `ANPA…`.
    pub policy_id: String,
    /// Its ARN.
    pub arn: String,
    /// `/` or `/division/`.
    pub path: String,
    /// Which version counts: `v3`.
    pub default_version_id: String,
    /// How many users, groups and roles of the account have it.
    pub attachment_count: u32,
    /// For how many users and roles of the account it is the permissions boundary.
    pub permissions_boundary_usage_count: u32,
    /// True.
    pub is_attachable: bool,
    /// What it is for; lists leave it out.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// When it was made.
    pub create_date: Moment,
    /// When another version last became the one that counts.
    pub update_date: Moment,
    /// What was written on it; lists leave it out.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub tags: Members<Tag>,
}

/// What CreatePolicy and GetPolicy answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnePolicy {
    /// The policy.
    pub policy: Policy,
}

/// Makes a managed policy, whose first version counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreatePolicy {
    /// Its name.
    pub policy_name: String,
    /// `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Its text.
    pub policy_document: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What is written on it.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Reads what is known of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPolicy {
    /// Its ARN.
    pub policy_arn: String,
}

/// Lists managed policies.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicies {
    /// `All` (the default), `AWS` for those that every account finds, `Local` for the account's.
    #[serde(default)]
    pub scope: Option<String>,
    /// Only those that are attached.
    #[serde(default)]
    pub only_attached: bool,
    /// Only those whose path begins so.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// Only those used as `PermissionsPolicy` or as `PermissionsBoundary`.
    #[serde(default)]
    pub policy_usage_filter: Option<String>,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// What ListPolicies answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyList {
    /// The policies by name: the account's, then the cloud's.
    pub policies: Members<Policy>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// Removes a managed policy that nobody has, and that has one version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeletePolicy {
    /// Its ARN.
    pub policy_arn: String,
}

/// Writes tags on a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagPolicy {
    /// Its ARN.
    pub policy_arn: String,
    /// The tags; a key that is there gets the new value.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Takes tags off a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagPolicy {
    /// Its ARN.
    pub policy_arn: String,
    /// The keys.
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

/// Lists the tags of a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListPolicyTags {
    /// Its ARN.
    pub policy_arn: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A policy as what an action is done to.
pub(super) fn policy(arn: &str) -> Subject {
    Subject::of([Resource::Arn(arn.to_owned())])
}

actions! {
    CreatePolicy => OnePolicy, Write, |it| tagged(new("policy", it.path.as_deref(), &it.policy_name), &it.tags);
    GetPolicy => OnePolicy, Read, |it| policy(&it.policy_arn);
    ListPolicies => PolicyList, Read;
    DeletePolicy => Nothing, Write, |it| policy(&it.policy_arn);
    TagPolicy => Nothing, Write, |it| tagged(policy(&it.policy_arn), &it.tags);
    UntagPolicy => Nothing, Write, |it| untagged(policy(&it.policy_arn), &it.tag_keys);
    ListPolicyTags => TagList, Read, |it| policy(&it.policy_arn);
}

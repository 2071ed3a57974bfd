//! All that an account's permissions are made of, in one listing.

use serde::{Deserialize, Serialize};

use super::attachments::AttachedPolicy;
use super::elements::{Boundary, Members, Moment, Tag};
use super::instance_profiles::InstanceProfile;
use super::versions::PolicyVersion;
use crate::actions;
use crate::ec2::types::is_blank;

/// Lists users, groups, roles and managed policies with all that they hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountAuthorizationDetails {
    /// Only `User`, `Group`, `Role`, `LocalManagedPolicy`, `AWSManagedPolicy`; all if absent.
    #[serde(default)]
    pub filter: Vec<String>,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// What GetAccountAuthorizationDetails answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AuthorizationDetails {
    /// The users.
    pub user_detail_list: Members<UserDetail>,
    /// The groups.
    pub group_detail_list: Members<GroupDetail>,
    /// The roles.
    pub role_detail_list: Members<RoleDetail>,
    /// The managed policies.
    pub policies: Members<PolicyDetail>,
    /// Whether there is more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// A policy of somebody's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InlinePolicy {
    /// Its name.
    pub policy_name: String,
    /// Its text, percent-encoded.
    pub policy_document: String,
}

/// A user with all that they hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserDetail {
    /// `/` or `/division/`.
    pub path: String,
    /// The name.
    pub user_name: String,
    /// `AIDA…`.
    pub user_id: String,
    /// The ARN.
    pub arn: String,
    /// When they were made.
    pub create_date: Moment,
    /// Policies of their own.
    pub user_policy_list: Members<InlinePolicy>,
    /// The groups that they are in.
    pub group_list: Members<String>,
    /// Managed policies that they have.
    pub attached_managed_policies: Members<AttachedPolicy>,
    /// Their permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    /// What was written on them.
    pub tags: Members<Tag>,
}

/// A group with all that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupDetail {
    /// `/` or `/division/`.
    pub path: String,
    /// Its name.
    pub group_name: String,
    /// `AGPA…`.
    pub group_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub create_date: Moment,
    /// Policies of its own.
    pub group_policy_list: Members<InlinePolicy>,
    /// Managed policies that it has.
    pub attached_managed_policies: Members<AttachedPolicy>,
}

/// A role with all that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleDetail {
    /// `/` or `/division/`.
    pub path: String,
    /// Its name.
    pub role_name: String,
    /// `AROA…`.
    pub role_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub create_date: Moment,
    /// Who may take it on: a policy, percent-encoded.
    pub assume_role_policy_document: String,
    /// The instance profiles that it is in.
    pub instance_profile_list: Members<InstanceProfile>,
    /// Policies of its own.
    pub role_policy_list: Members<InlinePolicy>,
    /// Managed policies that it has.
    pub attached_managed_policies: Members<AttachedPolicy>,
    /// Its permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    /// What was written on it.
    pub tags: Members<Tag>,
}

/// A managed policy with its versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDetail {
    /// Its name.
    pub policy_name: String,
    /// `ANPA…`.
    pub policy_id: String,
    /// Its ARN.
    pub arn: String,
    /// `/` or `/division/`.
    pub path: String,
    /// Which version counts.
    pub default_version_id: String,
    /// How many users, groups and roles of the account have it.
    pub attachment_count: u32,
    /// For how many users and roles of the account it is the permissions boundary.
    pub permissions_boundary_usage_count: u32,
    /// True.
    pub is_attachable: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// When it was made.
    pub create_date: Moment,
    /// When another version last became the one that counts.
    pub update_date: Moment,
    /// Its versions with their texts, the newest first.
    pub policy_version_list: Members<PolicyVersion>,
}

actions! {
    GetAccountAuthorizationDetails => AuthorizationDetails, Read;
}

//! Managed policies attached to users, groups and roles, and permissions boundaries.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Nothing};
use super::managed::policy;
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::{Context, Subject};

/// A managed policy by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicy {
    /// Its name.
    pub policy_name: String,
    /// Its ARN.
    pub policy_arn: String,
}

/// What ListAttachedUserPolicies, ListAttachedGroupPolicies and ListAttachedRolePolicies answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttachedPolicies {
    /// The policies, by ARN.
    pub attached_policies: Members<AttachedPolicy>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

macro_rules! attached_policies {
    ($of:literal, $field:ident: $attach:ident, $detach:ident, $list:ident) => {
        #[doc = concat!("Attaches a managed policy to a ", $of, ".")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $attach {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's ARN: one of the account's, or one that every account finds.
            pub policy_arn: String,
        }

        #[doc = concat!("Takes a managed policy off a ", $of, ".")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $detach {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's ARN.
            pub policy_arn: String,
        }

        #[doc = concat!("Lists the managed policies that are attached to a ", $of, ".")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $list {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// Only those whose path begins so.
            #[serde(default)]
            pub path_prefix: Option<String>,
            /// The page behind the one that gave this marker.
            #[serde(default)]
            pub marker: Option<String>,
            /// At most so many, 1 to 1000.
            #[serde(default)]
            pub max_items: Option<u32>,
        }
    };
}

attached_policies!("user", user_name: AttachUserPolicy, DetachUserPolicy, ListAttachedUserPolicies);
attached_policies!("group", group_name: AttachGroupPolicy, DetachGroupPolicy, ListAttachedGroupPolicies);
attached_policies!("role", role_name: AttachRolePolicy, DetachRolePolicy, ListAttachedRolePolicies);

/// Lists who has a managed policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListEntitiesForPolicy {
    /// The policy's ARN.
    pub policy_arn: String,
    /// Only `User`, `Group` or `Role`.
    #[serde(default)]
    pub entity_filter: Option<String>,
    /// Only those whose path begins so.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// Only those that have it as `PermissionsPolicy` or as `PermissionsBoundary`.
    #[serde(default)]
    pub policy_usage_filter: Option<String>,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// What ListEntitiesForPolicy answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyEntities {
    /// The groups.
    pub policy_groups: Members<PolicyGroup>,
    /// The users.
    pub policy_users: Members<PolicyUser>,
    /// The roles.
    pub policy_roles: Members<PolicyRole>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// A group that has a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyGroup {
    /// Its name.
    pub group_name: String,
    /// Its id.
    pub group_id: String,
}

/// A user who has a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyUser {
    /// The name.
    pub user_name: String,
    /// The id.
    pub user_id: String,
}

/// A role that has a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyRole {
    /// Its name.
    pub role_name: String,
    /// Its id.
    pub role_id: String,
}

/// Makes a managed policy the boundary of what a user may be allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutUserPermissionsBoundary {
    /// The user's name.
    pub user_name: String,
    /// The policy's ARN.
    pub permissions_boundary: String,
}

/// Takes a user's boundary away.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteUserPermissionsBoundary {
    /// The user's name.
    pub user_name: String,
}

/// Makes a managed policy the boundary of what a role may be allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutRolePermissionsBoundary {
    /// The role's name.
    pub role_name: String,
    /// The policy's ARN.
    pub permissions_boundary: String,
}

/// Takes a role's boundary away.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRolePermissionsBoundary {
    /// The role's name.
    pub role_name: String,
}

/// A policy that is attached or taken off, as conditions ask for it.
fn about(kind: &'static str, name: &str, policy: &str) -> Subject {
    Subject::iam(kind, name).when(Context::new().with("iam:policyarn", policy))
}

/// A boundary, as conditions ask for it.
pub(super) fn bounded(policy: Option<&str>) -> Context {
    Context::new().with_some("iam:permissionsboundary", policy)
}

actions! {
    AttachUserPolicy => Nothing, Write, |it| about("user", &it.user_name, &it.policy_arn);
    DetachUserPolicy => Nothing, Write, |it| about("user", &it.user_name, &it.policy_arn);
    ListAttachedUserPolicies => AttachedPolicies, Read, |it| Subject::iam("user", &it.user_name);
    AttachGroupPolicy => Nothing, Write, |it| about("group", &it.group_name, &it.policy_arn);
    DetachGroupPolicy => Nothing, Write, |it| about("group", &it.group_name, &it.policy_arn);
    ListAttachedGroupPolicies => AttachedPolicies, Read, |it| Subject::iam("group", &it.group_name);
    AttachRolePolicy => Nothing, Write, |it| about("role", &it.role_name, &it.policy_arn);
    DetachRolePolicy => Nothing, Write, |it| about("role", &it.role_name, &it.policy_arn);
    ListAttachedRolePolicies => AttachedPolicies, Read, |it| Subject::iam("role", &it.role_name);
    ListEntitiesForPolicy => PolicyEntities, Read, |it| policy(&it.policy_arn);
    PutUserPermissionsBoundary => Nothing, Write, |it| {
        Subject::iam("user", &it.user_name).when(bounded(Some(&it.permissions_boundary)))
    };
    DeleteUserPermissionsBoundary => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    PutRolePermissionsBoundary => Nothing, Write, |it| {
        Subject::iam("role", &it.role_name).when(bounded(Some(&it.permissions_boundary)))
    };
    DeleteRolePermissionsBoundary => Nothing, Write, |it| Subject::iam("role", &it.role_name);
}

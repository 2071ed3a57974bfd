//! Roles: permissions that others take on for a while.

use serde::{Deserialize, Serialize};

use super::attachments::bounded;
use super::elements::{Boundary, Members, Moment, Nothing, Tag};
use super::subjects::{new, tagged, untagged};
use super::tagging::TagList;
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::Subject;

/// A role as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
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
    /// What it is for.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// How long a session may last at most, seconds.
    pub max_session_duration: u32,
    /// Its permissions boundary; lists leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    /// What was written on it; lists leave it out.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub tags: Members<Tag>,
}

/// What CreateRole, GetRole and UpdateRoleDescription answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneRole {
    /// The role.
    pub role: Role,
}

/// Makes a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateRole {
    /// `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Its name.
    pub role_name: String,
    /// Who may take it on: a policy's text.
    pub assume_role_policy_document: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// How long a session may last at most: 3600 (the default) to 43200 seconds.
    #[serde(default)]
    pub max_session_duration: Option<u32>,
    /// The ARN of the managed policy that is its boundary.
    #[serde(default)]
    pub permissions_boundary: Option<String>,
    /// What is written on it.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Reads a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRole {
    /// Its name.
    pub role_name: String,
}

/// Lists the account's roles.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoles {
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

/// What ListRoles answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleList {
    /// The roles, by name.
    pub roles: Members<Role>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// Changes what a role is for and how long its sessions may last; what is absent stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRole {
    /// Its name.
    pub role_name: String,
    /// What it is for; an empty text removes it.
    #[serde(default, rename(serialize = "Description", deserialize = "Description?"))]
    pub description: Option<String>,
    /// 3600 to 43200 seconds.
    #[serde(default)]
    pub max_session_duration: Option<u32>,
}

/// Changes what a role is for, and shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateRoleDescription {
    /// Its name.
    pub role_name: String,
    /// What it is for; may be empty.
    #[serde(rename(serialize = "Description", deserialize = "Description?"))]
    pub description: String,
}

/// Changes who may take a role on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAssumeRolePolicy {
    /// Its name.
    pub role_name: String,
    /// A policy's text.
    pub policy_document: String,
}

/// Removes a role that has no policies and is in no instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteRole {
    /// Its name.
    pub role_name: String,
}

/// Writes tags on a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagRole {
    /// Its name.
    pub role_name: String,
    /// The tags; a key that is there gets the new value.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Takes tags off a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagRole {
    /// Its name.
    pub role_name: String,
    /// The keys.
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

/// Lists the tags of a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListRoleTags {
    /// Its name.
    pub role_name: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

actions! {
    CreateRole => OneRole, Write, |it| {
        tagged(new("role", it.path.as_deref(), &it.role_name), &it.tags)
            .when(bounded(it.permissions_boundary.as_deref()))
    };
    GetRole => OneRole, Read, |it| Subject::iam("role", &it.role_name);
    ListRoles => RoleList, Read;
    UpdateRole => Nothing, Write, |it| Subject::iam("role", &it.role_name);
    UpdateRoleDescription => OneRole, Write, |it| Subject::iam("role", &it.role_name);
    UpdateAssumeRolePolicy => Nothing, Write, |it| Subject::iam("role", &it.role_name);
    DeleteRole => Nothing, Write, |it| Subject::iam("role", &it.role_name);
    TagRole => Nothing, Write, |it| tagged(Subject::iam("role", &it.role_name), &it.tags);
    UntagRole => Nothing, Write, |it| untagged(Subject::iam("role", &it.role_name), &it.tag_keys);
    ListRoleTags => TagList, Read, |it| Subject::iam("role", &it.role_name);
}

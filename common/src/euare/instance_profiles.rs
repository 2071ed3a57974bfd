//! Instance profiles: what instances are given so that they can take on a role.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing, Tag};
use super::roles::Role;
use super::subjects::{new, tagged, untagged};
use super::tagging::TagList;
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::Subject;

/// An instance profile as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InstanceProfile {
    /// `/` or `/division/`.
    pub path: String,
    /// Its name.
    pub instance_profile_name: String,
    /// `AIPA…`.
    pub instance_profile_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub create_date: Moment,
    /// Its role, if it has one.
    pub roles: Members<Role>,
    /// What was written on it; lists leave it out.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub tags: Members<Tag>,
}

/// What CreateInstanceProfile and GetInstanceProfile answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneInstanceProfile {
    /// The profile.
    pub instance_profile: InstanceProfile,
}

/// Makes an instance profile without a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateInstanceProfile {
    /// Its name.
    pub instance_profile_name: String,
    /// `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// What is written on it.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Reads an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetInstanceProfile {
    /// Its name.
    pub instance_profile_name: String,
}

/// Lists the account's instance profiles.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfiles {
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

/// Lists the instance profiles that a role is in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfilesForRole {
    /// The role's name.
    pub role_name: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// What ListInstanceProfiles and ListInstanceProfilesForRole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InstanceProfileList {
    /// The profiles, by name.
    pub instance_profiles: Members<InstanceProfile>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// Removes an instance profile that has no role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteInstanceProfile {
    /// Its name.
    pub instance_profile_name: String,
}

/// Puts a role into an instance profile that has none.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddRoleToInstanceProfile {
    /// The profile's name.
    pub instance_profile_name: String,
    /// The role's name.
    pub role_name: String,
}

/// Takes the role out of an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoveRoleFromInstanceProfile {
    /// The profile's name.
    pub instance_profile_name: String,
    /// The role's name.
    pub role_name: String,
}

/// Writes tags on an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagInstanceProfile {
    /// Its name.
    pub instance_profile_name: String,
    /// The tags; a key that is there gets the new value.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Takes tags off an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagInstanceProfile {
    /// Its name.
    pub instance_profile_name: String,
    /// The keys.
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

/// Lists the tags of an instance profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListInstanceProfileTags {
    /// Its name.
    pub instance_profile_name: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

fn profile(name: &str) -> Subject {
    Subject::iam("instance-profile", name)
}

actions! {
    CreateInstanceProfile => OneInstanceProfile, Write, |it| {
        tagged(new("instance-profile", it.path.as_deref(), &it.instance_profile_name), &it.tags)
    };
    GetInstanceProfile => OneInstanceProfile, Read, |it| profile(&it.instance_profile_name);
    ListInstanceProfiles => InstanceProfileList, Read;
    ListInstanceProfilesForRole => InstanceProfileList, Read, |it| Subject::iam("role", &it.role_name);
    DeleteInstanceProfile => Nothing, Write, |it| profile(&it.instance_profile_name);
    AddRoleToInstanceProfile => Nothing, Write, |it| profile(&it.instance_profile_name);
    RemoveRoleFromInstanceProfile => Nothing, Write, |it| profile(&it.instance_profile_name);
    TagInstanceProfile => Nothing, Write, |it| {
        tagged(profile(&it.instance_profile_name), &it.tags)
    };
    UntagInstanceProfile => Nothing, Write, |it| {
        untagged(profile(&it.instance_profile_name), &it.tag_keys)
    };
    ListInstanceProfileTags => TagList, Read, |it| profile(&it.instance_profile_name);
}

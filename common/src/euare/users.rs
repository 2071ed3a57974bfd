//! Users: made, told, listed, renamed, removed, tagged.

use serde::{Deserialize, Serialize};

use super::elements::{Boundary, Members, Moment, Nothing, Tag};
use super::subjects;
use crate::actions;
use crate::iam::{Context, Subject};

/// Makes a user, who may do nothing until policies let it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateUser {
    /// Its name, unique in the account without regard to case.
    pub user_name: String,
    /// Its path; `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// The ARN of the managed policy that is its boundary.
    #[serde(default)]
    pub permissions_boundary: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// A user that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneUser {
    /// The user.
    pub user: User,
}

/// A user as IAM tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct User {
    /// Its path.
    pub path: String,
    /// Its name.
    pub user_name: String,
    /// `AIDA…`.
    pub user_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub create_date: Moment,
    /// Whether it may use anything; told if `ShowExtra` asks for it, as Eucalyptus tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its boundary; lists do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Boundary>,
    /// Its tags; lists do not tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Members<Tag>>,
}

/// Tells one user, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetUser {
    /// Its name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Whether to tell what only Eucalyptus tells.
    #[serde(default)]
    pub show_extra: bool,
}

/// Lists the users of the account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUsers {
    /// Only those whose path begins so.
    #[serde(default)]
    pub path_prefix: Option<String>,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A page of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Users {
    /// The users, by name.
    pub users: Members<User>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Renames or moves a user, who keeps all that it has. Eucalyptus' administrators also let it use
/// the cloud, or nothing of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateUser {
    /// Its name.
    pub user_name: String,
    /// Its new path.
    #[serde(default)]
    pub new_path: Option<String>,
    /// Its new name.
    #[serde(default)]
    pub new_user_name: Option<String>,
    /// Whether it may use anything.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Eucalyptus' expiry of passwords; not heeded, so refused.
    #[serde(default)]
    pub password_expiration: Option<String>,
    /// Eucalyptus' state of a registration; not heeded, so refused.
    #[serde(default)]
    pub reg_status: Option<String>,
}

/// Removes a user that has nothing left, or with all that it has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteUser {
    /// Its name.
    pub user_name: String,
    /// Whether to remove what it has, too, as Eucalyptus does.
    #[serde(default)]
    pub is_recursive: bool,
}

/// Writes tags on a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagUser {
    /// Its name.
    pub user_name: String,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Takes tags off a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagUser {
    /// Its name.
    pub user_name: String,
    /// Their keys.
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

/// Lists the tags on a user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListUserTags {
    /// Its name.
    pub user_name: String,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A page of tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UserTags {
    /// The tags, by key.
    pub tags: Members<Tag>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

fn new_user(it: &CreateUser) -> Subject {
    let boundary = it.permissions_boundary.as_deref();
    let context = Context::new().with_some("iam:permissionsboundary", boundary);
    let subject = subjects::new("user", it.path.as_deref(), &it.user_name).when(context);
    subjects::tagged(subject, &it.tags)
}

actions! {
    CreateUser => OneUser, Write, |it| new_user(it);
    GetUser => OneUser, Read, |it| subjects::user_or_own(it.user_name.as_deref());
    ListUsers => Users, Read;
    UpdateUser => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    DeleteUser => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    TagUser => Nothing, Write, |it| subjects::tagged(Subject::iam("user", &it.user_name), &it.tags);
    UntagUser => Nothing, Write,
        |it| subjects::untagged(Subject::iam("user", &it.user_name), &it.tag_keys);
    ListUserTags => UserTags, Read, |it| Subject::iam("user", &it.user_name);
}

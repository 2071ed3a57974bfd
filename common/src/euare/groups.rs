//! Groups of users, and who is in them.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing};
use super::subjects;
use super::users::User;
use crate::actions;
use crate::iam::Subject;

/// Makes a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGroup {
    /// Its name, unique in the account without regard to case.
    pub group_name: String,
    /// Its path; `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
}

/// A group that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneGroup {
    /// The group.
    pub group: Group,
}

/// A group as IAM tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Group {
    /// Its path.
    pub path: String,
    /// Its name.
    pub group_name: String,
    /// `AGPA…`.
    pub group_id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub create_date: Moment,
}

/// Tells a group and who is in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetGroup {
    /// Its name.
    pub group_name: String,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many users, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A group and a page of its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupWithUsers {
    /// The group.
    pub group: Group,
    /// Its users, by name.
    pub users: Members<User>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Lists the groups of the account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroups {
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

/// A page of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Groups {
    /// The groups, by name.
    pub groups: Members<Group>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Renames or moves a group; who is in it stays in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateGroup {
    /// Its name.
    pub group_name: String,
    /// Its new path.
    #[serde(default)]
    pub new_path: Option<String>,
    /// Its new name.
    #[serde(default)]
    pub new_group_name: Option<String>,
}

/// Removes a group that has nothing left, or with all that it has.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteGroup {
    /// Its name.
    pub group_name: String,
    /// Whether to take out whoever is in it and remove its policies, too, as Eucalyptus does.
    #[serde(default)]
    pub is_recursive: bool,
}

/// Puts a user into a group; one that is in it already stays there.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddUserToGroup {
    /// The group.
    pub group_name: String,
    /// The user.
    pub user_name: String,
}

/// Takes a user out of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoveUserFromGroup {
    /// The group.
    pub group_name: String,
    /// The user.
    pub user_name: String,
}

/// Lists the groups that a user is in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGroupsForUser {
    /// The user.
    pub user_name: String,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

actions! {
    CreateGroup => OneGroup, Write,
        |it| subjects::new("group", it.path.as_deref(), &it.group_name);
    GetGroup => GroupWithUsers, Read, |it| Subject::iam("group", &it.group_name);
    ListGroups => Groups, Read;
    UpdateGroup => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    DeleteGroup => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    AddUserToGroup => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    RemoveUserFromGroup => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    ListGroupsForUser => Groups, Read, |it| Subject::iam("user", &it.user_name);
}

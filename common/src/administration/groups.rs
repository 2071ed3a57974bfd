//! Groups of users, which say who may use which availability zone.

use serde::{Deserialize, Serialize};

use super::elements::{Done, Entries, Items};
use crate::actions;

/// Makes a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddGroup {
    /// Its name.
    pub group_name: String,
}

/// Removes a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteGroup {
    /// Its name.
    pub group_name: String,
}

/// Lists groups.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeGroups {
    /// These only; all if there is none.
    #[serde(default)]
    pub group_names: Vec<String>,
}

/// Groups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    /// The groups.
    #[serde(rename(serialize = "euca:groups", deserialize = "groups"), default)]
    pub groups: Items<Group>,
}

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its name.
    #[serde(rename(serialize = "euca:groupName", deserialize = "groupName"))]
    pub group_name: String,
    /// The users in it.
    #[serde(rename(serialize = "euca:users", deserialize = "users"), default)]
    pub users: Entries,
    /// The zones that they may use.
    #[serde(rename(serialize = "euca:authorizations", deserialize = "authorizations"), default)]
    pub authorizations: Entries,
}

/// Puts a user into a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AddGroupMember {
    /// The group.
    pub group_name: String,
    /// The user.
    pub user_name: String,
}

/// Takes a user out of a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RemoveGroupMember {
    /// The group.
    pub group_name: String,
    /// The user.
    pub user_name: String,
}

/// Lets a group use a zone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantGroupAuthorization {
    /// The group.
    pub group_name: String,
    /// The zone.
    pub zone_name: String,
}

/// Lets a group use a zone no longer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RevokeGroupAuthorization {
    /// The group.
    pub group_name: String,
    /// The zone.
    pub zone_name: String,
}

actions! {
    AddGroup => Done, Write;
    DeleteGroup => Done, Write;
    DescribeGroups => Groups, Read;
    AddGroupMember => Done, Write;
    RemoveGroupMember => Done, Write;
    GrantGroupAuthorization => Done, Write;
    RevokeGroupAuthorization => Done, Write;
}

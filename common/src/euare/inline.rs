//! Policies that are part of a user, a group or a role.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Nothing};
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::Subject;

/// What ListUserPolicies, ListGroupPolicies and ListRolePolicies answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyNames {
    /// The names of its own policies, in order.
    pub policy_names: Members<String>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

macro_rules! inline_policies {
    ($of:literal, $field:ident: $put:ident, $get:ident => $got:ident, $list:ident, $delete:ident) => {
        #[doc = concat!("Gives a ", $of, " a policy of its own, in the place of one of that name.")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $put {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's name.
            pub policy_name: String,
            /// Its text.
            pub policy_document: String,
        }

        #[doc = concat!("Reads a policy of a ", $of, "'s own.")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $get {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's name.
            pub policy_name: String,
        }

        #[doc = concat!("What ", stringify!($get), " answers.")]
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $got {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's name.
            pub policy_name: String,
            /// Its text, percent-encoded as RFC 3986 says.
            pub policy_document: String,
        }

        #[doc = concat!("Lists the names of a ", $of, "'s own policies.")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $list {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The page behind the one that gave this marker.
            #[serde(default)]
            pub marker: Option<String>,
            /// At most so many, 1 to 1000.
            #[serde(default)]
            pub max_items: Option<u32>,
        }

        #[doc = concat!("Removes a policy of a ", $of, "'s own.")]
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $delete {
            #[doc = concat!("The ", $of, "'s name.")]
            pub $field: String,
            /// The policy's name.
            pub policy_name: String,
        }
    };
}

inline_policies!("user", user_name: PutUserPolicy, GetUserPolicy => UserPolicy, ListUserPolicies, DeleteUserPolicy);
inline_policies!("group", group_name: PutGroupPolicy, GetGroupPolicy => GroupPolicy, ListGroupPolicies, DeleteGroupPolicy);
inline_policies!("role", role_name: PutRolePolicy, GetRolePolicy => RolePolicy, ListRolePolicies, DeleteRolePolicy);

actions! {
    PutUserPolicy => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    GetUserPolicy => UserPolicy, Read, |it| Subject::iam("user", &it.user_name);
    ListUserPolicies => PolicyNames, Read, |it| Subject::iam("user", &it.user_name);
    DeleteUserPolicy => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    PutGroupPolicy => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    GetGroupPolicy => GroupPolicy, Read, |it| Subject::iam("group", &it.group_name);
    ListGroupPolicies => PolicyNames, Read, |it| Subject::iam("group", &it.group_name);
    DeleteGroupPolicy => Nothing, Write, |it| Subject::iam("group", &it.group_name);
    PutRolePolicy => Nothing, Write, |it| Subject::iam("role", &it.role_name);
    GetRolePolicy => RolePolicy, Read, |it| Subject::iam("role", &it.role_name);
    ListRolePolicies => PolicyNames, Read, |it| Subject::iam("role", &it.role_name);
    DeleteRolePolicy => Nothing, Write, |it| Subject::iam("role", &it.role_name);
}

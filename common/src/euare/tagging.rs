//! The tags of policies, roles and instance profiles, listed.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Tag};
use crate::ec2::types::is_blank;

/// What ListPolicyTags, ListRoleTags and ListInstanceProfileTags answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagList {
    /// The tags, by key.
    pub tags: Members<Tag>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

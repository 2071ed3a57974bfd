//! Tags of what IAM keeps: listed, and told to whoever decides.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Tag};
use crate::ec2::types::is_blank;
use crate::iam::{Context, Subject};

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

/// Tags that a request brings, as conditions ask for them.
pub(super) fn requested(tags: &[Tag]) -> Context {
    if tags.is_empty() {
        return Context::new();
    }
    let all = Context::new().with_all("aws:tagkeys", tags.iter().map(|tag| tag.key.clone()));
    tags.iter().fold(all, |all, Tag { key, value }| {
        all.with(&format!("aws:requesttag/{key}"), value.clone())
    })
}

/// A resource that is about to be made, by its path and name.
pub(super) fn new(kind: &'static str, path: Option<&str>, name: &str, tags: &[Tag]) -> Subject {
    let path = path.unwrap_or_default().trim_start_matches('/');
    Subject::iam(kind, &format!("{path}{name}")).when(requested(tags))
}

/// The keys of tags, as conditions ask for them.
pub(super) fn keys(keys: &[String]) -> Context {
    Context::new().with_all("aws:tagkeys", keys.iter().cloned())
}


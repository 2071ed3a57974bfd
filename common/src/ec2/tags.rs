//! Tags: what an account writes on images, instances and key pairs, for itself.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::types::{Done, Filter, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::iam::{Context, Subject};

/// A tag to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewTag {
    /// Its key, 1 to 128 characters.
    pub key: String,
    /// Its value, up to 256 characters; empty if absent.
    #[serde(default)]
    pub value: Option<String>,
}

/// A tag to be taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldTag {
    /// Its key.
    #[serde(rename = "Key")]
    pub key: String,
    /// Only if it has this value; the empty one is a value, too.
    #[serde(default, rename(serialize = "Value", deserialize = "Value?"))]
    pub value: Option<String>,
}

/// Tags for what a request is about to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagSpecification {
    /// What they are for: `image`, `instance`, `key-pair`.
    pub resource_type: String,
    /// The tags.
    #[serde(default)]
    pub tag: Vec<NewTag>,
}

/// Sets tags of resources, of all of them or of none; a key that is there gets the new value.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateTags {
    /// Which resources.
    #[serde(default)]
    pub resource_id: Vec<String>,
    /// Which tags.
    #[serde(default)]
    pub tag: Vec<NewTag>,
}

/// Takes tags off resources; one that is not there is off already.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteTags {
    /// Which resources.
    #[serde(default)]
    pub resource_id: Vec<String>,
    /// Which tags; all if absent.
    #[serde(default)]
    pub tag: Vec<OldTag>,
}

/// Lists the account's tags.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeTags {
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeTags answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTags {
    /// The tags, by resource and key.
    pub tag_set: Set<ResourceTag>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// A tag and what it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceTag {
    /// The resource.
    pub resource_id: String,
    /// `image`, `instance` or `key-pair`.
    pub resource_type: String,
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

/// A tag in the answer about its resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
}

impl TagSpecification {
    /// What the tags of a request say that conditions may ask for.
    pub fn said(specifications: &[Self]) -> Context {
        let tags = specifications.iter().flat_map(|it| &it.tag);
        subjects::request_tags(tags.map(|tag| (tag.key.as_str(), tag.value.as_deref())))
    }

    /// Tags for one kind of resource; nothing if there are none.
    pub fn of(resource_type: &str, tags: Vec<NewTag>) -> Vec<Self> {
        if tags.is_empty() {
            return Vec::new();
        }
        vec![Self { resource_type: resource_type.to_owned(), tag: tags }]
    }
}

actions! {
    CreateTags => Done, Write, |it| {
        let said = it.tag.iter().map(|tag| (tag.key.as_str(), tag.value.as_deref()));
        Subject::of(it.resource_id.iter().map(|id| subjects::tagged(id)))
            .when(subjects::request_tags(said))
    };
    DeleteTags => Done, Write, |it| {
        let said = it.tag.iter().map(|tag| (tag.key.as_str(), tag.value.as_deref()));
        Subject::of(it.resource_id.iter().map(|id| subjects::tagged(id)))
            .when(subjects::request_tags(said))
    };
    DescribeTags => ResourceTags, Read;
}

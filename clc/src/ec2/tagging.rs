//! What may be a tag, and tags that a request brings for what it is about to make.

use std::collections::BTreeSet;

use common::dialect::xml::Set;
use common::ec2::tags::{NewTag, Tag, TagSpecification};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use store::Batch;

use crate::records::tags::MOST_TAGS;
use crate::records::{Records, ResourceKind, TagMap, Tags, tagged};

/// How many characters a key has at most.
pub const MOST_KEY: usize = 128;
/// How many characters a value has at most.
pub const MOST_VALUE: usize = 256;
/// How the keys begin that only the cloud itself writes.
const RESERVED: [&str; 2] = ["aws:", "euca:"];

/// Checks tags to be set, and answers them by key.
///
/// # Errors
/// Names the tag that cannot be one, or stands there twice.
pub fn checked(tags: &[NewTag]) -> Result<TagMap, ApiError> {
    let mut checked = TagMap::new();
    for NewTag { key, value } in tags {
        let value = value.clone().unwrap_or_default();
        check_key(key)?;
        if value.chars().count() > MOST_VALUE {
            let why = format!("the value of '{key}' has more than {MOST_VALUE} characters");
            return Err(ApiError::invalid("Tag", why));
        }
        if value.chars().any(unwritable) {
            let why = format!("the value of '{key}' has control characters in it");
            return Err(ApiError::invalid("Tag", why));
        }
        if checked.insert(key.clone(), value).is_some() {
            return Err(ApiError::invalid("Tag", format!("the key '{key}' is given twice")));
        }
    }
    if checked.len() > MOST_TAGS {
        return Err(too_many());
    }
    check_cases(&checked)?;
    Ok(checked)
}

/// Refuses keys of one resource that differ in case only: conditions of policies know no case, so
/// whoever may write one of them would say what the other says.
///
/// # Errors
/// `InvalidParameterValue`, naming both.
pub fn check_cases(tags: &TagMap) -> Result<(), ApiError> {
    match tagged::alike(tags) {
        Some((one, other)) => {
            let why = format!("the keys '{one}' and '{other}' differ in case only");
            Err(ApiError::invalid("Tag", why))
        }
        None => Ok(()),
    }
}

/// Checks the key of a tag that is to be set or taken off.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn check_key(key: &str) -> Result<(), ApiError> {
    let length = key.chars().count();
    if !(1..=MOST_KEY).contains(&length) {
        let why = format!("a key has 1 to {MOST_KEY} characters, this one {length}");
        return Err(ApiError::invalid("Tag", why));
    }
    if key.chars().any(unwritable) {
        return Err(ApiError::invalid("Tag", "a key has control characters in it"));
    }
    let begins = |reserved: &str| {
        key.get(..reserved.len()).is_some_and(|start| start.eq_ignore_ascii_case(reserved))
    };
    match RESERVED.into_iter().find(|reserved| begins(reserved)) {
        Some(reserved) => {
            let why = format!("keys that begin with '{reserved}' are reserved, as '{key}'");
            Err(ApiError::invalid("Tag", why))
        }
        None => Ok(()),
    }
}

/// What no answer can carry: XML has no way to write it.
fn unwritable(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// There is no room for more tags.
pub fn too_many() -> ApiError {
    let text = format!("A resource has at most {MOST_TAGS} tags");
    ApiError::new(ErrorCode::TagLimitExceeded, text)
}

/// The tags that a request brings for the one kind of resource that it makes.
///
/// # Errors
/// Names a kind that the request does not make, or a tag that cannot be one.
pub fn specified(
    specifications: &[TagSpecification],
    kind: ResourceKind,
) -> Result<TagMap, ApiError> {
    let mut kinds = BTreeSet::new();
    for it in specifications {
        let asked = it.resource_type.as_str();
        if asked != kind.name() {
            let why = format!("'{asked}' is not what this makes, which is '{}'", kind.name());
            return Err(ApiError::invalid("TagSpecification.ResourceType", why));
        }
        if !kinds.insert(asked) {
            let why = format!("'{asked}' is specified twice");
            return Err(ApiError::invalid("TagSpecification", why));
        }
        if it.tag.is_empty() {
            return Err(ApiError::missing("TagSpecification.1.Tag.1"));
        }
    }
    checked(specifications.first().map_or(&[][..], |it| &it.tag))
}

/// Adds to the batch that makes a resource: its tags.
///
/// # Errors
/// If the store fails.
pub fn tag_new(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
    (kind, id): (ResourceKind, &str),
    tags: &TagMap,
) -> Result<(), ApiError> {
    let tags = Tags { account: account.clone(), resource: id.to_owned(), kind, tags: tags.clone() };
    records.write_tags(batch, None, &tags)
}

/// Tags as they are shown with their resource.
pub fn shown(tags: &TagMap) -> Set<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> NewTag {
        NewTag { key: key.into(), value: Some(value.into()) }
    }

    #[test]
    fn tags_follow_their_rules() {
        let long = "鍵".repeat(MOST_KEY);
        for good in [tag("a", ""), tag(&long, &"値".repeat(MOST_VALUE)), tag("a/b c=", "x\ty")] {
            assert!(checked(std::slice::from_ref(&good)).is_ok(), "{good:?}");
        }
        for (bad, told) in [
            (vec![tag("", "x")], "this one 0"),
            (vec![tag(&"k".repeat(MOST_KEY + 1), "x")], "this one 129"),
            (vec![tag("k", &"v".repeat(MOST_VALUE + 1))], "'k'"),
            (vec![tag("aws:x", "")], "'aws:'"),
            (vec![tag("EUCA:x", "")], "'euca:'"),
            (vec![tag("a\0", "")], "control"),
            (vec![tag("a", "\u{1b}")], "control"),
            (vec![tag("a", "1"), tag("a", "2")], "twice"),
            (vec![tag("Owner", "1"), tag("owner", "2")], "'Owner' and 'owner'"),
        ] {
            let error = checked(&bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{bad:?}");
            assert!(error.text().contains(told), "{error}");
        }
        let many: Vec<_> = (0..=MOST_TAGS).map(|n| tag(&format!("k{n}"), "")).collect();
        assert!(checked(&many[1..]).is_ok());
        assert_eq!(checked(&many).unwrap_err().code(), ErrorCode::TagLimitExceeded);
    }

    #[test]
    fn a_request_tags_only_what_it_makes() {
        let given = |kind: &str| TagSpecification::of(kind, vec![tag("a", "b")]);
        let instance = ResourceKind::Instance;
        assert_eq!(specified(&given("instance"), instance).unwrap()["a"], "b");
        assert!(specified(&[], instance).unwrap().is_empty());
        let twice = [given("instance"), given("instance")].concat();
        for bad in [
            given("volume"),
            twice,
            vec![TagSpecification { tag: vec![], ..given("instance").remove(0) }],
        ] {
            assert!(specified(&bad, instance).is_err(), "{bad:?}");
        }
    }
}

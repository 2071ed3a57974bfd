//! What listings and limits of all families share.

use common::error::ApiError;
use common::euare::elements::Tag;
use common::euare::names::violation;
use common::euare::paging::Page;
use common::euare::tagging::TagList;
use common::id::AccountId;
use store::{After, Record, Table};

use super::limits;
use crate::records::TagMap;

/// A page of tags.
///
/// # Errors
/// `ValidationError`.
pub(super) fn tags(
    listing: &[&str],
    tags: &TagMap,
    marker: Option<&str>,
    max_items: Option<u32>,
) -> Result<TagList, ApiError> {
    let rows = Tag::all(tags).member.into_iter().map(|tag| (tag.key.clone(), tag));
    let filled = Page::new(listing, marker, max_items)?.cut(rows);
    Ok(TagList { tags: filled.items, is_truncated: filled.is_truncated, marker: filled.marker })
}

/// Which uses of managed policies are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    Any,
    Permissions,
    Boundary,
}

/// Understands `PolicyUsageFilter`.
///
/// # Errors
/// `ValidationError`.
pub(super) fn usage(filter: Option<&str>) -> Result<Usage, ApiError> {
    match filter {
        None => Ok(Usage::Any),
        Some("PermissionsPolicy") => Ok(Usage::Permissions),
        Some("PermissionsBoundary") => Ok(Usage::Boundary),
        Some(other) => {
            let constraint =
                "Member must satisfy enum value set: [PermissionsPolicy, PermissionsBoundary]";
            Err(violation(other, "policyUsageFilter", constraint))
        }
    }
}

/// Demands that an account has fewer than so many records of a kind. Blocks.
///
/// # Errors
/// `LimitExceeded`, naming the quota.
pub(super) fn check_room<R: Record>(
    table: &Table<R>,
    account: &AccountId,
    most: usize,
    quota: &str,
) -> Result<(), ApiError> {
    let have = table.scan(&format!("{account}/"), After::Start, most)?.len();
    limits::room(have, most, "one more", quota)
}

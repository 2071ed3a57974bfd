//! How many images somebody may have registered.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use store::{After, Batch};

use super::{Quota, Whose, bounds, is_own, take_turns};
use crate::records::Records;

/// What limits images.
pub(super) const IMAGES: Quota = Quota {
    key: "ec2:quota-imagenumber",
    actions: &["ec2:RegisterImage", "ec2:CreateImage", "ec2:ImportImage"],
    what: "images",
    unit: 1,
};

/// Refuses an heir whose account may not have all images of another, beside its own. Blocks.
///
/// # Errors
/// `ResourceLimitExceeded`.
pub fn admit_gift(records: &Records, heir: &Caller, from: &AccountId) -> Result<(), ApiError> {
    let count = |account: &AccountId| count(records, account);
    for bound in bounds(heir, [IMAGES]).into_iter().filter(|it| it.whose == Whose::Account) {
        let used = count(&heir.account)?;
        if count(from)? > bound.left(used) {
            return Err(bound.exceeded(ErrorCode::ResourceLimitExceeded, used));
        }
    }
    Ok(())
}

/// How many images an account has registered. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn count(records: &Records, account: &AccountId) -> Result<u64, ApiError> {
    // Each image that is registered has its name there.
    let rows = records.image_names.scan(&format!("{account}/"), After::Start, usize::MAX)?;
    Ok(rows.len() as u64)
}

/// Finds out whether a caller may have one more image, and adds it to the batch that records it.
/// Blocks.
///
/// # Errors
/// `ResourceLimitExceeded`.
pub fn admit(
    records: &Records,
    batch: Option<&mut Batch>,
    caller: &Caller,
) -> Result<(), ApiError> {
    let bounds = bounds(caller, [IMAGES]);
    if bounds.is_empty() {
        return Ok(());
    }
    if let Some(batch) = batch {
        take_turns(records, batch, caller, &bounds)?;
    }
    let (mut account, mut own) = (0, 0);
    // Each image that is registered has its name there.
    let rows =
        records.image_names.scan(&format!("{}/", caller.account), After::Start, usize::MAX)?;
    for row in rows {
        account += 1;
        let seen = records.images.get(&row.value)?;
        own += u64::from(seen.is_some_and(|it| is_own(&it.maker, caller)));
    }
    for bound in bounds {
        let used = if bound.whose == Whose::Own { own } else { account };
        if bound.left(used) == 0 {
            return Err(bound.exceeded(ErrorCode::ResourceLimitExceeded, used));
        }
    }
    Ok(())
}

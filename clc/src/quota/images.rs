//! How many images somebody may have registered.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use store::{After, Batch};

use super::{Quota, Whose, bounds, is_own, take_turns};
use crate::records::Records;

const IMAGES: Quota = Quota {
    key: "ec2:quota-imagenumber",
    actions: &["ec2:RegisterImage", "ec2:CreateImage"],
    what: "images",
    unit: 1,
};

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

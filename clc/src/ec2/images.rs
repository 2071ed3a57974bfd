//! The state that the image actions share.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::id::{AccountId, ImageId};
use common::wire::walrus::Walrus;
use runtime::clock::Clock;
use runtime::peer::Peer;

use super::ids;
use crate::reconcile::Wakers;
use crate::reconcile::plain::PlainImages;
use crate::records::{Image, Records};

/// What RegisterImage, DescribeImages and DeregisterImage work with.
pub struct Images {
    /// What lasts.
    pub records: Records,
    /// Checks bundles.
    pub walrus: Peer<Walrus>,
    /// Knows how far images are that are being unpacked.
    pub plain: PlainImages,
    /// The time.
    pub clock: Clock,
    /// Whom to wake when an image has been registered or taken back.
    pub wakers: Wakers,
}

/// A registered image that a caller may see. Blocks.
///
/// # Errors
/// `InvalidAMIID.NotFound` for one that is not there, or is private to somebody else.
pub fn visible(
    records: &Records,
    id: &ImageId,
    account: &AccountId,
    administrator: bool,
) -> Result<store::Seen<Image>, ApiError> {
    let seen = records.images.get(id.as_str())?;
    seen.filter(|image| image.is_registered() && image.may_run(account, administrator))
        .ok_or_else(|| ids::no_image(id.as_str()))
}

/// A registered image that the caller may change. Blocks.
///
/// # Errors
/// As [`visible`]; `AuthFailure` for one that the caller may only use.
pub fn own(
    records: &Records,
    id: &ImageId,
    caller: &Caller,
) -> Result<store::Seen<Image>, ApiError> {
    let seen = visible(records, id, &caller.account, caller.administrator)?;
    if !caller.may_change(&seen.account) {
        let text = format!("You are not the owner of the image {id}");
        return Err(ApiError::new(ErrorCode::AuthFailure, text));
    }
    Ok(seen)
}

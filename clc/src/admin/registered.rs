//! Which images are registered, for whoever verifies their bytes.

use common::error::ApiError;
use common::wire::upkeep::{ListRegistered, Registered, RegisteredPage};

use crate::records::{Image, ImageState, Records};
use crate::settings;

/// How many images are told at once.
const PAGE: usize = 200;

/// The images behind one id. Blocks.
///
/// # Errors
/// If the store fails.
pub fn page(records: &Records, ask: &ListRegistered) -> Result<RegisteredPage, ApiError> {
    let mut images = Vec::new();
    let mut more = false;
    let after = ask.after.as_ref().map(ToString::to_string);
    for seen in records.images.all_behind("", after.as_deref()) {
        let image = seen?.record;
        // One that is still being saved, or could not be, has no bytes that could be looked at.
        if !image.is_registered() || image.bundle.manifest_sha256.is_empty() {
            continue;
        }
        if images.len() == PAGE {
            more = true;
            break;
        }
        images.push(registered(image));
    }
    let allow_unsigned = settings::get(records, settings::ALLOW_UNSIGNED)? == "true";
    Ok(RegisteredPage { images, more, allow_unsigned })
}

fn registered(image: Image) -> Registered {
    let sha256 = image.plain().map(|plain| plain.sha256);
    let failed = match image.state {
        ImageState::Failed { reason, .. } => Some(reason),
        ImageState::Pending | ImageState::Available { .. } | ImageState::Deregistered { .. } => {
            None
        }
    };
    Registered { id: image.id, account: image.account, bundle: image.bundle, sha256, failed }
}

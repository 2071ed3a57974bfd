//! What a copy is made from: found, allowed, as it must be, and still so when the copy is committed.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::copy::CopySource;
use store::{Batch, Seen};

use super::access::{demand, denied, may_miss, may_read};
use crate::records::{Failed, Object, Records, object_key};

/// The source as it is now, if the caller may copy it. Blocks.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `AccessDenied`, `PreconditionFailed`.
pub(crate) fn find(
    records: &Records,
    caller: Option<&Caller>,
    source: &CopySource,
) -> Result<Seen<Object>, Failed> {
    let bucket = records.bucket(&source.bucket)?;
    let Some(seen) = records.object(&source.bucket, source.key.as_str())? else {
        // Whoever may not list does not learn either what is missing.
        return Err(match may_miss(caller, &bucket) {
            true => ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist").into(),
            false => denied().into(),
        });
    };
    demand(may_read(caller, &bucket, &seen))?;
    source.check(&seen.etag, seen.modified)?;
    Ok(seen)
}

/// Makes a commit hold only while the source is as it was seen: whoever names the same bytes is
/// then sure of them.
///
/// # Errors
/// `OperationAborted` if it is not; a commit on it would be tried again and again.
pub(crate) fn hold(
    records: &Records,
    batch: &mut Batch,
    source: &Seen<Object>,
) -> Result<(), Failed> {
    let row = object_key(&source.bucket, source.record.key.as_str());
    let present = records.objects.get(&row)?;
    if present.is_none_or(|present| present.rev() != source.rev()) {
        let text = "The source was changed by another request while it was being copied, try again";
        return Err(ApiError::new(ErrorCode::OperationAborted, text).into());
    }
    batch.hold(source);
    Ok(())
}

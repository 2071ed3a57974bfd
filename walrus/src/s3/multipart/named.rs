//! Finds the upload that a request names.

use common::action::Caller;
use common::s3::multipart::terms::{self, UploadName};
use store::Seen;

use super::super::access::{demand, may_write};
use crate::records::{Failed, Records};
use crate::upload::{Stage, Upload, Wanted};

/// The upload of that name, whatever its stage. Blocks.
///
/// # Errors
/// `NoSuchUpload` unless id, bucket and key fit.
pub(crate) fn any(records: &Records, name: &UploadName) -> Result<Seen<Upload>, Failed> {
    // What is no id of ours is not looked for: a key of the store is bounded.
    let found = match name.id.len() {
        32 => records.uploads.get(&name.id)?,
        _ => None,
    };
    let fits = |seen: &Seen<Upload>| seen.bucket == name.bucket && seen.key == name.key;
    Ok(found.filter(fits).ok_or_else(UploadName::absent)?)
}

/// The open upload of that name. Blocks.
///
/// # Errors
/// `NoSuchUpload`.
pub(crate) fn open(records: &Records, name: &UploadName) -> Result<Seen<Upload>, Failed> {
    let seen = any(records, name)?;
    match seen.stage {
        Stage::Open => Ok(seen),
        Stage::Sealed(_) | Stage::Over => Err(UploadName::absent().into()),
    }
}

/// Whether the caller may do anything with uploads of the bucket: who may write into it. Blocks.
///
/// # Errors
/// `NoSuchBucket` or `AccessDenied`.
pub(crate) fn admit(
    records: &Records,
    caller: Option<&Caller>,
    name: &UploadName,
) -> Result<(), Failed> {
    let bucket = records.bucket(&name.bucket)?;
    Ok(demand(may_write(caller, &bucket))?)
}

/// The checksum an upload was begun with, as it is answered.
pub(crate) fn wanted(upload: &Upload) -> Option<terms::Wanted> {
    let Wanted { algorithm, full_object } = upload.checksum?;
    Some(terms::Wanted { algorithm, full_object })
}

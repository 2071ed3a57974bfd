//! The one place where an object's record is written or removed, whoever asks for it: a body that
//! came in, a copy, a multipart upload that is complete, a removal.
//!
//! ```text
//!   bytes are on disk ──▶ one commit: bucket held · record · who names which bytes ──▶ old bytes go
//!                             ▲
//!                   what else belongs into it (conditions, counts) is the caller's to add
//! ```
//! Bytes may be named by several objects. They go when nobody names them any more, which is looked
//! for *after* the commit that took the last name away: a name is only ever given in a commit
//! that also holds a record which names the same bytes, so from then on none can come.

use common::error::{ApiError, ErrorCode};
use common::s3::{BucketName, ObjectKey};
use runtime::pool;
use store::{Batch, Seen, StoreError, transact};

use crate::blob::uploads::Ticket;
use crate::content::Content;
use crate::records::{Bucket, Failed, Object, Records, object_key};

/// What a commit found, before it changes anything.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// The bucket. A write holds it: it is committed only if the bucket still is so.
    pub(crate) bucket: &'a Seen<Bucket>,
    /// The object that is replaced or removed, if there is one. It is held.
    pub(crate) old: Option<&'a Seen<Object>>,
}

/// A commit that was not acknowledged.
pub(crate) enum Uncommitted {
    /// Nothing was changed.
    Certainly(Failed),
    /// Nobody knows.
    Perhaps(Failed),
}

impl From<StoreError> for Uncommitted {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::Certainly(error.into()),
            other => Self::Perhaps(other.into()),
        }
    }
}

/// Writes the record of an object whose bytes are on disk, and lets go of those it replaces.
/// `also` may refuse, and may add to the same commit; it may run several times. The ticket of the
/// bytes, if they came in just now, is kept unless it is certain that nothing names them.
///
/// # Errors
/// `NoSuchBucket`, `OperationAborted`, what `also` refuses, or what the store says.
pub(crate) async fn put(
    content: Content,
    object: Object,
    ticket: Option<Ticket>,
    also: impl FnMut(&mut Batch, Found<'_>) -> Result<(), Failed> + Send + 'static,
) -> Result<(), ApiError> {
    let committed = pool::block(move || {
        let old = write(&content.records, &object, also);
        // Also without an answer of the store the record may have come to disk: its bytes must
        // stay, a sweep finds out.
        if !matches!(old, Err(Uncommitted::Certainly(_))) {
            ticket.into_iter().for_each(Ticket::keep);
        }
        if let Ok(Some(old)) = &old {
            release(&content, old);
        }
        old
    });
    match committed.await? {
        Ok(_) => Ok(()),
        Err(Uncommitted::Certainly(failed) | Uncommitted::Perhaps(failed)) => Err(failed.into()),
    }
}

/// Writes the record; gives the one it replaces. Blocks.
fn write(
    records: &Records,
    object: &Object,
    mut also: impl FnMut(&mut Batch, Found<'_>) -> Result<(), Failed>,
) -> Result<Option<Object>, Uncommitted> {
    let row = object_key(&object.bucket, object.key.as_str());
    let (old, _) = transact(records.engine(), |batch| {
        let bucket = records.bucket(&object.bucket).map_err(Uncommitted::Certainly)?;
        if bucket.leaving {
            let text = "The bucket is being removed, try again";
            let error = ApiError::new(ErrorCode::OperationAborted, text);
            return Err(Uncommitted::Certainly(error.into()));
        }
        let old = records.objects.get(&row)?;
        let found = Found { bucket: &bucket, old: old.as_ref() };
        also(batch, found).map_err(Uncommitted::Certainly)?;
        batch.hold(&bucket);
        let replaced = old.as_ref().map(|seen| seen.record.clone());
        if let Some(replaced) = &replaced {
            forget_bytes(records, batch, replaced)?;
        }
        match old {
            Some(mut seen) => {
                seen.record = object.clone();
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(object)?),
        }
        if let Some(blob) = &object.blob {
            batch.point(&records.object_by_blob, blob.as_str(), &row);
        }
        Ok(replaced)
    })?;
    Ok(old)
}

/// Removes an object, if there is one, and lets go of its bytes; gives what it was. `also` may
/// refuse, and may add to the same commit; it may run several times, also where there is no
/// object. Blocks.
///
/// # Errors
/// `NoSuchBucket`, what `also` refuses, or what the store says.
pub(crate) fn remove(
    content: &Content,
    bucket: &BucketName,
    key: &ObjectKey,
    mut also: impl FnMut(&mut Batch, Found<'_>) -> Result<(), Failed>,
) -> Result<Option<Object>, Failed> {
    let records = &content.records;
    let row = object_key(bucket, key.as_str());
    let (old, _) = transact(records.engine(), |batch| {
        let bucket = records.bucket(bucket)?;
        let old = records.objects.get(&row)?;
        also(batch, Found { bucket: &bucket, old: old.as_ref() })?;
        let Some(seen) = old else { return Ok::<_, Failed>(None) };
        batch.remove(&seen);
        forget_bytes(records, batch, &seen)?;
        Ok(Some(seen.record))
    })?;
    if let Some(old) = &old {
        release(content, old);
    }
    Ok(old)
}

/// Takes away the rows that tell which bytes the object names.
fn forget_bytes(records: &Records, batch: &mut Batch, old: &Object) -> Result<(), StoreError> {
    if let Some(blob) = &old.blob {
        batch.unpoint(&records.object_by_blob, blob.as_str());
    }
    Ok(())
}

/// Removes the bytes of an object that is no more. Blocks.
fn release(content: &Content, old: &Object) {
    if let Some(blob) = &old.blob {
        content.files.remove(blob);
    }
}

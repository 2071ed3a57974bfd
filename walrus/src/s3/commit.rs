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

use std::cell::Cell;

use common::error::{ApiError, ErrorCode};
use common::s3::{BucketName, ObjectKey};
use runtime::pool;
use store::{Batch, Seen, StoreError, transact};

use crate::blob::uploads::Ticket;
use crate::content::Content;
use crate::parts::holder_row;
use crate::records::{Bucket, Failed, Object, Parts, Records, object_key};
use crate::usage::amount::Change;

/// What a commit found, before it changes anything.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    /// The bucket. A write holds it: it is committed only if the bucket still is so.
    pub(crate) bucket: &'a Seen<Bucket>,
    /// The object that is replaced or removed, if there is one. It is held.
    pub(crate) old: Option<&'a Seen<Object>>,
    /// What the commit changes of what is used, beside the object itself: to be set by whoever adds
    /// it to the commit.
    pub(crate) charge: &'a Cell<Change>,
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

/// A bucket into which something may come. Blocks.
///
/// # Errors
/// `NoSuchBucket`, or `OperationAborted` while it is being removed.
pub(crate) fn open_bucket(records: &Records, name: &BucketName) -> Result<Seen<Bucket>, Failed> {
    let bucket = records.bucket(name)?;
    if bucket.leaving {
        let text = "The bucket is being removed, try again";
        return Err(ApiError::new(ErrorCode::OperationAborted, text).into());
    }
    Ok(bucket)
}

/// Writes the record; gives the one it replaces. Blocks.
fn write(
    records: &Records,
    object: &Object,
    mut also: impl FnMut(&mut Batch, Found<'_>) -> Result<(), Failed>,
) -> Result<Option<Object>, Uncommitted> {
    let row = object_key(&object.bucket, object.key.as_str());
    let ((old, change), _) = transact(records.engine(), |batch| {
        let bucket = open_bucket(records, &object.bucket).map_err(Uncommitted::Certainly)?;
        let old = records.objects.get(&row)?;
        let charge = Cell::new(Change::default());
        let found = Found { bucket: &bucket, old: old.as_ref(), charge: &charge };
        also(batch, found).map_err(Uncommitted::Certainly)?;
        batch.hold(&bucket);
        let replaced = old.as_ref().map(|seen| seen.record.clone());
        if let Some(replaced) = &replaced {
            forget_bytes(records, batch, replaced, &row)?;
        }
        // After that, because the bytes may be the same.
        if let Some(id) = object.bytes() {
            batch.point(&records.object_by_blob, &holder_row(id, &row), "");
        }
        match old {
            Some(mut seen) => {
                seen.record = object.clone();
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(object)?),
        }
        let change = Change::write(replaced.as_ref().map(|old| old.size), object.size);
        let change = change.and(charge.get());
        let owner = &bucket.owner.account;
        let charged = records.ledger.charge(batch, &bucket.name, owner, change);
        charged.map_err(|error| Uncommitted::Certainly(error.into()))?;
        Ok::<_, Uncommitted>((replaced, change))
    })?;
    records.ledger.committed(change);
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
        let charge = Cell::new(Change::default());
        also(batch, Found { bucket: &bucket, old: old.as_ref(), charge: &charge })?;
        let Some(seen) = old else { return Ok::<_, Failed>(None) };
        batch.remove(&seen);
        forget_bytes(records, batch, &seen, &row)?;
        let change = Change::removal(seen.size).and(charge.get());
        records.ledger.charge(batch, &bucket.name, &bucket.owner.account, change)?;
        Ok(Some((seen.record, change)))
    })?;
    let Some((old, change)) = old else { return Ok(None) };
    records.ledger.committed(change);
    release(content, &old);
    Ok(Some(old))
}

/// Takes away the rows that tell which bytes the object names.
pub(crate) fn forget_bytes(
    records: &Records,
    batch: &mut Batch,
    old: &Object,
    row: &str,
) -> Result<(), StoreError> {
    let Some(id) = old.bytes() else { return Ok(()) };
    batch.unpoint(&records.object_by_blob, &holder_row(id, row));
    let older = records.object_by_blob.get(id.as_str())?;
    if older.is_some_and(|older| older.value == row) {
        batch.unpoint(&records.object_by_blob, id.as_str());
    }
    Ok(())
}

/// Lets go of the bytes of an object that is no more. They go unless another names them. Blocks.
pub(crate) fn release(content: &Content, old: &Object) {
    if let Some(blob) = &old.blob {
        content.let_go(blob);
    }
    if let Some(Parts { upload, .. }) = &old.parts
        && content.is_named(upload).is_ok_and(|named| !named)
    {
        content.try_clear_away(upload);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;
    use std::sync::Arc;

    use store::Memory;

    use super::*;
    use crate::blob::files::{BlobId, Files};
    use crate::blob::pins::Pins;
    use crate::parts::{OpenUploads, Shelves};

    fn content(dir: &Path) -> Content {
        let records = Records::new(Arc::new(Memory::new()));
        records.buckets.insert(Bucket::sample("buck", "111111111111")).unwrap();
        let files = Arc::new(Files::open(dir).unwrap());
        let (pins, open) = (Pins::default(), OpenUploads::default());
        Content { shelves: Shelves { records, files, pins, open } }
    }

    fn file(content: &Content) -> BlobId {
        let id = BlobId::random().unwrap();
        let mut file = content.files.create(&id).unwrap();
        file.write_all(b"bytes").unwrap();
        content.files.land(&id, &file).unwrap();
        id
    }

    fn object(key: &str, blob: &BlobId) -> Object {
        Object { blob: Some(blob.clone()), ..Object::sample("buck", key, "111111111111") }
    }

    async fn put_object(content: &Content, object: Object) {
        put(content.clone(), object, None, |_, _| Ok(())).await.unwrap();
    }

    fn is_there(content: &Content, id: &BlobId) -> bool {
        let named = content.is_named(id).unwrap();
        assert_eq!(content.files.open_blob(id).is_ok(), named, "a file is there while it is named");
        named
    }

    #[tokio::test]
    async fn bytes_stay_until_the_last_who_names_them_goes() {
        let dir = tempfile::tempdir().unwrap();
        let content = content(dir.path());
        let (shared, other) = (file(&content), file(&content));
        let bucket: BucketName = "buck".parse().unwrap();
        let gone = |key: &str| {
            let key = key.parse().unwrap();
            remove(&content, &bucket, &key, |_, _| Ok(())).unwrap()
        };
        put_object(&content, object("one", &shared)).await;
        put_object(&content, object("two", &shared)).await;
        // Written again with the same bytes, as a copy onto itself is.
        put_object(&content, object("one", &shared)).await;
        put_object(&content, object("one", &other)).await;
        assert!(is_there(&content, &shared) && is_there(&content, &other));
        assert!(gone("two").is_some());
        assert!(!is_there(&content, &shared));
        assert!(gone("two").is_none());
        assert!(gone("one").is_some());
        assert!(!is_there(&content, &other));
        let rows = content.records.object_by_blob.scan("", None, 9).unwrap();
        assert!(rows.is_empty(), "{rows:?}");
    }

    #[tokio::test]
    async fn rows_of_the_first_version_are_understood() {
        let dir = tempfile::tempdir().unwrap();
        let content = content(dir.path());
        let blob = file(&content);
        let old = object("old", &blob);
        let mut batch = Batch::new();
        batch.insert(&old).unwrap();
        batch.point(&content.records.object_by_blob, blob.as_str(), "buck/old");
        batch.commit(content.records.engine()).unwrap();
        assert!(is_there(&content, &blob));
        // A copy of it, and then its own end.
        put_object(&content, object("copy", &blob)).await;
        put_object(&content, Object::sample("buck", "old", "111111111111")).await;
        assert!(is_there(&content, &blob));
        put_object(&content, Object::sample("buck", "copy", "111111111111")).await;
        assert!(!is_there(&content, &blob));
    }

    #[tokio::test]
    async fn who_is_refused_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let content = content(dir.path());
        let blob = file(&content);
        let refuse = |_: &mut Batch, found: Found<'_>| {
            assert!(found.old.is_none());
            Err(ApiError::new(ErrorCode::PreconditionFailed, "no").into())
        };
        let refused = put(content.clone(), object("key", &blob), None, refuse).await;
        assert_eq!(refused.unwrap_err().code(), ErrorCode::PreconditionFailed);
        assert!(!content.is_named(&blob).unwrap());
        content
            .records
            .buckets
            .update("buck", |bucket| {
                bucket.leaving = true;
                Ok::<_, Failed>(())
            })
            .unwrap();
        let refused = put(content.clone(), object("key", &blob), None, |_, _| Ok(())).await;
        assert_eq!(refused.unwrap_err().code(), ErrorCode::OperationAborted);
    }
}

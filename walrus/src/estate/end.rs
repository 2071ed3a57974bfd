//! Ends an account's buckets with all that is in them. Blocks.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::s3::BucketName;
use common::wire::estate::EstateLeft;
use common::wire::quota::Scope;
use store::transact;

use crate::blob::files::BlobId;
use crate::content::Content;
use crate::records::{Failed, Records, object_key};
use crate::s3::buckets::remove;
use crate::s3::commit::{forget_bytes, release};
use crate::upload::by_key;
use crate::usage::amount::Change;

/// How many objects one commit is about.
const PAGE: usize = 128;

/// How many pages one call goes through at most.
const PAGES: usize = 16;

/// How many uploads one call ends at most: each may have thousands of parts.
const UPLOADS: usize = 16;

/// Does a portion of it; gives what is left.
///
/// # Errors
/// If the store fails, or somebody else changes the same all the time.
pub(super) fn portion(content: &Content, account: &AccountId) -> Result<EstateLeft, Failed> {
    let records = &content.records;
    let mut pages = PAGES;
    while pages > 0 {
        let rows = records.bucket_by_owner.scan(&format!("{account}/"), None, 1)?;
        let Some(row) = rows.first() else {
            return close_books(records, account).map(|()| EstateLeft::default());
        };
        let name: BucketName = row.value.parse()?;
        if !shut(records, account, &name)? {
            continue;
        }
        while pages > 0 && drop_page(content, &name)? {
            pages -= 1;
        }
        pages = pages.saturating_sub(1);
        if pages == 0 || !drop_uploads(content, &name)? {
            break;
        }
        let bucket = records.bucket(&name)?;
        match remove(records, bucket, |name| content.give_up_all(name)).map_err(ApiError::from) {
            Ok(()) => {}
            // Somebody else has the same in mind, or has put something in: the next call sees to it.
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::BucketNotEmpty
                        | ErrorCode::OperationAborted
                        | ErrorCode::NoSuchBucket
                ) =>
            {
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let used = records.ledger.used(&Scope::Account(account.clone()))?;
    // Of one that is not charged yet something is left all the same.
    let buckets = records.bucket_by_owner.scan(&format!("{account}/"), None, 1)?.len() as u64;
    Ok(EstateLeft { buckets: used.buckets.max(buckets), objects: used.objects })
}

/// Ends the books of an account that has no buckets any more.
///
/// # Errors
/// If the store fails.
pub(super) fn close_books(records: &Records, account: &AccountId) -> Result<(), Failed> {
    transact(records.engine(), |batch| records.ledger.account_goes(batch, account))?;
    Ok(())
}

/// Lets nothing more into a bucket; says whether it is the account's at all.
fn shut(records: &Records, account: &AccountId, name: &BucketName) -> Result<bool, Failed> {
    let (own, _) = transact(records.engine(), |batch| {
        let seen = records.buckets.get(name.as_str())?;
        let Some(mut seen) = seen.filter(|seen| seen.owner.account == *account) else {
            batch.unpoint(&records.bucket_by_owner, &format!("{account}/{name}"));
            return Ok(false);
        };
        if !seen.leaving {
            seen.record.leaving = true;
            batch.replace(&seen)?;
        }
        Ok::<_, Failed>(true)
    })?;
    Ok(own)
}

/// Removes a page of a bucket's objects in one commit, and then lets go of their bytes; says whether
/// there may be more.
fn drop_page(content: &Content, name: &BucketName) -> Result<bool, Failed> {
    let records = &content.records;
    let ((gone, change), _) = transact(records.engine(), |batch| {
        let bucket = records.bucket(name)?;
        let (mut gone, mut change) = (Vec::new(), Change::default());
        for seen in records.objects.scan(&object_key(name, ""), None, PAGE)? {
            batch.remove(&seen);
            forget_bytes(records, batch, &seen, seen.key())?;
            change = change.and(Change::removal(seen.size));
            gone.push(seen.record);
        }
        records.ledger.charge(batch, name, &bucket.owner.account, change)?;
        Ok::<_, Failed>((gone, change))
    })?;
    records.ledger.committed(change);
    gone.iter().for_each(|object| release(content, object));
    Ok(gone.len() == PAGE)
}

/// Ends some of a bucket's open uploads; says whether none is left.
fn drop_uploads(content: &Content, name: &BucketName) -> Result<bool, Failed> {
    let rows = content.records.upload_by_key.scan(&by_key(name, ""), None, UPLOADS)?;
    for row in &rows {
        let id = row.key.rsplit_once('\0').map_or("", |(_, id)| id);
        if let Ok(id) = BlobId::try_from(id.to_owned()) {
            content.give_up(&id)?;
        }
    }
    Ok(rows.len() < UPLOADS)
}

//! Operations on buckets: the `Buckets` actor's.
//!
//! Removing a bucket has two commits, because an engine of four verbs cannot hold "no object is
//! there" in one: first the bucket is marked as leaving, which every write of an object checks in
//! its own commit; then, if it still is empty, it goes, else the mark goes. Every mark is a revision
//! of its own: of several who remove at once only the last to mark may finish, the others are
//! told to try again.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::s3::buckets::{
    BucketList, CreateBucket, DeleteBucket, GetBucketLocation, HeadBucket, ListBuckets,
    location_to_xml,
};
use common::s3::{BucketName, Owner};
use runtime::clock::Clock;
use runtime::http::Response;
use runtime::pool;
use store::{Seen, StoreError, transact};

use super::access::{demand, may_list, may_write};
use super::caps;
use super::document::answer;
use super::service::{Operate, Scene};
use crate::estates::ClosedAccount;
use crate::parts::Shelves;
use crate::records::{Bucket, Failed, Records, object_key};
use crate::usage::amount::Change;

/// What the `Buckets` actor shares among its operations.
pub(crate) struct Buckets {
    /// The records.
    pub(crate) records: Records,
    /// Uploads that end with their bucket.
    pub(crate) shelves: Shelves,
    /// The time.
    pub(crate) clock: Clock,
    /// The region's name.
    pub(crate) region: String,
}

/// How many index rows are read at once.
const PAGE: usize = 1000;

impl Operate for ListBuckets {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let owner = Owner { account: caller.account, alias: caller.alias };
        let state = scene.state();
        let list = pool::block(move || {
            let space = format!("{}/", owner.account);
            let (mut buckets, mut last) = (Vec::new(), None::<String>);
            loop {
                let rows = state.records.bucket_by_owner.scan(&space, last.as_deref(), PAGE)?;
                for row in &rows {
                    if let Some(seen) = state.records.buckets.get(&row.value)? {
                        buckets.push((seen.record.name, seen.record.created));
                    }
                }
                if rows.len() < PAGE {
                    return Ok::<_, Failed>(BucketList { owner, buckets });
                }
                last = rows.last().map(|row| row.key.clone());
            }
        });
        Ok(answer(list.await??.to_xml()))
    }
}

impl Operate for CreateBucket {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let state = scene.state();
        let name = self.bucket.clone();
        pool::block(move || {
            let records = caps::of_new_bucket(&state.records, &caller, &self.bucket);
            let bucket = Bucket {
                name: self.bucket,
                owner: Owner { account: caller.account, alias: caller.alias },
                acl: self.acl,
                location: self.location.unwrap_or_default(),
                created: state.clock.now(),
                leaving: false,
            };
            create(&records, &bucket)
        })
        .await??;
        Ok(Response::empty(200).with("location", format!("/{name}")))
    }
}

/// Refuses an account whose buckets are given away or ended: it gets no new ones. Blocks.
fn demand_open(records: &Records, account: &AccountId) -> Result<(), Failed> {
    match records.closed_accounts.get(account.as_str())? {
        None => Ok(()),
        Some(_) => {
            let text = "The account is being deleted: no bucket can be made for it";
            Err(ApiError::new(ErrorCode::AccessDenied, text).into())
        }
    }
}

/// Makes a bucket. Blocks.
///
/// # Errors
/// `BucketAlreadyOwnedByYou`, `BucketAlreadyExists`, `QuotaExceeded`, or what the store says.
pub(crate) fn create(records: &Records, bucket: &Bucket) -> Result<(), Failed> {
    let owner = &bucket.owner.account;
    transact(records.engine(), |batch| {
        // A request of an account that is deleted may be under way still.
        demand_open(records, owner)?;
        batch.hold_absent::<ClosedAccount>(owner.as_str());
        if let Some(other) = records.buckets.get(bucket.name.as_str())? {
            let (code, text) = if other.owner.account == bucket.owner.account {
                let text = "Your previous request to create the named bucket succeeded \
                            and you already own it";
                (ErrorCode::BucketAlreadyOwnedByYou, text)
            } else {
                (ErrorCode::BucketAlreadyExists, "The requested bucket name is not available")
            };
            return Err(Failed::from(ApiError::new(code, text)));
        }
        let row = format!("{}/{}", bucket.owner.account, bucket.name);
        batch.insert(bucket)?.claim(&records.bucket_by_owner, &row, bucket.name.as_str());
        Ok(records.ledger.bucket_comes(batch, &bucket.name, &bucket.owner.account)?)
    })?;
    records.ledger.committed(Change::buckets(1));
    Ok(())
}

impl Operate for HeadBucket {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let state = scene.state();
        let bucket = pool::block(move || state.records.bucket(&self.bucket)).await??;
        demand(may_list(scene.caller.as_ref(), &bucket))?;
        Ok(Response::empty(200).with("x-amz-bucket-region", scene.region.as_str()))
    }
}

impl Operate for GetBucketLocation {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let state = scene.state();
        let bucket = pool::block(move || state.records.bucket(&self.bucket)).await??;
        demand(may_write(scene.caller.as_ref(), &bucket))?;
        Ok(answer(location_to_xml(&bucket.location)))
    }
}

impl Operate for DeleteBucket {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let caller = scene.caller.clone();
        let state = scene.state();
        pool::block(move || {
            let bucket = state.records.bucket(&self.bucket)?;
            demand(may_write(caller.as_ref(), &bucket))?;
            remove(&state.records, bucket, |name| state.shelves.give_up_all(name))
        })
        .await??;
        Ok(Response::empty(204))
    }
}

fn is_empty(records: &Records, name: &BucketName) -> Result<bool, Failed> {
    Ok(records.objects.scan(&object_key(name, ""), None, 1)?.is_empty())
}

/// Removes a bucket as its caller saw it, and open uploads with it: no object is lost by that, and
/// since the mark none can be begun.
pub(crate) fn remove(
    records: &Records,
    bucket: Seen<Bucket>,
    give_up_uploads: impl FnOnce(&BucketName) -> Result<(), Failed>,
) -> Result<(), Failed> {
    // Most refusals end here, without disturbing those who write.
    if !is_empty(records, &bucket.name)? {
        return Err(not_empty());
    }
    let marked = mark(records, bucket)?;
    let removed = match is_empty(records, &marked.name) {
        Ok(true) => give_up_uploads(&marked.name).and_then(|()| remove_marked(records, &marked)),
        Ok(false) => Err(not_empty()),
        Err(failed) => Err(failed),
    };
    if removed.is_err() {
        unmark(records, marked);
    }
    removed
}

fn not_empty() -> Failed {
    let text = "The bucket you tried to delete is not empty";
    ApiError::new(ErrorCode::BucketNotEmpty, text).into()
}

/// Marks a bucket as leaving. Also one that is marked already is written anew: the bucket then is
/// no longer as the earlier remover saw it, who must let go of it.
fn mark(records: &Records, mut bucket: Seen<Bucket>) -> Result<Seen<Bucket>, Failed> {
    bucket.record.leaving = true;
    Ok(records.buckets.replace(bucket)?)
}

/// Takes one's own mark back, if it still is there.
fn unmark(records: &Records, mut marked: Seen<Bucket>) {
    marked.record.leaving = false;
    let name = marked.name.clone();
    match records.buckets.replace(marked) {
        // After a conflict the bucket is another remover's, or gone.
        Ok(_) | Err(StoreError::Conflict { .. }) => {}
        Err(error) => {
            tracing::error!(%name, %error, "a bucket stays closed until it is removed");
        }
    }
}

/// Removes a bucket that still bears one's own mark: since then no object can have come. The bucket
/// is never read anew, because another may have its name by now; only its account's usage, in which
/// all of the account's requests meet, is.
fn remove_marked(records: &Records, marked: &Seen<Bucket>) -> Result<(), Failed> {
    let account = &marked.owner.account;
    let row = format!("{account}/{}", marked.name);
    let (change, _) = transact(records.engine(), |batch| {
        batch.remove(marked).unpoint(&records.bucket_by_owner, &row);
        if records.buckets.get(marked.key())?.is_none_or(|now| now.rev() != marked.rev()) {
            return Err(StoreError::Conflict { key: marked.key().to_owned() }.into());
        }
        Ok::<_, Failed>(records.ledger.bucket_goes(batch, &marked.name, account)?)
    })?;
    records.ledger.committed(change);
    Ok(())
}

/// Ends removals that a crash has interrupted: a bucket that was leaving stays. Blocks; nothing
/// may be served yet.
///
/// # Errors
/// If the store fails.
pub(crate) fn recall_leaving(records: &Records) -> Result<(), Failed> {
    for seen in records.buckets.all("") {
        let seen = seen?;
        if seen.leaving {
            records.buckets.update(seen.key(), |bucket| {
                bucket.leaving = false;
                Ok::<_, Failed>(())
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::Memory;

    use super::*;
    use crate::records::Object;

    fn bucket(account: &str) -> Bucket {
        Bucket::sample("buck", account)
    }

    fn object(bucket: &Bucket) -> Object {
        Object::sample("buck", "key", bucket.owner.account.as_str())
    }

    fn records() -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        create(&records, &bucket("111111111111")).unwrap();
        records
    }

    fn seen(records: &Records) -> Seen<Bucket> {
        records.bucket(&"buck".parse().unwrap()).unwrap()
    }

    fn code(result: Result<(), Failed>) -> ErrorCode {
        ApiError::from(result.unwrap_err()).code()
    }

    #[test]
    fn a_remover_never_takes_the_next_bucket_of_the_name() {
        let records = records();
        let slow = mark(&records, seen(&records)).unwrap();
        let quick = mark(&records, seen(&records)).unwrap();
        assert!(quick.rev() > slow.rev());
        assert_eq!(code(remove_marked(&records, &slow)), ErrorCode::OperationAborted);
        unmark(&records, slow.clone());
        assert!(seen(&records).leaving, "the mark is the other's");
        remove_marked(&records, &quick).unwrap();

        let next = bucket("222222222222");
        create(&records, &next).unwrap();
        records.objects.insert(object(&next)).unwrap();
        assert_eq!(code(remove_marked(&records, &slow)), ErrorCode::OperationAborted);
        unmark(&records, slow);
        assert_eq!(seen(&records).owner.account, next.owner.account);
        assert!(records.bucket_by_owner.get("222222222222/buck").unwrap().is_some());
    }

    #[test]
    fn a_refused_removal_leaves_the_bucket_open() {
        let records = records();
        let object = records.objects.insert(object(&seen(&records))).unwrap();
        assert_eq!(code(remove(&records, seen(&records), |_| Ok(()))), ErrorCode::BucketNotEmpty);
        let marked = mark(&records, seen(&records)).unwrap();
        unmark(&records, marked);
        assert!(!seen(&records).leaving);
        records.objects.remove(object.key()).unwrap();
        let stale = seen(&records);
        mark(&records, stale.clone()).unwrap();
        assert_eq!(code(remove(&records, stale, |_| Ok(()))), ErrorCode::OperationAborted);
        remove(&records, seen(&records), |_| Ok(())).unwrap();
        assert!(records.bucket_by_owner.get("111111111111/buck").unwrap().is_none());
    }
}

//! Operations on buckets: the `Buckets` actor's.
//!
//! Removing a bucket has two commits, because an engine of four verbs cannot hold "no object is
//! there" in one: first the bucket is marked as leaving, which every write of an object checks in
//! its own commit; then, if it still is empty, it goes, else the mark goes.

use common::error::{ApiError, ErrorCode};
use common::s3::buckets::{
    BucketList, CreateBucket, DeleteBucket, GetBucketLocation, HeadBucket, ListBuckets,
    ListObjects, location_to_xml,
};
use common::s3::{BucketName, Owner};
use runtime::clock::Clock;
use runtime::http::Response;
use runtime::pool;
use store::transact;

use super::access::{demand, may_list, may_write};
use super::listing;
use super::service::{Operate, Scene};
use crate::records::{Bucket, Failed, Records, object_key};

/// What the `Buckets` actor shares among its operations.
pub(crate) struct Buckets {
    /// The records.
    pub(crate) records: Records,
    /// The time.
    pub(crate) clock: Clock,
    /// The region's name.
    pub(crate) region: String,
}

/// How many index rows are read at once.
const PAGE: usize = 1000;

fn xml(text: String) -> Response {
    Response::text(200, "application/xml", text)
}

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
        Ok(xml(list.await??.to_xml()))
    }
}

impl Operate for CreateBucket {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let caller = scene.signed_caller()?;
        let state = scene.state();
        let name = self.bucket.clone();
        pool::block(move || {
            let bucket = Bucket {
                name: self.bucket,
                owner: Owner { account: caller.account, alias: caller.alias },
                acl: self.acl,
                location: self.location.unwrap_or_default(),
                created: state.clock.now(),
                leaving: false,
            };
            create(&state.records, &bucket)
        })
        .await??;
        Ok(Response::empty(200).with("location", format!("/{name}")))
    }
}

fn create(records: &Records, bucket: &Bucket) -> Result<(), Failed> {
    transact(records.engine(), |batch| {
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
        Ok(())
    })?;
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
        Ok(xml(location_to_xml(&bucket.location)))
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
            remove(&state.records, &self.bucket)
        })
        .await??;
        Ok(Response::empty(204))
    }
}

fn is_empty(records: &Records, name: &BucketName) -> Result<bool, Failed> {
    Ok(records.objects.scan(&object_key(name, ""), None, 1)?.is_empty())
}

fn remove(records: &Records, name: &BucketName) -> Result<(), Failed> {
    let not_empty =
        || ApiError::new(ErrorCode::BucketNotEmpty, "The bucket you tried to delete is not empty");
    // Most refusals end here, without disturbing those who write.
    if !is_empty(records, name)? {
        return Err(not_empty().into());
    }
    let mark = |leaving: bool| {
        records.buckets.update(name.as_str(), |bucket| {
            bucket.leaving = leaving;
            Ok::<_, Failed>(())
        })
    };
    mark(true)?;
    match is_empty(records, name) {
        Ok(true) => {}
        other => {
            mark(false)?;
            return other.and_then(|_| Err(not_empty().into()));
        }
    }
    transact(records.engine(), |batch| {
        if let Some(seen) = records.buckets.get(name.as_str())? {
            let row = format!("{}/{name}", seen.owner.account);
            batch.remove(&seen).unpoint(&records.bucket_by_owner, &row);
        }
        Ok::<_, Failed>(())
    })?;
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

impl Operate for ListObjects {
    type State = Buckets;

    async fn operate(self, scene: Scene<Buckets>) -> Result<Response, ApiError> {
        let caller = scene.caller.clone();
        let state = scene.state();
        let list = pool::block(move || {
            let bucket = state.records.bucket(&self.bucket)?;
            demand(may_list(caller.as_ref(), &bucket))?;
            Ok::<_, Failed>(listing::list(&state.records, self)?.to_xml())
        });
        Ok(xml(list.await??))
    }
}

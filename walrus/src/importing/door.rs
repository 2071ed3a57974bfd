//! The messages about disks that are imported.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::s3::{BucketName, ObjectKey};
use common::wire::importing::{
    CheckDisk, CheckedDisk, DescribeImports, DiskRef, DropDisk, ImportDisk, ImportState,
    ImportView, StopImport,
};
use common::wire::walrus::{CacheView, Walrus};
use runtime::dispatcher::Dispatcher;
use runtime::pool;
use runtime::shutdown::Shutdown;
use tokio::sync::watch;

use super::flights::Flights;
use super::look::{HEAD, TAIL, look};
use crate::bundling::door::{as_caller, is_of};
use crate::bundling::store::BundleStore;
use crate::content::Content;
use crate::records::Failed;
use crate::s3::access::{demand, may_read, may_write};
use crate::s3::commit::{open_bucket, remove};

/// The longest wait for an import in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Answers the messages.
#[derive(Clone)]
pub(crate) struct ImportDoor {
    content: Content,
    flights: Flights,
    /// How the cache stands into which the image is to be unpacked.
    figures: watch::Receiver<CacheView>,
}

fn unimportable(place: &str, why: &str) -> ApiError {
    let text = format!("No image can be made of the disk {place}: {why}");
    ApiError::new(ErrorCode::InvalidParameterValue, text)
}

impl ImportDoor {
    /// A door over its parts.
    pub(crate) fn new(
        content: Content,
        store: Arc<BundleStore>,
        figures: watch::Receiver<CacheView>,
        shutdown: Shutdown,
    ) -> Self {
        let flights = Flights::new(content.clone(), store, shutdown);
        Self { content, flights, figures }
    }

    /// Adds the messages to those that walrus answers.
    pub(crate) fn answer_on(self, dispatcher: Dispatcher<Walrus>) -> Dispatcher<Walrus> {
        let [one, two, three, four] = [(); 4].map(|()| self.clone());
        dispatcher
            .with(move |message: CheckDisk| {
                let door = self.clone();
                async move { door.check(message).await }
            })
            .with(move |message: ImportDisk| {
                let door = one.clone();
                async move { door.import(message).await }
            })
            .with(move |_: DescribeImports| {
                let door = two.clone();
                async move { Ok::<Vec<ImportView>, ApiError>(door.flights.all()) }
            })
            .with(move |message: StopImport| {
                let door = three.clone();
                async move {
                    door.flights.stop(&message.task);
                    Ok::<_, ApiError>(())
                }
            })
            .with(move |message: DropDisk| {
                let door = four.clone();
                async move { door.discard(message).await }
            })
    }

    async fn check(&self, asked: CheckDisk) -> Result<CheckedDisk, ApiError> {
        let (content, most) = (self.content.clone(), self.figures.borrow().limit);
        pool::block(move || checked(&content, &asked, most)).await?
    }

    async fn import(&self, asked: ImportDisk) -> Result<ImportState, ApiError> {
        let (content, task, place) =
            (self.content.clone(), asked.task.clone(), asked.place.clone());
        let is_there = pool::block(move || {
            let manifest = content.records.object(&place.bucket, &place.manifest())?;
            Ok::<_, Failed>(manifest.is_some_and(|object| is_of(&object, &task)))
        });
        if is_there.await?? {
            // One that ended while nobody asked is told of for the last time.
            self.flights.forget(&asked.task);
            return Ok(ImportState::Complete);
        }
        let wait = Duration::from_millis(asked.wait_ms).min(LONGEST_WAIT);
        Ok(self.flights.want(asked, wait).await)
    }

    async fn discard(&self, message: DropDisk) -> Result<(), ApiError> {
        let DropDisk { disk, owner } = message;
        let (content, owner) = (self.content.clone(), as_caller(&owner));
        let key: ObjectKey = disk.key.parse()?;
        let kept = || Failed::from(ApiError::new(ErrorCode::PreconditionFailed, "another's"));
        let removed = pool::block(move || {
            remove(&content, &disk.bucket, &key, |_, found| match found.old {
                Some(old) if old.etag != disk.etag || old.size != disk.size => Err(kept()),
                _ if !may_write(Some(&owner), found.bucket) => Err(kept()),
                _ => Ok(()),
            })
        });
        match removed.await?.map_err(ApiError::from) {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::NoSuchBucket | ErrorCode::PreconditionFailed
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Looks at a disk. Blocks.
fn checked(content: &Content, asked: &CheckDisk, most: u64) -> Result<CheckedDisk, ApiError> {
    let place = format!("{}/{}", asked.bucket, asked.key);
    let bad = |error: ApiError| unimportable(&place, error.text());
    let bucket: BucketName = asked.bucket.parse().map_err(bad)?;
    let _: ObjectKey = asked.key.parse().map_err(bad)?;
    // Who may not read it does not learn whether it is there.
    let absent = || {
        let text = format!("There is no disk {place}, or you may not read it");
        ApiError::new(ErrorCode::AuthFailure, text)
    };
    let found = open_bucket(&content.records, &bucket).map_err(ApiError::from);
    let found = found.map_err(|error| match error.code() {
        ErrorCode::NoSuchBucket => absent(),
        _ => error,
    })?;
    let reader = Caller {
        administrator: asked.administrator,
        ..Caller::owner(&asked.account, asked.account.as_str())
    };
    let opened = content.open(&bucket, &asked.key)?.ok_or_else(absent)?;
    demand(may_read(Some(&reader), &found, &opened.object)).map_err(|_| absent())?;
    let (size, etag) = (opened.object.size, opened.object.etag.clone());
    let read = |from: u64, most: usize| -> Result<Vec<u8>, ApiError> {
        let opened = content.open(&bucket, &asked.key)?.ok_or_else(absent)?;
        let (mut bytes, most) = (Vec::new(), u64::try_from(most).unwrap_or(u64::MAX));
        let read = opened.bytes.read_from(from).take(most).read_to_end(&mut bytes);
        read.map_err(|error| ApiError::internal("The disk cannot be read", error))?;
        Ok(bytes)
    };
    let head = read(0, HEAD)?;
    let tail = read(size.saturating_sub(TAIL as u64), TAIL)?;
    let layout = look(&head, &tail, size).map_err(|why| unimportable(&place, &why))?;
    if size > most {
        let why = format!(
            "it has {} MB, and the space reserved for unbundling images has {}",
            size.div_ceil(1 << 20),
            most >> 20
        );
        return Err(unimportable(&place, &why));
    }
    Ok(CheckedDisk { disk: DiskRef { bucket, key: asked.key.clone(), etag, size }, layout })
}

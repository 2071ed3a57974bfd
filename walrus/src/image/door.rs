//! The messages of walrus and who answers them.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use common::error::{ApiError, ErrorCode};
use common::wire::cached::{EvictCached, LookIntoCache};
use common::wire::quota::{DescribeQuotas, QuotaView, SetDefaultLimits, SetQuota};
use common::wire::upkeep::{
    CachedImage, CheckCached, CheckManifest, CheckParts, CheckedCached, CheckedParts,
    DescribeUnpacking, ListCached, Unpacking,
};
use common::wire::walrus::{
    CacheView, CheckBundle, DescribeCache, ForgetImage, ImageTicket, InstallBundleKey,
    SetCacheLimit, Walrus, WantImage, WantedImage,
};
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::pool;
use store::{StoreError, transact};
use tokio::sync::Semaphore;

use super::again;
use super::check::{Checker, open_key};
use super::manifest::{Registered, registered};
use super::ticket::Tickets;
use crate::cache::actor::{
    Cache, Forget, FoundGood, Limit, List, PinImage, Seen, Want, Wanted, stopping,
};
use crate::cache::disk::is_digest;
use crate::cache::unbundle::Flight;
use crate::quota::answers;
use crate::records::{CACHE_LIMIT, Failed, Records, Setting};

/// The longest wait for an image in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How many bundles are checked, and manifests read, at once: each may take a few times the size
/// of a manifest in memory.
const AT_ONCE: usize = 4;

/// What the messages need.
#[derive(Clone)]
pub(crate) struct Door {
    /// Checks bundles.
    pub(crate) checker: Checker,
    /// Keeps plain images.
    pub(crate) cache: Addr<Cache>,
    /// The cache's figures, and what is on its way into it.
    pub(crate) seen: Seen,
    /// Makes tickets.
    pub(crate) tickets: Tickets,
    /// What stands before a ticket's path.
    pub(crate) base_url: String,
    /// The time.
    pub(crate) clock: Clock,
    /// Bytes of the disk that stay free.
    pub(crate) reserve: u64,
    /// By what revisions of the cache are told from those of an earlier run.
    pub(super) begun: u64,
    manifests: Arc<Semaphore>,
}

/// Why a wanted image cannot be had, on its way up.
enum Unwanted {
    /// A sentence; asking again is of no use.
    Failed(String),
    Error(ApiError),
}

impl From<ApiError> for Unwanted {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

impl Door {
    /// A door over its parts.
    pub(crate) fn new(
        checker: Checker,
        (cache, seen): (Addr<Cache>, Seen),
        (tickets, base_url): (Tickets, String),
        clock: Clock,
        reserve: u64,
    ) -> Self {
        let manifests = Arc::new(Semaphore::new(AT_ONCE));
        let begun = u64::try_from(clock.now().as_millis()).unwrap_or(0);
        Self { checker, cache, seen, tickets, base_url, clock, reserve, begun, manifests }
    }

    /// All messages.
    pub(crate) fn dispatcher(self) -> Dispatcher<Walrus> {
        macro_rules! answer {
            ($method:ident, $message:ty) => {{
                let door = self.clone();
                move |message: $message| {
                    let door = door.clone();
                    async move { door.$method(message).await }
                }
            }};
        }
        Dispatcher::new()
            .with(answer!(install, InstallBundleKey))
            .with(answer!(check, CheckBundle))
            .with(answer!(want, WantImage))
            .with(answer!(forget, ForgetImage))
            .with(answer!(set_limit, SetCacheLimit))
            .with(answer!(describe, DescribeCache))
            .with(answer!(describe_unpacking, DescribeUnpacking))
            .with(answer!(check_manifest, CheckManifest))
            .with(answer!(check_parts, CheckParts))
            .with(answer!(list_cached, ListCached))
            .with(answer!(check_cached, CheckCached))
            .with(answer!(look, LookIntoCache))
            .with(answer!(evict, EvictCached))
            .with(answer!(set_quota, SetQuota))
            .with(answer!(set_defaults, SetDefaultLimits))
            .with(answer!(describe_quotas, DescribeQuotas))
    }

    async fn install(&self, message: InstallBundleKey) -> Result<(), ApiError> {
        let key = self.checker.key.clone();
        pool::block(move || key.install(&message)).await?
    }

    async fn check(
        &self,
        message: CheckBundle,
    ) -> Result<common::wire::walrus::CheckedBundle, ApiError> {
        let _turn = self.turn().await?;
        let checked = self.checker.check(message).await?;
        // What was wrong with its parts may have been repaired since.
        let good = FoundGood(checked.bundle.manifest_sha256.clone());
        self.cache.send(good).await.map_err(stopping)?;
        Ok(checked)
    }

    async fn turn(&self) -> Result<tokio::sync::OwnedSemaphorePermit, ApiError> {
        let turn = Arc::clone(&self.manifests).acquire_owned().await;
        turn.map_err(|error| ApiError::internal("The service is stopping", error))
    }

    async fn want(&self, message: WantImage) -> Result<WantedImage, ApiError> {
        let wait = Duration::from_millis(message.wait_ms).min(LONGEST_WAIT);
        let (key, reads) = (message.bundle.manifest_sha256.clone(), message.reads);
        let flight = {
            let _turn = self.turn().await?;
            match self.prepare(message).await {
                Ok(flight) => flight,
                Err(Unwanted::Failed(reason)) => {
                    return Ok(WantedImage::Failed { reason, retryable: false });
                }
                Err(Unwanted::Error(error)) => return Err(error),
            }
        };
        let want = Want { key: key.clone(), flight: Box::new(flight), wait, reads };
        let wanted = self.cache.send(want).await.map_err(stopping)??;
        Ok(match wanted {
            Wanted::Here(image) => {
                let (path, expires) = self.tickets.issue(&key, self.clock.now());
                let url = format!("{}{path}", self.base_url);
                WantedImage::Ready(ImageTicket {
                    url,
                    sha256: image.sha256,
                    size: image.size,
                    expires,
                    layout: image.layout,
                })
            }
            Wanted::Unpacking(done, total) => WantedImage::Unpacking { done, total },
            Wanted::Failed(failure) => {
                WantedImage::Failed { reason: failure.reason, retryable: failure.retryable }
            }
        })
    }

    /// Reads the manifest again: it must still be the one that was checked.
    async fn prepare(&self, message: WantImage) -> Result<Flight, Unwanted> {
        let bundle = message.bundle;
        if !is_digest(&bundle.manifest_sha256) {
            let error = ApiError::invalid("manifest_sha256", "it is no SHA-256 in lower-case hex");
            return Err(error.into());
        }
        let key = self.checker.key.get()?;
        let (content, reserve) = (self.checker.content.clone(), self.reserve);
        pool::block(move || {
            let read = registered(&content, &bundle);
            let Registered { location, manifest } = read.map_err(|error| match error.code() {
                ErrorCode::AuthFailure | ErrorCode::InvalidManifest => {
                    Unwanted::Failed(error.text().to_owned())
                }
                _ => Unwanted::Error(error),
            })?;
            let failed = |error: ApiError| Unwanted::Failed(error.text().to_owned());
            let key = open_key(&manifest, &key).map_err(failed)?;
            let prefix = location.prefix().to_owned();
            Ok(Flight { content, bucket: location.bucket, prefix, manifest, key, reserve })
        })
        .await?
    }

    async fn forget(&self, message: ForgetImage) -> Result<(), ApiError> {
        self.cache.send(Forget(message.bundle.manifest_sha256)).await.map_err(stopping)
    }

    async fn set_limit(&self, message: SetCacheLimit) -> Result<(), ApiError> {
        let bytes = message.megabytes.checked_mul(1 << 20).ok_or_else(|| {
            ApiError::invalid("megabytes", format!("{} is too many", message.megabytes))
        })?;
        let records = self.checker.content.records.clone();
        pool::block(move || keep_limit(&records, bytes)).await??;
        self.cache.send(Limit(bytes)).await.map_err(stopping)
    }

    async fn set_quota(&self, message: SetQuota) -> Result<QuotaView, ApiError> {
        let records = self.checker.content.records.clone();
        Ok(pool::block(move || answers::set(&records, &message)).await??)
    }

    async fn set_defaults(&self, message: SetDefaultLimits) -> Result<bool, ApiError> {
        let records = self.checker.content.records.clone();
        Ok(pool::block(move || answers::set_defaults(&records, message)).await??)
    }

    async fn describe_quotas(&self, message: DescribeQuotas) -> Result<Vec<QuotaView>, ApiError> {
        let records = self.checker.content.records.clone();
        Ok(pool::block(move || answers::describe(&records, &message)).await??)
    }

    async fn describe(&self, _: DescribeCache) -> Result<CacheView, ApiError> {
        Ok(self.seen.figures.borrow().clone())
    }

    async fn describe_unpacking(&self, _: DescribeUnpacking) -> Result<Vec<Unpacking>, ApiError> {
        Ok(self.seen.flights.all())
    }

    async fn check_manifest(&self, message: CheckManifest) -> Result<(), ApiError> {
        let _turn = self.turn().await?;
        self.checker.check_again(message).await
    }

    async fn check_parts(&self, message: CheckParts) -> Result<CheckedParts, ApiError> {
        let _turn = self.turn().await?;
        let content = self.checker.content.clone();
        pool::block(move || again::parts(&content, &message)).await?
    }

    async fn list_cached(&self, _: ListCached) -> Result<Vec<CachedImage>, ApiError> {
        let all = self.cache.send(List).await.map_err(stopping)?;
        Ok(all.into_iter().map(|(key, image)| again::view(key, image)).collect())
    }

    /// The image is pinned, so that it is not evicted while it is read.
    async fn check_cached(&self, message: CheckCached) -> Result<CheckedCached, ApiError> {
        let pin = self.cache.send(PinImage(message.manifest_sha256)).await.map_err(stopping)?;
        let Some(pin) = pin else { return Ok(CheckedCached::Absent) };
        let image = pin.image.clone();
        let checked = pool::block(move || again::plain(&image)).await;
        drop(pin);
        checked
    }
}

fn keep_limit(records: &Records, value: u64) -> Result<(), Failed> {
    transact(records.engine(), |batch| {
        match records.settings.get(CACHE_LIMIT)? {
            Some(mut seen) => {
                seen.record.value = value;
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(&Setting { name: CACHE_LIMIT.to_owned(), value })?),
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(())
}

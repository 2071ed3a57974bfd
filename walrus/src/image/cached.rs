//! What lies in the cache, told to whoever looks; and its removal by an administrator.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::error::{ApiError, ErrorCode};
use common::time::Timestamp;
use common::wire::cached::{
    CacheContent, EvictCached, EvictedImages, HeldImage, HeldState, LookIntoCache,
};
use common::wire::upkeep::Unpacking;
use runtime::pool;

use super::door::Door;
use crate::cache::actor::{Evict, Look, stopping};
use crate::cache::disk::Image;
use crate::cache::table::{Entry, Kept, Place};

/// The longest wait for a change in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Door {
    /// Waits for a change, but not long, and tells what there is.
    pub(super) async fn look(&self, message: LookIntoCache) -> Result<CacheContent, ApiError> {
        let mut changes = self.seen.revision.clone();
        let wait = Duration::from_millis(message.wait_ms).min(LONGEST_WAIT);
        let begun = self.begun;
        let news = changes.wait_for(|count| begun.saturating_add(*count) != message.since);
        // Whether it has changed or not, what there is is told.
        drop(tokio::time::timeout(wait, news).await);
        let (count, figures, entries) = self.cache.send(Look).await.map_err(stopping)?;
        let under_way = self.seen.flights.all();
        let images = move || entries.into_iter().map(|it| held(it, &under_way)).collect();
        let images = pool::block(images).await?;
        Ok(CacheContent { revision: begun.saturating_add(count), figures, images })
    }

    /// Removes an image, or all that nobody uses.
    pub(super) async fn evict(&self, message: EvictCached) -> Result<EvictedImages, ApiError> {
        let evicted = self.cache.send(Evict(message.manifest_sha256)).await.map_err(stopping)?;
        evicted.map_err(|kept| match kept {
            Kept::Absent => {
                ApiError::new(ErrorCode::InvalidAmiIdUnavailable, "The image is not in the cache")
            }
            Kept::Read => ApiError::new(
                ErrorCode::IncorrectState,
                "The image is being read, or is about to be: it is not evicted",
            ),
            Kept::UnderWay => ApiError::new(
                ErrorCode::IncorrectState,
                "The image is being unpacked, or waits for its turn: it is not evicted",
            ),
        })
    }
}

/// Blocks: when an image was used is its file's time.
fn held((entry, image): (Entry, Option<Image>), under_way: &[Unpacking]) -> HeldImage {
    let way = under_way.iter().find(|it| it.manifest_sha256 == entry.key);
    let (done, total) = way.map_or((0, 0), |it| (it.done, it.total));
    let state = match entry.place {
        Place::Queued => HeldState::Queued,
        Place::Flying => HeldState::Unpacking,
        Place::Here => HeldState::Here,
        Place::Leaving => HeldState::Leaving,
    };
    HeldImage {
        manifest_sha256: entry.key,
        size: entry.bytes,
        state,
        used: image.and_then(|image| used(&image)),
        hits: entry.hits,
        pins: entry.pins,
        expected: entry.expected,
        waiting: entry.waiting,
        done,
        total,
    }
}

fn used(image: &Image) -> Option<Timestamp> {
    let modified: SystemTime = std::fs::metadata(&image.path).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::EPOCH.plus(since))
}

//! Removes what nobody needs: files that no record names, which a crash between landing a file and
//! committing its record leaves behind; uploads that are over, or whose object is no more, where
//! clearing them away was interrupted; open uploads that are older than is configured; and notes of
//! dropped bundles for which nothing can come any more.
//!
//! For files it looks in an order that cannot mistake a living file for a dead one: first which files are
//! there, then which of them belong to uploads that are not over, then which are named. A file
//! that was there, and whose upload is over, is named by now or never will be.

use std::time::Duration;

use actix::Addr;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use runtime::clock::Clock;
use runtime::metrics::Counter;
use runtime::pool;
use runtime::shutdown::Shutdown;

use crate::blob::uploads::{Held, Uploads};
use crate::content::Content;
use crate::dropped;
use crate::estates;
use crate::records::Failed;
use crate::upload::Stage;

/// What a sweep needs.
pub(crate) struct Sweep {
    /// Records and files.
    pub(crate) content: Content,
    /// Who knows which uploads are not over.
    pub(crate) uploads: Addr<Uploads>,
    /// The time.
    pub(crate) clock: Clock,
    /// How old an open upload may become.
    pub(crate) oldest: Option<Duration>,
    /// Files removed so far.
    pub(crate) removed: Counter,
}

/// How many records of uploads are read at once.
const PAGE: usize = 256;

impl Sweep {
    /// Sweeps now, and then each time the interval has passed, until the shutdown.
    pub(crate) async fn run(self, interval: Duration, shutdown: Shutdown) {
        while !shutdown.is_raised() {
            match self.once(&shutdown).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "swept files without a record"),
                Err(error) => tracing::warn!(
                    %error,
                    cause = error.source_text().unwrap_or_default(),
                    "the sweep was broken off"
                ),
            }
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = shutdown.raised() => {}
            }
        }
    }

    /// Sweeps all uploads and all shelves once; gives how many files were removed.
    pub(crate) async fn once(&self, shutdown: &Shutdown) -> Result<u64, ApiError> {
        let (content, now) = (self.content.clone(), self.clock.now());
        let forgotten = move || {
            dropped::forget(&content.records.dropped_tasks, now)?;
            estates::forget(&content.records.closed_accounts, now)
        };
        pool::block(forgotten).await?.map_err(Failed::from)?;
        self.uploads(shutdown).await?;
        let mut removed = 0;
        for shelf in 0..=u8::MAX {
            if shutdown.is_raised() {
                break;
            }
            let files = self.content.files.clone();
            let there = pool::block(move || files.on_shelf(shelf)).await?;
            let there =
                there.or_error(ErrorCode::InternalError, "A directory of blobs cannot be read")?;
            if there.is_empty() {
                continue;
            }
            let held = self.uploads.send(Held).await;
            let held = held.or_error(ErrorCode::Unavailable, "The service is stopping")?;
            let content = self.content.clone();
            let gone = pool::block(move || {
                let mut gone = 0;
                for id in there.into_iter().filter(|id| !held.contains(id)) {
                    if !content.is_named(&id)? {
                        content.files.remove(&id);
                        gone += 1;
                    }
                }
                Ok::<_, Failed>(gone)
            })
            .await??;
            removed += gone;
            self.removed.add(gone);
        }
        Ok(removed)
    }

    /// Clears away the uploads that nobody needs any more.
    async fn uploads(&self, shutdown: &Shutdown) -> Result<(), ApiError> {
        let mut last = None::<String>;
        while !shutdown.is_raised() {
            let (content, after) = (self.content.clone(), last);
            let begun = self.oldest.map(|oldest| self.clock.now().minus(oldest));
            let page = pool::block(move || {
                let page = content.records.uploads.scan("", after.as_deref(), PAGE)?;
                for upload in &page {
                    match upload.stage {
                        Stage::Open if begun.is_some_and(|begun| upload.begun < begun) => {
                            content.give_up(&upload.id)?;
                        }
                        Stage::Open => {}
                        Stage::Sealed(_) if content.is_named(&upload.id)? => {}
                        Stage::Sealed(_) | Stage::Over => content.try_clear_away(&upload.id),
                    }
                }
                let full = page.len() == PAGE;
                Ok::<_, Failed>(page.last().filter(|_| full).map(|upload| upload.key().to_owned()))
            });
            match page.await?? {
                Some(key) => last = Some(key),
                None => break,
            }
        }
        Ok(())
    }
}

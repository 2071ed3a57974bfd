//! Removes files that no record names: what a crash between landing a file and committing its
//! record leaves behind, and what could not be removed when it should have been.
//!
//! It looks in an order that cannot mistake a living file for a dead one: first which files are
//! there, then which of them belong to uploads that are not over, then which are named. A file
//! that was there, and whose upload is over, is named by now or never will be.

use std::time::Duration;

use actix::Addr;
use common::error::{ApiError, ErrorCode, OrApiError as _};
use runtime::metrics::Counter;
use runtime::pool;
use runtime::shutdown::Shutdown;

use crate::blob::uploads::{Held, Uploads};
use crate::content::Content;
use crate::records::Failed;

/// What a sweep needs.
pub(crate) struct Sweep {
    /// Records and files.
    pub(crate) content: Content,
    /// Who knows which uploads are not over.
    pub(crate) uploads: Addr<Uploads>,
    /// Files removed so far.
    pub(crate) removed: Counter,
}

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

    /// Sweeps all shelves once; gives how many files were removed.
    pub(crate) async fn once(&self, shutdown: &Shutdown) -> Result<u64, ApiError> {
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
}

//! Follows the feed of identity for ever: asks, applies, asks again from there.
//!
//! A question waits at the clc for news, so a change is here a moment after it was made. A clc that
//! does not answer is asked again after a pause that grows to a second.

use std::sync::Arc;
use std::time::Duration;

use common::error::ApiError;
use common::wire::identity::{FollowIdentity, Identity, IdentityPage};
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::pool;
use runtime::shutdown::Shutdown;

use super::copy::IdentityCopy;

/// How long a question waits at the clc for news.
const WAIT: Duration = Duration::from_secs(8);

/// How soon a clc that did not answer is asked again, at first and in the end.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Keeps the copy current.
pub(crate) struct Follower {
    /// The copy.
    pub(crate) copy: Arc<IdentityCopy>,
    /// The clc.
    pub(crate) clc: Peer<Identity>,
    /// The time.
    pub(crate) clock: Clock,
    /// How long the copy is believed without news: so often the clc must be heard.
    pub(crate) trust: Duration,
    /// Ends it.
    pub(crate) shutdown: Shutdown,
}

impl Follower {
    /// Runs until the shutdown.
    pub(crate) async fn run(self) {
        let (mut pause, mut swept) = (PAUSES.0, None);
        let wait = WAIT.min(self.trust / 3);
        while !self.shutdown.is_raised() {
            let state = self.copy.state();
            if swept != Some(state.generation) && state.current.is_some() {
                match self.sweep().await {
                    Ok(()) => swept = Some(state.generation),
                    Err(error) => tracing::warn!(%error, "rows of a former copy were not removed"),
                }
            }
            let began = tokio::time::Instant::now();
            let answered = tokio::select! {
                answered = self.ask(wait) => answered,
                () = self.shutdown.raised() => return,
            };
            let kept = match answered {
                Ok(page) => self.keep(page).await,
                Err(error) => Err(error),
            };
            let idle = match kept {
                Ok(news) => {
                    if !state.reachable {
                        tracing::info!("the clc tells who may do what");
                    }
                    pause = PAUSES.0;
                    // One that answers at once without news would be asked without end.
                    !news && began.elapsed() < wait / 2
                }
                Err(error) => {
                    if self.copy.missed() || pause == PAUSES.0 {
                        let cause = error.source_text().unwrap_or_default();
                        tracing::warn!(%error, cause, "the copy of identity cannot be kept current");
                    }
                    true
                }
            };
            if idle {
                let slept = tokio::time::sleep(pause);
                tokio::select! { () = slept => {}, () = self.shutdown.raised() => return }
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }

    async fn ask(&self, wait: Duration) -> Result<IdentityPage, ApiError> {
        let state = self.copy.state();
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let ask = FollowIdentity { epoch: state.epoch, after: state.upto, wait_ms };
        self.clc.call_patiently(ask, wait).await
    }

    /// Applies a page; says whether there was anything new in it.
    async fn keep(&self, page: IdentityPage) -> Result<bool, ApiError> {
        let before = self.copy.state();
        let news = page.anew || page.more || page.epoch != before.epoch || !page.changes.is_empty();
        if page.anew && before.epoch != 0 {
            tracing::warn!("the clc's identity is not the one that was copied: copying it anew");
        }
        let (copy, now) = (Arc::clone(&self.copy), self.clock.now());
        let applied = pool::block(move || copy.apply(&page, now)).await?;
        applied.map_err(|error| ApiError::internal("A change of identity was not kept", error))?;
        Ok(news)
    }

    async fn sweep(&self) -> Result<(), ApiError> {
        let copy = Arc::clone(&self.copy);
        let swept = pool::block(move || copy.sweep()).await?;
        swept.map_err(|error| ApiError::internal("The copy cannot be swept", error))
    }
}

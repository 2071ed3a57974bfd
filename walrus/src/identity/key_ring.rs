//! The keys that S3 checks signatures with: those of the copy.
//!
//! What the clc has committed before a request came counts for it, if the clc can be asked: a key
//! that is not in the copy, or a permission that is not, is looked for once more when the copy has
//! everything that the clc has. Many who look at once ask one question.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::iam::directory::{Credential, changing, credential};
use common::iam::kept::KeptCredentials;
use common::iam::session::TEMPORARY;
use common::wire::identity::{FollowIdentity, Identity};
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::keyring::KeyRing;
use runtime::peer::Peer;
use runtime::pool;
use tokio::sync::Mutex;

use super::copy::IdentityCopy;

/// How long a request waits for the first copy.
const FIRST: Duration = Duration::from_secs(5);

/// How long it waits for what the clc has more than the copy.
const LAGGING: Duration = Duration::from_secs(2);

/// How often identity may change while somebody is looked up.
const TRIES: usize = 16;

/// The key ring of the copy.
pub(crate) struct CopiedKeyRing {
    copy: Arc<IdentityCopy>,
    clc: Peer<Identity>,
    clock: Clock,
    kept: KeptCredentials,
    /// Held while the clc is asked.
    turn: Mutex<()>,
    /// How often it was.
    begun: AtomicU64,
}

impl CopiedKeyRing {
    /// A key ring over a copy of what that clc keeps.
    pub(crate) fn new(copy: Arc<IdentityCopy>, clc: Peer<Identity>, clock: Clock) -> Self {
        let (kept, turn, begun) = Default::default();
        Self { copy, clc, clock, kept, turn, begun }
    }

    /// The copy, if it can be believed; waits a moment for the first.
    ///
    /// # Errors
    /// `ServiceUnavailable`.
    pub(crate) async fn believed(&self) -> Result<Arc<IdentityCopy>, ApiError> {
        if self.copy.state().current.is_none() {
            let mut changes = self.copy.watch();
            let first = changes.wait_for(|state| state.current.is_some());
            // If it does not come in time that is told below.
            let _ = tokio::time::timeout(FIRST, first).await;
        }
        self.copy.believe(self.clock.now())?;
        Ok(Arc::clone(&self.copy))
    }

    /// Waits until the copy has all that the clc had when this was called; says whether anything of
    /// identity has changed since `revision`. Without a clc that answers it does not wait.
    pub(crate) async fn catch_up(&self, revision: u64) -> bool {
        let before = self.begun.load(Ordering::SeqCst);
        if self.copy.state().reachable {
            let _turn = self.turn.lock().await;
            // If one was begun while this one waited for its turn, it has been answered as well.
            if self.begun.load(Ordering::SeqCst) == before {
                self.begun.fetch_add(1, Ordering::SeqCst);
                let _ = tokio::time::timeout(LAGGING, self.settle()).await;
            }
        }
        self.copy.state().revision != revision
    }

    /// Asks how far the feed is, and waits until the copy is there.
    async fn settle(&self) {
        let mut changes = self.copy.watch();
        loop {
            let state = self.copy.state();
            let ask = FollowIdentity { epoch: state.epoch, after: state.upto, wait_ms: 0 };
            let Ok(page) = self.clc.call(ask).await else { return };
            let same = |epoch: u64| epoch == page.epoch && !page.anew;
            if same(state.epoch) && page.changes.is_empty() {
                return;
            }
            let there = changes.wait_for(|now| {
                now.epoch == page.epoch && now.upto >= page.upto && now.current.is_some()
            });
            if there.await.is_err() || !page.more {
                return;
            }
        }
    }

    /// How often identity has changed here.
    pub(crate) fn revision(&self) -> u64 {
        self.copy.state().revision
    }

    async fn look(&self, id: &str, token: Option<&str>) -> Result<Option<Credential>, ApiError> {
        // Temporary credentials end by themselves; they are looked at each time.
        let lasting = token.is_none() && !id.starts_with(TEMPORARY);
        let mut tries = 0;
        loop {
            tries += 1;
            // Read before anything else is: what is kept is never older than its revision says.
            let revision = self.copy.state().revision;
            if let Some(found) = lasting.then(|| self.kept.get(revision, id)).flatten() {
                return Ok(Some(found));
            }
            let (copy, now) = (Arc::clone(&self.copy), self.clock.now());
            let (asked, with) = (id.to_owned(), token.map(str::to_owned));
            let look = move || {
                let before = copy.place()?;
                let found = credential(&*copy, &asked, with.as_deref(), now);
                // Half of it may be of before a change, and half of after it.
                Ok::<_, ApiError>((copy.place()? == before).then_some(found))
            };
            let Some(found) = pool::block(look).await?? else {
                if tries < TRIES {
                    continue;
                }
                return Err(changing());
            };
            // A copy that has begun anew meanwhile lacks what may deny something.
            self.copy.believe(self.clock.now())?;
            let found = found?;
            if let (true, Some(found)) = (lasting, &found) {
                self.kept.keep(revision, found);
            }
            return Ok(found);
        }
    }
}

impl KeyRing for CopiedKeyRing {
    fn find<'a>(
        &'a self,
        id: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Credential>, ApiError>> {
        Box::pin(async move {
            self.believed().await?;
            let revision = self.revision();
            match self.look(id, token).await {
                Ok(None) if self.catch_up(revision).await => self.look(id, token).await,
                // What it lacks may stand on the next page.
                Err(error)
                    if error.code() == ErrorCode::ServiceUnavailable
                        && self.catch_up(revision).await =>
                {
                    self.believed().await?;
                    self.look(id, token).await
                }
                found => found,
            }
        })
    }
}

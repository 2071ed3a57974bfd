//! The imports that are worked on: each begun once, a few at a time, told of until it is forgotten.
//!
//! ```text
//!   asked ──▶ waiting ──turn──▶ bundling ──▶ ended well: forgotten, its manifest tells
//!                 │                 └──────▶ failed ──told, and kept until it is stopped──▶ forgotten
//!                 └────── stopped at any time ──▶ forgotten
//! ```

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::id::BundleTaskId;
use common::wire::importing::{ImportDisk, ImportState, ImportView};
use runtime::pool;
use runtime::shutdown::Shutdown;
use tokio::sync::{Semaphore, watch};

use super::work::{Progress, import};
use crate::bundling::store::BundleStore;
use crate::content::Content;

/// How many disks are bundled at once: each takes what bundling takes of processors and memory.
const AT_ONCE: usize = 2;

/// The imports under way. Clones are the same.
#[derive(Clone)]
pub(crate) struct Flights {
    content: Content,
    store: Arc<BundleStore>,
    under_way: Arc<Mutex<HashMap<BundleTaskId, Flight>>>,
    turns: Arc<Semaphore>,
    shutdown: Shutdown,
}

#[derive(Clone)]
struct Flight {
    progress: Arc<Progress>,
    /// Nothing until it has ended; then why it failed, if it did.
    ended: watch::Receiver<Option<Result<(), Failure>>>,
}

#[derive(Debug, Clone)]
struct Failure {
    code: String,
    reason: String,
    retryable: bool,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = error.code();
        Self {
            code: code.wire().to_owned(),
            reason: error.text().to_owned(),
            retryable: code.retryable(),
        }
    }
}

impl Flight {
    fn state(&self) -> ImportState {
        match &*self.ended.borrow() {
            Some(Ok(())) => ImportState::Complete,
            Some(Err(Failure { code, reason, retryable })) => ImportState::Failed {
                code: code.clone(),
                reason: reason.clone(),
                retryable: *retryable,
            },
            None if self.progress.works.load(Ordering::Relaxed) => {
                ImportState::Bundling { done: self.progress.done.load(Ordering::Relaxed) }
            }
            None => ImportState::Waiting,
        }
    }
}

impl Flights {
    /// None yet.
    pub(super) fn new(content: Content, store: Arc<BundleStore>, shutdown: Shutdown) -> Self {
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        Self { content, store, under_way: Arc::default(), turns, shutdown }
    }

    /// Begins an import that nobody has begun, waits for its end at most so long, and tells where it
    /// stands.
    pub(super) async fn want(&self, asked: ImportDisk, wait: Duration) -> ImportState {
        let task = asked.task.clone();
        let mut flight = self.begin(asked);
        let over = flight.ended.wait_for(Option::is_some);
        // Whoever waits longest learns no more than whoever asks again.
        drop(tokio::time::timeout(wait, over).await.map(drop));
        let state = flight.state();
        match &state {
            // Its manifest tells from now on.
            ImportState::Complete => drop(self.lock().remove(&task)),
            // What may be mended is begun anew by the next who asks.
            ImportState::Failed { retryable: true, .. } => drop(self.lock().remove(&task)),
            _ => {}
        }
        state
    }

    fn begin(&self, asked: ImportDisk) -> Flight {
        let mut under_way = self.lock();
        if let Some(flight) = under_way.get(&asked.task) {
            return flight.clone();
        }
        let (sender, ended) = watch::channel(None);
        let flight = Flight { progress: Arc::default(), ended };
        under_way.insert(asked.task.clone(), flight.clone());
        let (own, progress) = (self.clone(), Arc::clone(&flight.progress));
        pool::spawn(async move {
            let done = own.fly(asked, progress).await;
            drop(sender.send(Some(done.map_err(Failure::from))));
        });
        flight
    }

    async fn fly(&self, asked: ImportDisk, progress: Arc<Progress>) -> Result<(), ApiError> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|error| ApiError::internal("The service is stopping", error))?;
        progress.works.store(true, Ordering::Relaxed);
        let task = asked.task.clone();
        let work = import(self.content.clone(), &self.store, asked, Arc::clone(&progress));
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => done,
            () = self.shutdown.raised() => {
                progress.stop.store(true, Ordering::Relaxed);
                work.await
            }
        };
        match &done {
            Ok(()) => tracing::info!(%task, "a disk was bundled"),
            Err(error) => {
                let cause = error.source_text().unwrap_or_default();
                tracing::warn!(%task, %error, cause, "a disk was not bundled");
            }
        }
        done
    }

    /// Forgets an import that has ended.
    pub(super) fn forget(&self, task: &BundleTaskId) {
        let mut under_way = self.lock();
        if under_way.get(task).is_some_and(|flight| flight.ended.borrow().is_some()) {
            under_way.remove(task);
        }
    }

    /// Ends an import at its next chunk, and forgets it.
    pub(super) fn stop(&self, task: &BundleTaskId) {
        if let Some(flight) = self.lock().remove(task) {
            flight.progress.stop.store(true, Ordering::Relaxed);
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<ImportView> {
        let view = |(task, flight): (&BundleTaskId, &Flight)| ImportView {
            task: task.clone(),
            state: flight.state(),
        };
        self.lock().iter().map(view).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BundleTaskId, Flight>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

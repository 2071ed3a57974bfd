//! Making what is seen equal to what is wanted, for ever.
//!
//! A reconciler gets no input but "look now": a restart, a lost message and a second replica all
//! take the same path. It is woken when somebody knows of news and every few seconds anyway; it
//! takes the next single step for each thing it looks after and keeps no private retries. A pass
//! that fails or panics is counted and logged, and the next pass comes all the same.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::pool;
use crate::roster::Roster;
use crate::shutdown::Shutdown;

/// One thing that is kept as it is wanted.
pub trait Reconciler: Send + Sync + 'static {
    /// Its name in the log and under `/debug`.
    fn name(&self) -> &str;

    /// Looks at everything once and takes the next step where one is due.
    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>>;
}

/// What a pass found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pass {
    /// How many things it looked at.
    pub looked: u64,
    /// How many steps it took.
    pub steps: u64,
    /// How many things are not yet as wanted.
    pub unsettled: u64,
}

/// How a reconciler has fared.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {
    /// Passes in all.
    pub passes: u64,
    /// Passes that failed.
    pub failures: u64,
    /// When the last one ended, in milliseconds since 1970.
    pub last: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What it found.
    pub found: Pass,
    /// Why the last failure was one.
    pub error: Option<String>,
}

/// Wakes a reconciler: "look now". Clones wake the same one.
#[derive(Debug, Clone, Default)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// A waker to be handed to whoever has news, before the reconciler runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a pass. One that is running is followed by another.
    pub fn wake(&self) {
        self.0.notify_one();
    }

    /// Waits until it is woken; for loops that are no reconcilers.
    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// Runs a reconciler until the shutdown: a pass at once, after each waking, and at least every
/// `period`.
pub fn run(
    reconciler: Arc<dyn Reconciler>,
    waker: &Waker,
    period: Duration,
    clock: &Clock,
    roster: &Roster,
    shutdown: &Shutdown,
) -> tokio::task::JoinHandle<()> {
    let status = Arc::new(Mutex::new(Status::default()));
    let shown = Arc::clone(&status);
    let name = reconciler.name().to_owned();
    roster.show(format!("reconcile/{name}"), move || {
        shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
    let (waker, clock, shutdown) = (waker.clone(), clock.clone(), shutdown.clone());
    pool::spawn(async move {
        while !shutdown.is_raised() {
            let began = clock.now();
            let working = Arc::clone(&reconciler);
            // In a task of its own, so that a panic ends the pass and not the loop.
            let passed = pool::run(async move { working.pass().await }).await;
            let passed = passed.and_then(|passed| passed);
            let ended = clock.now();
            if let Err(error) = &passed {
                let cause = error.source_text().unwrap_or_default();
                tracing::warn!(reconciler = %name, %error, cause, "a pass failed");
            }
            note(&status, passed, began, ended);
            tokio::select! {
                () = waker.woken() => {}
                () = tokio::time::sleep(period) => {}
                () = shutdown.raised() => {}
            }
        }
    })
}

fn note(
    status: &Mutex<Status>,
    passed: Result<Pass, ApiError>,
    began: Timestamp,
    ended: Timestamp,
) {
    let mut status = status.lock().unwrap_or_else(PoisonError::into_inner);
    status.passes += 1;
    status.last = Some(ended);
    status.took_ms = u64::try_from(ended.since(began).as_millis()).unwrap_or(u64::MAX);
    match passed {
        Ok(found) => {
            status.found = found;
            status.error = None;
        }
        Err(error) => {
            status.failures += 1;
            status.error = Some(error.to_string());
        }
    }
}

//! The log as services hold it: a queue before the writer, and looks past it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::audit::{Event, Filter};
use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::look::{self, Page, State};
use super::writer::{OpenError, Shared, Terms, Writer, locked};
use crate::auditor::Auditor;
use crate::clock::Clock;
use crate::pool;

/// How many records wait for the writer.
const QUEUE: usize = 1024;
/// How many are written at once.
const MOST_AT_ONCE: usize = 512;
/// How long the record of a read is not synced, and how soon a failed write is tried again.
const SOON: Duration = Duration::from_secs(1);
/// How often the log is looked after when nothing is written.
const IDLE: Duration = Duration::from_secs(600);

struct Job {
    event: Option<Event>,
    done: Option<oneshot::Sender<bool>>,
    last: bool,
}

/// An open log. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog {
    region: Arc<str>,
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

impl AuditLog {
    /// Opens the log of a folder, or begins one. Blocks. `region` stands in the names of resources.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be used.
    pub fn open(terms: Terms, region: &str, clock: Clock) -> Result<Self, OpenError> {
        let writer = Writer::open(terms, clock.now())?;
        let (shared, (jobs, waiting)) = (writer.shared(), mpsc::channel(QUEUE));
        pool::spawn(write(waiting, Arc::new(Mutex::new(writer)), clock));
        Ok(Self { region: region.into(), jobs, shared })
    }

    /// Looks for records, the newest first; with numbers below `before`, if that is given.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn find(
        &self,
        filter: Filter,
        before: Option<u64>,
        most: usize,
    ) -> Result<Page, ApiError> {
        let shared = Arc::clone(&self.shared);
        let found = pool::block(move || look::find(&shared, &filter, before, most)).await?;
        found.map_err(|error| ApiError::internal("The audit log cannot be read", error))
    }

    /// Reads the whole log and tells whether it is as it was written.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn verify(&self) -> Result<State, ApiError> {
        let shared = Arc::clone(&self.shared);
        let found = pool::block(move || look::verify(&shared)).await?;
        found.map_err(|error| ApiError::internal("The audit log cannot be read", error))
    }

    /// Writes what waits, and ends: what comes later is not recorded.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let job = Job { event: None, done: Some(done), last: true };
        if self.jobs.send(job).await.is_ok() {
            // Whoever does not answer has ended already.
            drop(closed.await);
        }
    }

    async fn kept(&self, event: Event) -> Result<(), ApiError> {
        if event.read_only {
            let job = Job { event: Some(event), done: None, last: false };
            return self.jobs.send(job).await.map_err(|_| unkept());
        }
        let (done, written) = oneshot::channel();
        let job = Job { event: Some(event), done: Some(done), last: false };
        self.jobs.send(job).await.map_err(|_| unkept())?;
        if written.await.unwrap_or(false) { Ok(()) } else { Err(unkept()) }
    }
}

fn unkept() -> ApiError {
    let text = "What is asked cannot be recorded at the moment, so nothing is changed; try later";
    ApiError::new(ErrorCode::Unavailable, text)
}

impl Auditor for AuditLog {
    fn region(&self) -> &str {
        &self.region
    }

    fn ready(&self) -> Result<(), ApiError> {
        if self.shared.sound.load(Ordering::SeqCst) { Ok(()) } else { Err(unkept()) }
    }

    fn keep(&self, event: Event) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(self.kept(event))
    }
}

async fn write(mut jobs: mpsc::Receiver<Job>, writer: Arc<Mutex<Writer>>, clock: Clock) {
    let mut soon = false;
    loop {
        let pause = if soon { SOON } else { IDLE };
        let first = tokio::time::timeout(pause, jobs.recv()).await;
        let mut last = matches!(first, Ok(None));
        let mut batch: Vec<Job> = first.ok().flatten().into_iter().collect();
        while batch.len() < MOST_AT_ONCE {
            let Ok(job) = jobs.try_recv() else { break };
            batch.push(job);
        }
        last |= batch.iter().any(|job| job.last);
        let sync = batch.is_empty() || batch.iter().any(|job| job.done.is_some());
        let (mut events, mut waiting) = (Vec::new(), Vec::new());
        for job in batch {
            events.extend(job.event);
            waiting.extend(job.done);
        }
        let (own, now) = (Arc::clone(&writer), clock.now());
        let done = pool::block(move || locked(&own).take(events, sync, now)).await;
        let failed = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.text().to_owned()),
        };
        if let Some(error) = &failed {
            tracing::error!(error, "records of the audit log cannot be written");
        }
        let sound = locked(&writer).shared().sound.load(Ordering::SeqCst);
        soon = !sync || !sound;
        for done in waiting {
            // Who asked may have gone away; the record is there anyway.
            let _ = done.send(failed.is_none());
        }
        if last {
            return;
        }
    }
}

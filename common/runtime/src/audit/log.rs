//! The log as services hold it: a queue before the writer, and looks past it.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::audit::{Event, Filter, Piece, Place};
use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::look::{self, State};
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

/// An open log: the chain of what changes something, and that of what only reads, so that however
/// much is read, no change is forgotten for it. Cheap to clone.
#[derive(Clone)]
pub struct AuditLog {
    changes: Track,
    reads: Track,
}

/// One chain.
#[derive(Clone)]
struct Track {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
}

impl Track {
    fn open(terms: Terms, clock: Clock) -> Result<Self, OpenError> {
        let writer = Writer::open(terms, clock.now())?;
        let (shared, (jobs, waiting)) = (writer.shared(), mpsc::channel(QUEUE));
        let at_once = writer.at_once().min(MOST_AT_ONCE);
        pool::spawn(write(waiting, Arc::new(Mutex::new(writer)), at_once, clock));
        Ok(Self { jobs, shared })
    }

    async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let job = Job { event: None, done: Some(done), last: true };
        if self.jobs.send(job).await.is_ok() {
            // Whoever does not answer has ended already.
            drop(closed.await);
        }
    }
}

impl AuditLog {
    /// Opens the log of a folder, or begins one. Blocks.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be used.
    pub fn open(terms: Terms, clock: Clock) -> Result<Self, OpenError> {
        let (changes, reads) = terms.parted();
        let changes = Track::open(changes, clock.clone())?;
        Ok(Self { changes, reads: Track::open(reads, clock)? })
    }

    /// Looks for records, from these places down: of changes, and of reads.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn find(
        &self,
        filter: Filter,
        [changes, reads]: [Place; 2],
        most: usize,
    ) -> Result<[Piece; 2], ApiError> {
        let wanted = |place, of: bool| match filter.read_only {
            Some(read) if read != of => Place::End,
            _ => place,
        };
        let (changes, reads) = (wanted(changes, false), wanted(reads, true));
        let own = self.clone();
        let found = pool::block(move || {
            let changes = look::find(&own.changes.shared, &filter, changes, most)?;
            Ok([changes, look::find(&own.reads.shared, &filter, reads, most)?])
        });
        found.await?.map_err(unreadable)
    }

    /// Reads the whole log and tells whether it is as it was written: of changes, and of reads.
    ///
    /// # Errors
    /// If the files cannot be read.
    pub async fn verify(&self) -> Result<[State; 2], ApiError> {
        let own = self.clone();
        let found = pool::block(move || {
            Ok([look::verify(&own.changes.shared)?, look::verify(&own.reads.shared)?])
        });
        found.await?.map_err(unreadable)
    }

    /// Writes what waits, and ends: what comes later is not recorded.
    pub async fn close(&self) {
        self.changes.close().await;
        self.reads.close().await;
    }

    async fn kept(&self, event: Event) -> Result<(), ApiError> {
        if event.read_only {
            let job = Job { event: Some(event), done: None, last: false };
            return self.reads.jobs.send(job).await.map_err(|_| unkept());
        }
        let (done, written) = oneshot::channel();
        let job = Job { event: Some(event), done: Some(done), last: false };
        self.changes.jobs.send(job).await.map_err(|_| unkept())?;
        if written.await.unwrap_or(false) { Ok(()) } else { Err(unkept()) }
    }
}

fn unreadable(error: io::Error) -> ApiError {
    ApiError::internal("The audit log cannot be read", error)
}

fn unkept() -> ApiError {
    let text = "What is asked cannot be recorded at the moment, so nothing is changed; try later";
    ApiError::new(ErrorCode::Unavailable, text)
}

impl Auditor for AuditLog {
    fn ready(&self) -> Result<(), ApiError> {
        if self.changes.shared.sound.load(Ordering::SeqCst) { Ok(()) } else { Err(unkept()) }
    }

    fn keep(&self, event: Event) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(self.kept(event))
    }
}

async fn write(
    mut jobs: mpsc::Receiver<Job>,
    writer: Arc<Mutex<Writer>>,
    at_once: usize,
    clock: Clock,
) {
    let mut soon = false;
    let mut synced = Instant::now();
    loop {
        let pause = if soon { SOON } else { IDLE };
        let first = tokio::time::timeout(pause, jobs.recv()).await;
        let mut last = matches!(first, Ok(None));
        let mut batch: Vec<Job> = first.ok().flatten().into_iter().collect();
        while batch.len() < at_once {
            let Ok(job) = jobs.try_recv() else { break };
            batch.push(job);
        }
        last |= batch.iter().any(|job| job.last);
        // Who reads without a pause must not keep the records of it from the disk.
        let due = synced.elapsed() >= SOON;
        let sync = due || batch.is_empty() || batch.iter().any(|job| job.done.is_some());
        let (mut events, mut waiting) = (Vec::new(), Vec::new());
        for job in batch {
            events.extend(job.event);
            waiting.extend(job.done);
        }
        if sync {
            synced = Instant::now();
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

//! The parts of a bundle in a bucket as one stream, read ahead by several workers.
//!
//! ```text
//!  bucket ──┬─ worker ─ part 3 ─┐
//!           ├─ worker ─ part 2 ─┼─ window ─ part 1 ─ whoever unpacks
//!           └─ worker ─ …      ─┘
//! ```
//!
//! A worker begins a part only when it is at most `window` parts ahead of the one that is being read,
//! and holds at most [`AHEAD`] chunks of it: the memory is bounded however large parts are. Nothing
//! here looks at the bytes; who reads them compares them with their digests. Workers whose reader is
//! gone end by themselves, when the network lets them: nobody waits for them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::Builder;

use bundle::{Manifest, Part, PartSource};

use crate::client::ClientError;
use crate::crew::hold;
use crate::s3::{ObjectReader, S3};

/// Bytes in a chunk.
const CHUNK: usize = 64 * 1024;

/// Chunks of a part that wait to be read: together as much as most parts have.
const AHEAD: usize = 160;

/// Calls `work` with the parts of `manifest`, whose keys `key_of` gives, at most `window` of them
/// ahead of the one that is read.
pub(crate) fn with_parts<R>(
    s3: &S3,
    bucket: &str,
    key_of: impl Fn(&str) -> String,
    manifest: &Manifest,
    window: usize,
    work: impl FnOnce(&mut dyn PartSource) -> R,
) -> R {
    let window = window.max(1);
    let keys = manifest.parts.iter().map(|part| key_of(&part.filename)).collect();
    let job = Arc::new(Job {
        s3: s3.clone(),
        bucket: bucket.to_owned(),
        keys,
        window,
        next: AtomicUsize::new(0),
        shared: Shared::default(),
    });
    let _over = Over(&job.shared);
    for _ in 0..window.min(manifest.parts.len()) {
        let (own, worker) = (Arc::clone(&job), Builder::new().name("fetch-part".to_owned()));
        hold(&job.shared.state).workers += 1;
        if worker.spawn(move || own.run()).is_err() {
            // Fewer do it as well; without any, whoever reads is told.
            hold(&job.shared.state).workers -= 1;
            break;
        }
    }
    work(&mut Source(&job.shared))
}

/// What the workers do together.
struct Job {
    s3: S3,
    bucket: String,
    keys: Vec<String>,
    window: usize,
    next: AtomicUsize,
    shared: Shared,
}

impl Job {
    /// Brings part after part, as long as there are any and somebody wants them.
    fn run(&self) {
        let _working = Working(&self.shared);
        loop {
            let at = self.next.fetch_add(1, Ordering::SeqCst);
            let Some(key) = self.keys.get(at) else { return };
            let Some(sender) = self.shared.begin(at, self.window) else { return };
            bring(self.s3.open_object(&self.bucket, key), &sender);
        }
    }
}

/// A chunk, empty at the end of the part, or why there is none.
type Chunk = io::Result<Vec<u8>>;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The part that is being read; those before it have been.
    reading: usize,
    /// Parts that were begun and are not being read yet.
    begun: BTreeMap<usize, Receiver<Chunk>>,
    /// Workers that have not ended.
    workers: usize,
    /// Nobody reads any more.
    over: bool,
}

impl Shared {
    /// Waits until the part may be begun; none if nobody wants it any more.
    fn begin(&self, at: usize, window: usize) -> Option<SyncSender<Chunk>> {
        let mut state = hold(&self.state);
        while !state.over && at >= state.reading + window {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.over {
            return None;
        }
        let (sender, receiver) = sync_channel(AHEAD);
        state.begun.insert(at, receiver);
        self.changed.notify_all();
        Some(sender)
    }
}

/// Ends the workers when it is dropped: those that wait, and those whose reader is gone.
struct Over<'a>(&'a Shared);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let mut state = hold(&self.0.state);
        state.over = true;
        state.begun.clear();
        self.0.changed.notify_all();
    }
}

/// A worker, which says when it ends, be it by a panic.
struct Working<'a>(&'a Shared);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        hold(&self.0.state).workers -= 1;
        self.0.changed.notify_all();
    }
}

/// Sends an object chunk by chunk, and an empty chunk at its end.
fn bring(opened: Result<ObjectReader<'_>, ClientError>, to: &SyncSender<Chunk>) {
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => {
            // Whoever read has gone: nobody is to be told.
            let _ = to.send(Err(io::Error::other(error)));
            return;
        }
    };
    loop {
        let chunk = full(&mut reader);
        let last = chunk.as_ref().map_or(true, Vec::is_empty);
        if to.send(chunk).is_err() || last {
            return;
        }
    }
}

/// The next chunk, shorter than others only at the end.
fn full(reader: &mut impl Read) -> Chunk {
    let mut chunk = Vec::with_capacity(CHUNK);
    reader.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

fn interrupted() -> io::Error {
    io::Error::other("the download was interrupted")
}

struct Source<'a>(&'a Shared);

impl PartSource for Source<'_> {
    fn open(&mut self, index: usize, _: &Part) -> io::Result<Box<dyn Read + Send>> {
        let mut state = hold(&self.0.state);
        state.reading = index;
        self.0.changed.notify_all();
        loop {
            if let Some(receiver) = state.begun.remove(&index) {
                return Ok(Box::new(Chunks { receiver, chunk: Vec::new(), at: 0, ended: false }));
            }
            if state.workers == 0 {
                return Err(interrupted());
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A part as it comes.
struct Chunks {
    receiver: Receiver<Chunk>,
    chunk: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Chunks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() && !self.ended {
            let next = self.receiver.recv();
            // A worker that is gone without a last chunk has left a part that is not whole.
            self.chunk = next.map_err(|_| interrupted())??;
            self.at = 0;
            self.ended = self.chunk.is_empty();
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let got = rest.len().min(buf.len());
        buf[..got].copy_from_slice(&rest[..got]);
        self.at += got;
        Ok(got)
    }
}

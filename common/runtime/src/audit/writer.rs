//! Who alone writes: appends records, seals segments, removes old ones. All of it blocks.
//!
//! ```text
//!   opened ─▶ active ──full, or a day old──▶ sealed ──older than `days`, or over `most_bytes`──▶ gone
//! ```
//! Before segments go, a record says up to where, and then the anchor does; a process that dies in
//! between removes them at its next start. A write that fails is taken back whole, so that the file
//! always ends with a whole line; its records are kept in memory and written when there is room.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::audit::Event;
use common::audit::chain::{Content, Head};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::age::too_old;
use super::segment::{Segment, numbers, path, replace, sync_folder};

/// How many records wait in memory while none can be written.
const MOST_WAITING: usize = 4096;
/// How old a segment becomes before it is sealed.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the log may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The folder.
    pub dir: PathBuf,
    /// How long records are kept, in days.
    pub days: u64,
    /// How many bytes all segments take together, at most; the active one always stays.
    pub most_bytes: u64,
    /// How large a segment becomes, in bytes.
    pub segment_bytes: u64,
    /// Free bytes of the disk below which changes are refused.
    pub reserve_bytes: u64,
}

impl Terms {
    /// A log in that folder, kept so long, so large.
    pub fn new(dir: PathBuf, days: u64, megabytes: u64) -> Self {
        let most_bytes = megabytes.saturating_mul(1 << 20);
        Self {
            dir,
            days,
            most_bytes,
            segment_bytes: segment_of(most_bytes),
            reserve_bytes: 16 << 20,
        }
    }

    /// The terms of the chain of changes, and of that of reads: a quarter, in a folder within.
    pub(super) fn parted(self) -> (Self, Self) {
        let reads = self.most_bytes / 4;
        let part = |dir: PathBuf, most_bytes: u64| Self {
            dir,
            most_bytes,
            segment_bytes: segment_of(most_bytes),
            ..self.clone()
        };
        (part(self.dir.clone(), self.most_bytes - reads), part(self.dir.join(READS), reads))
    }
}

/// The folder of the chain of reads, in that of the log.
pub(super) const READS: &str = "reads";

/// Small logs have small segments, so that what is removed at once is not most of it.
fn segment_of(most_bytes: u64) -> u64 {
    (most_bytes / 8).clamp(64 << 10, 8 << 20)
}

/// Why the log cannot be opened.
#[derive(Debug, Error)]
#[error("cannot use the audit log in {path}: {source}", path = path.display())]
pub struct OpenError {
    path: PathBuf,
    source: io::Error,
}

/// Where the log begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    /// The first segment that is left.
    pub(super) segment: u64,
    /// The record before it.
    pub(super) behind: Head,
}

/// What those who look see.
pub(super) struct Shared {
    pub(super) segments: Mutex<Vec<Arc<Segment>>>,
    pub(super) anchor: Mutex<Anchor>,
    /// Whether records can be written.
    pub(super) sound: AtomicBool,
    /// Held while nothing may be removed.
    pub(super) reading: Mutex<()>,
}

/// The writer.
pub(super) struct Writer {
    terms: Terms,
    file: File,
    heads: File,
    active: Segment,
    shared: Arc<Shared>,
    waiting: Vec<Event>,
    lost: u64,
    /// Whether the file may have more than whole lines.
    torn: bool,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn appending(path: &Path) -> io::Result<File> {
    let file = File::options().append(true).create(true).mode(0o600).open(path)?;
    sync_folder(path)?;
    Ok(file)
}

impl Writer {
    /// Opens the log, or begins one.
    pub(super) fn open(terms: Terms, now: Timestamp) -> Result<Self, OpenError> {
        let dir = terms.dir.clone();
        Self::begin(terms, now).map_err(|source| OpenError { path: dir, source })
    }

    fn begin(terms: Terms, now: Timestamp) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&terms.dir)?;
        let anchor = read_json::<Anchor>(&terms.dir.join("anchor"))?.unwrap_or_default();
        let known = read_json::<Head>(&terms.dir.join("head")).unwrap_or_default();
        let mut segments = Vec::new();
        let mut last = anchor.behind.clone();
        let mut torn = 0;
        let there = numbers(&terms.dir)?;
        for number in &there {
            if *number < anchor.segment {
                // Its removal was recorded already.
                Segment::new(&terms.dir, *number, last.clone()).remove()?;
                continue;
            }
            let segment = if Some(number) == there.last() {
                let (segment, bytes) = Segment::read(&terms.dir, *number, &last)?;
                torn = bytes;
                segment
            } else {
                Segment::sealed(&terms.dir, *number, &last)?
            };
            last = segment.sum.last.clone();
            segments.push(Arc::new(segment));
        }
        let active = match segments.pop() {
            Some(active) => Arc::unwrap_or_clone(active),
            None => Segment::new(&terms.dir, anchor.segment.max(1), last.clone()),
        };
        let file = appending(&active.path)?;
        file.set_len(active.sum.bytes)?;
        let heads = terms.dir.join("head");
        let heads =
            File::options().write(true).create(true).truncate(false).mode(0o600).open(heads)?;
        let missing = known.map_or(0, |known| known.n.saturating_sub(last.n));
        if torn > 0 {
            tracing::warn!(torn, "the audit log had a torn last line, which was cut off");
        }
        if missing > 0 {
            tracing::error!(missing, "records of the audit log are missing");
        }
        let shared = Shared {
            segments: Mutex::new(segments),
            anchor: Mutex::new(anchor),
            sound: AtomicBool::new(true),
            reading: Mutex::default(),
        };
        let shared = Arc::new(shared);
        let (waiting, lost) = (Vec::new(), 0);
        let mut writer = Self { terms, file, heads, active, shared, waiting, lost, torn: false };
        locked(&writer.shared.segments).push(Arc::new(writer.active.clone()));
        writer.put(vec![Content::Opened { at: now, torn, missing }], true)?;
        writer.keep_house(now)?;
        Ok(writer)
    }

    /// How many records may be written at once, so that they do not fill several segments of a small
    /// log.
    pub(super) fn at_once(&self) -> usize {
        usize::try_from(self.terms.segment_bytes >> 10).unwrap_or(usize::MAX).max(16)
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Takes records, and syncs them if somebody waits for that. `Ok` says that they are written;
    /// else they wait here.
    pub(super) fn take(
        &mut self,
        events: Vec<Event>,
        sync: bool,
        now: Timestamp,
    ) -> io::Result<()> {
        let room = MOST_WAITING.saturating_sub(self.waiting.len());
        let over = events.len().saturating_sub(room);
        if self.waiting.is_empty() {
            // Nothing failed before: however many there are, they are written at once.
            self.waiting = events;
        } else {
            self.waiting.extend(events.into_iter().take(room));
            self.lost += u64::try_from(over).unwrap_or(u64::MAX);
        }
        let mut contents = Vec::with_capacity(self.waiting.len() + 1);
        if self.lost > 0 {
            contents.push(Content::Lost { at: now, records: self.lost });
        }
        contents.extend(self.waiting.iter().cloned().map(|event| Content::Event(Box::new(event))));
        let written = self.put(contents, sync);
        if written.is_ok() {
            self.lost = 0;
            self.waiting.clear();
        }
        let house = match &written {
            Ok(()) => self.room().and_then(|()| self.keep_house(now)),
            Err(_) => Ok(()),
        };
        if let Err(error) = &house {
            tracing::error!(%error, "the audit log takes no more records, so nothing is changed");
        }
        self.shared.sound.store(written.is_ok() && house.is_ok(), Ordering::SeqCst);
        written
    }

    /// Whether the disk has room for what is to come.
    fn room(&self) -> io::Result<()> {
        let found = rustix::fs::statvfs(&self.terms.dir)?;
        if found.f_bavail.saturating_mul(found.f_frsize) < self.terms.reserve_bytes {
            return Err(io::Error::other("the disk has too little room left"));
        }
        Ok(())
    }

    fn put(&mut self, contents: Vec<Content>, sync: bool) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.active.sum.bytes)?;
            self.torn = false;
        }
        let mut next = self.active.sum.last.clone();
        let mut text = String::new();
        let mut heads = Vec::with_capacity(contents.len());
        for content in &contents {
            next.append(content.clone(), &mut text)?;
            heads.push(next.clone());
        }
        let written = self.file.write_all(text.as_bytes()).and_then(|()| match sync {
            true => self.file.sync_data(),
            false => Ok(()),
        });
        if let Err(error) = written {
            self.torn = self.file.set_len(self.active.sum.bytes).is_err();
            return Err(error);
        }
        for (content, head) in contents.iter().zip(heads) {
            self.active.knows(content, head);
        }
        self.active.sum.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        if sync {
            let mut line = serde_json::to_vec(&self.active.sum.last)?;
            // Numbers never grow shorter, so an older line is always covered.
            line.push(b'\n');
            self.heads.write_all_at(&line, 0)?;
        }
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        let mut segments = locked(&self.shared.segments);
        if let Some(last) = segments.last_mut() {
            // Who looks holds the old one for a moment; else it is changed in its place.
            match Arc::get_mut(last) {
                Some(last) => last.clone_from(&self.active),
                None => *last = Arc::new(self.active.clone()),
            }
        }
    }

    /// Seals the active segment if it is full or old, and removes what is too old or too much.
    fn keep_house(&mut self, now: Timestamp) -> io::Result<()> {
        let sum = &self.active.sum;
        let old = sum.from.is_some_and(|from| now.since(from) >= DAY);
        if sum.bytes >= self.terms.segment_bytes || old {
            self.seal(now)?;
        }
        self.drop_old(now)
    }

    fn seal(&mut self, now: Timestamp) -> io::Result<()> {
        let records = self.active.sum.records;
        self.put(vec![Content::Sealed { at: now, records }], true)?;
        self.active.note()?;
        let Head { n, hash } = &self.active.sum.last;
        tracing::info!(record = n, %hash, "a segment of the audit log is sealed");
        let number = self.active.sum.number + 1;
        self.file = appending(&path(&self.terms.dir, number))?;
        self.active = Segment::new(&self.terms.dir, number, self.active.sum.last.clone());
        locked(&self.shared.segments).push(Arc::new(self.active.clone()));
        Ok(())
    }

    fn drop_old(&mut self, now: Timestamp) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        // Somebody verifies the log: it is looked at again with the next record.
        let Ok(_nobody_reads) = shared.reading.try_lock() else { return Ok(()) };
        let segments = locked(&shared.segments).clone();
        let mut bytes: u64 = segments.iter().map(|it| it.sum.bytes).sum();
        let kept = Duration::from_secs(self.terms.days.saturating_mul(24 * 60 * 60));
        let spans: Vec<_> = segments.iter().map(|it| (it.sum.from, it.sum.to)).collect();
        let too_old = too_old(&spans, now, kept);
        let mut gone = Vec::new();
        for (place, segment) in segments[..segments.len().saturating_sub(1)].iter().enumerate() {
            if place >= too_old && bytes <= self.terms.most_bytes {
                break;
            }
            bytes -= segment.sum.bytes;
            gone.push(Arc::clone(segment));
        }
        let Some(last) = gone.last() else { return Ok(()) };
        let behind = last.sum.last.clone();
        let said = Content::Dropped { at: now, last: behind.n, hash: behind.hash.clone() };
        self.put(vec![said], true)?;
        let anchor = Anchor { segment: last.sum.number + 1, behind };
        replace(&self.terms.dir.join("anchor"), &serde_json::to_vec(&anchor)?)?;
        *locked(&shared.anchor) = anchor;
        locked(&shared.segments).drain(..gone.len());
        gone.iter().try_for_each(|segment| segment.remove())
    }
}

/// Reads a small file; none is none.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(first).map(Some).map_err(io::Error::from)
}

//! The memory of what was carried out: a mutation is done once for each signature.
//!
//! A signature is good for minutes, so whoever has seen a request could send it again. Reads may be
//! repeated at will. What changes something is noted here before it is done, under its signature,
//! for as long as that signature is good; who comes with it again is refused. A note is taken back
//! if the request turned out to be refused, for then nothing was changed.
//!
//! Memory is bounded: so many notes in all, a quarter of them for one access key, so that no user
//! keeps others out; and a quarter for signatures in URLs that are good for long, so that these do
//! not keep everybody out for a week. Whoever comes beyond that is told to wait; no note is dropped before its time.
//!
//! Notes outlive the process in a file, so that a restart opens no gap: one line for each, appended
//! and handed to the kernel before the work begins, and written anew when most of it is out of date.
//! It is not synced to disk, because a note is worth minutes and a sync would cost each mutation one
//! more: after a power cut, requests of its last seconds could be repeated.
//!
//! S3 has none of this, as AWS has none: a presigned PUT is made to be used, more than once if its
//! owner likes, and who must not be overheard speaks https.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::sign::Verified;
use common::time::Timestamp;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// How many notes are kept if nothing says otherwise; each takes about 100 bytes.
pub const DEFAULT_CAPACITY: usize = 200_000;

/// Which part of all notes one access key may have.
const SHARE: usize = 4;

/// A signature that is good for longer than this is a URL made to be kept: up to a week.
const LONG: Duration = Duration::from_secs(3600);

/// A signature by which key it was made, as it is noted.
type Id = [u8; 16];

/// Why something is not done.
#[derive(Debug, Error)]
pub enum Refusal {
    /// It was done already.
    #[error("this signature was used already")]
    Repeated,
    /// There is no room for a note.
    #[error("too many signatures are remembered")]
    Full,
    /// The note could not be written.
    #[error("the file of used signatures cannot be written: {0}")]
    Lost(#[from] io::Error),
}

/// A note that was made.
#[derive(Debug)]
pub struct Mark(Id);

#[derive(Clone, Copy)]
struct Note {
    until: Timestamp,
    owner: [u8; 8],
    /// It was good for [`LONG`] when it was noted.
    long: bool,
}

#[derive(Default)]
struct Book {
    notes: BTreeMap<Id, Note>,
    by_end: BTreeSet<(Timestamp, Id)>,
    by_owner: BTreeMap<[u8; 8], usize>,
    /// How many are long.
    long: usize,
    journal: Option<Journal>,
}

struct Journal {
    path: PathBuf,
    file: File,
    lines: usize,
}

/// The signatures of mutations that were carried out.
pub struct Replays {
    book: Mutex<Book>,
    capacity: usize,
}

impl Replays {
    /// A memory of at most `capacity` notes that ends with the process.
    pub fn in_memory(capacity: usize) -> Self {
        Self { book: Mutex::default(), capacity: capacity.max(1) }
    }

    /// A memory that finds what the last one with this file noted. Blocks.
    ///
    /// # Errors
    /// If the file can be neither read nor written.
    pub fn open(path: &Path, capacity: usize, now: Timestamp) -> io::Result<Self> {
        let mut book = Book::default();
        match fs::read_to_string(path) {
            Ok(text) => text.lines().for_each(|line| book.read(line, now)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        book.journal = Some(Journal::rewrite(path, &book.notes)?);
        Ok(Self { book: Mutex::new(book), capacity: capacity.max(1) })
    }

    /// Notes that this request is being carried out. Blocks for a write to a file.
    ///
    /// # Errors
    /// If it was before, or cannot be noted.
    pub fn admit(&self, verified: &Verified, now: Timestamp) -> Result<Mark, Refusal> {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, owner) = names(verified);
        book.drop_old(now);
        if book.notes.contains_key(&id) {
            return Err(Refusal::Repeated);
        }
        let own = book.by_owner.get(&owner).copied().unwrap_or(0);
        let share = self.capacity.div_ceil(SHARE);
        if book.notes.len() >= self.capacity || own >= share {
            return Err(Refusal::Full);
        }
        let note = Note::new(verified.good_until, owner, now);
        if note.long && book.long >= share {
            return Err(Refusal::Full);
        }
        book.write(&line(&id, &note))?;
        book.insert(id, note);
        Ok(Mark(id))
    }

    /// Takes a note back: nothing was carried out. Blocks for a write to a file.
    pub fn forget(&self, mark: &Mark) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.remove(&mark.0);
        if let Err(error) = book.write(&format!("-{}\n", hex::encode(mark.0))) {
            // Then the refused request stays noted after a restart, which refuses it once more.
            tracing::warn!(%error, "a note of a used signature cannot be taken back");
        }
    }

    /// How many notes there are.
    pub fn len(&self) -> usize {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).notes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Note {
    fn new(until: Timestamp, owner: [u8; 8], now: Timestamp) -> Self {
        Self { until, owner, long: until > now.plus(LONG) }
    }
}

impl Book {
    fn insert(&mut self, id: Id, note: Note) {
        if self.notes.insert(id, note).is_none() {
            self.long += usize::from(note.long);
            self.by_end.insert((note.until, id));
            *self.by_owner.entry(note.owner).or_default() += 1;
        }
    }

    fn remove(&mut self, id: &Id) {
        let Some(note) = self.notes.remove(id) else { return };
        self.by_end.remove(&(note.until, *id));
        self.long = self.long.saturating_sub(usize::from(note.long));
        if let Some(count) = self.by_owner.get_mut(&note.owner) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_owner.remove(&note.owner);
            }
        }
    }

    fn drop_old(&mut self, now: Timestamp) {
        while let Some((until, id)) = self.by_end.first().copied()
            && until < now
        {
            self.remove(&id);
        }
    }

    /// Reads a line of the file. One that was cut off by the end of its process is none.
    fn read(&mut self, line: &str, now: Timestamp) {
        let id = |text: &str| -> Option<Id> { hex::decode(text).ok()?.try_into().ok() };
        if let Some(id) = line.strip_prefix('-').and_then(id) {
            self.remove(&id);
            return;
        }
        let read = || {
            let mut parts = line.strip_prefix('+')?.strip_suffix(" .")?.split(' ');
            let id = id(parts.next()?)?;
            let owner = hex::decode(parts.next()?).ok()?.try_into().ok()?;
            let until = Timestamp::from_millis(parts.next()?.parse().ok()?);
            Some((id, Note::new(until, owner, now)))
        };
        if let Some((id, note)) = read().filter(|(_, note)| note.until >= now) {
            self.insert(id, note);
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        if journal.lines > 1024 && journal.lines / 4 > self.notes.len() {
            *journal = Journal::rewrite(&journal.path, &self.notes)?;
        }
        if let Err(error) = journal.file.write_all(line.as_bytes()) {
            // What came of the line would spoil the next one: the next write begins a new file.
            journal.lines = usize::MAX;
            return Err(error);
        }
        journal.lines += 1;
        Ok(())
    }
}

impl Journal {
    /// Puts a file with these notes alone in the place of the old one.
    fn rewrite(path: &Path, notes: &BTreeMap<Id, Note>) -> io::Result<Self> {
        let new = path.with_extension("new");
        let mut file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut text = String::new();
        notes.iter().for_each(|(id, note)| text.push_str(&line(id, note)));
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)?;
        Ok(Self { path: path.to_owned(), file, lines: notes.len() })
    }
}

fn line(id: &Id, note: &Note) -> String {
    let mut text = String::new();
    // Writing to a String does not fail. The dot says that the line is whole.
    let _ = writeln!(
        text,
        "+{} {} {} .",
        hex::encode(id),
        hex::encode(note.owner),
        note.until.as_millis()
    );
    text
}

/// The names of a signature and of its key. Shortened hashes: whoever could find another signature
/// of one name would only keep himself out.
fn names(verified: &Verified) -> (Id, [u8; 8]) {
    let key = verified.access_key_id.as_bytes();
    let owner = Sha256::digest(key);
    let id = Sha256::new().chain_update(owner).chain_update(&verified.signature).finalize();
    let (mut short_id, mut short_owner) = (Id::default(), [0; 8]);
    short_id.copy_from_slice(&id[..16]);
    short_owner.copy_from_slice(&owner[..8]);
    (short_id, short_owner)
}

#[cfg(test)]
mod tests {
    use common::sign::{PayloadCheck, Scheme};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const LIFE: Duration = Duration::from_secs(900);

    fn signed(key: &str, signature: u32) -> Verified {
        Verified {
            access_key_id: key.to_owned(),
            scheme: Scheme::V4,
            payload: PayloadCheck::Unsigned,
            signature: signature.to_be_bytes().to_vec(),
            good_until: NOW.plus(LIFE),
        }
    }

    #[test]
    fn a_signature_is_good_once_for_its_key() {
        let replays = Replays::in_memory(100);
        let mark = replays.admit(&signed("a", 1), NOW).unwrap();
        assert!(matches!(replays.admit(&signed("a", 1), NOW), Err(Refusal::Repeated)));
        replays.admit(&signed("b", 1), NOW).unwrap();
        replays.forget(&mark);
        replays.admit(&signed("a", 1), NOW).unwrap();
        // Its last moment counts: the signature still verifies then.
        let last = NOW.plus(LIFE);
        assert!(matches!(replays.admit(&signed("a", 1), last), Err(Refusal::Repeated)));
        let after = last.plus(Duration::from_millis(1));
        replays.admit(&signed("c", 1), after).unwrap();
        assert_eq!(replays.len(), 1);
    }

    #[test]
    fn memory_is_bounded_for_each_and_for_all() {
        let replays = Replays::in_memory(8);
        for key in ["a", "b", "c", "d"] {
            for number in 0..2 {
                replays.admit(&signed(key, number), NOW).unwrap();
            }
            assert!(matches!(replays.admit(&signed(key, 9), NOW), Err(Refusal::Full)));
        }
        assert!(matches!(replays.admit(&signed("e", 0), NOW), Err(Refusal::Full)));
        assert!(matches!(replays.admit(&signed("a", 0), NOW), Err(Refusal::Repeated)));
        let later = NOW.plus(LIFE * 2);
        replays.admit(&signed("e", 0), later).unwrap();
        assert_eq!(replays.len(), 1);
    }

    #[test]
    fn what_is_good_for_long_leaves_room_for_the_rest() {
        let replays = Replays::in_memory(8);
        let long = |key: &str| Verified {
            good_until: NOW.plus(Duration::from_secs(604_800)),
            ..signed(key, 0)
        };
        let mark = replays.admit(&long("a"), NOW).unwrap();
        replays.admit(&long("b"), NOW).unwrap();
        assert!(matches!(replays.admit(&long("c"), NOW), Err(Refusal::Full)));
        replays.admit(&signed("c", 1), NOW).unwrap();
        replays.forget(&mark);
        replays.admit(&long("c"), NOW).unwrap();
    }

    #[test]
    fn notes_outlive_the_process_and_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signatures");
        let first = Replays::open(&path, 100, NOW).unwrap();
        assert!(first.is_empty());
        first.admit(&signed("a", 1), NOW).unwrap();
        let mark = first.admit(&signed("a", 2), NOW).unwrap();
        first.forget(&mark);
        first.admit(&signed("a", 3), NOW).unwrap();
        // Nothing is flushed at the end: this is what a kill leaves.
        std::mem::forget(first);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 3]).unwrap();
        let second = Replays::open(&path, 100, NOW).unwrap();
        assert!(matches!(second.admit(&signed("a", 1), NOW), Err(Refusal::Repeated)));
        second.admit(&signed("a", 2), NOW).unwrap();
        assert_eq!(second.len(), 2, "the torn line is none");
        let later = Replays::open(&path, 100, NOW.plus(LIFE * 2)).unwrap();
        assert!(later.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_write_that_failed_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signatures");
        let replays = Replays::open(&path, 100, NOW).unwrap();
        replays.admit(&signed("a", 1), NOW).unwrap();
        // What was written half, as on a full disk, and a file that takes no more.
        fs::write(&path, fs::read_to_string(&path).unwrap() + "+0011").unwrap();
        if let Some(journal) = &mut replays.book.lock().unwrap().journal {
            journal.file = File::open(&path).unwrap();
        }
        assert!(matches!(replays.admit(&signed("a", 2), NOW), Err(Refusal::Lost(_))));
        replays.admit(&signed("a", 3), NOW).unwrap();
        let again = Replays::open(&path, 100, NOW).unwrap();
        assert_eq!(again.len(), 2);
        assert!(matches!(again.admit(&signed("a", 3), NOW), Err(Refusal::Repeated)));
    }

    #[test]
    fn the_file_does_not_grow_without_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signatures");
        let replays = Replays::open(&path, 100, NOW).unwrap();
        for number in 0..2000 {
            let mark = replays.admit(&signed("a", number), NOW).unwrap();
            replays.forget(&mark);
        }
        assert!(fs::read_to_string(&path).unwrap().lines().count() < 1100);
    }
}

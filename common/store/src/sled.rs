//! The engine of one machine: sled 0.34, one tree, one transaction per commit.
//!
//! ```text
//!   commit ─▶ gate (write) ─▶ transaction: expect · next revision · del · put ─▶ gate opens
//!          ─▶ group: flush + fdatasync once for all who wait ─▶ watchers ─▶ answer
//! ```
//! Beside the rows the tree holds two of its own under keys that are not UTF-8: the store's
//! format and its revision. Rows carry a checksum. sled runs in its default mode, `LowSpace`
//! (0.34 keeps the choice but nothing in it depends on it), without compression and without its
//! timer: it is flushed by the commits alone. The tree and its page cache belong to this file;
//! directory and disk to `directory`, the sharing of syncs to `group`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ::sled::transaction::{
    ConflictableTransactionError, ConflictableTransactionResult, TransactionError,
    TransactionalTree,
};
use tokio::sync::watch;

use crate::directory::{Claim, Disk, damaged, not_a_store};
use crate::engine::{self, After, Commit, Engine, Rev, Row};
use crate::error::StoreError;
use crate::group::Group;
use crate::mark;
use crate::row;
use crate::watch::Watchers;

const FORMAT_KEY: &[u8] = b"\xffformat";
const REVISION_KEY: &[u8] = b"\xffrevision";
const FORMAT_NAME: &str = "eucalypt store ";
const FORMAT: u32 = 1;

/// A store in a directory of this machine.
#[derive(Debug)]
pub struct Sled {
    db: ::sled::Db,
    /// Held for writing while a commit is applied, so that a page shows whole commits only.
    gate: RwLock<()>,
    /// The revision of the newest commit that can be read.
    applied: AtomicU64,
    /// The commit the mark names.
    marked: AtomicU64,
    group: Group,
    watchers: Watchers,
    /// The free space, in bytes, that is left alone.
    reserve: u64,
    // Last: the directory is given back after the tree is closed.
    disk: Disk,
}

impl Sled {
    /// Opens the store in `path`, or makes one if the directory is absent or empty. `cache_bytes`
    /// is the size of the page cache. Blocks while the log is recovered.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let claim = Claim::take(path)?;
        let config =
            ::sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
        // sled answers some kinds of damage by a panic.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        let db = opened.map_err(|_| damaged(path, "it cannot be recovered"))?;
        let db = db.map_err(|error| translate(error, path))?;
        let applied = recognise(&db, claim.path())?;
        db.flush().map_err(|error| translate(error, path))?;
        if let Some(marked) = mark::read(path)?.filter(|&marked| marked > applied) {
            let text = format!("commit {marked} was on disk, but its log ends with {applied}");
            return Err(damaged(path, text));
        }
        let disk = Disk::open(claim)?;
        disk.note(applied)?;
        Ok(Self {
            db,
            gate: RwLock::default(),
            applied: AtomicU64::new(applied),
            marked: AtomicU64::new(applied),
            group: Group::new(applied),
            watchers: Watchers::default(),
            reserve: 0,
            disk,
        })
    }

    /// Refuses commits while the disk has less free space than this, in bytes.
    pub(crate) fn reserving(mut self, reserve: u64) -> Self {
        self.reserve = reserve;
        self
    }

    /// Refuses a commit for which there is no room, before sled has seen anything of it: it takes
    /// no further one after a write that failed. What removes as many rows as it writes, counts
    /// among them, makes room in the end and may use most of the reserve.
    fn find_room(&self, commit: &Commit) -> Result<(), StoreError> {
        let needed = match (commit.put.len(), commit.del.len()) {
            (0, 0) => return Ok(()),
            (put, del) if put <= del => self.reserve / 4,
            _ => self.reserve,
        };
        if needed > 0 && self.disk.free()? < needed {
            return Err(StoreError::Full { path: self.disk.path().to_path_buf() });
        }
        Ok(())
    }

    fn apply(&self, commit: &Commit) -> Result<Rev, StoreError> {
        let _writing = self.gate.write().map_err(|_| stuck())?;
        let done = self.db.transaction(|tx| transact(tx, commit));
        let rev = done.map_err(|error| match error {
            TransactionError::Abort(refused) => refused,
            TransactionError::Storage(error) => {
                // What of it has been kept is as unknown as after a sync that failed.
                self.group.give_up(&error.to_string());
                self.translate(error)
            }
        })?;
        self.applied.store(rev, Ordering::SeqCst);
        Ok(rev)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let rev = self.applied.load(Ordering::SeqCst);
        self.db.flush().map_err(|error| self.translate(error))?;
        self.disk.sync()?;
        // One round at a time comes here.
        if rev >= self.marked.load(Ordering::SeqCst) + mark::EVERY {
            // The commits are on disk whether or not it is; an older mark only notices less.
            drop(self.note(rev));
        }
        Ok(())
    }

    fn note(&self, rev: Rev) -> Result<(), StoreError> {
        self.disk.note(rev)?;
        self.marked.store(rev, Ordering::SeqCst);
        Ok(())
    }

    fn translate(&self, error: ::sled::Error) -> StoreError {
        translate(error, self.disk.path())
    }
}

impl Engine for Sled {
    fn get(&self, key: &str) -> Result<Option<Row>, StoreError> {
        let found = self.db.get(key).map_err(|error| self.translate(error))?;
        let Some(found) = found else { return Ok(None) };
        let (rev, value) = row::decode(key.as_bytes(), &found)?;
        Ok(Some(Row { key: key.to_owned(), rev, value: value.to_vec() }))
    }

    fn scan(&self, prefix: &str, after: After<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let Some(range) = engine::bounds(prefix, after) else { return Ok(Vec::new()) };
        let _reading = self.gate.read().map_err(|_| stuck())?;
        let rows = self.db.range::<Vec<u8>, _>(range).take(limit).map(|found| {
            let (key, found) = found.map_err(|error| self.translate(error))?;
            let (rev, value) = row::decode(&key, &found)?;
            Ok(Row { key: engine::text_key(&key)?, rev, value: value.to_vec() })
        });
        rows.collect()
    }

    fn commit(&self, commit: Commit) -> Result<Rev, StoreError> {
        engine::check(&commit)?;
        self.group.check()?;
        self.find_room(&commit)?;
        let rev = self.apply(&commit)?;
        self.group.wait(rev, || self.applied.load(Ordering::SeqCst), || self.sync())?;
        self.watchers.notify(rev, engine::changed(&commit));
        Ok(rev)
    }

    fn is_usable(&self) -> bool {
        self.group.check().is_ok() && !self.gate.is_poisoned()
    }

    fn watch(&self, prefix: &str) -> watch::Receiver<Rev> {
        self.watchers.watch(prefix, || self.applied.load(Ordering::SeqCst))
    }
}

impl Drop for Sled {
    fn drop(&mut self) {
        // Whoever holds the store no more has waited for all commits, so all of them are on disk;
        // unless a sync failed, and then the log may end before them.
        let rev = self.applied.load(Ordering::SeqCst);
        if self.group.check().is_ok() && rev > self.marked.load(Ordering::SeqCst) {
            // An older mark only notices less.
            drop(self.sync().and_then(|()| self.note(rev)));
        }
    }
}

/// One attempt at a commit; sled may run it again.
fn transact(
    tx: &TransactionalTree,
    commit: &Commit,
) -> ConflictableTransactionResult<Rev, StoreError> {
    let abort = ConflictableTransactionError::Abort;
    let rev_of = |key: &[u8]| match tx.get(key)? {
        None => Ok(0),
        Some(found) => row::decode(key, &found).map(|(rev, _)| rev).map_err(abort),
    };
    for (key, expected) in &commit.expect {
        engine::held(key, *expected, rev_of(key.as_bytes())?).map_err(abort)?;
    }
    let rev = rev_of(REVISION_KEY)?;
    if commit.put.is_empty() && commit.del.is_empty() {
        return Ok(rev);
    }
    let rev = rev + 1;
    tx.insert(REVISION_KEY, row::encode(REVISION_KEY, rev, b""))?;
    for key in &commit.del {
        tx.remove(key.as_bytes())?;
    }
    for (key, value) in &commit.put {
        tx.insert(key.as_bytes(), row::encode(key.as_bytes(), rev, value))?;
    }
    Ok(rev)
}

/// Makes sure that the tree is a store of a format known here, and answers its revision. An empty
/// tree becomes a store.
fn recognise(db: &::sled::Db, path: &Path) -> Result<Rev, StoreError> {
    let fail = |error| translate(error, path);
    if db.tree_names().len() > 1 {
        return Err(not_a_store(path, "it holds several trees"));
    }
    let Some(format) = db.get(FORMAT_KEY).map_err(fail)? else {
        if !db.is_empty() {
            return Err(not_a_store(path, "its rows bear no format"));
        }
        let format = format!("{FORMAT_NAME}{FORMAT}");
        let mut first = ::sled::Batch::default();
        first.insert(FORMAT_KEY, format.as_bytes());
        first.insert(REVISION_KEY, row::encode(REVISION_KEY, 0, b""));
        db.apply_batch(first).map_err(fail)?;
        return Ok(0);
    };
    let format = String::from_utf8_lossy(&format);
    let number = format.strip_prefix(FORMAT_NAME).and_then(|number| number.parse().ok());
    match number {
        Some(FORMAT) => {}
        Some(found) if found > FORMAT => {
            let path = path.to_path_buf();
            return Err(StoreError::NewerFormat { path, found, known: FORMAT });
        }
        Some(_) | None => return Err(not_a_store(path, format!("its format is {format:?}"))),
    }
    let revision = db.get(REVISION_KEY).map_err(fail)?;
    let revision = revision.ok_or_else(|| damaged(path, "its revision is gone"))?;
    row::decode(REVISION_KEY, &revision).map(|(rev, _)| rev)
}

fn translate(error: ::sled::Error, path: &Path) -> StoreError {
    match error {
        ::sled::Error::Io(error) => StoreError::io(path, error),
        ::sled::Error::Corruption { .. } => damaged(path, error.to_string()),
        other => StoreError::Engine(other.to_string()),
    }
}

fn stuck() -> StoreError {
    StoreError::Engine("an earlier commit panicked; start the service anew".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(put: &[&str], del: &[&str]) -> Commit {
        Commit {
            put: put.iter().map(|key| ((*key).to_owned(), b"row".to_vec())).collect(),
            del: del.iter().map(|key| (*key).to_owned()).collect(),
            ..Commit::default()
        }
    }

    #[test]
    fn what_removes_as_much_as_it_writes_may_use_most_of_the_reserve() {
        let dir = tempfile::tempdir().unwrap();
        let mut sled = Sled::open(&dir.path().join("store"), 1 << 20).unwrap();
        sled.commit(commit(&["a", "b"], &[])).unwrap();
        sled.reserve = sled.disk.free().unwrap().saturating_mul(2);
        for refused in [commit(&["c"], &[]), commit(&["c", "d"], &["a"])] {
            assert!(matches!(sled.commit(refused), Err(StoreError::Full { .. })));
        }
        assert!(sled.is_usable(), "nothing has failed");
        sled.commit(commit(&["c"], &["a"])).unwrap();
        sled.commit(commit(&[], &["b"])).unwrap();
        sled.group.give_up("the disk refused it");
        assert!(!sled.is_usable());
        assert!(matches!(sled.commit(commit(&[], &["c"])), Err(StoreError::Engine(_))));
    }
}

//! One commit over records of several tables and their index rows, and the loop that tries such
//! a commit again when somebody else was faster.

use std::collections::BTreeMap;
use std::thread;

use crate::engine::{Commit, Engine, Rev};
use crate::error::StoreError;
use crate::index::{Index, IndexRow};
use crate::record::{self, Record, Seen};

/// How often [`transact`] tries before it answers the conflict. Each loss means that another
/// commit has won, so this many in a row is not contention but a fault.
pub const ATTEMPTS: usize = 256;

/// Changes to be committed together. Of several changes of one row the last wins.
#[derive(Debug, Default)]
pub struct Batch {
    expect: Vec<(String, Rev)>,
    /// `None` = the row goes.
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

impl Batch {
    /// Makes a batch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is to be checked or changed.
    pub fn is_empty(&self) -> bool {
        self.expect.is_empty() && self.changes.is_empty()
    }

    /// Adds a new record; a record with its key in its way is a conflict.
    pub fn insert<R: Record>(&mut self, record: &R) -> Result<&mut Self, StoreError> {
        let key = record::full_key::<R>(&record.key());
        self.expect.push((key.clone(), 0));
        self.changes.insert(key, Some(record::encode(record)?));
        Ok(self)
    }

    /// Writes a record that was read and then changed; a conflict if it is no longer as it was
    /// read, [`StoreError::KeyChanged`] if the change has moved it.
    pub fn replace<R: Record>(&mut self, seen: &Seen<R>) -> Result<&mut Self, StoreError> {
        let to = seen.record.key();
        if to != seen.key() {
            return Err(StoreError::KeyChanged { from: seen.key().to_owned(), to });
        }
        let value = record::encode(&seen.record)?;
        let key = self.expect_seen(seen);
        self.changes.insert(key, Some(value));
        Ok(self)
    }

    /// Removes a record; a conflict if it is no longer as it was read.
    pub fn remove<R: Record>(&mut self, seen: &Seen<R>) -> &mut Self {
        let key = self.expect_seen(seen);
        self.changes.insert(key, None);
        self
    }

    /// Commits only if the record still is as it was read; does not change it.
    pub fn hold<R: Record>(&mut self, seen: &Seen<R>) -> &mut Self {
        self.expect_seen(seen);
        self
    }

    /// Commits only if there is no record of that key.
    pub fn hold_absent<R: Record>(&mut self, key: &str) -> &mut Self {
        self.expect.push((record::full_key::<R>(key), 0));
        self
    }

    /// Writes an index row, whether it exists or not.
    pub fn point(&mut self, index: &Index, key: &str, value: &str) -> &mut Self {
        self.changes.insert(index.full_key(key), Some(value.as_bytes().to_vec()));
        self
    }

    /// Writes an index row that must not exist yet: the way to keep a name unique.
    pub fn claim(&mut self, index: &Index, key: &str, value: &str) -> &mut Self {
        self.expect.push((index.full_key(key), 0));
        self.point(index, key, value)
    }

    /// Removes an index row if it exists.
    pub fn unpoint(&mut self, index: &Index, key: &str) -> &mut Self {
        self.changes.insert(index.full_key(key), None);
        self
    }

    /// Commits only if the index row still is as it was read; does not change it.
    pub fn hold_index(&mut self, index: &Index, row: &IndexRow) -> &mut Self {
        self.expect.push((index.full_key(&row.key), row.rev));
        self
    }

    /// Does all of it or nothing. Blocks until it is on disk. An empty batch answers the present
    /// revision.
    pub fn commit(self, engine: &dyn Engine) -> Result<Rev, StoreError> {
        let mut commit = Commit { expect: self.expect, ..Commit::default() };
        for (key, change) in self.changes {
            match change {
                Some(value) => commit.put.push((key, value)),
                None => commit.del.push(key),
            }
        }
        engine.commit(commit)
    }

    fn expect_seen<R: Record>(&mut self, seen: &Seen<R>) -> String {
        let key = record::full_key::<R>(seen.key());
        self.expect.push((key.clone(), seen.rev()));
        key
    }
}

/// Reads, decides and commits, again from the start if another commit came in between: `decide`
/// reads what it needs, fills the batch and answers what the caller wants to know, with the
/// commit's revision added. It may run several times and must do nothing outside the batch. After
/// [`ATTEMPTS`] losses the conflict is answered. Blocks.
pub fn transact<T, E: From<StoreError>>(
    engine: &dyn Engine,
    mut decide: impl FnMut(&mut Batch) -> Result<T, E>,
) -> Result<(T, Rev), E> {
    let mut attempt = 1;
    loop {
        let mut batch = Batch::new();
        let answer = decide(&mut batch)?;
        match batch.commit(engine) {
            Ok(rev) => return Ok((answer, rev)),
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
        thread::yield_now();
    }
}

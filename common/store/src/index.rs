//! Index rows: a second way to a record, by something that is not its key. They are written in
//! the same commit as the record they point at (see [`crate::Batch`]), so that they never
//! disagree with it. An index never checks that: whoever writes the record keeps its index rows.

use std::sync::Arc;

use tokio::sync::watch;

use crate::engine::{After, Engine, Rev, Row};
use crate::error::StoreError;

/// A named set of index rows, `index/NAME/KEY` → text, usually the key of a record.
#[derive(Clone)]
pub struct Index {
    engine: Arc<dyn Engine>,
    prefix: String,
}

/// An index row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRow {
    /// The key within the index.
    pub key: String,
    /// What it points at.
    pub value: String,
    /// The revision of the commit that wrote it.
    pub rev: Rev,
}

impl Index {
    /// Names an index of the store.
    ///
    /// # Panics
    /// If `name` is empty or holds a `/`: names are written in the program, never computed.
    pub fn new(engine: Arc<dyn Engine>, name: &'static str) -> Self {
        assert!(!name.is_empty() && !name.contains('/'), "{name:?} cannot name an index");
        Self { engine, prefix: format!("index/{name}/") }
    }

    /// Reads what `key` points at. Blocks.
    pub fn get(&self, key: &str) -> Result<Option<IndexRow>, StoreError> {
        self.engine.get(&self.full_key(key))?.map(|row| self.read(row)).transpose()
    }

    /// Reads a page of the rows whose keys begin with `prefix`, in byte order. Blocks.
    pub fn scan<'a>(
        &self,
        prefix: &str,
        after: impl Into<After<'a>>,
        limit: usize,
    ) -> Result<Vec<IndexRow>, StoreError> {
        let rows = scan(&*self.engine, &self.prefix, prefix, after.into(), limit)?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// Says when rows of the index change.
    pub fn watch(&self) -> watch::Receiver<Rev> {
        self.engine.watch(&self.prefix)
    }

    pub(crate) fn full_key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn read(&self, row: Row) -> Result<IndexRow, StoreError> {
        let value = String::from_utf8(row.value).map_err(|_| {
            StoreError::damaged_row(row.key.as_bytes(), "it is not the text of an index row")
        })?;
        let key = row.key.get(self.prefix.len()..).unwrap_or_default().to_owned();
        Ok(IndexRow { key, value, rev: row.rev })
    }
}

/// Scans within `space` (`table/` or `index/NAME/`), whose keys the caller gives without it.
pub(crate) fn scan(
    engine: &dyn Engine,
    space: &str,
    prefix: &str,
    after: After<'_>,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let full = |key: &str| format!("{space}{key}");
    let prefix = full(prefix);
    match after {
        After::Start => engine.scan(&prefix, After::Start, limit),
        After::Key(key) => engine.scan(&prefix, After::Key(&full(key)), limit),
        After::Prefix(skipped) => engine.scan(&prefix, After::Prefix(&full(skipped)), limit),
    }
}

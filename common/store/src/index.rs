//! Index rows: a second way to a record, by something that is not its key. They are written in
//! the same commit as the record they point at (see [`crate::Batch`]), so that they never
//! disagree with it. An index never checks that: whoever writes the record keeps its index rows.

use std::sync::Arc;
use std::vec;

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

    /// Goes through the rows whose keys begin with `prefix` and lie behind `after`, `page` rows at
    /// a time; whoever wants few reads few. Each page is consistent; between two of them others
    /// may commit.
    pub fn rows(&self, prefix: &str, after: Option<&str>, page: usize) -> Rows {
        Rows {
            index: self.clone(),
            prefix: prefix.to_owned(),
            last: after.map(str::to_owned),
            size: page.max(1),
            page: Vec::new().into_iter(),
            over: false,
        }
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

/// Rows of an index, read page by page. After an error it ends.
pub struct Rows {
    index: Index,
    prefix: String,
    last: Option<String>,
    size: usize,
    page: vec::IntoIter<IndexRow>,
    over: bool,
}

impl Iterator for Rows {
    type Item = Result<IndexRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.over {
            match self.index.scan(&self.prefix, self.last.as_deref(), self.size) {
                Ok(page) => {
                    self.over = page.len() < self.size;
                    self.last = page.last().map(|row| row.key.clone()).or(self.last.take());
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            }
        }
        self.page.next().map(Ok)
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

//! The engine that forgets: rows in an ordered map. For tests, and for services started for a
//! trial; it keeps every rule of [`Engine`] except that of lasting.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::engine::{self, After, Commit, Engine, Rev, Row};
use crate::error::StoreError;
use crate::watch::Watchers;

#[derive(Debug, Default)]
struct Rows {
    rev: Rev,
    rows: BTreeMap<Vec<u8>, (Rev, Vec<u8>)>,
}

/// A store in memory; gone with the process.
#[derive(Debug, Default)]
pub struct Memory {
    state: RwLock<Rows>,
    watchers: Watchers,
}

impl Memory {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        // Nothing that can panic stands between the first and the last change of a commit.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, commit: &Commit) -> Result<Rev, StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for (key, expected) in &commit.expect {
            let found = state.rows.get(key.as_bytes()).map_or(0, |(rev, _)| *rev);
            engine::held(key, *expected, found)?;
        }
        if commit.put.is_empty() && commit.del.is_empty() {
            return Ok(state.rev);
        }
        let rev = state.rev + 1;
        state.rev = rev;
        for key in &commit.del {
            state.rows.remove(key.as_bytes());
        }
        for (key, value) in &commit.put {
            state.rows.insert(key.clone().into_bytes(), (rev, value.clone()));
        }
        Ok(rev)
    }
}

impl Engine for Memory {
    fn get(&self, key: &str) -> Result<Option<Row>, StoreError> {
        let state = self.read();
        let found = state.rows.get(key.as_bytes());
        Ok(found.map(|(rev, value)| Row { key: key.to_owned(), rev: *rev, value: value.clone() }))
    }

    fn scan(&self, prefix: &str, after: After<'_>, limit: usize) -> Result<Vec<Row>, StoreError> {
        let Some(range) = engine::bounds(prefix, after) else { return Ok(Vec::new()) };
        let state = self.read();
        let rows = state.rows.range(range).take(limit).map(|(key, (rev, value))| {
            Ok(Row { key: engine::text_key(key)?, rev: *rev, value: value.clone() })
        });
        rows.collect()
    }

    fn commit(&self, commit: Commit) -> Result<Rev, StoreError> {
        engine::check(&commit)?;
        let rev = self.apply(&commit)?;
        self.watchers.notify(rev, engine::changed(&commit));
        Ok(rev)
    }

    fn watch(&self, prefix: &str) -> watch::Receiver<Rev> {
        self.watchers.watch(prefix, || self.read().rev)
    }
}

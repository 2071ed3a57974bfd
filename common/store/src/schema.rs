//! Which tables a store holds, and in which versions: one row, `schema/tables`, that lets a
//! program refuse a store of a newer one when it opens it, and not at the first record it cannot
//! read in the middle of a request.
//!
//! A program says which tables it knows ([`Schema::with`]) and is admitted if none in the store is
//! newer than it knows, and none is unknown to it. The row is then raised to the program's
//! versions: from the first record it could write on, older programs are kept out.

use std::collections::BTreeMap;

use crate::engine::{Commit, Engine, Rev};
use crate::error::StoreError;
use crate::record::Record;

/// The row, outside every table: no record may have the table `schema`.
const ROW: &str = "schema/tables";

/// The tables a program knows, each with the version of its records.
#[derive(Debug, Default)]
pub struct Schema {
    known: BTreeMap<&'static str, u32>,
}

impl Schema {
    /// Knows no table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows the table of these records, too.
    pub fn with<R: Record>(mut self) -> Self {
        self.known.insert(R::TABLE, R::VERSION);
        self
    }

    /// Says whether the program can read the store, and changes nothing: for one that only looks,
    /// and must not keep older programs out. Blocks.
    ///
    /// # Errors
    /// As [`Schema::admit`].
    pub fn check(&self, engine: &dyn Engine) -> Result<(), StoreError> {
        self.compare(engine).map(drop)
    }

    /// Admits the program to the store, or says why not. Blocks.
    ///
    /// # Errors
    /// [`StoreError::NewerTable`] if the store has records this program cannot read,
    /// [`StoreError::Damaged`] if the row is no longer what was written.
    pub fn admit(&self, engine: &dyn Engine) -> Result<(), StoreError> {
        let (found, rev) = self.compare(engine)?;
        let now: BTreeMap<String, u32> =
            self.known.iter().map(|(&table, &version)| (table.to_owned(), version)).collect();
        if now == found {
            return Ok(());
        }
        let value = serde_json::to_vec(&now).map_err(|error| StoreError::Unwritable {
            key: ROW.to_owned(),
            reason: error.to_string(),
        })?;
        let (expect, put) = (vec![(ROW.to_owned(), rev)], vec![(ROW.to_owned(), value)]);
        engine.commit(Commit { expect, put, ..Commit::default() })?;
        Ok(())
    }

    /// The tables that the store holds, none of them unknown, and the revision of the row.
    fn compare(&self, engine: &dyn Engine) -> Result<(BTreeMap<String, u32>, Rev), StoreError> {
        let row = engine.get(ROW)?;
        let rev = row.as_ref().map_or(0, |row| row.rev);
        let found: BTreeMap<String, u32> = match &row {
            None => BTreeMap::new(),
            Some(row) => serde_json::from_slice(&row.value)
                .map_err(|error| StoreError::damaged_row(ROW.as_bytes(), error.to_string()))?,
        };
        for (table, &version) in &found {
            let known = self.known.get(table.as_str()).copied();
            if known.is_none_or(|known| version > known) {
                return Err(StoreError::NewerTable { table: table.clone(), found: version, known });
            }
        }
        Ok((found, rev))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::memory::Memory;
    use crate::record::NoPrevious;

    #[derive(Serialize, Deserialize)]
    struct First;

    impl Record for First {
        const TABLE: &'static str = "plain";
        const VERSION: u32 = 1;
        type Previous = NoPrevious;

        fn key(&self) -> String {
            String::new()
        }

        fn upgrade(previous: NoPrevious) -> Self {
            match previous {}
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Second;

    impl Record for Second {
        const TABLE: &'static str = "plain";
        const VERSION: u32 = 2;
        type Previous = First;

        fn key(&self) -> String {
            String::new()
        }

        fn upgrade(First: First) -> Self {
            Self
        }
    }

    #[test]
    fn a_newer_store_keeps_an_older_program_out() {
        let store = Memory::new();
        let (old, new) = (Schema::new().with::<First>(), Schema::new().with::<Second>());
        new.check(&store).unwrap();
        assert!(store.get(ROW).unwrap().is_none(), "looked at and left alone");
        old.admit(&store).unwrap();
        old.admit(&store).unwrap();
        new.check(&store).unwrap();
        old.check(&store).unwrap();
        new.admit(&store).unwrap();
        new.admit(&store).unwrap();
        assert!(old.check(&store).is_err());
        let refused = old.admit(&store).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the store was written by a newer version of this program: its table \"plain\" has \
             version 2 (this program knows 1)"
        );
        let refused = Schema::new().admit(&store).unwrap_err().to_string();
        assert!(refused.ends_with("has version 2 (this program knows none)"), "{refused}");
    }
}

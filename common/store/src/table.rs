//! A typed view of one table: records in, records out. A handle is two words and may be made
//! anywhere; it keeps nothing.

use std::marker::PhantomData;
use std::sync::Arc;
use std::vec;

use tokio::sync::watch;

use crate::batch::{Batch, transact};
use crate::engine::{After, Engine, Rev};
use crate::error::StoreError;
use crate::index;
use crate::record::{self, Record, Seen};

/// How many records [`Pages`] reads at a time.
const PAGE: usize = 256;

/// The records of one type. All methods but [`Table::new`] and [`Table::watch`] block.
pub struct Table<R> {
    engine: Arc<dyn Engine>,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for Table<R> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), record: PhantomData }
    }
}

impl<R: Record> Table<R> {
    /// Makes a handle.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, record: PhantomData }
    }

    /// The engine below, for batches over several tables.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Reads one record.
    pub fn get(&self, key: &str) -> Result<Option<Seen<R>>, StoreError> {
        self.engine.get(&record::full_key::<R>(key))?.map(record::decode).transpose()
    }

    /// Reads at most `limit` records whose keys begin with `prefix`, in byte order. Fewer than
    /// `limit` mean that there are no more.
    pub fn scan<'a>(
        &self,
        prefix: &str,
        after: impl Into<After<'a>>,
        limit: usize,
    ) -> Result<Vec<Seen<R>>, StoreError> {
        let table = record::full_key::<R>("");
        let rows = index::scan(&*self.engine, &table, prefix, after.into(), limit)?;
        rows.into_iter().map(record::decode).collect()
    }

    /// Goes through all records whose keys begin with `prefix`, page by page. Each page is
    /// consistent; between two of them others may commit.
    pub fn all(&self, prefix: &str) -> Pages<R> {
        self.all_behind(prefix, None)
    }

    /// Goes through the records whose keys begin with `prefix` and lie behind `after`, as
    /// [`Table::all`] does.
    pub fn all_behind(&self, prefix: &str, after: Option<&str>) -> Pages<R> {
        let page = Vec::new().into_iter();
        let (prefix, last) = (prefix.to_owned(), after.map(str::to_owned));
        Pages { table: self.clone(), prefix, last, page, over: false }
    }

    /// Adds a new record; [`StoreError::Conflict`] if its key is taken.
    pub fn insert(&self, record: R) -> Result<Seen<R>, StoreError> {
        let mut batch = Batch::new();
        batch.insert(&record)?;
        let rev = batch.commit(&*self.engine)?;
        let key = record.key();
        Ok(Seen::new(record, key, rev))
    }

    /// Writes a record that was read and then changed; [`StoreError::Conflict`] if it is no
    /// longer as it was read.
    pub fn replace(&self, seen: Seen<R>) -> Result<Seen<R>, StoreError> {
        let mut batch = Batch::new();
        batch.replace(&seen)?;
        let rev = batch.commit(&*self.engine)?;
        let key = seen.key().to_owned();
        Ok(Seen::new(seen.record, key, rev))
    }

    /// Reads a record, lets `change` change it and commits it, again from the start if another
    /// commit came in between; [`StoreError::Absent`] if there is none. A record that `change`
    /// leaves as it was is not written. `change` may run several times; its error ends the loop.
    pub fn update<E: From<StoreError>>(
        &self,
        key: &str,
        mut change: impl FnMut(&mut R) -> Result<(), E>,
    ) -> Result<Seen<R>, E> {
        let full = record::full_key::<R>(key);
        let (seen, rev) = transact(&*self.engine, |batch| {
            let row = self.engine.get(&full)?;
            let row = row.ok_or_else(|| StoreError::Absent { key: full.clone() })?;
            let before = row.value.clone();
            let mut seen: Seen<R> = record::decode(row)?;
            change(&mut seen.record)?;
            if record::encode(&seen.record)? == before {
                batch.hold(&seen);
                return Ok::<_, E>((seen, false));
            }
            batch.replace(&seen)?;
            Ok((seen, true))
        })?;
        let (seen, written) = seen;
        let rev = if written { rev } else { seen.rev() };
        let key = seen.key().to_owned();
        Ok(Seen::new(seen.record, key, rev))
    }

    /// Removes a record in whatever state it is, and answers that state.
    pub fn remove(&self, key: &str) -> Result<Option<Seen<R>>, StoreError> {
        let (seen, _) = transact(&*self.engine, |batch| {
            let seen = self.get(key)?;
            if let Some(seen) = &seen {
                batch.remove(seen);
            }
            Ok::<_, StoreError>(seen)
        })?;
        Ok(seen)
    }

    /// Says when records of the table change.
    pub fn watch(&self) -> watch::Receiver<Rev> {
        self.watch_prefix("")
    }

    /// Says when records change whose keys begin with `prefix`.
    pub fn watch_prefix(&self, prefix: &str) -> watch::Receiver<Rev> {
        self.engine.watch(&record::full_key::<R>(prefix))
    }
}

/// All records under a prefix, read page by page. After an error it ends.
pub struct Pages<R> {
    table: Table<R>,
    prefix: String,
    last: Option<String>,
    page: vec::IntoIter<Seen<R>>,
    over: bool,
}

impl<R: Record> Iterator for Pages<R> {
    type Item = Result<Seen<R>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.len() == 0 && !self.over {
            match self.table.scan(&self.prefix, self.last.as_deref(), PAGE) {
                Ok(page) => {
                    self.over = page.len() < PAGE;
                    self.last = page.last().map(|seen| seen.key().to_owned());
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

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use thiserror::Error;

    use super::*;
    use crate::engine::{Commit, Row};
    use crate::index::Index;
    use crate::memory::Memory;
    use crate::record::NoPrevious;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct ImageV1 {
        id: String,
        size: u64,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct ImageV2 {
        id: String,
        bytes: u64,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Image {
        id: String,
        bytes: u64,
        owner: Option<String>,
    }

    /// A table whose name begins like another's.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Extra {
        id: String,
    }

    impl Record for ImageV1 {
        const TABLE: &'static str = "image";
        const VERSION: u32 = 1;
        type Previous = NoPrevious;
        fn key(&self) -> String {
            self.id.clone()
        }
        fn upgrade(previous: NoPrevious) -> Self {
            match previous {}
        }
    }

    impl Record for ImageV2 {
        const TABLE: &'static str = "image";
        const VERSION: u32 = 2;
        type Previous = ImageV1;
        fn key(&self) -> String {
            self.id.clone()
        }
        fn upgrade(previous: ImageV1) -> Self {
            Self { id: previous.id, bytes: previous.size << 20 }
        }
    }

    impl Record for Image {
        const TABLE: &'static str = "image";
        const VERSION: u32 = 3;
        type Previous = ImageV2;
        fn key(&self) -> String {
            self.id.clone()
        }
        fn upgrade(previous: ImageV2) -> Self {
            Self { id: previous.id, bytes: previous.bytes, owner: None }
        }
    }

    impl Record for Extra {
        const TABLE: &'static str = "image-x";
        const VERSION: u32 = 1;
        type Previous = NoPrevious;
        fn key(&self) -> String {
            self.id.clone()
        }
        fn upgrade(previous: NoPrevious) -> Self {
            match previous {}
        }
    }

    #[derive(Debug, Error)]
    enum Refusal {
        #[error("too large")]
        TooLarge,
        #[error(transparent)]
        Store(#[from] StoreError),
    }

    fn memory() -> Arc<dyn Engine> {
        Arc::new(Memory::new())
    }

    fn image(id: &str) -> Image {
        Image { id: id.into(), bytes: 1, owner: None }
    }

    fn keys<R>(seen: &[Seen<R>]) -> Vec<&str> {
        seen.iter().map(Seen::key).collect()
    }

    #[test]
    fn older_versions_are_upgraded_and_rewritten_when_changed() {
        let engine = memory();
        Table::new(engine.clone()).insert(ImageV1 { id: "emi-1".into(), size: 5 }).unwrap();
        Table::new(engine.clone()).insert(ImageV2 { id: "emi-2".into(), bytes: 9 }).unwrap();
        let images: Table<Image> = Table::new(engine.clone());
        let all: Vec<_> = images.all("").map(|seen| seen.unwrap().record.bytes).collect();
        assert_eq!(all, [5 << 20, 9]);
        let raw = |key| String::from_utf8(engine.get(key).unwrap().unwrap().value).unwrap();
        assert_eq!(raw("image/emi-1"), r#"{"v":1,"r":{"id":"emi-1","size":5}}"#);
        images.update("emi-1", |_| Ok::<_, StoreError>(())).unwrap();
        let rewritten = r#"{"v":3,"r":{"id":"emi-1","bytes":5242880,"owner":null}}"#;
        assert_eq!(raw("image/emi-1"), rewritten);
    }

    #[test]
    fn newer_versions_and_nonsense_are_refused_by_name() {
        let engine = memory();
        let table = [
            (r#"{"v":4,"r":{}}"#, r#"image record "k" has version 4, newer than version 3 of"#),
            (r#"{"v":0,"r":{}}"#, r#"row "image/k" is damaged: there has never been a version 0"#),
            (r#"{"v":3,"r":{"id":1}}"#, r#"row "image/k" is damaged: invalid type"#),
            ("dear", r#"row "image/k" is damaged: expected value"#),
        ];
        for (value, message) in table {
            let put = vec![("image/k".to_owned(), value.as_bytes().to_vec())];
            engine.commit(Commit { put, ..Commit::default() }).unwrap();
            let images: Table<Image> = Table::new(engine.clone());
            let error = images.get("k").unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
            assert_eq!(images.all("").filter(Result::is_err).count(), 1);
        }
    }

    #[test]
    fn keys_hold_any_text_and_tables_do_not_leak() {
        let engine = memory();
        let images: Table<Image> = Table::new(engine.clone());
        let extras: Table<Extra> = Table::new(engine);
        extras.insert(Extra { id: "leak".into() }).unwrap();
        let sorted = ["", "a", "a/", "a/\u{10ffff}", "a/b/c", "a0", "b", "ä", "\u{10ffff}"];
        let mut expected = sorted.to_vec();
        expected.sort_unstable();
        for key in sorted {
            images.insert(image(key)).unwrap();
        }
        assert_eq!(keys(&images.scan("", After::Start, 100).unwrap()), expected);
        assert_eq!(keys(&images.scan("a/", None, 2).unwrap()), ["a/", "a/b/c"]);
        assert_eq!(keys(&images.scan("a/", "a/b/c", 9).unwrap()), ["a/\u{10ffff}"]);
        let behind_group = images.scan("a", After::Prefix("a/"), 9).unwrap();
        assert_eq!(keys(&behind_group), ["a0"]);
        assert_eq!(keys(&extras.scan("", None, 9).unwrap()), ["leak"]);
    }

    #[test]
    fn all_pages_are_walked() {
        let images: Table<Image> = Table::new(memory());
        for count in [0, 1, PAGE - 1, PAGE, PAGE + 1] {
            let have = images.all("").count();
            for at in have..count {
                images.insert(image(&format!("{at:05}"))).unwrap();
            }
            assert_eq!(images.all("").map(Result::unwrap).count(), count);
        }
    }

    #[test]
    fn only_what_was_seen_is_changed() {
        let images: Table<Image> = Table::new(memory());
        let mut seen = images.insert(image("emi-1")).unwrap();
        let taken = images.insert(image("emi-1")).unwrap_err();
        assert!(matches!(taken, StoreError::Conflict { key } if key == "image/emi-1"));
        let stale = seen.clone();
        seen.record.bytes = 2;
        let seen = images.replace(seen).unwrap();
        assert!(seen.rev() > stale.rev());
        assert!(matches!(images.replace(stale), Err(StoreError::Conflict { .. })));
        assert_eq!(images.get("emi-1").unwrap().unwrap(), seen);
        assert_eq!(images.remove("emi-1").unwrap().unwrap(), seen);
        assert!(images.remove("emi-1").unwrap().is_none());
        assert!(matches!(images.replace(seen), Err(StoreError::Conflict { .. })));
    }

    #[test]
    fn an_update_starts_again_when_another_was_faster() {
        let images: Table<Image> = Table::new(memory());
        images.insert(image("emi-1")).unwrap();
        let mut rounds = 0;
        let seen = images.update("emi-1", |image| {
            rounds += 1;
            if rounds < 3 {
                images.update("emi-1", |image| {
                    image.bytes += 10;
                    Ok::<_, StoreError>(())
                })?;
            }
            image.bytes += 100;
            Ok::<_, StoreError>(())
        });
        assert_eq!((rounds, seen.unwrap().bytes), (3, 121));
    }

    #[test]
    fn an_update_ends_in_bounds() {
        let images: Table<Image> = Table::new(memory());
        images.insert(image("emi-1")).unwrap();
        let mut rounds = 0;
        let lost = images.update("emi-1", |image| {
            rounds += 1;
            let mut other = images.get("emi-1")?.unwrap();
            other.record.bytes += 1;
            images.replace(other)?;
            image.bytes = 0;
            Ok::<_, StoreError>(())
        });
        assert!(matches!(lost, Err(StoreError::Conflict { .. })));
        assert_eq!(rounds, crate::ATTEMPTS);
    }

    #[test]
    fn an_update_may_refuse_find_nothing_or_change_nothing() {
        let images: Table<Image> = Table::new(memory());
        let first = images.insert(image("emi-1")).unwrap();
        let refused = images.update("emi-1", |_| Err(Refusal::TooLarge));
        assert!(matches!(refused, Err(Refusal::TooLarge)));
        let absent = images.update("emi-2", |_| Ok::<_, Refusal>(())).unwrap_err();
        assert!(
            matches!(absent, Refusal::Store(StoreError::Absent { key }) if key == "image/emi-2")
        );
        let same = images.update("emi-1", |_| Ok::<_, Refusal>(())).unwrap();
        assert_eq!(same, first, "nothing was written");
        let moved = images.update("emi-1", |image| {
            image.id = "emi-9".into();
            Ok::<_, StoreError>(())
        });
        assert!(matches!(moved, Err(StoreError::KeyChanged { .. })));
    }

    #[test]
    fn a_batch_over_tables_and_indexes_is_whole_or_nothing() {
        let engine = memory();
        let images: Table<Image> = Table::new(engine.clone());
        let extras: Table<Extra> = Table::new(engine.clone());
        let by_owner = Index::new(engine.clone(), "image-by-owner");
        let names = Index::new(engine.clone(), "name");
        let extra = Extra { id: "x".into() };

        let mut batch = Batch::new();
        batch.insert(&image("emi-1")).unwrap().insert(&extra).unwrap();
        batch.point(&by_owner, "ann/emi-1", "emi-1").claim(&names, "web", "emi-1");
        let rev = batch.commit(&*engine).unwrap();
        let seen = images.get("emi-1").unwrap().unwrap();
        assert_eq!(seen.rev(), rev);
        let pointer = by_owner.get("ann/emi-1").unwrap().unwrap();
        assert_eq!((pointer.value.as_str(), pointer.rev), ("emi-1", rev));
        assert_eq!(by_owner.scan("ann/", None, 9).unwrap(), [pointer]);

        let before: Vec<Row> = engine.scan("", After::Start, 99).unwrap();
        let refusals: [&dyn Fn(&mut Batch); 5] = [
            &|batch| {
                batch.insert(&extra).unwrap();
            },
            &|batch| {
                batch.claim(&names, "web", "emi-2");
            },
            &|batch| {
                batch.hold_absent::<Extra>("x");
            },
            &|batch| {
                let mut stale = by_owner.get("ann/emi-1").unwrap().unwrap();
                stale.rev -= 1;
                batch.hold_index(&by_owner, &stale);
            },
            &|batch| {
                batch.hold(&Seen::new(image("emi-1"), "emi-1".into(), rev + 1));
            },
        ];
        for (at, refusal) in refusals.iter().enumerate() {
            let mut batch = Batch::new();
            batch.insert(&image("emi-2")).unwrap().remove(&seen);
            batch.unpoint(&by_owner, "ann/emi-1");
            refusal(&mut batch);
            let refused = batch.commit(&*engine);
            assert!(matches!(refused, Err(StoreError::Conflict { .. })), "refusal {at}");
            assert_eq!(engine.scan("", After::Start, 99).unwrap(), before, "refusal {at}");
        }

        let mut batch = Batch::new();
        batch.remove(&seen).hold(&extras.get("x").unwrap().unwrap());
        batch.unpoint(&by_owner, "ann/emi-1").unpoint(&names, "web");
        batch.commit(&*engine).unwrap();
        assert_eq!(engine.scan("", After::Start, 99).unwrap().len(), 1);
    }
}

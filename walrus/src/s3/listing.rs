//! A page of a bucket's objects.
//!
//! With a delimiter, all keys of one common prefix are one entry, and the scan jumps over them: the
//! cost is that of the page, not of what lies beneath it. Rows are read in batches that grow while
//! keys are plain and shrink where prefixes follow each other.

use common::s3::listing::{Filter, ListedObject, Next, Page};
use store::{After, Seen};

use crate::records::{Failed, Object, Records, object_key};

/// Rows of the first batch with a delimiter.
const FEWEST: usize = 4;

/// Rows of a batch at most.
const MOST: usize = 256;

/// Where the scan goes on.
enum Position {
    Start,
    Behind(String),
    Past(String),
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Begin {
    /// With the first key.
    Start,
    /// Behind this text, whether there is such a key or not. A common prefix that is not behind it
    /// was shown already.
    Behind(String),
    /// Behind all keys of this common prefix.
    Past(String),
}

impl From<Next> for Begin {
    fn from(next: Next) -> Self {
        match next {
            Next::Key(key) => Self::Behind(key),
            Next::Prefix(prefix) => Self::Past(prefix),
        }
    }
}

impl From<String> for Begin {
    fn from(marker: String) -> Self {
        if marker.is_empty() { Self::Start } else { Self::Behind(marker) }
    }
}

/// Reads a page. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn list(records: &Records, filter: &Filter, begin: &Begin) -> Result<Page, Failed> {
    if filter.max_keys == 0 {
        return Ok(Page::default());
    }
    let row = |key: &str| object_key(&filter.bucket, key);
    let prefix = row(&filter.prefix);
    let mut position = match begin {
        Begin::Start => Position::Start,
        Begin::Behind(key) => Position::Behind(row(key)),
        Begin::Past(prefix) => Position::Past(row(prefix)),
    };
    let mut filling = Filling { filter, begin, page: Page::default() };
    let mut batch = if filter.delimiter.is_some() { FEWEST } else { MOST };
    loop {
        let after = match &position {
            Position::Start => After::Start,
            Position::Behind(key) => After::Key(key),
            Position::Past(prefix) => After::Prefix(prefix),
        };
        // One more than fits tells whether there is another page.
        let wanted = batch.min(filling.room() + 1);
        let rows = records.objects.scan(&prefix, after, wanted)?;
        let last = rows.len() < wanted;
        let mut jump = None;
        let end = rows.last().map(|row| row.key().to_owned());
        for row in rows {
            if jump.as_ref().is_some_and(|skipped: &String| row.key().starts_with(skipped)) {
                continue;
            }
            jump = None;
            match filling.take(row) {
                Taken::Key => {}
                Taken::Prefix(full) => jump = Some(full),
                Taken::Full => return Ok(filling.page),
            }
        }
        match (jump, end) {
            _ if last => break,
            (Some(skipped), _) => {
                position = Position::Past(skipped);
                batch = FEWEST;
            }
            (None, Some(key)) => {
                position = Position::Behind(key);
                batch = (batch * 2).min(MOST);
            }
            (None, None) => break,
        }
    }
    filling.page.next = None;
    Ok(filling.page)
}

enum Taken {
    /// The row is an entry.
    Key,
    /// The row belongs to the common prefix of this full key.
    Prefix(String),
    /// The page was full before it.
    Full,
}

/// A page that is being filled.
struct Filling<'a> {
    filter: &'a Filter,
    begin: &'a Begin,
    page: Page,
}

impl Filling<'_> {
    fn take(&mut self, row: Seen<Object>) -> Taken {
        let object = row.record;
        if let Some(common) = self.common_prefix(object.key.as_str()) {
            let full = object_key(&object.bucket, common);
            if matches!(self.begin, Begin::Behind(marker) if common <= marker.as_str()) {
                return Taken::Prefix(full);
            }
            if self.room() == 0 {
                return Taken::Full;
            }
            self.page.next = Some(Next::Prefix(common.to_owned()));
            self.page.common_prefixes.push(common.to_owned());
            return Taken::Prefix(full);
        }
        if self.room() == 0 {
            return Taken::Full;
        }
        let key = String::from(object.key);
        self.page.next = Some(Next::Key(key.clone()));
        self.page.objects.push(ListedObject {
            key,
            modified: object.modified,
            etag: object.etag,
            size: object.size,
            owner: object.owner,
        });
        Taken::Key
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.filter.delimiter.as_deref()?;
        let begin = self.filter.prefix.len();
        let at = key.get(begin..)?.find(delimiter)?;
        key.get(..begin + at + delimiter.len())
    }

    fn room(&self) -> usize {
        self.filter.max_keys.saturating_sub(self.page.entries())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use store::{Batch, Commit, Engine, Memory, Rev, Row, StoreError};
    use tokio::sync::watch;

    use super::*;

    fn object(bucket: &str, key: &str) -> Object {
        Object { size: 1, ..Object::sample(bucket, key, "111111111111") }
    }

    fn records(keys: &[&str]) -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        for key in keys {
            for bucket in ["buck", "bucket"] {
                records.objects.insert(object(bucket, key)).unwrap();
            }
        }
        records
    }

    fn filter(prefix: &str, delimiter: &str, max_keys: usize) -> Filter {
        Filter {
            bucket: "buck".parse().unwrap(),
            prefix: prefix.into(),
            delimiter: Some(delimiter.to_owned()).filter(|text| !text.is_empty()),
            max_keys,
            url_encoding: false,
        }
    }

    fn from_next(next: Next) -> Begin {
        next.into()
    }

    fn from_marker(next: Next) -> Begin {
        next.name().to_owned().into()
    }

    /// All pages of a listing: keys and prefixes in their order, prefixes marked by a `*`.
    fn walk(records: &Records, asked: &Filter, begin: &Begin) -> Vec<Vec<String>> {
        let by = |on: fn(Next) -> Begin| {
            let (mut pages, mut begin) = (Vec::new(), begin.clone());
            loop {
                let page = list(records, asked, &begin).unwrap();
                let keys = page.objects.iter().map(|object| object.key.clone());
                let prefixes = page.common_prefixes.iter().map(|prefix| format!("{prefix}*"));
                pages.push(keys.chain(prefixes).collect::<Vec<_>>());
                match page.next {
                    Some(next) => begin = on(next),
                    None => return pages,
                }
            }
        };
        let pages = by(from_next);
        assert_eq!(pages, by(from_marker), "markers and tokens page alike");
        pages
    }

    fn all(records: &Records, asked: &Filter) -> Vec<Vec<String>> {
        walk(records, asked, &Begin::Start)
    }

    #[test]
    fn pages_neither_overlap_nor_skip() {
        let keys: Vec<String> = (0..600).map(|n| format!("k{n:04}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let records = records(&keys);
        for max_keys in [1, 7, 255, 256, 257, 599, 600, 601, 1000] {
            let pages = all(&records, &filter("", "", max_keys));
            assert!(pages.iter().all(|page| page.len() <= max_keys));
            assert_eq!(pages.concat(), keys, "{max_keys}");
            assert_eq!(pages.len(), 600_usize.div_ceil(max_keys), "{max_keys}");
        }
    }

    #[test]
    fn common_prefixes_keep_the_prefix_that_was_asked_for() {
        let records = records(&["a", "a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "ab", "b/1", "c"]);
        assert_eq!(all(&records, &filter("", "/", 1000)), [["a", "ab", "c", "a/*", "b/*"]]);
        assert_eq!(all(&records, &filter("a/", "/", 1000)), [["a/1", "a/2", "a/b/*", "a/c/*"]]);
        assert_eq!(all(&records, &filter("a", "/", 1000)), [["a", "ab", "a/*"]]);
        assert_eq!(all(&records, &filter("zz", "/", 1000)), [Vec::<String>::new()]);
        let single = all(&records, &filter("", "/", 1));
        assert_eq!(single, [["a"], ["a/*"], ["ab"], ["b/*"], ["c"]]);
        assert_eq!(all(&records, &filter("", "b/", 1000)).concat().last().unwrap(), "b/*");
    }

    #[test]
    fn nothing_may_be_asked_for() {
        let records = records(&["a", "b"]);
        let page = list(&records, &filter("", "", 0), &Begin::Start).unwrap();
        assert_eq!(page, Page::default());
    }

    #[test]
    fn a_marker_within_a_prefix_hides_that_prefix() {
        let records = records(&["a/1", "a/2", "b"]);
        let begin = Begin::Behind("a/1".into());
        assert_eq!(walk(&records, &filter("", "/", 10), &begin), [["b"]]);
        assert_eq!(walk(&records, &filter("", "", 10), &begin), [["a/2", "b"]]);
    }

    #[test]
    fn delimiters_may_be_long_and_keys_odd() {
        let records = records(&["a--b--1", "a--b--2", "a--c", "a-b", "日本/x", "日本/y", "日本語"]);
        let found = all(&records, &filter("", "--", 10));
        assert_eq!(found, [["a-b", "日本/x", "日本/y", "日本語", "a--*"]]);
        assert_eq!(all(&records, &filter("a--", "--", 1)), [["a--b--*"], ["a--c"]]);
        assert_eq!(all(&records, &filter("日", "本/", 9)), [["日本語", "日本/*"]]);
    }

    /// Counts what is read.
    #[derive(Default)]
    struct Counting {
        memory: Memory,
        scans: AtomicUsize,
        rows: AtomicUsize,
    }

    impl Engine for Counting {
        fn get(&self, key: &str) -> Result<Option<Row>, StoreError> {
            self.memory.get(key)
        }

        fn scan(
            &self,
            prefix: &str,
            after: After<'_>,
            most: usize,
        ) -> Result<Vec<Row>, StoreError> {
            let rows = self.memory.scan(prefix, after, most)?;
            self.scans.fetch_add(1, Ordering::Relaxed);
            self.rows.fetch_add(rows.len(), Ordering::Relaxed);
            Ok(rows)
        }

        fn commit(&self, commit: Commit) -> Result<Rev, StoreError> {
            self.memory.commit(commit)
        }

        fn watch(&self, prefix: &str) -> watch::Receiver<Rev> {
            self.memory.watch(prefix)
        }
    }

    #[test]
    fn a_page_of_a_large_bucket_costs_what_the_page_costs() {
        const EACH: usize = 1000;
        let counting = Arc::new(Counting::default());
        let records = Records::new(counting.clone());
        for folder in 0..100 {
            let mut batch = Batch::new();
            for n in 0..EACH {
                batch.insert(&object("buck", &format!("d{folder:02}/{n:04}"))).unwrap();
            }
            batch.commit(records.engine()).unwrap();
        }
        let cost = |asked: &Filter, begin: &Begin| {
            counting.scans.store(0, Ordering::Relaxed);
            counting.rows.store(0, Ordering::Relaxed);
            let page = list(&records, asked, begin).unwrap();
            let read = counting.rows.load(Ordering::Relaxed);
            (page.entries(), page.next.is_some(), counting.scans.load(Ordering::Relaxed), read)
        };
        let middle = Begin::Behind("d50/0500".into());
        for (asked, begin, entries, more, scans, rows) in [
            (filter("", "", 1), &Begin::Start, 1, true, 1, 2),
            (filter("", "", 1000), &middle, 1000, true, 5, 1001),
            (filter("d50/", "/", 1000), &Begin::Start, 1000, false, 20, 1001),
            (filter("", "/", 1000), &Begin::Start, 100, false, 101, 400),
            (filter("", "/", 10), &middle, 10, true, 12, 48),
            (filter("d99/", "", 1000), &Begin::Start, 1000, false, 5, 1001),
            (filter("zz", "/", 1000), &Begin::Start, 0, false, 1, 0),
        ] {
            let (found, next, scanned, read) = cost(&asked, begin);
            assert_eq!((found, next), (entries, more), "{asked:?}");
            assert!(scanned <= scans && read <= rows, "{scanned} scans, {read} rows: {asked:?}");
        }
    }
}

//! A page of a bucket's objects.
//!
//! With a delimiter, all keys of one common prefix are one entry, and the scan jumps over them: the
//! cost is that of the page, not of what lies beneath it. Rows are read in batches that grow while
//! keys are plain and shrink where prefixes follow each other.

use common::s3::buckets::{ListObjects, ListedObject, ObjectList};
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

/// Reads the page. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn list(records: &Records, request: ListObjects) -> Result<ObjectList, Failed> {
    let prefix = object_key(&request.bucket, &request.prefix);
    let mut page = Page::new(request);
    let mut position = match page.list.request.marker.as_str() {
        "" => Position::Start,
        marker => Position::Behind(object_key(&page.list.request.bucket, marker)),
    };
    let mut batch = if page.list.request.delimiter.is_some() { FEWEST } else { MOST };
    if page.list.request.max_keys == 0 {
        return Ok(page.list);
    }
    loop {
        let after = match &position {
            Position::Start => After::Start,
            Position::Behind(key) => After::Key(key),
            Position::Past(prefix) => After::Prefix(prefix),
        };
        let rows = records.objects.scan(&prefix, after, batch)?;
        let last = rows.len() < batch;
        let mut jump = None;
        let end = rows.last().map(|row| row.key().to_owned());
        for row in rows {
            if jump.as_ref().is_some_and(|skipped: &String| row.key().starts_with(skipped)) {
                continue;
            }
            jump = None;
            match page.take(row) {
                Taken::Key => {}
                Taken::Prefix(full) => jump = Some(full),
                Taken::Full => return Ok(page.list),
            }
        }
        if last {
            page.list.next_marker = None;
            return Ok(page.list);
        }
        match (jump, end) {
            (Some(skipped), _) => {
                position = Position::Past(skipped);
                batch = FEWEST;
            }
            (None, Some(key)) => {
                position = Position::Behind(key);
                batch = (batch * 2).min(MOST);
            }
            (None, None) => return Ok(page.list),
        }
    }
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
struct Page {
    list: ObjectList,
    entries: usize,
}

impl Page {
    fn new(request: ListObjects) -> Self {
        let list = ObjectList {
            request,
            objects: Vec::new(),
            common_prefixes: Vec::new(),
            next_marker: None,
        };
        Self { list, entries: 0 }
    }

    fn take(&mut self, row: Seen<Object>) -> Taken {
        let asked = &self.list.request;
        let object = row.record;
        let key = object.key.as_str();
        let common = asked.delimiter.as_deref().and_then(|delimiter| {
            let rest = key.get(asked.prefix.len()..)?;
            let at = rest.find(delimiter)?;
            key.get(..asked.prefix.len() + at + delimiter.len()).map(str::to_owned)
        });
        if let Some(common) = common {
            let full = object_key(&object.bucket, &common);
            // A page that ended with this prefix named it as its marker: it was shown there.
            if common <= asked.marker {
                return Taken::Prefix(full);
            }
            if self.is_full() {
                return Taken::Full;
            }
            self.list.next_marker = Some(common.clone());
            self.list.common_prefixes.push(common);
            self.entries += 1;
            return Taken::Prefix(full);
        }
        if self.is_full() {
            return Taken::Full;
        }
        self.list.next_marker = Some(key.to_owned());
        self.list.objects.push(ListedObject {
            key: key.to_owned(),
            modified: object.modified,
            etag: object.etag,
            size: object.size,
            owner: object.owner,
        });
        self.entries += 1;
        Taken::Key
    }

    fn is_full(&self) -> bool {
        self.entries >= self.list.request.max_keys
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::s3::BucketName;
    use store::Memory;

    use super::*;

    fn records(keys: &[&str]) -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        for key in keys {
            for bucket in ["buck", "bucket"] {
                let object = Object { size: 1, ..Object::sample(bucket, key, "111111111111") };
                records.objects.insert(object).unwrap();
            }
        }
        records
    }

    fn request(prefix: &str, delimiter: &str, max_keys: usize) -> ListObjects {
        let bucket: BucketName = "buck".parse().unwrap();
        ListObjects {
            bucket,
            prefix: prefix.into(),
            marker: String::new(),
            delimiter: Some(delimiter.to_owned()).filter(|text| !text.is_empty()),
            max_keys,
            url_encoding: false,
        }
    }

    /// All pages of a listing: keys and prefixes in their order, prefixes marked by a `*`.
    fn walk(records: &Records, mut request: ListObjects) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let page = list(records, request.clone()).unwrap();
            let keys = page.objects.iter().map(|object| object.key.clone());
            let prefixes = page.common_prefixes.iter().map(|prefix| format!("{prefix}*"));
            pages.push(keys.chain(prefixes).collect());
            match page.next_marker {
                Some(marker) => request.marker = marker,
                None => return pages,
            }
        }
    }

    #[test]
    fn pages_neither_overlap_nor_skip() {
        let keys: Vec<String> = (0..600).map(|n| format!("k{n:04}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let records = records(&keys);
        for max_keys in [1, 7, 255, 256, 257, 599, 600, 601, 1000] {
            let pages = walk(&records, request("", "", max_keys));
            assert!(pages.iter().all(|page| page.len() <= max_keys));
            assert_eq!(pages.concat(), keys, "{max_keys}");
            assert_eq!(pages.len(), 600_usize.div_ceil(max_keys), "{max_keys}");
        }
    }

    #[test]
    fn common_prefixes_keep_the_prefix_that_was_asked_for() {
        let records = records(&["a", "a/1", "a/2", "a/b/1", "a/b/2", "a/c/1", "ab", "b/1", "c"]);
        assert_eq!(walk(&records, request("", "/", 1000)), [["a", "ab", "c", "a/*", "b/*"]]);
        assert_eq!(walk(&records, request("a/", "/", 1000)), [["a/1", "a/2", "a/b/*", "a/c/*"]]);
        assert_eq!(walk(&records, request("a", "/", 1000)), [["a", "ab", "a/*"]]);
        assert_eq!(walk(&records, request("zz", "/", 1000)), [Vec::<String>::new()]);
        let single = walk(&records, request("", "/", 1));
        assert_eq!(single, [["a"], ["a/*"], ["ab"], ["b/*"], ["c"]]);
        assert_eq!(walk(&records, request("", "b/", 1000)).concat().last().unwrap(), "b/*");
    }

    #[test]
    fn nothing_may_be_asked_for() {
        let records = records(&["a", "b"]);
        let page = list(&records, request("", "", 0)).unwrap();
        assert!(page.objects.is_empty() && page.next_marker.is_none());
    }

    #[test]
    fn a_marker_within_a_prefix_hides_that_prefix() {
        let records = records(&["a/1", "a/2", "b"]);
        let mut asked = request("", "/", 10);
        asked.marker = "a/1".into();
        assert_eq!(walk(&records, asked), [["b"]]);
    }

    #[test]
    fn a_deep_prefix_costs_few_rows() {
        let keys: Vec<String> =
            (0..20).flat_map(|d| (0..300).map(move |n| format!("d{d:02}/{n:03}"))).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let records = records(&keys);
        let page = walk(&records, request("", "/", 1000)).concat();
        assert_eq!(page.len(), 20);
        assert_eq!((page[0].as_str(), page[19].as_str()), ("d00/*", "d19/*"));
    }
}

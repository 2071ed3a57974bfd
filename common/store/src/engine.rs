//! The four verbs every engine can do: read a row, page through rows, commit, watch.
//!
//! Four, because they are what an embedded tree, a replicated log and an SQL table can all do:
//! optimistic transactions that name what they have seen. Keys are UTF-8 in byte order; a row's
//! revision is that of the commit which wrote it. This file owns the shapes and the rules that
//! hold for every engine (bounds of a scan, limits of a commit); it never stores anything.

use std::ops::Bound;

use tokio::sync::watch;

use crate::error::StoreError;

/// The revision of the store: the number of commits that have changed it. 0 means "absent" where
/// a row's revision is expected.
pub type Rev = u64;

/// The longest key, in bytes: an object key of 1024 bytes, its bucket and its table fit, and so
/// does the index of every SQL engine.
pub const MAX_KEY: usize = 2048;

/// The longest value, in bytes. What is larger is content and belongs into a file.
pub const MAX_VALUE: usize = 1 << 20;

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The full key.
    pub key: String,
    /// The revision of the commit that wrote it; never 0.
    pub rev: Rev,
    /// What was written.
    pub value: Vec<u8>,
}

/// Where a scan begins within its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After<'a> {
    /// With the first row.
    Start,
    /// Behind this key, whether it exists or not.
    Key(&'a str),
    /// Behind every key that begins so: a listing with a delimiter jumps over a group this way.
    Prefix(&'a str),
}

impl<'a> From<&'a str> for After<'a> {
    fn from(key: &'a str) -> Self {
        Self::Key(key)
    }
}

impl<'a> From<Option<&'a str>> for After<'a> {
    fn from(key: Option<&'a str>) -> Self {
        key.map_or(Self::Start, Self::Key)
    }
}

/// What is to happen, all of it or nothing. First `expect` is checked, then `del` goes, then
/// `put` is written; of two puts of one key the last wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Rows and the revision each must still bear; 0 = the row must not exist.
    pub expect: Vec<(String, Rev)>,
    /// Rows to write.
    pub put: Vec<(String, Vec<u8>)>,
    /// Rows to remove; those that do not exist are no error.
    pub del: Vec<String>,
}

/// A place where rows last.
///
/// Every method blocks its thread; actors and handlers call them inside `runtime::pool::block`.
pub trait Engine: Send + Sync {
    /// Reads one row; [`StoreError::Damaged`] if it is not what was written.
    fn get(&self, key: &str) -> Result<Option<Row>, StoreError>;

    /// Reads at most `limit` rows whose keys begin with `prefix`, in byte order of the key. One
    /// page is consistent: it shows all of a commit or nothing of it. Fewer rows than `limit`
    /// mean that there are no more.
    fn scan(&self, prefix: &str, after: After<'_>, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// Does all of `commit` or nothing and answers once that is on disk (where the engine has
    /// one). The revision is greater than all before it, also across restarts, and is borne by
    /// every row the commit wrote. A commit that changes nothing only checks and answers the
    /// present revision. Other readers may see a commit shortly before it is on disk.
    fn commit(&self, commit: Commit) -> Result<Rev, StoreError>;

    /// Whether commits are still taken. After a write that the disk refused none is until the
    /// process is started anew: what is on disk is found out then, and not before.
    fn is_usable(&self) -> bool {
        true
    }

    /// Says when rows whose keys begin with `prefix` change: that something did, never what. The
    /// value is a revision. No commit is missed that is done after this call has returned;
    /// several may be told as one, and a wake may come without a change.
    fn watch(&self, prefix: &str) -> watch::Receiver<Rev>;
}

/// The byte behind every byte of UTF-8: `prefix` + this lies behind all keys with the prefix.
pub(crate) const BEHIND: u8 = 0xff;

/// The two ends of a scan.
pub(crate) type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The range of a scan, or `None` if it holds no key.
pub(crate) fn bounds(prefix: &str, after: After<'_>) -> Option<Range> {
    let past = |prefix: &str| [prefix.as_bytes(), &[BEHIND]].concat();
    let end = past(prefix);
    let begin = match after {
        After::Key(key) if key.as_bytes() >= prefix.as_bytes() => key.as_bytes().to_vec(),
        After::Prefix(skipped) => past(skipped),
        After::Start | After::Key(_) => {
            return Some((Bound::Included(prefix.as_bytes().to_vec()), Bound::Excluded(end)));
        }
    };
    if begin.as_slice() < prefix.as_bytes() {
        return Some((Bound::Included(prefix.as_bytes().to_vec()), Bound::Excluded(end)));
    }
    (begin < end).then_some((Bound::Excluded(begin), Bound::Excluded(end)))
}

/// Refuses keys and values that not every engine could hold.
pub(crate) fn check(commit: &Commit) -> Result<(), StoreError> {
    let keys = commit.expect.iter().map(|(key, _)| key);
    let keys = keys.chain(commit.put.iter().map(|(key, _)| key)).chain(&commit.del);
    for key in keys {
        if key.is_empty() || key.len() > MAX_KEY {
            return Err(StoreError::BadKey { size: key.len(), limit: MAX_KEY });
        }
    }
    match commit.put.iter().find(|(_, value)| value.len() > MAX_VALUE) {
        None => Ok(()),
        Some((key, value)) => {
            Err(StoreError::TooLarge { key: key.clone(), size: value.len(), limit: MAX_VALUE })
        }
    }
}

/// Refuses a row that does not bear the revision a commit expects of it.
pub(crate) fn held(key: &str, expected: Rev, found: Rev) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Conflict { key: key.to_owned() })
}

/// The keys a commit changes.
pub(crate) fn changed(commit: &Commit) -> impl Iterator<Item = &str> + Clone {
    commit.put.iter().map(|(key, _)| key.as_str()).chain(commit.del.iter().map(String::as_str))
}

/// Turns the key of a row back into text.
pub(crate) fn text_key(key: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(key.to_vec())
        .map_err(|_| StoreError::damaged_row(key, "its key is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn included(key: &str) -> Bound<Vec<u8>> {
        Bound::Included(key.as_bytes().to_vec())
    }

    fn excluded(key: &[u8]) -> Bound<Vec<u8>> {
        Bound::Excluded(key.to_vec())
    }

    #[test]
    fn bounds_keep_within_the_prefix() {
        let end = || excluded(b"b/\xff");
        let table = [
            (After::Start, Some((included("b/"), end()))),
            (After::Key("a"), Some((included("b/"), end()))),
            (After::Key("b/"), Some((excluded(b"b/"), end()))),
            (After::Key("b/x"), Some((excluded(b"b/x"), end()))),
            (After::Key("c"), None),
            (After::Prefix("a"), Some((included("b/"), end()))),
            (After::Prefix("b/x"), Some((excluded(b"b/x\xff"), end()))),
            (After::Prefix("b/"), None),
            (After::Prefix("b"), None),
        ];
        for (after, expected) in table {
            assert_eq!(bounds("b/", after), expected, "{after:?}");
        }
    }

    #[test]
    fn limits_are_checked() {
        let key = |key: &str| Commit { del: vec![key.to_owned()], ..Commit::default() };
        assert!(check(&key("k")).is_ok());
        assert!(check(&key(&"k".repeat(MAX_KEY))).is_ok());
        assert!(matches!(check(&key("")), Err(StoreError::BadKey { size: 0, .. })));
        let long = "k".repeat(MAX_KEY + 1);
        assert!(matches!(check(&key(&long)), Err(StoreError::BadKey { .. })));
        let value = |size| Commit { put: vec![("k".into(), vec![0; size])], ..Commit::default() };
        assert!(check(&value(MAX_VALUE)).is_ok());
        assert!(matches!(check(&value(MAX_VALUE + 1)), Err(StoreError::TooLarge { .. })));
    }
}

//! What a record is: a type with a table, a version and a past.
//!
//! A record lies in its row as `{"v":VERSION,"r":{…}}`. A row of an older version is read as the
//! type it was then and upgraded step by step; it is rewritten when it next changes. A row of a
//! newer version is refused by name. This file turns rows into records and back and never
//! touches an engine.

use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::{Rev, Row};
use crate::error::StoreError;

/// Something that lasts, one row each.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use store::{NoPrevious, Record};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Zone {
///     name: String,
/// }
///
/// impl Record for Zone {
///     const TABLE: &'static str = "zone";
///     const VERSION: u32 = 1;
///     type Previous = NoPrevious;
///
///     fn key(&self) -> String {
///         self.name.clone()
///     }
///
///     fn upgrade(previous: NoPrevious) -> Self {
///         match previous {}
///     }
/// }
/// ```
pub trait Record: Serialize + DeserializeOwned {
    /// The table's name: not empty, without `/`, not `index` or `schema`. Checked when the program is built.
    const TABLE: &'static str;
    /// The version of this type, one more than that of [`Record::Previous`]; the first is 1.
    const VERSION: u32;
    /// The record as it was one version ago, or [`NoPrevious`].
    type Previous: Older;

    /// The key within the table: any text, in byte order. It never changes.
    fn key(&self) -> String;

    /// Makes this version of the record from the one before it.
    fn upgrade(previous: Self::Previous) -> Self;
}

/// A version of a record that may lie in rows written long ago: every [`Record`], and
/// [`NoPrevious`] below the first.
pub trait Older: Sized {
    /// Its version number.
    const NUMBER: u32;

    /// Reads a row written in `version`, this one or an older one. The error says what is wrong.
    fn read(version: u32, value: &[u8]) -> Result<Self, String>;
}

/// What lies before the first version of a record: nothing.
#[derive(Debug, Clone, Copy)]
pub enum NoPrevious {}

impl Older for NoPrevious {
    const NUMBER: u32 = 0;

    fn read(version: u32, _value: &[u8]) -> Result<Self, String> {
        Err(format!("there has never been a version {version}"))
    }
}

impl<R: Record> Older for R {
    const NUMBER: u32 = R::VERSION;

    fn read(version: u32, value: &[u8]) -> Result<Self, String> {
        if version < Self::VERSION {
            return R::Previous::read(version, value).map(R::upgrade);
        }
        let body: Body<R> = serde_json::from_slice(value).map_err(|error| error.to_string())?;
        Ok(body.r)
    }
}

/// A record as it was read. Only what has been seen can be replaced or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<R> {
    /// The record; may be changed and handed back.
    pub record: R,
    key: String,
    rev: Rev,
}

impl<R> Seen<R> {
    /// The key within its table.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The revision of the commit that wrote it.
    pub fn rev(&self) -> Rev {
        self.rev
    }

    pub(crate) fn new(record: R, key: String, rev: Rev) -> Self {
        Self { record, key, rev }
    }
}

impl<R> Deref for Seen<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.record
    }
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct Body<R> {
    v: u32,
    r: R,
}

/// The full key of a record.
pub(crate) fn full_key<R: Record>(key: &str) -> String {
    const { assert!(is_sound::<R>(), "a record's table or version breaks the rules of Record") };
    format!("{}/{key}", R::TABLE)
}

const fn is_sound<R: Record>() -> bool {
    let table = R::TABLE.as_bytes();
    let mut at = 0;
    while at < table.len() {
        if table[at] == b'/' {
            return false;
        }
        at += 1;
    }
    let reserved = matches!(table, b"" | b"index" | b"schema");
    !reserved && R::VERSION == R::Previous::NUMBER + 1
}

/// Writes a record's value.
pub(crate) fn encode<R: Record>(record: &R) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(&Body { v: R::VERSION, r: record }).map_err(|error| StoreError::Unwritable {
        key: full_key::<R>(&record.key()),
        reason: error.to_string(),
    })
}

/// The version of a row that begins as [`encode`] lets it begin: found without a look at the rest,
/// which is read only once then.
fn leading_version(value: &[u8]) -> Option<u32> {
    let rest = value.strip_prefix(b"{\"v\":")?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let digits = std::str::from_utf8(&rest[..end]).ok()?;
    (rest[end] == b',').then(|| digits.parse().ok()).flatten()
}

/// Reads a row of the record's table.
pub(crate) fn decode<R: Record>(row: Row) -> Result<Seen<R>, StoreError> {
    let damaged = |reason| StoreError::damaged_row(row.key.as_bytes(), reason);
    let key = row.key.get(R::TABLE.len() + 1..).unwrap_or_default();
    let version = match leading_version(&row.value) {
        Some(version) => version,
        None => {
            let version: Result<Version, _> = serde_json::from_slice(&row.value);
            version.map_err(|error| damaged(error.to_string()))?.v
        }
    };
    if version > R::VERSION {
        let (found, known) = (version, R::VERSION);
        return Err(StoreError::Newer { table: R::TABLE, key: key.to_owned(), found, known });
    }
    let record = R::read(version, &row.value).map_err(damaged)?;
    Ok(Seen::new(record, key.to_owned(), row.rev))
}

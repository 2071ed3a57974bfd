//! Why the store could not do what it was asked.

use std::io;
use std::path::{Path, PathBuf};

use common::error::{ApiError, ErrorCode};
use thiserror::Error;

/// What can go wrong in the store. [`StoreError::Conflict`] and [`StoreError::Absent`] belong to
/// normal life and carry the full row key (`table/key`); the others are for the operator.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A row no longer bears the revision it was expected to bear; nothing was changed. An
    /// insert of a key that exists answers this, too.
    #[error("row {key:?} has been changed by another commit")]
    Conflict {
        /// The full key of the first row that did not match.
        key: String,
    },
    /// An update named a row that does not exist.
    #[error("row {key:?} does not exist")]
    Absent {
        /// The full key.
        key: String,
    },
    /// What was read is not what had been written.
    #[error("{what} is damaged: {reason}")]
    Damaged {
        /// The row or the store.
        what: String,
        /// What gave it away.
        reason: String,
    },
    /// A record was written by a newer version of the program.
    #[error(
        "{table} record {key:?} has version {found}, newer than version {known} of this program"
    )]
    Newer {
        /// The record's table.
        table: &'static str,
        /// Its key within the table.
        key: String,
        /// The version it was written in.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// The store has a table that this program knows only in an older version, or not at all.
    #[error(
        "the store was written by a newer version of this program: its table {table:?} has \
         version {found} (this program knows {})",
        known.map_or_else(|| "none".to_owned(), |known| known.to_string())
    )]
    NewerTable {
        /// The table.
        table: String,
        /// The version of its records.
        found: u32,
        /// The newest version known here; none if the table is unknown.
        known: Option<u32>,
    },
    /// The whole store was written by a newer version of the program.
    #[error(
        "the store in {path} has format {found}, newer than format {known} of this program",
        path = path.display()
    )]
    NewerFormat {
        /// The store's directory.
        path: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The directory holds something else; it has not been touched.
    #[error("{path} is not a store: {reason}", path = path.display())]
    NotAStore {
        /// The directory asked for.
        path: PathBuf,
        /// What was found in it.
        reason: String,
    },
    /// A store is to be made where there is something already; it has not been touched.
    #[error("{path} is not empty: a store is imported into a new directory", path = path.display())]
    NotEmpty {
        /// The directory asked for.
        path: PathBuf,
    },
    /// A store on disk was asked for without saying where.
    #[error("the store has no path configured")]
    NoPath,
    /// Another process has the store open.
    #[error("the store in {path} is in use by another process", path = path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// A key is empty or longer than [`crate::MAX_KEY`].
    #[error("a key of {size} bytes is not between 1 and {limit} bytes long")]
    BadKey {
        /// The key's length in bytes.
        size: usize,
        /// The greatest length.
        limit: usize,
    },
    /// A value is longer than [`crate::MAX_VALUE`].
    #[error("row {key:?} of {size} bytes is larger than {limit} bytes")]
    TooLarge {
        /// The full key.
        key: String,
        /// The value's length in bytes.
        size: usize,
        /// The greatest length.
        limit: usize,
    },
    /// A changed record says that it belongs under another key than it was read from.
    #[error("record {from:?} may not change its key to {to:?}")]
    KeyChanged {
        /// The key it was read from, within its table.
        from: String,
        /// The key it now says.
        to: String,
    },
    /// A record cannot be written as JSON.
    #[error("record {key:?} cannot be written: {reason}")]
    Unwritable {
        /// The full key.
        key: String,
        /// What the serializer said.
        reason: String,
    },
    /// The disk is full; nothing was acknowledged.
    #[error("no space is left for the store in {path}", path = path.display())]
    Full {
        /// The store's directory.
        path: PathBuf,
    },
    /// A file of the store could not be used.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The engine failed. After a write that the disk refused it takes no further commit until
    /// the process is started anew, because nobody knows what of it has been kept.
    #[error("the store's engine failed: {0}")]
    Engine(String),
}

impl StoreError {
    /// Makes the error of a damaged row of the given full key.
    pub(crate) fn damaged_row(key: &[u8], reason: impl Into<String>) -> Self {
        let what = format!("row {:?}", String::from_utf8_lossy(key));
        Self::Damaged { what, reason: reason.into() }
    }

    /// Makes the error of a file operation; a full disk gets its own name.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

/// What is left of a store's error at the edge of an action: the caller may try again, the log
/// gets the cause. An action that knows what a conflict means (a name that is taken) says so
/// itself before it comes to this.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } => Self::new(
                ErrorCode::Unavailable,
                "Too many requests change the same resource; try again later",
            ),
            StoreError::Full { .. } => {
                Self::new(ErrorCode::Unavailable, "No space is left to record the request")
            }
            _ => Self::new(ErrorCode::InternalError, "The request could not be recorded"),
        }
        .because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_never_read_causes() {
        let gone = || io::Error::from(io::ErrorKind::StorageFull);
        let table = [
            (StoreError::Conflict { key: "image/emi-1".into() }, ErrorCode::Unavailable),
            (StoreError::io(Path::new("store"), gone()), ErrorCode::Unavailable),
            (StoreError::damaged_row(b"image/emi-1", "why"), ErrorCode::InternalError),
        ];
        for (error, code) in table {
            let cause = error.to_string();
            let told = ApiError::from(error);
            assert_eq!(told.code(), code);
            assert!(!told.text().contains("emi-1") && !told.text().contains("store"));
            assert_eq!(told.source_text(), Some(cause.as_str()));
        }
    }
}

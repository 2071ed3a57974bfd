//! The mark: a small file beside the log that says which commit was certainly on disk.
//!
//! sled ends its log where it can no longer read it and goes on from there as if nothing had ever
//! followed: a log that was cut or put back by hand would open as an older store, and what was
//! acknowledged since would be gone without a word. The mark names a commit that had been brought
//! to disk when it was written; a log that ends before it is refused. It is written when the store
//! is opened and closed and every [`EVERY`] commits, to a second name and then renamed, so that it
//! is always whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::engine::Rev;
use crate::error::StoreError;

/// The mark's name in the store's directory.
pub(crate) const MARK: &str = "mark";
/// Its name while it is being written.
pub(crate) const NEW_MARK: &str = "mark.new";
/// How many commits may pass before it is written anew.
pub(crate) const EVERY: Rev = 4096;

const WORD: &str = "on disk up to commit ";

/// Reads the mark of the store in `path`; `None` if there has never been one.
pub(crate) fn read(path: &Path) -> Result<Option<Rev>, StoreError> {
    let file = path.join(MARK);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(&file, error)),
    };
    let rev = text.trim_end().strip_prefix(WORD).and_then(|rev| rev.parse().ok());
    rev.map(Some).ok_or_else(|| StoreError::Damaged {
        what: file.display().to_string(),
        reason: format!("it does not say {WORD:?} and a number"),
    })
}

/// Writes the mark of the store in `path`: `rev` and all before it are on disk.
pub(crate) fn write(path: &Path, rev: Rev) -> Result<(), StoreError> {
    let new = path.join(NEW_MARK);
    let written = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(format!("{WORD}{rev}\n").as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path.join(MARK))?;
        File::open(path)?.sync_all()
    };
    written().map_err(|error| StoreError::io(&new, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), None);
        for rev in [0, 7, Rev::MAX] {
            write(dir.path(), rev).unwrap();
            assert_eq!(read(dir.path()).unwrap(), Some(rev));
        }
        fs::write(dir.path().join(MARK), "7").unwrap();
        let refused = read(dir.path()).unwrap_err().to_string();
        assert!(refused.ends_with(r#"it does not say "on disk up to commit " and a number"#));
    }
}

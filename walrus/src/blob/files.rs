//! The files under `objects/`: what is being received, and what lasts.
//!
//! ```text
//!   objects/staging/ID       being written; emptied at every start
//!   objects/blobs/xx/ID      complete and on disk; xx are the id's first two digits
//! ```
//! All methods block. Who names a blob is not known here.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The random name of a file: 32 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct BlobId(String);

impl BlobId {
    /// Makes a new one.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(crate) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Makes a new one that sorts by time: the milliseconds first, then 80 random bits.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub(crate) fn at(now: Timestamp) -> io::Result<Self> {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let millis = u64::try_from(now.as_millis()).unwrap_or(0) & ((1 << 48) - 1);
        Ok(Self(format!("{millis:012x}{}", hex::encode(bytes))))
    }

    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BlobId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let fits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text)) } else { Err(format!("{text:?} is no blob id")) }
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> String {
        id.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The directories.
#[derive(Debug)]
pub(crate) struct Files {
    staging: PathBuf,
    blobs: PathBuf,
}

impl Files {
    /// Makes the directories below `root` that are missing and removes what an earlier run left
    /// in staging; nothing may be received yet.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let files = Self { staging: root.join("staging"), blobs: root.join("blobs") };
        fs::create_dir_all(&files.staging)?;
        fs::create_dir_all(&files.blobs)?;
        for first in 0..=u8::MAX {
            let shelf = files.blobs.join(format!("{first:02x}"));
            if !shelf.is_dir() {
                fs::create_dir(shelf)?;
            }
        }
        sync_dir(&files.blobs)?;
        sync_dir(root)?;
        for left in fs::read_dir(&files.staging)? {
            fs::remove_file(left?.path())?;
        }
        Ok(files)
    }

    /// The directories of a walrus that does not run, to be read and not touched.
    pub(crate) fn look(root: &Path) -> Self {
        Self { staging: root.join("staging"), blobs: root.join("blobs") }
    }

    /// The directory whose file system all of this lies on.
    pub(crate) fn root(&self) -> &Path {
        &self.blobs
    }

    fn staged(&self, id: &BlobId) -> PathBuf {
        self.staging.join(id.as_str())
    }

    fn shelf(&self, id: &BlobId) -> PathBuf {
        self.blobs.join(&id.as_str()[..2])
    }

    fn blob(&self, id: &BlobId) -> PathBuf {
        self.shelf(id).join(id.as_str())
    }

    /// Begins a file.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn create(&self, id: &BlobId) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.staged(id))
    }

    /// Makes a written file last and gives it its place.
    ///
    /// # Errors
    /// What the system says; the file is then still in staging, or may be in its place already.
    pub(crate) fn land(&self, id: &BlobId, file: &File) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(self.staged(id), self.blob(id))?;
        sync_dir(&self.shelf(id))
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open_blob(&self, id: &BlobId) -> io::Result<File> {
        File::open(self.blob(id))
    }

    /// Removes a file wherever it is. Whoever has it open reads on.
    pub(crate) fn remove(&self, id: &BlobId) {
        for path in [self.staged(id), self.blob(id)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    // The next sweep tries again.
                    tracing::warn!(blob = %id, %error, "a file cannot be removed");
                }
                _ => {}
            }
        }
    }

    /// The ids on one of the 256 shelves.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn on_shelf(&self, first: u8) -> io::Result<Vec<BlobId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.blobs.join(format!("{first:02x}")))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            match BlobId::try_from(name) {
                Ok(id) => ids.push(id),
                Err(odd) => tracing::warn!(%odd, "a file among the blobs is none of ours"),
            }
        }
        Ok(ids)
    }
}

/// Makes the names in a directory last.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn a_file_lands_and_is_read_on_after_its_removal() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let id = BlobId::random().unwrap();
        let mut file = files.create(&id).unwrap();
        file.write_all(b"bytes").unwrap();
        files.land(&id, &file).unwrap();
        let first = u8::from_str_radix(&id.as_str()[..2], 16).unwrap();
        assert_eq!(files.on_shelf(first).unwrap(), std::slice::from_ref(&id));
        let mut open = files.open_blob(&id).unwrap();
        files.remove(&id);
        assert!(files.open_blob(&id).is_err());
        let mut text = String::new();
        open.read_to_string(&mut text).unwrap();
        assert_eq!(text, "bytes");
        files.remove(&id);
    }

    #[test]
    fn what_was_being_received_is_gone_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let id = BlobId::random().unwrap();
        files.create(&id).unwrap().write_all(b"half").unwrap();
        Files::open(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("staging")).unwrap().count(), 0);
    }

    #[test]
    fn ids_are_nothing_but_hex() {
        for bad in ["", "../../../../../../../../etc/passw", &"A".repeat(32), &"0".repeat(31)] {
            assert!(BlobId::try_from(bad.to_owned()).is_err());
        }
    }
}

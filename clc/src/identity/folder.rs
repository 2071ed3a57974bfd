//! Credentials on disk: a directory that only its owner may read, each file whole or not at all.
//!
//! Everything here blocks.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use common::wire::admin::CredentialFile;

use super::credentials;

/// Writes credentials into a directory, which is made if it is absent, and answers its absolute
/// path. Files of the same names are replaced.
///
/// # Errors
/// What the system says, naming the file.
pub fn write(folder: &Path, files: &[CredentialFile]) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| named(folder, &e))?;
    let folder = folder.canonicalize().map_err(|error| named(folder, &error))?;
    for file in files {
        let mode = if file.secret { 0o600 } else { 0o644 };
        write_file(&folder.join(&file.name), &credentials::place(file, &folder), mode)?;
    }
    Ok(folder)
}

/// Writes a file of the given mode so that a crash leaves the old one or the new one.
///
/// # Errors
/// What the system says, naming the file.
pub fn write_file(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = (|| {
        drop(fs::remove_file(&beside));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.map_err(|error| named(path, &error))
}

/// A file that was not there yet and waits for what is to stand in it. It goes again if that does not
/// come.
pub struct Place {
    path: PathBuf,
    file: Option<File>,
}

impl Place {
    /// Makes the file, with that mode.
    ///
    /// # Errors
    /// What the system says, naming the file.
    pub fn new(path: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let file = file.map_err(|error| named(path, &error))?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    /// Writes what stands in it.
    ///
    /// # Errors
    /// What the system says, naming the file.
    pub fn fill(mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            self.file = Some(file);
        }
        written.map_err(|error| named(&self.path, &error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.file.is_some() {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_have_their_modes_and_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let file = |text: &str, secret| CredentialFile {
            name: if secret { "key" } else { "cert" }.into(),
            text: text.into(),
            secret,
        };
        for round in ["one", "two"] {
            let files = [file(&format!("{round} in @EUCA_KEY_DIR@"), true), file(round, false)];
            let written = write(&folder, &files).unwrap();
            assert!(written.is_absolute());
            let mode =
                |name| fs::metadata(written.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode("key"), mode("cert"), mode("")), (0o600, 0o644, 0o700));
            let text = fs::read_to_string(written.join("key")).unwrap();
            assert_eq!(text, format!("{round} in {}", written.display()));
            assert_eq!(fs::read_dir(&written).unwrap().count(), 2);
        }
    }

    #[test]
    fn a_place_is_there_before_it_is_filled_and_goes_if_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.zip");
        let place = Place::new(&path, 0o600).unwrap();
        assert!(Place::new(&path, 0o600).is_err(), "it is there already");
        drop(place);
        assert!(!path.exists());
        Place::new(&path, 0o600).unwrap().fill(b"zip").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"zip");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Place::new(&dir.path().join("no/such/folder"), 0o600).is_err());
    }
}

//! Files that appear under their name only when they are whole.
//!
//! A staged file is written beside its destination under a name of chance and renamed at the end;
//! dropped before that, it is gone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file on its way to its name.
pub(crate) struct Staged {
    file: Option<File>,
    path: PathBuf,
    destination: PathBuf,
}

impl Staged {
    /// Begins a file for `destination` with these permissions, less the umask.
    pub(crate) fn create(destination: &Path, mode: u32) -> io::Result<Self> {
        let name = destination.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let mut hidden = std::ffi::OsString::from(".");
        // The longest file names leave no room for the rest.
        let stem = name.to_string_lossy();
        hidden.push(stem.chars().take(40).collect::<String>());
        hidden.push(format!(".{}.partial", chance()?));
        let path = destination.with_file_name(hidden);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
        Ok(Self { file: Some(file), path, destination: destination.to_owned() })
    }

    /// The open file.
    pub(crate) fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the file is closed"))
    }

    /// Closes the file and gives it its name, replacing what had it.
    pub(crate) fn commit(mut self) -> io::Result<PathBuf> {
        drop(self.file.take());
        fs::rename(&self.path, &self.destination)?;
        self.path.clear();
        Ok(self.destination.clone())
    }

    /// Closes the file without giving it its name yet.
    pub(crate) fn close(&mut self) {
        self.file = None;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            // It may be gone with its directory.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Eight hexadecimal digits of chance, for names.
pub(crate) fn chance() -> io::Result<String> {
    let mut bytes = [0_u8; 4];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_a_whole_file_has_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let destination = dir.path().join("n".repeat(250));
        let staged = Staged::create(&destination, 0o600).unwrap();
        staged.file().unwrap().write_all(b"half").unwrap();
        assert!(!destination.exists());
        drop(staged);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let staged = Staged::create(&destination, 0o600).unwrap();
        staged.file().unwrap().write_all(b"whole").unwrap();
        assert_eq!(staged.commit().unwrap(), destination);
        assert_eq!(fs::read(&destination).unwrap(), b"whole");
        assert_eq!(fs::metadata(&destination).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

//! The hidden directory in which an image is made, gone with all in it when it is dropped.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::staged::chance;

/// A directory with an image in it.
pub(crate) struct Scratch {
    path: PathBuf,
    directory: File,
    identity: (u64, u64),
    /// The directory by its open file: a path without anything that a tool may read otherwise.
    plain: PathBuf,
}

impl Scratch {
    /// Makes one below `parent`, with an empty image of `size` bytes.
    pub(crate) fn new(parent: &Path, size: u64) -> io::Result<Self> {
        let path = parent.join(format!(".bundle-vol.{}.partial", chance()?));
        DirBuilder::new().mode(0o700).create(&path)?;
        let directory = File::open(&path)?;
        let metadata = directory.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let plain = format!("/proc/{}/fd/{}", std::process::id(), directory.as_raw_fd());
        let scratch = Self { path, directory, identity, plain: plain.into() };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(scratch.image())?.set_len(size)?;
        Ok(scratch)
    }

    /// Where the image is.
    pub(crate) fn image(&self) -> PathBuf {
        self.plain.join("image")
    }

    /// The image, to be written.
    pub(crate) fn open(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.image())
    }

    /// Where further files may be put.
    pub(crate) fn path(&self) -> &Path {
        &self.plain
    }

    /// Where a file system may be mounted: a path that others can follow, too.
    pub(crate) fn mount_point(&self) -> PathBuf {
        self.path.join("mounted")
    }

    /// Device and number of the directory.
    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = &self.directory;
        // It may be gone with what it was in.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(dir.path(), 1 << 30).unwrap();
        assert_eq!(fs::metadata(scratch.image()).unwrap().len(), 1 << 30);
        assert_eq!(fs::metadata(scratch.image()).unwrap().blocks(), 0);
        fs::write(scratch.path().join("more"), "x").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

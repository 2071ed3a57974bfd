//! The hidden directory in which an image is made, gone with all in it when it is dropped.
//!
//! The image itself has no name: it is open here, and tools are told it by the number of the open
//! file. However this program ends, the plain image of a system ends with it. What may stay then is
//! the directory, with what fits into a few KiB, and a mount in it; the next image that is made
//! beside it takes them away. Each directory is locked by the program that uses it, which tells the
//! living from the dead.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};

use crate::staged::chance;

/// Where, in its directory, an image is mounted for a while.
const MOUNTED: &str = "mounted";

/// A directory, and an image.
pub(crate) struct Scratch {
    path: PathBuf,
    /// Kept open for `plain`, and locked.
    _directory: File,
    identity: (u64, u64),
    /// The directory by its open file: a path without anything that a tool may read otherwise.
    plain: PathBuf,
    image: File,
}

impl Scratch {
    /// Makes one below `parent`, with an empty image of `size` bytes.
    pub(crate) fn new(parent: &Path, size: u64) -> io::Result<Self> {
        clear(parent)?;
        let (path, directory) = loop {
            let path = parent.join(format!(".bundle-vol.{}.partial", chance()?));
            DirBuilder::new().mode(0o700).create(&path)?;
            let directory = File::open(&path)?;
            // Before it was locked somebody may have taken it for a dead one.
            let locked = flock(&directory, FlockOperation::NonBlockingLockExclusive);
            if locked != Err(Errno::WOULDBLOCK) && path.exists() {
                break (path, directory);
            }
        };
        let metadata = directory.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let image = path.join("image");
        let made = options.open(&image).and_then(|file| fs::remove_file(image).map(|()| file));
        let plain = open_path(&directory);
        let scratch = match made {
            Ok(image) => Self { path, _directory: directory, identity, plain, image },
            Err(error) => {
                // The failure that is reported is the first one.
                let _ = fs::remove_dir_all(path);
                return Err(error);
            }
        };
        scratch.image.set_len(size)?;
        Ok(scratch)
    }

    /// Where the image is, so long as this is here.
    pub(crate) fn image(&self) -> PathBuf {
        open_path(&self.image)
    }

    /// The image, to be written.
    pub(crate) fn open(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.image())
    }

    /// Where further files may be put.
    pub(crate) fn folder(&self) -> &Path {
        &self.plain
    }

    /// Where a file system may be mounted: a path that others can follow, too.
    pub(crate) fn mount_point(&self) -> PathBuf {
        self.path.join(MOUNTED)
    }

    /// Device and number of the directory.
    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may be gone with what it was in.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// An open file as a path for every program.
fn open_path(file: &File) -> PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into()
}

/// Takes away what programs that were killed have left below `parent`.
fn clear(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let (name, path) =
            (entry.as_ref().map(|e| e.file_name()), entry.as_ref().map(|e| e.path()));
        let (Ok(name), Ok(path)) = (name, path) else { continue };
        let name = name.as_bytes();
        if !name.starts_with(b".bundle-vol.") || !name.ends_with(b".partial") {
            continue;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(directory) = open(&path, flags, Mode::empty()).map(File::from) else { continue };
        let own = directory
            .metadata()
            .is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw());
        if own && flock(&directory, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let point = open_path(&directory).join(MOUNTED);
            // Mostly nothing is mounted there; and what cannot be taken away is small.
            let _ = unmount(point, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
            let _ = fs::remove_dir_all(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join(".bundle-vol.dead.partial");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("image"), "of a system").unwrap();
        let other = Scratch::new(dir.path(), 1 << 20).unwrap();
        let scratch = Scratch::new(dir.path(), 1 << 30).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert_eq!(fs::metadata(scratch.image()).unwrap().len(), 1 << 30);
        assert_eq!(fs::metadata(scratch.image()).unwrap().blocks(), 0);
        assert_eq!(scratch.open().unwrap().metadata().unwrap().nlink(), 0);
        assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 0);
        fs::write(scratch.folder().join("more"), "x").unwrap();
        drop((scratch, other));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

//! Fills a file system that only the kernel can write to: xfs and btrfs.
//!
//! The image is made a device, which is mounted, opened and at once unmounted again: what is open
//! stays alive, nobody else sees it, and when this program ends, however it ends, mount and device
//! are gone with it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, chmodat, lsetxattr, makedev,
    mknodat, statvfs, utimensat,
};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::debugfs::FillError;
use super::filesystem;
use super::partition::Span;
use super::superblock::{Identity, Kind, Room};
use super::tools::{self, ToolError};
use super::tree::{Entry, Visitor, What, open_file};
use crate::clock;
use crate::disk::next_data;

/// How long the kernel has to let go of a device that nobody uses.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before looking again.
const STEP: Duration = Duration::from_millis(20);

/// A device that is an image's file system.
struct Loop(String);

impl Loop {
    /// Makes one of the file at `image`.
    fn new(image: &Path, span: Span) -> Result<Self, ToolError> {
        let (offset, image) = (span.start.to_string(), image.display().to_string());
        // Not every losetup finds and sets up in one go, so another may be quicker.
        let mut last = None;
        for _ in 0..10 {
            let device = tools::run("losetup", &["-f"])?;
            match tools::run("losetup", &["-o", &offset, &device, &image]) {
                Ok(_) => return Ok(Self(device)),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(ToolError::Start {
            tool: "losetup",
            source: io::ErrorKind::NotFound.into(),
        }))
    }
}

impl Loop {
    /// Waits until the device has let go of its image, with all that was written to it.
    fn released(device: &str) -> Result<(), ToolError> {
        let name = device.strip_prefix("/dev/").unwrap_or(device);
        let file = Path::new("/sys/block").join(name).join("loop/backing_file");
        gone(&file, PATIENCE).then_some(()).ok_or_else(|| ToolError::Held { device: device.into() })
    }
}

/// Waits until there is no such file; false if there still is one when patience ends.
fn gone(file: &Path, patience: Duration) -> bool {
    let mut left = patience;
    while file.exists() {
        if left.is_zero() {
            return false;
        }
        clock::pause(STEP);
        left = left.saturating_sub(STEP);
    }
    true
}

impl Drop for Loop {
    fn drop(&mut self) {
        // While it is mounted it stays, and goes with the mount.
        let _ = tools::run("losetup", &["-d", &self.0]);
    }
}

/// A file system on its way.
pub(crate) struct Mounted<'a> {
    /// Keeps the mount alive.
    root: File,
    /// The device that is mounted.
    device: String,
    /// Its root, by the open file.
    path: PathBuf,
    progress: &'a dyn Fn(u64),
    done: u64,
}

impl<'a> Mounted<'a> {
    /// Makes a file system in the file at `image` and opens it; tells its room. `scratch` is a
    /// directory that may be mounted over.
    pub(crate) fn make(
        image: &Path,
        span: Span,
        identity: &Identity,
        scratch: &Path,
        progress: &'a dyn Fn(u64),
    ) -> Result<(Self, Room), FillError> {
        let device = Loop::new(image, span)?;
        filesystem::make_on_device(&device.0, identity)?;
        let mounted = Self::open(&device, identity.kind, scratch, progress)?;
        drop(device);
        let free = statvfs(&mounted.path).map_err(|errno| mounted.failed(Path::new(""), errno))?;
        // The tables of inodes grow as they are needed.
        let room = Room { block: free.f_frsize, blocks: free.f_bavail, inodes: None };
        Ok((mounted, room))
    }

    fn open(
        device: &Loop,
        kind: Kind,
        scratch: &Path,
        progress: &'a dyn Fn(u64),
    ) -> Result<Self, FillError> {
        let point = scratch.join("root");
        let fail = |error: io::Error| FillError::Entry {
            path: PathBuf::from("/"),
            why: format!("an image of {} cannot be mounted: {error}", kind.name()),
        };
        // The source itself may be mounted under the same UUID.
        let data = if kind == Kind::Xfs { c"nouuid" } else { c"" };
        fs::create_dir(&point).map_err(fail)?;
        mount(device.0.as_str(), &point, kind.name(), MountFlags::NOATIME, data)
            .map_err(|errno| fail(errno.into()))?;
        let root = File::open(&point);
        let hidden = unmount(&point, UnmountFlags::DETACH);
        let root = root.map_err(fail)?;
        hidden.map_err(|errno| fail(errno.into()))?;
        fs::remove_dir(&point).map_err(fail)?;
        let path = format!("/proc/{}/fd/{}", process::id(), root.as_raw_fd()).into();
        Ok(Self { root, device: device.0.clone(), path, progress, done: 0 })
    }

    /// Has everything written to the image.
    pub(crate) fn finish(self) -> Result<(), FillError> {
        let synced = rustix::fs::syncfs(&self.root);
        synced.map_err(|errno| self.failed(Path::new(""), errno))?;
        drop(self.root);
        Ok(Loop::released(&self.device)?)
    }

    fn failed(&self, path: &Path, error: impl Into<io::Error>) -> FillError {
        FillError::Entry { path: Path::new("/").join(path), why: error.into().to_string() }
    }

    fn place(&self, entry: &Entry) -> PathBuf {
        match entry.path.as_os_str().is_empty() {
            // With a dot, or it would be the link to the root.
            true => self.path.join("."),
            false => self.path.join(&entry.path),
        }
    }

    /// Makes it, without what [`Self::dress`] sets; false if it is gone.
    fn make_entry(&mut self, entry: &Entry, place: &Path) -> io::Result<bool> {
        let node = |kind, device| mknodat(CWD, place, kind, Mode::from_raw_mode(0o600), device);
        match &entry.what {
            What::Directory if entry.path.as_os_str().is_empty() => {}
            What::Directory => fs::DirBuilder::new().mode(0o700).create(place)?,
            What::File { source, own, data, .. } => {
                if !copy(source, *own, place)? {
                    return Ok(false);
                }
                self.done += data;
                (self.progress)(self.done);
            }
            What::Text(bytes) => fs::write(place, bytes)?,
            What::Symlink(target) => symlink(OsStr::from_bytes(target), place)?,
            What::Fifo => node(FileType::Fifo, 0)?,
            What::Characters(major, minor) => {
                node(FileType::CharacterDevice, makedev(*major, *minor))?;
            }
            What::Blocks(major, minor) => node(FileType::BlockDevice, makedev(*major, *minor))?,
            What::Again(first) => fs::hard_link(self.path.join(first), place)?,
        }
        Ok(true)
    }

    /// Gives it owner, permissions, attributes and time, in the order in which they last.
    fn dress(entry: &Entry, place: &Path) -> io::Result<()> {
        let owner = entry.owner;
        lchown(place, Some(owner.uid), Some(owner.gid))?;
        if !matches!(entry.what, What::Symlink(_)) {
            chmodat(CWD, place, Mode::from_raw_mode(owner.mode), AtFlags::empty())?;
        }
        for (name, value) in &entry.attributes {
            lsetxattr(place, name.as_os_str(), value, XattrFlags::empty())?;
        }
        let (tv_sec, tv_nsec) = entry.owner.changed;
        let time = Timespec { tv_sec, tv_nsec };
        let times = Timestamps { last_access: time, last_modification: time };
        Ok(utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

impl Visitor for Mounted<'_> {
    type Error = FillError;

    fn visit(&mut self, entry: &Entry) -> Result<bool, FillError> {
        let place = self.place(entry);
        let made = self.make_entry(entry, &place).and_then(|made| match &entry.what {
            // A directory would pass its attributes on to what is made in it.
            What::Again(_) | What::Directory => Ok(made),
            _ if made => Self::dress(entry, &place).map(|()| true),
            _ => Ok(false),
        });
        made.map_err(|error| self.failed(&entry.path, error))
    }

    fn leave(&mut self, directory: &Entry) -> Result<(), FillError> {
        let place = self.place(directory);
        Self::dress(directory, &place).map_err(|error| self.failed(&directory.path, error))
    }
}

/// Copies a file, its holes as holes; false if it is gone.
fn copy(source: &Path, own: (u64, u64), place: &Path) -> io::Result<bool> {
    let Some(from) = open_file(source, own)? else { return Ok(false) };
    let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(place)?;
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    while let Some((begin, end)) = next_data(&from, at)? {
        at = begin;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            let got = from.read_at(&mut buffer[..wanted], at)?;
            if got == 0 {
                // It was made shorter meanwhile.
                return to.set_len(at).map(|()| true);
            }
            to.write_all_at(&buffer[..got], at)?;
            at += got as u64;
        }
    }
    to.set_len(from.metadata()?.len().max(at)).map(|()| true)
}

/// Runs a program with the path at which the image's file system is mounted meanwhile: `point`, a
/// directory made for it.
pub(crate) fn run_script(
    image: &Path,
    span: Span,
    kind: Kind,
    point: &Path,
    script: &Path,
) -> Result<(), ScriptError> {
    let fail = |why: &dyn std::fmt::Display| ScriptError {
        script: script.to_owned(),
        why: why.to_string(),
    };
    let device = Loop::new(image, span).map_err(|error| fail(&error))?;
    fs::create_dir(point).map_err(|error| fail(&error))?;
    let data = if kind == Kind::Xfs { c"nouuid" } else { c"" };
    mount(device.0.as_str(), point, kind.name(), MountFlags::NOATIME, data)
        .map_err(|errno| fail(&errno))?;
    // From now on the device goes with the mount, whatever becomes of this program.
    let name = device.0.clone();
    drop(device);
    let ran = process::Command::new(script).arg(point).stdin(process::Stdio::null()).status();
    // Whatever it left open keeps the mount.
    let ended = unmount(point, UnmountFlags::empty());
    if ended.is_err() {
        // The failure that is reported is the first one.
        let _ = unmount(point, UnmountFlags::DETACH);
    }
    let released = Loop::released(&name);
    match ran {
        Err(error) => Err(fail(&error)),
        Ok(status) if !status.success() => Err(fail(&status)),
        Ok(_) => {
            ended.map_err(|errno| fail(&format!("the image is still in use: {errno}")))?;
            released.map_err(|error| fail(&error))
        }
    }
}

/// The program that was to change the image failed.
#[derive(Debug, thiserror::Error)]
#[error("{} failed: {why}", script.display())]
pub(crate) struct ScriptError {
    script: PathBuf,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_told() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!gone(dir.path(), STEP * 2));
        assert!(gone(&dir.path().join("absent"), Duration::ZERO));
    }
}

//! What a volume is on this machine: its root, its file system, and the disk that is on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::mounts::{self, Mount};
use super::partition::Table;
use super::superblock::{Identity, Kind, identify};

/// Why there is no volume.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// It is no directory.
    #[error("{} is not a directory", path.display())]
    NoDirectory {
        /// The path.
        path: PathBuf,
    },
    /// Something about it cannot be found out.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A volume.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its path, without links.
    pub(crate) root: PathBuf,
    /// What its image is to be: of the same kind, and called the same if the volume is a whole file
    /// system; an ext4 if it is of a kind that images do not have.
    pub(crate) identity: Identity,
    /// The kind of file system that it has, if that is none which images have.
    pub(crate) unlike: Option<String>,
    /// The partition table of the disk that it is a partition of.
    pub(crate) table: Table,
    /// Directories of it, relative to its root, on which others are mounted that stay away.
    pub(crate) left_out: Vec<PathBuf>,
}

impl Source {
    /// Looks at the volume at `path`; with `all`, all that is mounted below belongs to it.
    pub(crate) fn of(path: &Path, all: bool) -> Result<Self, SourceError> {
        let fail = |source| SourceError::Read { path: path.to_owned(), source };
        let root = fs::canonicalize(path).map_err(fail)?;
        if !root.is_dir() {
            return Err(SourceError::NoDirectory { path: root });
        }
        let table = Path::new("/proc/self/mountinfo");
        let text = fs::read(table)
            .map_err(|source| SourceError::Read { path: table.to_owned(), source })?;
        let mounts = mounts::parse(&text);
        let left_out = mounts::left_out(&mounts, &root, all);
        let left_out =
            left_out.iter().filter_map(|p| Some(p.strip_prefix(&root).ok()?.to_owned())).collect();
        let own = mounts::covering(&mounts, &root);
        let device = own.and_then(device);
        let found = device.as_deref().map(read).transpose().map_err(fail)?.flatten();
        let kind = own.and_then(|mount| Kind::named(&mount.kind));
        let whole = own.is_some_and(|mount| mount.point == root);
        let mut uuid = [0; 16];
        getrandom::fill(&mut uuid).map_err(|error| fail(io::Error::other(error)))?;
        // A UUID of chance says so.
        uuid[6] = uuid[6] & 0x0f | 0x40;
        uuid[8] = uuid[8] & 0x3f | 0x80;
        let identity = match found {
            // The kernel mounts an ext2 with the code of ext4, and says so.
            Some(found) if whole && kind.is_some() => found,
            Some(found) if kind.is_some() => {
                Identity { kind: found.kind, label: String::new(), uuid }
            }
            _ => Identity { kind: kind.unwrap_or(Kind::Ext4), label: String::new(), uuid },
        };
        let unlike = own.filter(|_| kind.is_none()).map(|mount| mount.kind.clone());
        let table = device.as_deref().and_then(disk_table).unwrap_or(Table::None);
        Ok(Self { root, identity, unlike, table, left_out })
    }
}

/// The device that is mounted there, if it is one of this machine.
fn device(mount: &Mount) -> Option<PathBuf> {
    let block = |path: &Path| fs::metadata(path).is_ok_and(|m| m.file_type().is_block_device());
    let (major, minor) = mount.device;
    // What was mounted first may be called by a name that there is no more, like /dev/root.
    let told = fs::read_to_string(format!("/sys/dev/block/{major}:{minor}/uevent"));
    let named = told.ok().and_then(|told| {
        let name = told.lines().find_map(|line| line.strip_prefix("DEVNAME="))?.to_owned();
        Some(Path::new("/dev").join(name))
    });
    [named, Some(mount.source.clone())].into_iter().flatten().find(|path| block(path))
}

fn read(device: &Path) -> io::Result<Option<Identity>> {
    identify(&mut File::open(device)?)
}

/// The partition table of the disk that a device is a partition of; `None` if it is none.
fn disk_table(device: &Path) -> Option<Table> {
    let number = fs::metadata(device).ok()?.rdev();
    let own = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    let own = fs::canonicalize(own).ok()?;
    if !own.join("partition").exists() {
        return None;
    }
    let mut sectors = [0; 1024];
    File::open(Path::new("/dev").join(own.parent()?.file_name()?))
        .and_then(|mut disk| disk.read_exact(&mut sectors))
        .ok()?;
    Table::of_disk(&sectors)
}

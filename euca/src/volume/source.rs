//! What a volume is on this machine: its root, its file system, and the disk that is on.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{major, minor};

use super::mounts::{self, LeftOut, Mount};
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
    /// What its image will not be like, in words.
    pub(crate) unlike: Vec<String>,
    /// The partition table of the disk that it is a partition of.
    pub(crate) table: Table,
    /// What stands before the first partition of that disk, if this is the first one of an MBR.
    pub(crate) loader: Option<Vec<u8>>,
    /// What is mounted below it and stays away; the points are relative to its root.
    pub(crate) left_out: Vec<LeftOut>,
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
        let relative = |one: LeftOut| {
            let point = one.point.strip_prefix(&root).ok()?.to_owned();
            Some(LeftOut { point, ..one })
        };
        let left_out = left_out.into_iter().filter_map(relative).collect();
        let own = mounts::covering(&mounts, &root);
        let device = own.and_then(device);
        let kind = own.and_then(|mount| Kind::named(&mount.kind));
        let whole = own.is_some_and(|mount| mount.point == root);
        let mut unlike = Vec::new();
        if let Some(other) = own.filter(|_| kind.is_none()) {
            unlike.push(format!(
                "an image cannot be of {}, as the volume is: it will be of ext4",
                other.kind
            ));
        }
        let found = match device.as_deref().map(read).transpose() {
            Ok(found) => found.flatten(),
            Err(error) if kind.is_some() && whole => {
                unlike.push(format!(
                    "label and UUID of the volume cannot be read, the image has its own: {error}"
                ));
                None
            }
            Err(_) => None,
        };
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
        let disk = device.as_deref().and_then(disk);
        let (table, loader) = disk.unwrap_or((Table::None, None));
        Ok(Self { root, identity, unlike, table, loader, left_out })
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

/// The partition table of the disk that a device is a partition of, and what stands before its
/// first one; `None` if it is no partition.
fn disk(device: &Path) -> Option<(Table, Option<Vec<u8>>)> {
    let number = fs::metadata(device).ok()?.rdev();
    let own = format!("/sys/dev/block/{}:{}", major(number), minor(number));
    let own = fs::canonicalize(own).ok()?;
    let told = |name: &str| -> Option<u64> {
        fs::read_to_string(own.join(name)).ok()?.trim().parse().ok()
    };
    let (number, start) = (told("partition")?, told("start")?);
    let mut sectors = vec![0; 1 << 20];
    File::open(Path::new("/dev").join(own.parent()?.file_name()?))
        .and_then(|mut disk| disk.read_exact(&mut sectors))
        .ok()?;
    let table = Table::of_disk(&sectors)?;
    let first = table == Table::Mbr && number == 1 && start >= 2048;
    Some((table, first.then_some(sectors)))
}

//! Disks that begin empty: files with holes in a machine's directory, `ephemeral0.raw` and
//! `swap.raw`.
//!
//! A disk is made whole under another name, synced and renamed: what is there under its own name
//! may hold what the guest wrote, and is left as it is. An ephemeral disk is zeros throughout, for
//! the guest to format as it likes; a swap disk has the signature by which `swapon` takes it. They
//! go with the directory.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use common::id::InstanceId;
use common::wire::spec::{BlankDisk, Purpose};
use sha2::{Digest, Sha256};

use super::error::DriverError;

/// The page that guests of this architecture swap by, which their signature fills.
const PAGE: usize = 4096;

/// Where a machine's disk for that purpose is.
pub fn path(directory: &Path, purpose: Purpose) -> PathBuf {
    directory.join(format!("{}.raw", purpose.name()))
}

/// Makes a machine's disk, unless it is there. Blocks.
///
/// # Errors
/// If the file system refuses.
pub fn make(directory: &Path, instance: &InstanceId, disk: &BlankDisk) -> Result<(), DriverError> {
    let path = path(directory, disk.purpose);
    if path.try_exists().map_err(DriverError::file(&path))? {
        return Ok(());
    }
    let part = path.with_extension("part");
    let write = || {
        let mut options = File::options();
        let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(&part)?;
        if disk.purpose == Purpose::Swap {
            file.write_all(&signature(instance, disk.size))?;
        }
        file.set_len(disk.size)?;
        file.sync_all()?;
        std::fs::rename(&part, &path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(DriverError::file(&path))
}

/// The first page of a swap area, as `mkswap` writes it: 1024 bytes for a boot loader, version 1,
/// the last page's number, no bad pages, a UUID, and the magic at the page's end.
fn signature(instance: &InstanceId, size: u64) -> [u8; PAGE] {
    let mut page = [0; PAGE];
    let pages = size / PAGE as u64;
    let last = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
    page[1024..1028].copy_from_slice(&1_u32.to_le_bytes());
    page[1028..1032].copy_from_slice(&last.to_le_bytes());
    let digest = Sha256::digest(format!("swap {instance}"));
    let uuid = &mut page[1036..1052];
    uuid.copy_from_slice(&digest[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    page[PAGE - 10..].copy_from_slice(b"SWAPSPACE2");
    page
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn disks_are_made_once_with_holes() {
        let folder = tempfile::tempdir().unwrap();
        let instance = "i-0123abcd".parse().unwrap();
        for purpose in [Purpose::Ephemeral0, Purpose::Swap] {
            let disk = BlankDisk { purpose, size: 512 << 20 };
            // What a crash left half-way is no disk.
            let path = path(folder.path(), purpose);
            let part = path.with_extension("part");
            std::fs::write(&part, b"half").unwrap();
            std::fs::set_permissions(part, std::fs::Permissions::from_mode(0o600)).unwrap();
            make(folder.path(), &instance, &disk).unwrap();
            let seen = std::fs::metadata(&path).unwrap();
            assert_eq!((seen.len(), seen.permissions().mode() & 0o777), (512 << 20, 0o600));
            assert!(seen.blocks() <= 16, "{} blocks", seen.blocks());
            let mut start = [1; PAGE];
            File::open(&path).unwrap().read_exact_at(&mut start, 0).unwrap();
            assert_eq!(start == [0; PAGE], purpose == Purpose::Ephemeral0);
            std::fs::write(&path, b"the guest's").unwrap();
            make(folder.path(), &instance, &disk).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"the guest's");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_swap_area_says_how_long_it_is_and_whose() {
        let one = signature(&"i-00000001".parse().unwrap(), 512 << 20);
        assert_eq!(one[..1024], [0; 1024]);
        assert_eq!(one[1024..1036], [1, 0, 0, 0, 0xff, 0xff, 1, 0, 0, 0, 0, 0]);
        assert_eq!(one[4086..], *b"SWAPSPACE2");
        let other = signature(&"i-00000002".parse().unwrap(), 512 << 20);
        assert_ne!(one[1036..1052], other[1036..1052]);
        assert_eq!(one[1052..], other[1052..]);
    }
}

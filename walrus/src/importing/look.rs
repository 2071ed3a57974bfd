//! What somebody has put into S3 to be imported, told by its beginning and its end: a disk or a file
//! system as it is, or why not. Pure.
//!
//! Formats in which other programs keep disks are refused by name ([`common::wire::foreign`]). So is what
//! is neither a partition table nor a file system that is known.

use common::wire::foreign::{foreign, foreign_end};
use common::wire::walrus::Layout;

use crate::cache::layout::layout;

/// How much of its beginning tells.
pub(super) const HEAD: usize = 128 << 10;
/// How much of its end tells.
pub(super) const TAIL: usize = 512;
/// Marks of file systems: where they stand.
const FILE_SYSTEMS: [(usize, &[u8]); 12] = [
    // ext2, ext3, ext4.
    (1024 + 56, b"\x53\xef"),
    (0, b"XFSB"),
    (0x10040, b"_BHRfS_M"),
    // f2fs.
    (1024, b"\x10\x20\xf5\xf2"),
    (0x8000, b"JFS1"),
    (0x10034, b"ReIsEr"),
    (0, b"hsqs"),
    // ISO 9660, which boots by itself if it is a hybrid, and then has a table.
    (0x8001, b"CD001"),
    (3, b"NTFS    "),
    (3, b"EXFAT   "),
    (54, b"FAT"),
    (82, b"FAT32"),
];

/// What a disk is, by its size, the first [`HEAD`] and the last [`TAIL`] of its bytes.
///
/// # Errors
/// A sentence: why no image can be made of it.
pub(super) fn look(head: &[u8], tail: &[u8], size: u64) -> Result<Layout, String> {
    let has = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    if let Some(why) = foreign(head, size).or_else(|| foreign_end(tail)) {
        return Err(why);
    }
    let told = layout(head, size);
    let is_file_system = FILE_SYSTEMS.iter().any(|(at, mark)| has(*at, mark));
    if told == Layout::Bare && !is_file_system {
        let why = "it has neither a partition table nor a file system that is known here";
        return Err(why.to_owned());
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        for (at, bytes) in parts {
            head[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        head
    }

    #[test]
    fn disks_and_file_systems_pass_and_all_else_is_named() {
        let size = 1 << 20;
        for (at, mark) in FILE_SYSTEMS {
            assert_eq!(look(&head(&[(at, mark)]), &[0; TAIL], size), Ok(Layout::Bare));
        }
        let entry = [0x80, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 0, 4, 0, 0];
        let disk = head(&[(446, &entry), (510, &[0x55, 0xaa])]);
        assert_eq!(look(&disk, &[0; TAIL], size), Ok(Layout::Disk));
        let compressed = head(&[(0, b"\x1f\x8b")]);
        assert!(look(&compressed, &[0; TAIL], size).unwrap_err().contains("gunzip"));
        let mut tail = [0; TAIL];
        tail[..8].copy_from_slice(b"conectix");
        assert!(look(&disk, &tail, size).unwrap_err().contains("VHD"));
        assert!(look(&[], &[], 0).unwrap_err().contains("empty"));
        assert!(look(&disk, &[0; TAIL], size + 1).unwrap_err().contains("multiple"));
        assert!(look(&head(&[]), &[0; TAIL], size).unwrap_err().contains("neither"));
        assert!(look(&[0; 512], &[0; TAIL], 512).unwrap_err().contains("neither"));
    }
}

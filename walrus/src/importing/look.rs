//! What somebody has put into S3 to be imported, told by its beginning and its end: a disk or a file
//! system as it is, or why not. Pure.
//!
//! Formats in which other programs keep disks are refused by name: unpacked as they are they would be
//! images that never boot. So is what is neither a partition table nor a file system that is known.

use common::wire::walrus::Layout;

use crate::cache::layout::layout;

/// How much of its beginning tells.
pub(super) const HEAD: usize = 128 << 10;
/// How much of its end tells.
pub(super) const TAIL: usize = 512;
/// Disks have whole sectors.
const SECTOR: u64 = 512;

/// Marks of other formats: where they stand, what they are, and how the format is called.
const OTHERS: [(usize, &[u8], &str); 13] = [
    (0, b"QFI\xfb", "a QCOW2 image"),
    (0, b"KDMV", "a VMDK image"),
    (0, b"COWD", "a VMDK image"),
    (0, b"# Disk DescriptorFile", "the description of a VMDK image"),
    (0, b"vhdxfile", "a VHDX image"),
    (0, b"conectix", "a VHD image"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0, b"\x1f\x8b", "compressed by gzip"),
    (0, b"BZh", "compressed by bzip2"),
    (0, b"\xfd7zXZ\0", "compressed by xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (0, b"PK\x03\x04", "a zip archive"),
    (257, b"ustar", "a tar archive (an OVA, perhaps)"),
];

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
    if size == 0 {
        return Err("it is empty".to_owned());
    }
    if let Some((_, _, what)) = OTHERS.iter().find(|(at, mark, _)| has(*at, mark)) {
        return Err(format!("it is {what}: convert or unpack it to a raw disk first"));
    }
    if tail.starts_with(b"conectix") {
        return Err("it is a VHD image: convert it to a raw disk first".to_owned());
    }
    if !size.is_multiple_of(SECTOR) {
        return Err(format!(
            "it has {size} bytes, which is no multiple of {SECTOR}: it may be cut off"
        ));
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
        for (at, mark, what) in OTHERS {
            let told = look(&head(&[(at, mark)]), &[0; TAIL], size).unwrap_err();
            assert!(told.contains(what), "{told}");
        }
        let mut tail = [0; TAIL];
        tail[..8].copy_from_slice(b"conectix");
        assert!(look(&disk, &tail, size).unwrap_err().contains("VHD"));
        assert!(look(&[], &[], 0).unwrap_err().contains("empty"));
        assert!(look(&disk, &[0; TAIL], size + 1).unwrap_err().contains("multiple"));
        assert!(look(&head(&[]), &[0; TAIL], size).unwrap_err().contains("neither"));
        assert!(look(&[0; 512], &[0; TAIL], 512).unwrap_err().contains("neither"));
    }
}

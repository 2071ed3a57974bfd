//! Files of which no image can be made, as their beginnings show: formats in which other programs keep
//! disks, and what is compressed. Unpacked as they are they would be images that never boot, so they are
//! refused by name, at sight before a large one is sent, and again where it lies. Pure.

/// How much of its beginning tells.
pub const SIGHT: usize = 512;
/// Disks have whole sectors.
pub const SECTOR: u64 = 512;

/// How disks of other programs are made raw.
const CONVERT: &str = "qemu-img convert -O raw FILE disk.img";

/// Marks of other formats: where they stand, what they are, and how a raw disk is made of it.
const OTHERS: [(usize, &[u8], &str, &str); 13] = [
    (0, b"QFI\xfb", "a QCOW2 image", CONVERT),
    (0, b"KDMV", "a VMDK image", CONVERT),
    (0, b"COWD", "a VMDK image", CONVERT),
    (0, b"# Disk DescriptorFile", "the description of a VMDK image", CONVERT),
    (0, b"vhdxfile", "a VHDX image", CONVERT),
    (0, b"conectix", "a VHD image", CONVERT),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image", CONVERT),
    (0, b"\x1f\x8b", "compressed by gzip", "gunzip FILE"),
    (0, b"BZh", "compressed by bzip2", "bunzip2 FILE"),
    (0, b"\xfd7zXZ\0", "compressed by xz", "xz -d FILE"),
    (0, b"\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -d FILE"),
    (0, b"PK\x03\x04", "a zip archive", "unzip FILE"),
    (257, b"ustar", "a tar archive (an OVA, perhaps)", "tar xf FILE"),
];

/// Why no image can be made of a file that begins so, and how one can; nothing if that cannot be seen yet.
pub fn foreign(head: &[u8], size: u64) -> Option<String> {
    if size == 0 {
        return Some("it is empty".to_owned());
    }
    let has = |at: usize, mark: &[u8]| head.get(at..at + mark.len()) == Some(mark);
    if let Some((_, _, what, how)) = OTHERS.iter().find(|(at, mark, ..)| has(*at, mark)) {
        return Some(format!("it is {what}: convert or unpack it to a raw disk first ({how})"));
    }
    if !size.is_multiple_of(SECTOR) {
        let why =
            format!("it has {size} bytes, which is no multiple of {SECTOR}: it may be cut off");
        return Some(why);
    }
    None
}

/// Why no image can be made of a file that ends so.
pub fn foreign_end(tail: &[u8]) -> Option<String> {
    let is_vhd = tail.starts_with(b"conectix");
    let why = || format!("it is a VHD image: convert or unpack it to a raw disk first ({CONVERT})");
    is_vhd.then(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_named_with_the_way_out_of_them() {
        for (at, mark, what, how) in OTHERS {
            let mut head = vec![0; SIGHT];
            head[at..at + mark.len()].copy_from_slice(mark);
            let told = foreign(&head, 1 << 20).unwrap();
            assert!(told.contains(what) && told.contains(how), "{told}");
            assert!(foreign(&head[..at], 1 << 20).is_none());
        }
        assert!(foreign(&[], 0).unwrap().contains("empty"));
        assert!(foreign(&[0; SIGHT], (1 << 20) + 1).unwrap().contains("multiple"));
        assert_eq!(foreign(&[0; SIGHT], 1 << 20), None);
        assert!(foreign_end(b"conectix and more").unwrap().contains("VHD"));
        assert_eq!(foreign_end(&[0; 512]), None);
    }
}

//! What a file system is, by its first bytes: its kind, its label and its UUID.
//!
//! So that an image is mounted by whatever name its source was. Reads, and knows no device.

use std::io::{self, Read, Seek, SeekFrom};

/// The kinds of file systems that images can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ext2,
    Ext3,
    Ext4,
    Xfs,
    Btrfs,
}

impl Kind {
    /// The kind that the kernel calls so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Ext2, Self::Ext3, Self::Ext4, Self::Xfs, Self::Btrfs]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// What the kernel calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }
}

/// What a file system is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its label, empty if it has none.
    pub(crate) label: String,
    /// Its UUID.
    pub(crate) uuid: [u8; 16],
}

/// What there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes in a block.
    pub(crate) block: u64,
    /// Blocks that are free.
    pub(crate) blocks: u64,
    /// Files and directories that can still be made; `None` if only the blocks bound them.
    pub(crate) inodes: Option<u64>,
}

/// Finds out what begins here; `None` if it is no file system of a kind that images have.
pub(crate) fn identify(device: &mut (impl Read + Seek)) -> io::Result<Option<Identity>> {
    if let Some(block) = at(device, 1024, 264)?.filter(|b| b[56..58] == [0x53, 0xef]) {
        let (compatible, incompatible) = (number(&block[92..96]), number(&block[96..100]));
        // A journal makes an ext3; extents, a flexible layout or 64 bits an ext4.
        let kind = match (compatible & 0x4 != 0, incompatible & 0x2c0 != 0) {
            (_, true) => Kind::Ext4,
            (true, false) => Kind::Ext3,
            (false, false) => Kind::Ext2,
        };
        return Ok(Some(identity(kind, &block[120..136], &block[104..120])));
    }
    if let Some(block) = at(device, 0, 128)?.filter(|block| block.starts_with(b"XFSB")) {
        return Ok(Some(identity(Kind::Xfs, &block[108..120], &block[32..48])));
    }
    if let Some(block) = at(device, 65_536, 600)?.filter(|b| b[64..72] == *b"_BHRfS_M") {
        return Ok(Some(identity(Kind::Btrfs, &block[299..555], &block[32..48])));
    }
    Ok(None)
}

/// What a new ext file system that begins at `start` has room for.
pub(crate) fn ext_room(image: &mut (impl Read + Seek), start: u64) -> io::Result<Room> {
    let block = at(image, start + 1024, 1024)?
        .filter(|block| block[56..58] == [0x53, 0xef])
        .ok_or(io::ErrorKind::InvalidData)?;
    let high = if number(&block[96..100]) & 0x80 == 0 { 0 } else { number(&block[344..348]) };
    Ok(Room {
        block: 1024 << number(&block[24..28]).min(16),
        blocks: u64::from(high) << 32 | u64::from(number(&block[12..16])),
        inodes: Some(u64::from(number(&block[16..20]))),
    })
}

fn identity(kind: Kind, label: &[u8], uuid: &[u8]) -> Identity {
    let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
    let mut own = [0; 16];
    own.copy_from_slice(uuid);
    Identity { kind, label: String::from_utf8_lossy(label).into_owned(), uuid: own }
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// `length` bytes from `start` on, if there are so many.
fn at(device: &mut (impl Read + Seek), start: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; length];
    device.seek(SeekFrom::Start(start))?;
    match device.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// A UUID as people write it.
pub(crate) fn uuid_text(uuid: &[u8; 16]) -> String {
    let hex = hex::encode(uuid);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn device(patches: &[(usize, &[u8])]) -> Cursor<Vec<u8>> {
        let mut bytes = vec![0; 70_000];
        for (at, patch) in patches {
            bytes[*at..*at + patch.len()].copy_from_slice(patch);
        }
        Cursor::new(bytes)
    }

    #[test]
    fn file_systems_are_known_by_their_first_bytes() {
        let uuid: Vec<u8> = (1..=16).collect();
        let ext = |compatible: u8, incompatible: [u8; 2]| {
            device(&[
                (1024 + 56, &[0x53, 0xef]),
                (1024 + 92, &[compatible]),
                (1024 + 96, &incompatible),
                (1024 + 104, &uuid),
                (1024 + 120, b"sixteen-letters!"),
            ])
        };
        let xfs = device(&[(0, b"XFSB"), (32, &uuid), (108, b"twelve-chars")]);
        let btrfs = device(&[(65_600, b"_BHRfS_M"), (65_568, &uuid), (65_835, b"long one")]);
        for (mut device, kind, label) in [
            (ext(0, [2, 0]), Kind::Ext2, "sixteen-letters!"),
            (ext(4, [2, 0]), Kind::Ext3, "sixteen-letters!"),
            (ext(4, [0x42, 2]), Kind::Ext4, "sixteen-letters!"),
            (xfs, Kind::Xfs, "twelve-chars"),
            (btrfs, Kind::Btrfs, "long one"),
        ] {
            let found = identify(&mut device).unwrap().unwrap();
            assert_eq!((found.kind, found.label.as_str()), (kind, label));
            assert_eq!(uuid_text(&found.uuid), "01020304-0506-0708-090a-0b0c0d0e0f10");
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
        assert_eq!(identify(&mut device(&[])).unwrap(), None);
        assert_eq!(identify(&mut Cursor::new(vec![0; 100])).unwrap(), None);
    }

    #[test]
    fn a_new_ext_file_system_tells_its_room() {
        let mut image = device(&[
            (5120 + 56, &[0x53, 0xef]),
            (5120 + 12, &[7, 1, 0, 0]),
            (5120 + 16, &[9, 0, 0, 0]),
            (5120 + 24, &[2, 0, 0, 0]),
            (5120 + 96, &[0x80, 0]),
            (5120 + 344, &[1, 0, 0, 0]),
        ]);
        let room = ext_room(&mut image, 4096).unwrap();
        assert_eq!(room, Room { block: 4096, blocks: (1 << 32) + 263, inodes: Some(9) });
        assert!(ext_room(&mut image, 0).is_err());
    }
}

//! Partition tables of images with one partition: nothing, an MBR, or a GPT with its protective MBR.
//!
//! Pure: gives the sectors to be written. The partition begins at 1 MiB, as everybody's do.

/// Bytes in a sector.
const SECTOR: u64 = 512;
/// Where the partition begins, bytes.
const START: u64 = 1 << 20;
/// Sectors that a table of GPT takes: its header and 128 entries.
const GPT_SECTORS: u64 = 33;
/// The type of partitions with Linux file systems, as it stands on disk.
const LINUX: [u8; 16] = [
    0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
];

/// The kinds of partition tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    None,
    Mbr,
    Gpt,
}

/// Where in an image its file system lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Bytes before it.
    pub(crate) start: u64,
    /// Bytes in it.
    pub(crate) length: u64,
}

impl Table {
    /// Where the file system of an image of `size` bytes, a multiple of a MiB, lies.
    pub(crate) fn span(self, size: u64) -> Span {
        match self {
            Self::None => Span { start: 0, length: size },
            Self::Mbr => Span { start: START, length: size.saturating_sub(START) },
            Self::Gpt => Span { start: START, length: size.saturating_sub(2 * START) },
        }
    }

    /// The table of a disk, by its first two sectors; `None` if it has none.
    pub(crate) fn of_disk(sectors: &[u8]) -> Option<Self> {
        match (sectors.get(510..512)? == [0x55, 0xaa], sectors.get(512..520)? == b"EFI PART") {
            (_, true) => Some(Self::Gpt),
            (true, false) => Some(Self::Mbr),
            (false, false) => None,
        }
    }

    /// What is written where, bytes: the table of an image of `size` bytes. `chance` makes the disk
    /// and its partition unlike all others.
    pub(crate) fn sectors(self, size: u64, chance: [u8; 32]) -> Vec<(u64, Vec<u8>)> {
        let span = self.span(size);
        let (first, count) = (span.start / SECTOR, span.length / SECTOR);
        match self {
            Self::None => Vec::new(),
            Self::Mbr => vec![(0, mbr(0x80, 0x83, first, count, &chance[..4]))],
            Self::Gpt => gpt(size / SECTOR, first, count, &chance),
        }
    }
}

/// A first sector with one partition. Its numbers are 32 bits: what is longer is as long as they say.
fn mbr(flag: u8, kind: u8, first: u64, count: u64, disk: &[u8]) -> Vec<u8> {
    let mut sector = vec![0; 512];
    sector[440..444].copy_from_slice(disk);
    let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    // Cylinders, heads and sectors that mean: see the other numbers.
    sector[446..454].copy_from_slice(&[flag, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff]);
    sector[454..458].copy_from_slice(&short(first));
    sector[458..462].copy_from_slice(&short(count));
    sector[510..512].copy_from_slice(&[0x55, 0xaa]);
    sector
}

fn gpt(all: u64, first: u64, count: u64, chance: &[u8; 32]) -> Vec<(u64, Vec<u8>)> {
    let guid = |bytes: &[u8]| {
        let mut guid = bytes.to_vec();
        // A UUID of chance says so.
        guid[7] = guid[7] & 0x0f | 0x40;
        guid[8] = guid[8] & 0x3f | 0x80;
        guid
    };
    let mut entries = vec![0; 128 * 128];
    entries[..16].copy_from_slice(&LINUX);
    entries[16..32].copy_from_slice(&guid(&chance[16..]));
    entries[32..40].copy_from_slice(&first.to_le_bytes());
    entries[40..48].copy_from_slice(&(first + count - 1).to_le_bytes());
    // A BIOS may start it.
    entries[48] = 4;
    let last = all - 1;
    let header = |own: u64, other: u64, table: u64| {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
        let numbers = [own, other, 1 + GPT_SECTORS, last - GPT_SECTORS];
        for (at, number) in (24..).step_by(8).zip(numbers) {
            header[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        header[56..72].copy_from_slice(&guid(&chance[..16]));
        header[72..80].copy_from_slice(&table.to_le_bytes());
        header[80..88].copy_from_slice(&[128, 0, 0, 0, 128, 0, 0, 0]);
        header[88..92].copy_from_slice(&crc32(&entries).to_le_bytes());
        let own = crc32(&header[..92]);
        header[16..20].copy_from_slice(&own.to_le_bytes());
        header
    };
    let backup = last - (GPT_SECTORS - 1);
    vec![
        (0, mbr(0, 0xee, 1, last, &[0; 4])),
        (SECTOR, header(1, last, 2)),
        (2 * SECTOR, entries.clone()),
        (backup * SECTOR, entries.clone()),
        (last * SECTOR, header(last, 1, backup)),
    ]
}

/// The checksum of gzip and GPT, of a few kilobytes.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_leave_the_file_system_its_place() {
        let size = 64 << 20;
        for (table, start, length) in
            [(Table::None, 0, 64), (Table::Mbr, 1, 63), (Table::Gpt, 1, 62)]
        {
            let span = table.span(size);
            assert_eq!((span.start >> 20, span.length >> 20), (start, length), "{table:?}");
            for (at, bytes) in table.sectors(size, [7; 32]) {
                let end = at + bytes.len() as u64;
                assert!(end <= span.start || at >= span.start + span.length && end <= size);
            }
            let mut disk = vec![0; 1024];
            for (at, bytes) in table.sectors(size, [7; 32]).iter().filter(|(at, _)| *at < 1024) {
                let at = usize::try_from(*at).unwrap();
                disk[at..at + 512].copy_from_slice(&bytes[..512]);
            }
            let told = Table::of_disk(&disk);
            assert_eq!(told, (table != Table::None).then_some(table));
        }
        assert_eq!(Table::of_disk(&[]), None);
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}

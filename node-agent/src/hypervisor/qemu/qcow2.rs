//! Reads the tables of a qcow2 file: which clusters of the disk it holds, and where.
//!
//! ```text
//!   header ──▶ level 1: one entry for each level 2 ──▶ level 2: one entry for each cluster
//! ```
//! Only what the node itself makes is read: no compression, no encryption, no snapshots. A file
//! that uses anything else is refused by name, so nothing is ever misread. One table of each level
//! is kept in memory. The format is described in QEMU's `docs/interop/qcow2.txt`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crate::hypervisor::layer::{Layer, Place};

const MAGIC: &[u8; 4] = b"QFI\xfb";

/// What may be said of the file that does not change how it is read: it was not closed well, which
/// concerns the counting of its clusters only.
const HARMLESS: u64 = 1;

/// An entry's offset of a cluster or a table.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// An entry's mark of a cluster that is compressed.
const COMPRESSED: u64 = 1 << 62;

/// An entry's mark of a cluster that reads as zeros.
const ZERO: u64 = 1;

/// The largest table of the first level, in bytes: that of a disk of 16 TiB.
const LARGEST: u64 = 4 << 20;

/// A qcow2 file, opened for reading.
#[derive(Debug)]
pub struct Qcow2 {
    file: File,
    size: u64,
    cluster: u64,
    tables: Vec<u64>,
    /// The table of the second level read last, and its place among them.
    loaded: Option<(usize, Vec<u64>)>,
}

fn refused(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let (entries, _) = bytes.as_chunks::<8>();
    entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect()
}

impl Qcow2 {
    /// Reads the header and the table of the first level. Blocks.
    ///
    /// # Errors
    /// If the file cannot be read, is no qcow2 file, or uses what the node does not.
    pub fn open(file: File) -> io::Result<Self> {
        let mut head = [0; 104];
        file.read_exact_at(&mut head[..72], 0)?;
        let short =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let version = short(4);
        if &head[..4] != MAGIC || !matches!(version, 2 | 3) {
            return Err(refused("it is no qcow2 file of version 2 or 3"));
        }
        if version == 3 {
            file.read_exact_at(&mut head[72..], 72)?;
        }
        let short =
            |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let long = |at: usize| u64::from(short(at)) << 32 | u64::from(short(at + 4));
        let unknown = if version == 3 { long(72) & !HARMLESS } else { 0 };
        if short(32) != 0 || unknown != 0 {
            return Err(refused(format!("it is encrypted or has unknown features {unknown:#x}")));
        }
        let bits = short(20);
        if !(9..=21).contains(&bits) {
            return Err(refused(format!("its clusters have 2^{bits} bytes")));
        }
        let (size, cluster) = (long(24), 1 << bits);
        let covered = (cluster / 8) * cluster;
        let (count, at) = (u64::from(short(36)), long(40));
        if count < size.div_ceil(covered) || count * 8 > LARGEST {
            return Err(refused(format!("its first table has {count} entries for {size} bytes")));
        }
        let mut table = vec![0; usize::try_from(count * 8).map_err(io::Error::other)?];
        file.read_exact_at(&mut table, at)?;
        Ok(Self { file, size, cluster, tables: numbers(&table), loaded: None })
    }

    /// Bytes of the disk.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The table of the second level of that place; `None` if there is none.
    fn table(&mut self, place: usize) -> io::Result<Option<&[u64]>> {
        let at = self.tables.get(place).map_or(0, |entry| entry & OFFSET);
        if at == 0 {
            return Ok(None);
        }
        if self.loaded.as_ref().is_none_or(|(known, _)| *known != place) {
            let mut bytes = vec![0; usize::try_from(self.cluster).map_err(io::Error::other)?];
            self.file.read_exact_at(&mut bytes, at)?;
            self.loaded = Some((place, numbers(&bytes)));
        }
        Ok(self.loaded.as_ref().map(|(_, table)| table.as_slice()))
    }
}

fn meaning(entry: u64) -> io::Result<Place> {
    match (entry & ZERO, entry & OFFSET) {
        _ if entry & COMPRESSED != 0 => Err(refused("a cluster in it is compressed")),
        (ZERO, _) => Ok(Place::Zero),
        (_, 0) => Ok(Place::Below),
        (_, at) => Ok(Place::At(at)),
    }
}

impl Layer for Qcow2 {
    fn place(&mut self, at: u64) -> io::Result<(Place, u64)> {
        let (cluster, size) = (self.cluster, self.size);
        if at >= size {
            return Ok((Place::Below, u64::MAX - at));
        }
        let (entries, index) = (cluster / 8, at / cluster);
        let place = usize::try_from(index / entries).map_err(io::Error::other)?;
        let first = usize::try_from(index % entries).map_err(io::Error::other)?;
        let into = at % cluster;
        let Some(table) = self.table(place)? else {
            let end = (index / entries + 1).saturating_mul(entries * cluster);
            return Ok((Place::Below, end.min(size) - at));
        };
        let mut rest = table.get(first..).unwrap_or_default().iter().map(|entry| meaning(*entry));
        let here = rest.next().unwrap_or(Ok(Place::Below))?;
        let mut length = cluster;
        for next in rest {
            let goes_on = match (here, next?) {
                (Place::At(from), Place::At(next)) => next == from + length,
                (here, next) => here == next,
            };
            if !goes_on {
                break;
            }
            length += cluster;
        }
        let here = match here {
            Place::At(from) => Place::At(from + into),
            other => other,
        };
        Ok((here, (length - into).min(size - at)))
    }

    fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A file of 512-byte clusters: header, first table, one second table, then data.
    fn made(version: u32, features: u64, entries: &[u64], size: u64) -> File {
        let mut bytes = vec![0; 512 * 8];
        let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        put(0, MAGIC);
        put(4, &version.to_be_bytes());
        put(20, &9_u32.to_be_bytes());
        put(24, &size.to_be_bytes());
        put(36, &2_u32.to_be_bytes());
        put(40, &512_u64.to_be_bytes());
        put(72, &features.to_be_bytes());
        put(512, &(1024 | 1_u64 << 63).to_be_bytes());
        for (at, entry) in entries.iter().enumerate() {
            put(1024 + at * 8, &entry.to_be_bytes());
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file
    }

    #[test]
    fn what_stands_where() {
        const COPIED: u64 = 1 << 63;
        let entries = [0, 0, 1536 | COPIED, 2048, 3072, 1, 512 | 1, 0];
        let mut read = Qcow2::open(made(3, 1, &entries, 64 * 512 + 100)).unwrap();
        assert_eq!(read.size(), 64 * 512 + 100);
        for (at, expected) in [
            (0, (Place::Below, 1024)),
            (700, (Place::Below, 324)),
            (1024, (Place::At(1536), 1024)),
            (1030, (Place::At(1542), 1018)),
            (1600, (Place::At(2112), 448)),
            (2048, (Place::At(3072), 512)),
            (2560, (Place::Zero, 1024)),
            (3584, (Place::Below, 57 * 512)),
            // The second table of the second level is not there.
            (64 * 512, (Place::Below, 100)),
        ] {
            assert_eq!(read.place(at).unwrap(), expected, "{at}");
        }
        assert_eq!(read.place(64 * 512 + 100).unwrap().0, Place::Below);
    }

    #[test]
    fn what_the_node_does_not_make_is_refused() {
        let size = 64 * 512;
        assert!(Qcow2::open(made(2, 4, &[], size)).is_ok(), "version 2 has no features");
        for (version, features, size) in [(1, 0, size), (3, 4, size), (3, 0, size * 3)] {
            assert!(Qcow2::open(made(version, features, &[], size)).is_err());
        }
        let mut compressed = Qcow2::open(made(3, 0, &[COMPRESSED | 512], size)).unwrap();
        assert!(compressed.place(0).unwrap_err().to_string().contains("compressed"));
        let mut text = tempfile::tempfile().unwrap();
        text.write_all(&[b'x'; 200]).unwrap();
        assert!(Qcow2::open(text).is_err());
    }
}

//! What a plain image is, told by its first two sectors: a whole disk or a bare file system.
//!
//! A whole disk has a partition table, and so room for a boot loader before its first partition.
//! The mark at the end of the first sector alone says little: file systems with a boot loader of
//! their own bear it too, and where a table would be they have code or text. So each entry must
//! make sense; what does not is no table.

use common::wire::walrus::Layout;

/// How many bytes of an image tell.
pub(crate) const HEAD: usize = 1024;

const SECTOR: u64 = 512;
const TABLE: usize = 446;
const ENTRY: usize = 16;

/// Tells by the first [`HEAD`] bytes, or fewer of a shorter image, and by its size.
pub(crate) fn layout(head: &[u8], size: u64) -> Layout {
    if head.len() < 512 || head[510..512] != [0x55, 0xaa] {
        return Layout::Bare;
    }
    // Behind a table of today's kind the old one stands for its protection only.
    let modern = head.get(512..520) == Some(b"EFI PART");
    if modern || has_table(&head[TABLE..510], size) { Layout::Disk } else { Layout::Bare }
}

/// Whether four entries are a partition table: each empty or sound, at least one not empty, no two
/// of them one over the other.
fn has_table(table: &[u8], size: u64) -> bool {
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for entry in table.chunks_exact(ENTRY) {
        let number = |at: usize| {
            let bytes = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
            u64::from(u32::from_le_bytes(bytes))
        };
        let (flag, kind, first, count) = (entry[0], entry[4], number(8), number(12));
        if entry.iter().all(|byte| *byte == 0) {
            continue;
        }
        let inside = first > 0 && count > 0 && first * SECTOR < size;
        let apart = taken.iter().all(|(from, to)| first >= *to || first + count <= *from);
        if !matches!(flag, 0 | 0x80) || kind == 0 || !inside || !apart {
            return false;
        }
        taken.push((first, first + count));
    }
    !taken.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 1 << 20;

    fn sector(entries: &[(u8, u8, u32, u32)]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        head[510..512].copy_from_slice(&[0x55, 0xaa]);
        for (entry, (flag, kind, first, count)) in head[TABLE..].chunks_mut(ENTRY).zip(entries) {
            (entry[0], entry[4]) = (*flag, *kind);
            entry[8..12].copy_from_slice(&first.to_le_bytes());
            entry[12..16].copy_from_slice(&count.to_le_bytes());
        }
        head
    }

    #[test]
    fn a_disk_is_told_by_a_table_that_makes_sense() {
        let one = (0x80, 0x83, 64, 1900);
        for (entries, expected) in [
            (&[one][..], Layout::Disk),
            (&[(0, 0x83, 64, 100), (0x80, 0x83, 164, 1000)], Layout::Disk),
            // A table that was made for a larger disk: the last partition reaches beyond.
            (&[(0, 0x83, 64, 4_000_000)], Layout::Disk),
            (&[], Layout::Bare),
            (&[(0x12, 0x83, 64, 100)], Layout::Bare),
            (&[(0x80, 0, 64, 100)], Layout::Bare),
            (&[(0x80, 0x83, 0, 100)], Layout::Bare),
            (&[(0x80, 0x83, 64, 0)], Layout::Bare),
            (&[(0x80, 0x83, 2048, 100)], Layout::Bare),
            (&[(0x80, 0x83, 64, 100), (0, 0x83, 100, 100)], Layout::Bare),
            (&[one, (b'N', b'O', 0x2054_4f42, 0x4445_5645)], Layout::Bare),
        ] {
            assert_eq!(layout(&sector(entries), SIZE), expected, "{entries:?}");
        }
    }

    #[test]
    fn marks_alone_are_not_enough_and_a_modern_table_is() {
        let mut modern = sector(&[(0, 0xee, 1, u32::MAX)]);
        assert_eq!(layout(&modern, SIZE), Layout::Disk);
        modern[512..520].copy_from_slice(b"EFI PART");
        assert_eq!(layout(&modern, SIZE), Layout::Disk);
        modern[510] = 0;
        assert_eq!(layout(&modern, SIZE), Layout::Bare);
        for head in [&[][..], &[0x55, 0xaa], &[0; 512], b"\x1f\x8b"] {
            assert_eq!(layout(head, head.len() as u64), Layout::Bare);
        }
    }
}

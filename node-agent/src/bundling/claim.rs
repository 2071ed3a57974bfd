//! How much of a disk is its image.
//!
//! An instance's disk is often larger than the image it came from, and its guest may or may not have
//! grown into the rest. What a file system or a partition table claims is kept, and at least as
//! much as the image had. The rest goes if, and only if, it is all zeros and something on the disk
//! says how far it reaches; otherwise the whole disk is the image. So a saved image is a file system
//! where its image was one, and a whole disk where that was one, and fits wherever that fitted.

use std::io;

use bundle::{Image as _, Piece};

use super::disk::Disk;

/// How much of a disk's beginning is looked at.
const HEAD: usize = 128 << 10;

const SECTOR: u64 = 512;

/// How many bytes of the disk are its image, which came from one of `image` bytes. Blocks.
///
/// # Errors
/// If the disk cannot be read.
pub fn claimed(disk: &mut Disk, image: u64) -> io::Result<u64> {
    let size = disk.size();
    let head = head(disk)?;
    let Some(claim) = claim(&head) else { return Ok(size) };
    // First the disk's size: a damaged claim may have no next sector.
    let kept = claim.max(image).min(size).next_multiple_of(SECTOR).min(size);
    disk.seek(kept);
    let empty = is_empty(disk)?;
    Ok(if empty { kept } else { size })
}

fn head(disk: &mut Disk) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    disk.seek(0);
    let mut at = 0;
    while at < HEAD {
        match disk.piece(&mut head[at..])? {
            Piece::Data(got) => at += got,
            Piece::Hole(length) => {
                let end = usize::try_from(length).unwrap_or(HEAD).saturating_add(at).min(HEAD);
                head[at..end].fill(0);
                at = end;
            }
            Piece::End => break,
        }
    }
    head.truncate(at);
    Ok(head)
}

fn is_empty(disk: &mut Disk) -> io::Result<bool> {
    let mut buf = vec![0; HEAD];
    loop {
        match disk.piece(&mut buf)? {
            Piece::Hole(_) => {}
            Piece::End => return Ok(true),
            Piece::Data(got) if buf[..got].iter().all(|byte| *byte == 0) => {}
            Piece::Data(_) => return Ok(false),
        }
    }
}

/// Reads numbers out of a disk's beginning; beyond it everything is zero.
struct Head<'a>(&'a [u8]);

impl Head<'_> {
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let found = self.0.get(at..).and_then(|rest| rest.first_chunk::<N>());
        found.copied().unwrap_or([0; N])
    }

    fn little(&self, at: usize) -> u64 {
        u64::from(u32::from_le_bytes(self.bytes(at)))
    }
}

/// How far whatever begins the disk reaches, in bytes; `None` if it is nothing that is known.
fn claim(head: &[u8]) -> Option<u64> {
    let head = Head(head);
    ext(&head).or_else(|| xfs(&head)).or_else(|| btrfs(&head)).or_else(|| partitions(&head))
}

/// ext2, ext3, ext4: blocks of 2^(10 + n) bytes.
fn ext(head: &Head<'_>) -> Option<u64> {
    const AT: usize = 1024;
    let (shift, wide) = (head.little(AT + 24), head.little(AT + 96) & 0x80 != 0);
    if head.bytes(AT + 56) != [0x53, 0xef] || shift > 6 {
        return None;
    }
    let high = if wide { head.little(AT + 336) } else { 0 };
    (high << 32 | head.little(AT + 4)).checked_mul(1024 << shift)
}

fn xfs(head: &Head<'_>) -> Option<u64> {
    let block = u64::from(u32::from_be_bytes(head.bytes(4)));
    let known = head.bytes(0) == *b"XFSB" && block.is_power_of_two() && block <= 1 << 16;
    known.then(|| u64::from_be_bytes(head.bytes(8)).checked_mul(block)).flatten()
}

fn btrfs(head: &Head<'_>) -> Option<u64> {
    const AT: usize = 0x10000;
    (head.bytes(AT + 0x40) == *b"_BHRfS_M").then(|| u64::from_le_bytes(head.bytes(AT + 0x70)))
}

/// A partition table reaches as far as its last partition; GPT as far as its second copy, which is
/// the end of the disk as it was when the table was written last.
fn partitions(head: &Head<'_>) -> Option<u64> {
    if head.bytes(510) != [0x55, 0xaa] {
        return None;
    }
    let mut end = 0;
    for at in (0..4).map(|entry| 446 + entry * 16) {
        let [active, _, _, _, kind] = head.bytes(at);
        // Boot sectors of file systems end in the same two bytes; theirs is code, or text.
        if active & 0x7f != 0 {
            return None;
        }
        if kind != 0 {
            end = end.max(head.little(at + 8) + head.little(at + 12));
        }
        if kind == 0xee {
            let second = u64::from_le_bytes(head.bytes(512 + 32));
            let known = head.bytes(512) == *b"EFI PART";
            return known.then(|| second.checked_add(1)?.checked_mul(SECTOR)).flatten();
        }
    }
    (end > 0).then(|| end.saturating_mul(SECTOR))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::process::Command;

    use super::*;
    use crate::hypervisor::layer::Sieve;

    const MIB: u64 = 1 << 20;

    fn head(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        for (at, bytes) in parts {
            head[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        head
    }

    #[test]
    fn what_begins_a_disk_says_how_far_it_reaches() {
        let le = |number: u32| number.to_le_bytes();
        let table: &[(&str, Vec<u8>, Option<u64>)] = &[
            ("nothing", head(&[]), None),
            ("empty", vec![], None),
            (
                "ext4, 4 KiB",
                head(&[(1028, &le(1000)), (1048, &le(2)), (1080, &[0x53, 0xef]), (1360, &le(9))]),
                Some(4_096_000),
            ),
            (
                "ext4, 64 bits",
                head(&[(1028, &le(1)), (1080, &[0x53, 0xef]), (1120, &le(0x80)), (1360, &le(1))]),
                Some(((1 << 32) + 1) * 1024),
            ),
            (
                "xfs",
                head(&[(0, b"XFSB"), (4, &4096_u32.to_be_bytes()), (8, &77_u64.to_be_bytes())]),
                Some(77 * 4096),
            ),
            (
                "btrfs",
                head(&[(0x10040, b"_BHRfS_M"), (0x10070, &(5 * MIB).to_le_bytes())]),
                Some(5 * MIB),
            ),
            (
                "mbr",
                head(&[
                    (510, &[0x55, 0xaa]),
                    (446, &[0x80, 0, 0, 0, 0x83]),
                    (454, &le(2048)),
                    (458, &le(4096)),
                ]),
                Some(6144 * 512),
            ),
            (
                "gpt",
                head(&[
                    (510, &[0x55, 0xaa]),
                    (450, &[0xee]),
                    (454, &le(1)),
                    (458, &le(u32::MAX)),
                    (512, b"EFI PART"),
                    (544, &20_479_u64.to_le_bytes()),
                ]),
                Some(20_480 * 512),
            ),
            ("a boot sector", head(&[(510, &[0x55, 0xaa]), (446, b"boot")]), None),
            ("no partition", head(&[(510, &[0x55, 0xaa])]), None),
            ("gpt half gone", head(&[(510, &[0x55, 0xaa]), (450, &[0xee])]), None),
        ];
        for (name, head, expected) in table {
            assert_eq!(claim(head), *expected, "{name}");
        }
    }

    /// A disk of 64 MiB whose layer holds all of it.
    fn disk(file: &File) -> Disk {
        file.set_len(64 * MIB).unwrap();
        let below = tempfile::tempfile().unwrap();
        Disk::new(Box::new(Sieve(file.try_clone().unwrap())), (below, 0), 64 * MIB)
    }

    #[test]
    fn a_grown_file_system_is_kept_and_what_is_behind_it_goes_if_it_is_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(10 * MIB).unwrap();
        let mut make = Command::new("mke2fs");
        let made = make.args(["-q", "-F", "-t", "ext4"]).arg(file.path()).status();
        assert!(made.unwrap().success());
        let mut whole = disk(file.as_file());
        assert_eq!(claimed(&mut whole, 8 * MIB).unwrap(), 10 * MIB, "it has grown a little");
        assert_eq!(claimed(&mut whole, 12 * MIB + 7).unwrap(), 12 * MIB + 512);
        assert_eq!(claimed(&mut whole, 99 * MIB).unwrap(), 64 * MIB);
        file.as_file().write_all_at(&[0, 1], 60 * MIB).unwrap();
        assert_eq!(claimed(&mut disk(file.as_file()), 0).unwrap(), 64 * MIB);
        let broken = tempfile::tempfile().unwrap();
        broken.write_all_at(b"_BHRfS_M", 0x10040).unwrap();
        broken.write_all_at(&[0xff; 8], 0x10070).unwrap();
        assert_eq!(claimed(&mut disk(&broken), 0).unwrap(), 64 * MIB, "more than there is");
        let unknown = tempfile::tempfile().unwrap();
        assert_eq!(claimed(&mut disk(&unknown), MIB).unwrap(), 64 * MIB);
    }
}

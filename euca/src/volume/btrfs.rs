//! Gives a btrfs another UUID after it was made.
//!
//! Neither its tools nor the kernel let a btrfs be made or opened that has the UUID of one which is
//! there already, and the source of an image is. So the new name is written into the superblocks
//! themselves, as the format provides for: the old one stays, as the one that stands in all other
//! blocks, and a flag says so (kernels since 5.0 know it).

use std::io;
use std::os::unix::fs::FileExt;

use super::partition::Span;

/// Where the superblocks are, as far as there is so much of the file system.
const PLACES: [u64; 3] = [64 << 10, 64 << 20, 256 << 30];
const LENGTH: usize = 4096;
const UUID: std::ops::Range<usize> = 32..48;
const FLAGS: std::ops::Range<usize> = 188..196;
const INNER_UUID: std::ops::Range<usize> = 571..587;
/// The flag by which the UUID is not that of the other blocks.
const RENAMED: u64 = 1 << 10;

/// Gives the file system at `span` of an image, which nobody has open, this UUID.
pub(crate) fn rename(image: &impl FileExt, span: Span, uuid: &[u8; 16]) -> io::Result<()> {
    for place in PLACES.iter().filter(|place| **place + (LENGTH as u64) <= span.length) {
        let mut block = [0; LENGTH];
        image.read_exact_at(&mut block, span.start + place)?;
        renamed(&mut block, uuid)?;
        image.write_all_at(&block, span.start + place)?;
    }
    Ok(())
}

fn renamed(block: &mut [u8; LENGTH], uuid: &[u8; 16]) -> io::Result<()> {
    // 196 is the kind of checksum; all tools make CRC-32C unless they are told otherwise.
    if block[64..72] != *b"_BHRfS_M" || block[196..198] != [0, 0] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut flags = [0; 8];
    flags.copy_from_slice(&block[FLAGS]);
    let flags = u64::from_le_bytes(flags);
    if flags & RENAMED == 0 {
        block.copy_within(UUID, INNER_UUID.start);
    }
    block[FLAGS].copy_from_slice(&(flags | RENAMED).to_le_bytes());
    block[UUID].copy_from_slice(uuid);
    let sum = crc32c(&block[32..]);
    block[..4].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82f6_3b78 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_stays_inside() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        let mut block = [0; LENGTH];
        assert!(renamed(&mut block, &[9; 16]).is_err());
        block[64..72].copy_from_slice(b"_BHRfS_M");
        block[UUID].copy_from_slice(&[7; 16]);
        block[FLAGS.start] = 0x41;
        for name in [[8; 16], [9; 16]] {
            renamed(&mut block, &name).unwrap();
            assert_eq!((&block[UUID], &block[INNER_UUID]), (&name[..], &[7; 16][..]));
            assert_eq!(block[FLAGS.start..FLAGS.start + 2], [0x41, 4]);
            assert_eq!(block[..4], crc32c(&block[32..]).to_le_bytes());
        }
    }
}

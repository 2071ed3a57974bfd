//! Compresses one chunk on its own into a piece of a deflate stream.
//!
//! The piece refers to nothing before its chunk and ends at a byte boundary by a full flush
//! ([`super::splice`]): whatever stands before and behind it, the pieces together are one stream.
//! The same chunk and level always give the same bytes. A chunk of zeros is recognised and never
//! compressed again.

use libdeflater::{CompressionLvl, Compressor};

use super::CHUNK;
use super::splice::{self, Malformed};
use crate::inflate::checksum;
use crate::sink::ZEROS;

/// What a level from 0 (stored) to 9 (as small as it gets, at a twentieth of the speed) is in the
/// library's own count, which goes to 12.
const LEVELS: [i32; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 12];

/// Compresses chunks; costs some mebibytes to make, which all its chunks share.
pub(super) struct Deflater {
    compressor: Compressor,
    /// Room for the largest piece: fresh memory for each would cost more than the copy out of it.
    room: Vec<u8>,
}

/// A chunk, compressed.
pub(super) struct Deflated {
    /// The piece of the stream; none if the chunk holds only zeros.
    pub(super) bytes: Option<Vec<u8>>,
    /// Of the chunk's own bytes.
    pub(super) crc: u32,
    /// How many they are.
    pub(super) length: u64,
}

impl Deflater {
    /// One for `level`, 0 to 9; more is 9.
    pub(super) fn new(level: u32) -> Self {
        let level = usize::try_from(level).map_or(9, |level| level.min(9));
        let level = CompressionLvl::new(LEVELS[level]).unwrap_or_default();
        Self { compressor: Compressor::new(level), room: Vec::new() }
    }

    /// Compresses a chunk whatever it holds.
    pub(super) fn piece(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Malformed> {
        let most = self.compressor.deflate_compress_bound(chunk.len());
        if self.room.len() < most {
            self.room.resize(most, 0);
        }
        let length =
            self.compressor.deflate_compress(chunk, &mut self.room).map_err(|_| Malformed)?;
        let mut bytes = Vec::with_capacity(length + splice::MARGIN);
        bytes.extend_from_slice(&self.room[..length]);
        splice::open(&mut bytes)?;
        Ok(bytes)
    }

    /// Compresses a chunk unless it is a full one of zeros.
    pub(super) fn chunk(&mut self, chunk: &[u8]) -> Result<Deflated, Malformed> {
        let zero = chunk.len() == CHUNK && is_zero(chunk);
        let bytes = if zero { None } else { Some(self.piece(chunk)?) };
        Ok(Deflated { bytes, crc: checksum(chunk), length: chunk.len() as u64 })
    }
}

/// A full chunk of zeros: its piece and its CRC.
pub(super) fn zero(level: u32) -> Result<(Vec<u8>, u32), Malformed> {
    let zeros = vec![0; CHUNK];
    Ok((Deflater::new(level).piece(&zeros)?, checksum(&zeros)))
}

fn is_zero(chunk: &[u8]) -> bool {
    chunk.chunks(ZEROS.len()).all(|bytes| bytes == &ZEROS[..bytes.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_recognised_only_in_whole_chunks() {
        let mut deflater = Deflater::new(5);
        let mut chunk = vec![0; CHUNK];
        let (piece, crc) = zero(5).unwrap();
        let deflated = deflater.chunk(&chunk).unwrap();
        assert!(deflated.bytes.is_none());
        assert_eq!((deflated.crc, deflated.length), (crc, CHUNK as u64));
        assert_eq!(deflater.piece(&chunk).unwrap(), piece);
        assert!(deflater.chunk(&chunk[1..]).unwrap().bytes.is_some());
        chunk[CHUNK - 1] = 1;
        assert!(deflater.chunk(&chunk).unwrap().bytes.is_some());
    }

    #[test]
    fn a_higher_level_is_never_larger() {
        let words: Vec<String> = (0..4000_u64).map(|n| format!("{:x} ", n.pow(3) % 9973)).collect();
        let text: Vec<u8> = words.concat().into_bytes().repeat(9);
        let sizes: Vec<usize> =
            (0..10).map(|level| Deflater::new(level).piece(&text).unwrap().len()).collect();
        assert!(sizes[0] > text.len());
        assert!(sizes.windows(2).all(|pair| pair[0] * 101 >= pair[1] * 100), "{sizes:?}");
        assert!(sizes[9] < sizes[1]);
    }
}

//! What stands around the deflate stream of a gzip member: header, checksum, length.
//!
//! The header is read to its end and checked, its own checksum too. Of all that it may hold one
//! thing matters: the comment `EU2097152`, by which a bundler says that the stream consists of
//! chunks of so many bytes that inflate on their own. It is a hint and never believed.

use std::io::{self, BufRead, Read};

use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use crc_fast::{Digest, checksum_combine};

/// What the comment that gives the size of the chunks begins with.
const MARK: &[u8] = b"EU";

/// The longest name or comment, bytes.
const TEXT: usize = 65_535;

const HEADER_CHECKSUM: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads the header of a member; gives the size of its chunks, bytes, if it names one.
///
/// # Errors
/// Of kind `InvalidData` if it is not a header of gzip, `UnexpectedEof` if it is cut off, and the
/// reader's own.
pub(super) fn read_header(input: &mut impl BufRead) -> io::Result<Option<u32>> {
    let mut header = Summed { input, checksum: Digest::new(Crc32IsoHdlc) };
    let [0x1f, 0x8b, 8, flags, ..] = header.bytes::<10>()? else {
        return Err(invalid("not a gzip member"));
    };
    if flags & RESERVED != 0 {
        return Err(invalid("a gzip header with unknown flags"));
    }
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(header.bytes()?);
        header.fill(&mut vec![0; usize::from(length)])?;
    }
    if flags & NAME != 0 {
        header.text()?;
    }
    let chunk = if flags & COMMENT != 0 { chunk_size(&header.text()?) } else { None };
    if flags & HEADER_CHECKSUM != 0 {
        let [low, high, ..] = header.checksum.finalize().to_le_bytes();
        if header.bytes()? != [low, high] {
            return Err(invalid("a gzip header with a wrong checksum"));
        }
    }
    Ok(chunk)
}

/// The size in a comment of ours: [`MARK`] and decimal digits, nothing else.
fn chunk_size(comment: &[u8]) -> Option<u32> {
    let digits = comment.strip_prefix(MARK)?;
    let plain = digits.iter().all(u8::is_ascii_digit);
    plain.then(|| str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Reads a header and sums it up.
struct Summed<'a, R> {
    input: &'a mut R,
    checksum: Digest,
}

impl<R: BufRead> Summed<'_, R> {
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(bytes)?;
        self.checksum.update(bytes);
        Ok(())
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads a text and the zero behind it.
    fn text(&mut self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        for _ in 0..=TEXT {
            match self.bytes()? {
                [0] => return Ok(text),
                [byte] => text.push(byte),
            }
        }
        Err(invalid("a gzip header with an endless name"))
    }
}

/// Checksum and length of what a member inflated to so far.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sums {
    crc: u32,
    length: u64,
}

impl Sums {
    /// Adds `length` bytes whose checksum is `crc`.
    pub(crate) fn add(&mut self, crc: u32, length: u64) {
        let sum = checksum_combine(Crc32IsoHdlc, self.crc.into(), crc.into(), length);
        self.crc = low_half(sum);
        self.length += length;
    }

    /// How many bytes there were.
    pub(crate) fn length(self) -> u64 {
        self.length
    }

    /// What stands at the end of the member.
    pub(crate) fn trailer(self) -> [u8; 8] {
        let [a, b, c, d] = self.crc.to_le_bytes();
        // The format keeps the length modulo 2^32.
        let [e, f, g, h] = low_half(self.length).to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }

    /// Reads what stands at the end of the member and compares.
    ///
    /// # Errors
    /// Of kind `InvalidData` if it does not agree, `UnexpectedEof` if it is cut off, and the
    /// reader's own.
    pub(super) fn check(self, input: &mut impl Read) -> io::Result<()> {
        let mut trailer = [0; 8];
        input.read_exact(&mut trailer)?;
        if trailer == self.trailer() {
            Ok(())
        } else {
            Err(invalid("a gzip member with a wrong checksum or length"))
        }
    }
}

/// The checksum of gzip.
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    low_half(crc_fast::checksum(Crc32IsoHdlc, bytes))
}

/// The value modulo 2^32.
pub(super) fn low_half(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(flags: u8, rest: &[u8]) -> Vec<u8> {
        [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3], rest].concat()
    }

    #[test]
    fn a_header_is_read_to_its_end() {
        let mut summed = header(HEADER_CHECKSUM | NAME, b"name\0");
        let checksum = checksum(&summed).to_le_bytes();
        summed.extend_from_slice(&checksum[..2]);
        let cases: [(Vec<u8>, Option<u32>); 14] = [
            (header(0, b""), None),
            (header(1, b""), None),
            (header(COMMENT, b"EU2097152\0"), Some(2 << 20)),
            (header(COMMENT, b"EU0065536\0"), Some(1 << 16)),
            (header(EXTRA | NAME | COMMENT, b"\x06\0EU\x02\0\0\0EU9\0EU1\0"), Some(1)),
            (header(COMMENT, b"EU4294967296\0"), None),
            (header(COMMENT, b"EU\0"), None),
            (header(COMMENT, b"EU+5\0"), None),
            (header(COMMENT, b"eu1048576\0"), None),
            (header(COMMENT, b"EU2097152 \0"), None),
            (header(NAME, b"EU2097152\0"), None),
            (header(EXTRA, b"\x08\0EU\x04\0\0\0\x10\0"), None),
            (header(NAME | COMMENT, b"image\0made by hand\0"), None),
            (summed, None),
        ];
        for (bytes, expected) in cases {
            let with_more = [bytes.as_slice(), b"rest"].concat();
            let mut input = with_more.as_slice();
            assert_eq!(read_header(&mut input).unwrap(), expected, "{bytes:?}");
            assert_eq!(input, b"rest", "{bytes:?}");
            for length in 0..bytes.len() {
                let error = read_header(&mut &bytes[..length]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length} of {bytes:?}");
            }
        }
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let mut method = header(0, b"");
        method[2] = 7;
        let endless = [header(NAME, &[b'n'; TEXT + 1]), vec![0]].concat();
        let wrong = header(HEADER_CHECKSUM, b"\x12\x34");
        for bytes in [b"PK\x03\x04      ".to_vec(), method, header(0x20, b""), endless, wrong] {
            let error = read_header(&mut bytes.as_slice()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn sums_of_pieces_are_those_of_the_whole() {
        let data: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for piece in [1, 1000, 65_536] {
            let mut sums = Sums::default();
            for bytes in data.chunks(piece).take(300) {
                sums.add(checksum(bytes), bytes.len() as u64);
            }
            let whole = &data[..data.len().min(300 * piece)];
            let length = u32::try_from(whole.len()).unwrap();
            let trailer = [checksum(whole).to_le_bytes(), length.to_le_bytes()].concat();
            sums.check(&mut trailer.as_slice()).unwrap();
            for at in 0..8 {
                let mut wrong = trailer.clone();
                wrong[at] ^= 1;
                assert!(sums.check(&mut wrong.as_slice()).is_err());
                assert!(sums.check(&mut &trailer[..at]).is_err());
            }
        }
    }
}

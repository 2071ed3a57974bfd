//! Writes an archive of one member.

use std::io::{self, Cursor, Read};

use super::header::encode;
use super::{BLOCK, RECORD};
use crate::image::{Image, Piece};

/// The error inside the [`io::Error`] of an [`Archive`] whose file is not as long as announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the image does not have the announced {announced} bytes")]
pub struct LengthMismatch {
    /// The size announced, bytes.
    pub announced: u64,
}

/// The tar archive of one regular file, itself an [`Image`]: header, the bytes and holes of `I`,
/// padding, which is a hole.
///
/// The header tells nothing of who made it and when: the same file under the same name gives the
/// same archive.
pub struct Archive<I> {
    head: Cursor<Vec<u8>>,
    file: I,
    size: u64,
    left: u64,
    /// Zeros after the file.
    tail: u64,
    /// Whether the end of the file was seen.
    ended: bool,
}

impl<I: Image> Archive<I> {
    /// Makes the archive of `file`, which has `size` bytes, under `name`.
    pub fn new(file: I, name: &str, size: u64) -> Self {
        let mut head = Vec::new();
        let name = name.as_bytes();
        if name.len() > 100 {
            let length = name.len() as u64 + 1;
            head.extend_from_slice(&encode(b"././@LongLink", b'L', length));
            head.extend_from_slice(name);
            head.push(0);
            head.resize(head.len().next_multiple_of(BLOCK), 0);
        }
        head.extend_from_slice(&encode(name, b'0', size));
        let used = head.len() as u64 + size.next_multiple_of(BLOCK as u64);
        // The end of an archive is two blocks of zeros, then what the record still lacks.
        let total = (used + 2 * BLOCK as u64).next_multiple_of(RECORD);
        let tail = total - head.len() as u64 - size;
        Self { head: Cursor::new(head), file, size, left: size, tail, ended: false }
    }

    fn mismatch(&self) -> io::Error {
        let mismatch = LengthMismatch { announced: self.size };
        io::Error::new(io::ErrorKind::InvalidInput, mismatch)
    }
}

impl<I: Image> Image for Archive<I> {
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
        let got = self.head.read(buf)?;
        if got > 0 {
            return Ok(Piece::Data(got));
        }
        if self.left > 0 {
            let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
            let piece = self.file.piece(&mut buf[..most])?;
            let length = match piece {
                Piece::Data(got) => got as u64,
                Piece::Hole(length) => length,
                Piece::End => return Err(self.mismatch()),
            };
            self.left = self.left.checked_sub(length).ok_or_else(|| self.mismatch())?;
            return Ok(piece);
        }
        if !self.ended {
            // A file that grew while it was read would be cut off silently.
            if self.file.piece(&mut [0])? != Piece::End {
                return Err(self.mismatch());
            }
            self.ended = true;
        }
        match std::mem::take(&mut self.tail) {
            0 => Ok(Piece::End),
            tail => Ok(Piece::Hole(tail)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Filled;
    use crate::sink::PlainSink;
    use crate::tar::{Member, TarError};

    fn archive(name: &str, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let archive = Archive::new(data, name, data.len() as u64);
        Filled::new(archive).read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn archives_are_whole_records_and_read_back() {
        for name in ["image", &"n".repeat(100), &"n".repeat(101), &"n".repeat(900)] {
            for size in [0, 1, 511, 512, 513, 8191, 8192, 8193, 9000, 20_000] {
                let data = vec![5; size];
                let tar = archive(name, &data);
                assert_eq!(tar.len() as u64 % RECORD, 0);
                let member = Member::open(tar.as_slice()).unwrap();
                assert_eq!((member.name(), member.size()), (name.as_bytes(), size as u64));
                let mut sink = PlainSink(Vec::new());
                assert!(member.copy_to(&mut sink).unwrap().is_empty());
                assert!(sink.0 == data);
            }
        }
    }

    #[test]
    fn a_file_of_another_length_is_an_error() {
        for announced in [4, 6] {
            let archive = Archive::new(b"12345".as_slice(), "image", announced);
            let error = Filled::new(archive).read_to_end(&mut Vec::new()).unwrap_err();
            let cause = error.get_ref().and_then(|inner| inner.downcast_ref());
            assert_eq!(cause, Some(&LengthMismatch { announced }));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let tar = archive("image", &[1; 1000]);
        for length in [0, 100, 512, 700, 1512, 1535, 1536, 2047, 2048, 2500] {
            let result = Member::open(&tar[..length])
                .and_then(|member| member.copy_to(&mut PlainSink(io::sink())));
            assert!(matches!(result, Err(TarError::Truncated)), "{length}");
        }
    }
}

//! Where the bytes of an image go, with the holes still known as holes.
//!
//! A sparse tar member says where its zeros are, and most images have long runs of them. [`Sink`]
//! keeps the two apart, so that a writer of files can leave holes: [`SparseSink`] does it with
//! seeks, [`PlainSink`] writes the zeros out.

use std::io::{self, Seek, SeekFrom, Write};

/// A block of zeros to write or compare with.
pub(crate) static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The unit in which [`SparseSink`] looks for zeros: the block size of common file systems.
const HOLE: usize = 4096;

/// Bytes that are written at a time. They were just looked at and are still near the processor;
/// and the page cache takes twice the time for writes of 1 MiB, for which it seeks larger pages.
const WRITE: usize = 128 * 1024;

/// Takes an image from its first byte to its last.
pub trait Sink {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Whatever keeps the bytes from being stored; the whole unpacking then fails with it.
    fn data(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Takes the next `length` bytes, all of them zero.
    ///
    /// # Errors
    /// As [`Sink::data`].
    fn hole(&mut self, length: u64) -> io::Result<()>;
}

/// Writes zeros for holes: for pipes and buffers.
#[derive(Debug)]
pub struct PlainSink<W>(pub W);

impl<W: Write> Sink for PlainSink<W> {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let now = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            self.0.write_all(&ZEROS[..now])?;
            left -= now as u64;
        }
        Ok(())
    }
}

/// Writes an empty, seekable file and leaves holes where the image has zeros, also those that the
/// bundle stored as data. The file is complete only after [`SparseSink::finish`].
#[derive(Debug)]
pub struct SparseSink<W> {
    file: W,
    /// Bytes taken so far.
    length: u64,
    /// Zeros taken but not written: at the end of what was written.
    pending: u64,
}

impl<W: Write + Seek> SparseSink<W> {
    /// Writes into `file`, which must be empty and stand at its beginning.
    pub fn new(file: W) -> Self {
        Self { file, length: 0, pending: 0 }
    }

    /// Writes the last byte of a hole at the end, so that the file gets its full length, and gives
    /// the file back.
    ///
    /// # Errors
    /// As the file's own.
    pub fn finish(mut self) -> io::Result<W> {
        if self.pending > 0 {
            self.skip(self.pending - 1)?;
            self.file.write_all(&[0])?;
        }
        self.file.flush()?;
        Ok(self.file)
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let forward = i64::try_from(length)
            .map_err(|_| io::Error::new(io::ErrorKind::FileTooLarge, "a hole beyond 2^63 bytes"))?;
        self.file.seek(SeekFrom::Current(forward)).map(drop)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.skip(pending)?;
        self.file.write_all(bytes)
    }
}

impl<W: Write + Seek> Sink for SparseSink<W> {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Blocks are those of the file, not of the buffer that happens to come in.
            let into_block = usize::try_from(self.length % HOLE as u64).unwrap_or(0);
            let first = (HOLE - into_block).min(rest.len());
            let mut run = first;
            let zero = is_zero(&rest[..first]);
            while run < rest.len() && (zero || run < WRITE) {
                let next = HOLE.min(rest.len() - run);
                if is_zero(&rest[run..run + next]) != zero {
                    break;
                }
                run += next;
            }
            if zero {
                self.pending += run as u64;
            } else {
                self.write(&rest[..run])?;
            }
            self.length += run as u64;
            rest = &rest[run..];
        }
        Ok(())
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        self.pending = self.pending.saturating_add(length);
        self.length = self.length.saturating_add(length);
        Ok(())
    }
}

/// Whether all of `bytes` (at most [`ZEROS`]) are zero.
fn is_zero(bytes: &[u8]) -> bool {
    bytes == &ZEROS[..bytes.len()]
}

/// Whether all of `bytes` are zero.
pub(crate) fn all_zero(bytes: &[u8]) -> bool {
    bytes.chunks(ZEROS.len()).all(is_zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn both_sinks_give_the_same_bytes() {
        let cases: &[&[(bool, usize)]] = &[
            &[],
            &[(true, 1)],
            &[(false, 1)],
            &[(false, 5000), (true, 10_000), (false, 3), (true, 4093)],
            &[(true, 4096), (false, 4096), (true, 200_000)],
        ];
        for case in cases {
            let mut plain = PlainSink(Vec::new());
            let mut sparse = SparseSink::new(Cursor::new(Vec::new()));
            for &(hole, length) in *case {
                if hole {
                    plain.hole(length as u64).unwrap();
                    sparse.hole(length as u64).unwrap();
                } else {
                    plain.data(&vec![9; length]).unwrap();
                    sparse.data(&vec![9; length]).unwrap();
                }
            }
            assert_eq!(sparse.finish().unwrap().into_inner(), plain.0, "{case:?}");
        }
    }

    #[test]
    fn zeros_stored_as_data_become_holes() {
        let mut image = vec![0_u8; 3 * HOLE];
        image[HOLE + 5] = 1;
        let mut sink = SparseSink::new(Cursor::new(Vec::new()));
        for chunk in image.chunks(1000) {
            sink.data(chunk).unwrap();
        }
        assert!(sink.pending >= HOLE as u64);
        assert_eq!(sink.finish().unwrap().into_inner(), image);
    }
}

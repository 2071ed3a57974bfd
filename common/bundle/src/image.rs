//! Where the bytes of an image come from, with its holes still known as holes.
//!
//! Most of a large image is usually nothing at all, and the file system knows where. [`Image`]
//! keeps bytes and holes apart, so that nobody reads, copies or compresses zeros that are known
//! beforehand. Whatever implements [`Read`] is an image without holes; [`SparseImage`] walks a file
//! whose holes can be asked for. How they are asked for is a system call, and this crate makes
//! none: a program implements [`Extents`] for its own file type.
//!
//! ```text
//! file ─ Extents (a system call, in the program) ─ SparseImage ─┐
//! pipe, buffer, socket ─ Read ──────────────────────────────────┴─ Image ─ bundle()
//! ```

use std::io::{self, Read, Seek, SeekFrom};

/// What stood next in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes, at least one; they are at the beginning of the buffer.
    Data(usize),
    /// So many zeros, at least one; the buffer holds nothing.
    Hole(u64),
    /// Nothing: the image is at its end.
    End,
}

/// Gives an image from its first byte to its last.
pub trait Image {
    /// Gives what stands next and moves behind it. `buf` is not empty; what it holds afterwards
    /// beyond the bytes of a [`Piece::Data`] is not said.
    ///
    /// # Errors
    /// Whatever keeps the image from being read; bundling then fails with it.
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece>;
}

impl<R: Read> Image for R {
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
        loop {
            match self.read(buf) {
                Ok(0) => return Ok(Piece::End),
                Ok(got) => return Ok(Piece::Data(got)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Image for Box<dyn Image + Send> {
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
        (**self).piece(buf)
    }
}

/// A file that can say where it holds data and where nothing: `SEEK_DATA` and `SEEK_HOLE`. Both may
/// move the file's position. Where nothing is known about holes (a block device, say), everything
/// is data.
pub trait Extents {
    /// Where the first data at or after `at` begin, bytes from the beginning; `None` if there are
    /// none up to the end of the file.
    ///
    /// # Errors
    /// As the file's own.
    fn data(&mut self, at: u64) -> io::Result<Option<u64>>;

    /// Where the first hole at or after `at` begins; the end of the file, or anything behind it, if
    /// there is none.
    ///
    /// # Errors
    /// As the file's own.
    fn hole(&mut self, at: u64) -> io::Result<u64>;
}

/// An image in a file with holes.
#[derive(Debug)]
pub struct SparseImage<F> {
    file: F,
    size: u64,
    /// How much was given.
    at: u64,
    /// Up to where it is known that there are data.
    data_end: u64,
}

impl<F: Read + Seek + Extents> SparseImage<F> {
    /// The image of `size` bytes at the beginning of `file`. A file that turns out shorter, or
    /// longer, gives what it has.
    pub fn new(file: F, size: u64) -> Self {
        Self { file, size, at: 0, data_end: 0 }
    }

    /// Where the hole ends that stands at the place reached, if one does; otherwise up to where
    /// there are data is known afterwards.
    fn hole_end(&mut self) -> io::Result<Option<u64>> {
        let end = match self.file.data(self.at)? {
            Some(data) if data <= self.at => None,
            Some(data) => Some(data.min(self.size)),
            // Not simply the announced size: a file that was cut off has no hole there.
            None => Some(self.file.seek(SeekFrom::End(0))?.min(self.size)),
        };
        if let Some(end) = end.filter(|&end| end > self.at) {
            return Ok(Some(end));
        }
        // A hole that begins where data should be was made in between: those bytes are read.
        self.data_end = self.file.hole(self.at)?.max(self.at.saturating_add(1));
        self.file.seek(SeekFrom::Start(self.at))?;
        Ok(None)
    }
}

impl<F: Read + Seek + Extents> Image for SparseImage<F> {
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
        if self.at < self.size && self.at >= self.data_end {
            if let Some(end) = self.hole_end()? {
                let length = end - self.at;
                self.at = end;
                self.data_end = end;
                return Ok(Piece::Hole(length));
            }
        } else if self.at >= self.size && self.at >= self.data_end {
            // Behind the announced end: whoever asks wants to know whether there is more.
            self.file.seek(SeekFrom::Start(self.at))?;
            self.data_end = u64::MAX;
        }
        let known = usize::try_from(self.data_end - self.at).unwrap_or(usize::MAX);
        let most = buf.len().min(known);
        let piece = self.file.piece(&mut buf[..most])?;
        if let Piece::Data(got) = piece {
            self.at = self.at.saturating_add(got as u64);
        }
        Ok(piece)
    }
}

/// Reads an image with its holes filled: for whoever wants nothing but bytes.
#[derive(Debug)]
pub struct Filled<I> {
    image: I,
    /// Zeros still to give.
    zeros: u64,
}

impl<I: Image> Filled<I> {
    /// Fills the holes of `image`.
    pub fn new(image: I) -> Self {
        Self { image, zeros: 0 }
    }
}

impl<I: Image> Read for Filled<I> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.zeros == 0 {
            match self.image.piece(buf)? {
                Piece::Data(got) => return Ok(got),
                Piece::Hole(length) => self.zeros = length,
                Piece::End => return Ok(0),
            }
        }
        let now = usize::try_from(self.zeros).map_or(buf.len(), |zeros| zeros.min(buf.len()));
        buf[..now].fill(0);
        self.zeros -= now as u64;
        Ok(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A file in memory whose holes are where it is told, in steps of 10 bytes.
    struct Sieve {
        bytes: Cursor<Vec<u8>>,
        read: usize,
    }

    impl Sieve {
        fn is_hole(&self, at: u64) -> bool {
            let at = usize::try_from(at).unwrap() / 10 * 10;
            self.bytes.get_ref()[at..].iter().take(10).all(|&byte| byte == 0)
        }

        fn find(&self, at: u64, hole: bool) -> Option<u64> {
            (at..self.bytes.get_ref().len() as u64).find(|&at| self.is_hole(at) == hole)
        }
    }

    impl Read for Sieve {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let got = self.bytes.read(buf)?;
            self.read += got;
            Ok(got)
        }
    }

    impl Seek for Sieve {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    impl Extents for Sieve {
        fn data(&mut self, at: u64) -> io::Result<Option<u64>> {
            self.bytes.set_position(3);
            Ok(self.find(at, false))
        }

        fn hole(&mut self, at: u64) -> io::Result<u64> {
            self.bytes.set_position(5);
            Ok(self.find(at, true).unwrap_or(self.bytes.get_ref().len() as u64))
        }
    }

    fn read_all(image: &mut SparseImage<Sieve>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let mut buf = [0; 1000];
            match image.piece(&mut buf)? {
                Piece::Data(got) => all.extend_from_slice(&buf[..got]),
                Piece::Hole(length) => all.resize(all.len() + usize::try_from(length).unwrap(), 0),
                Piece::End => return Ok(all),
            }
        }
    }

    fn sparse(bytes: &[u8], size: u64) -> SparseImage<Sieve> {
        SparseImage::new(Sieve { bytes: Cursor::new(bytes.to_vec()), read: 0 }, size)
    }

    #[test]
    fn holes_are_told_and_not_read() {
        let cases: &[&[(u8, usize)]] = &[
            &[],
            &[(0, 1)],
            &[(7, 1)],
            &[(0, 5000)],
            &[(7, 5000)],
            &[(0, 30), (1, 20), (0, 4000), (2, 10), (0, 1000), (3, 2005)],
            &[(1, 20), (0, 30), (2, 5), (0, 5), (0, 7)],
        ];
        for case in cases {
            let bytes: Vec<u8> =
                case.iter().flat_map(|&(byte, length)| vec![byte; length]).collect();
            let mut image = sparse(&bytes, bytes.len() as u64);
            assert!(read_all(&mut image).unwrap() == bytes, "{case:?}");
            let stored = bytes.chunks(10).filter(|step| step.iter().any(|&byte| byte != 0));
            assert_eq!(image.file.read, stored.map(<[u8]>::len).sum::<usize>(), "{case:?}");
        }
    }

    #[test]
    fn a_file_of_another_length_gives_what_it_has() {
        let mut bytes = vec![1; 50];
        bytes.resize(100, 0);
        for (announced, longer) in [(40, true), (60, true), (99, true), (101, false), (200, false)]
        {
            let all = read_all(&mut sparse(&bytes, announced)).unwrap();
            assert_eq!(all.len() as u64 > announced, longer, "{announced}");
            assert!(longer || all == bytes, "{announced}");
        }
    }

    #[test]
    fn a_reader_is_an_image_without_holes() {
        let bytes = vec![0; 2500];
        assert_eq!(bytes.as_slice().piece(&mut [9; 100]).unwrap(), Piece::Data(100));
        let mut boxed: Box<dyn Image + Send> = Box::new(sparse(&bytes, 2500));
        assert_eq!(boxed.piece(&mut [9; 100]).unwrap(), Piece::Hole(2500));
        assert_eq!(boxed.piece(&mut [9; 100]).unwrap(), Piece::End);
        let mut filled = Vec::new();
        Filled::new(sparse(&bytes, 2500)).read_to_end(&mut filled).unwrap();
        assert_eq!(filled, bytes);
    }
}

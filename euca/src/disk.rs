//! An image file whose holes the file system knows: the two system calls that [`SparseImage`] asks
//! for.
//!
//! Where the file system knows nothing of holes (a block device, a pipe by name), everything counts
//! as data.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bundle::{Extents, SparseImage};
use rustix::fs::{SeekFrom as Whence, seek};
use rustix::io::Errno;

/// A file that tells its holes.
pub(crate) struct Disk(File);

/// The image of `size` bytes in `file`.
pub(crate) fn image(file: File, size: u64) -> SparseImage<Disk> {
    SparseImage::new(Disk(file), size)
}

impl Read for Disk {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Extents for Disk {
    fn data(&mut self, at: u64) -> io::Result<Option<u64>> {
        data(&self.0, at)
    }

    fn hole(&mut self, at: u64) -> io::Result<u64> {
        hole(&self.0, at)
    }
}

/// The next run of data of a file at or after `at`, as its first byte and the one after its last;
/// `None` if there is none. It may go beyond the file's end.
pub(crate) fn next_data(file: &File, at: u64) -> io::Result<Option<(u64, u64)>> {
    match data(file, at)? {
        Some(begin) => Ok(Some((begin, hole(file, begin)?))),
        None => Ok(None),
    }
}

fn data(file: &File, at: u64) -> io::Result<Option<u64>> {
    match seek(file, Whence::Data(at)) {
        Ok(data) => Ok(Some(data)),
        Err(Errno::NXIO) => Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(Some(at)),
        Err(error) => Err(error.into()),
    }
}

fn hole(file: &File, at: u64) -> io::Result<u64> {
    match seek(file, Whence::Hole(at)) {
        Ok(hole) => Ok(hole),
        Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => Ok(u64::MAX),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bundle::{Image, Piece};

    #[test]
    fn the_holes_of_a_file_are_holes_of_the_image() {
        let file = tempfile::tempfile().unwrap();
        let (size, data, at) = (64 << 20, [7; 5000], 32 << 20);
        file.set_len(size).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &data, at).unwrap();
        let mut image = image(file, size);
        let (mut read, mut holes, mut found) = (0, 0, Vec::<u8>::new());
        let mut buf = vec![0; 1 << 20];
        loop {
            match image.piece(&mut buf).unwrap() {
                Piece::Data(got) => {
                    found.extend(buf[..got].iter().filter(|&&byte| byte != 0));
                    read += got as u64;
                }
                Piece::Hole(length) => holes += length,
                Piece::End => break,
            }
        }
        assert_eq!(found, data);
        assert_eq!(read + holes, size);
        // A file system that keeps no holes gives none, and is right all the same.
        assert!(read < 1 << 20 || holes == 0, "{read}");
    }

    #[test]
    fn what_cannot_tell_holes_is_read() {
        let mut image = image(File::open("/proc/self/status").unwrap(), 10);
        assert!(matches!(image.piece(&mut [0; 10]).unwrap(), Piece::Data(_)));
    }
}

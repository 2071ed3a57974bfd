//! A disk as its guest saw it: a copy of what it had written, over the image below, with all holes
//! of both known as holes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use bundle::{Image, Piece};

use crate::hypervisor::layer::{Layer, Place, extent};

/// The disk, read from its first byte to its last.
pub struct Disk {
    layer: Box<dyn Layer>,
    base: File,
    base_size: u64,
    size: u64,
    at: u64,
    /// What stands at the place reached, and where that ends.
    here: (Source, u64),
}

/// Where bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Hole,
    /// The layer's file; its offset less the disk's, wrapping.
    Layer(u64),
    Base,
}

impl Disk {
    /// The first `size` bytes of a layer over an image of `base_size` bytes, and of zeros beyond
    /// that.
    pub fn new(layer: Box<dyn Layer>, base: (File, u64), size: u64) -> Self {
        let (base, base_size) = base;
        Self { layer, base, base_size, size, at: 0, here: (Source::Hole, 0) }
    }

    /// Begins anew at this offset.
    pub fn seek(&mut self, at: u64) {
        self.at = at;
        self.here = (Source::Hole, at);
    }

    /// Ends it there.
    pub fn cut(&mut self, size: u64) {
        self.size = self.size.min(size);
    }

    /// Bytes of it.
    pub fn size(&self) -> u64 {
        self.size
    }

    fn look(&mut self) -> io::Result<()> {
        let at = self.at;
        let (place, length) = self.layer.place(at)?;
        let end = at.saturating_add(length.max(1));
        self.here = match place {
            Place::Zero => (Source::Hole, end),
            Place::At(from) => (Source::Layer(from.wrapping_sub(at)), end),
            Place::Below if at >= self.base_size => (Source::Hole, end),
            Place::Below => {
                let (data, until) = extent(&self.base, at)?;
                // Only behind the image is there more of nothing.
                let until = if until >= self.base_size { self.base_size } else { until };
                let source = if data { Source::Base } else { Source::Hole };
                (source, until.min(end).max(at + 1))
            }
        };
        self.here.1 = self.here.1.min(self.size);
        Ok(())
    }
}

impl Image for Disk {
    fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
        if self.at >= self.size {
            return Ok(Piece::End);
        }
        if self.at >= self.here.1 {
            self.look()?;
        }
        let (source, end) = self.here;
        let length = end - self.at;
        let (file, from) = match source {
            Source::Hole => {
                self.at = end;
                return Ok(Piece::Hole(length));
            }
            Source::Layer(shift) => (self.layer.file(), self.at.wrapping_add(shift)),
            Source::Base => (&self.base, self.at),
        };
        let most = usize::try_from(length).unwrap_or(usize::MAX).min(buf.len());
        match file.read_at(&mut buf[..most], from)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => {
                self.at += got as u64;
                Ok(Piece::Data(got))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use bundle::image::Filled;

    use super::*;
    use crate::hypervisor::layer::Sieve;

    /// A layer of which every place is told.
    struct Told(File, Vec<(u64, Place)>);

    impl Layer for Told {
        fn place(&mut self, at: u64) -> io::Result<(Place, u64)> {
            let index = self.1.iter().rposition(|(from, _)| *from <= at).unwrap();
            let (from, place) = self.1[index];
            let end = self.1.get(index + 1).map_or(u64::MAX, |(next, _)| *next);
            Ok((
                match place {
                    Place::At(offset) => Place::At(offset + at - from),
                    other => other,
                },
                end - at,
            ))
        }
        fn file(&self) -> &File {
            &self.0
        }
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn whole(disk: Disk) -> Vec<u8> {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut Filled::new(disk), &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn layers_lie_over_the_image() {
        let places = vec![
            (0, Place::Below),
            (10, Place::At(100)),
            (20, Place::Zero),
            (30, Place::Below),
            (60, Place::At(0)),
            (70, Place::Below),
        ];
        let layer = Told(file(&[b'l'; 200]), places);
        let mut disk = Disk::new(Box::new(layer), (file(&[b'b'; 50]), 50), 100);
        disk.seek(15);
        let mut buf = [0; 9];
        assert_eq!(disk.piece(&mut buf).unwrap(), Piece::Data(5));
        assert_eq!(disk.piece(&mut buf).unwrap(), Piece::Hole(10));
        assert_eq!(disk.piece(&mut buf).unwrap(), Piece::Data(9));
        disk.seek(0);
        let mut expected = vec![0; 100];
        for (range, byte) in [(0..10, b'b'), (10..20, b'l'), (30..50, b'b'), (60..70, b'l')] {
            expected[range].fill(byte);
        }
        assert_eq!(whole(disk), expected);
    }

    #[test]
    fn holes_are_told_and_a_cut_ends_it() {
        const HOLE: u64 = 1 << 20;
        let base = file(b"image");
        base.set_len(HOLE).unwrap();
        let layer = file(b"");
        layer.write_all_at(&[b'l'; 4096], 2 * HOLE).unwrap();
        let mut disk = Disk::new(Box::new(Sieve(layer)), (base, HOLE), 4 * HOLE);
        disk.cut(3 * HOLE);
        assert_eq!(disk.size(), 3 * HOLE);
        let (mut data, mut holes, mut buf) = (0, 0, vec![0; 65536]);
        loop {
            match disk.piece(&mut buf).unwrap() {
                Piece::Data(got) => data += got as u64,
                Piece::Hole(length) => holes += length,
                Piece::End => break,
            }
        }
        assert_eq!(data + holes, 3 * HOLE);
        assert!(data < 100_000, "{data}");
    }
}

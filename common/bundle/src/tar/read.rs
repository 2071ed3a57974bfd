//! Reads the one member of an archive.

use std::io::Read;

use super::header::{Block, Header, text};
use super::pax::{Form, Overrides};
use super::sparse::{Extent, Lines, Map};
use super::{BLOCK, TarError};
use crate::ahead::{CHUNK, fill};
use crate::sink::Sink;

/// The most bytes in a long name.
const NAME: u64 = 64 * 1024;

/// The most bytes in a pax header.
const PAX: u64 = 1 << 20;

/// The most pseudo members in front of the member.
const PSEUDO: usize = 8;

/// A stretch of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Zeros that are not stored.
    Hole(u64),
    /// Bytes that are stored.
    Data(u64),
}

/// The one regular file of an archive, its header read and its data still to come.
pub struct Member<R> {
    reader: R,
    name: Vec<u8>,
    size: u64,
    /// Bytes stored in the archive.
    stored: u64,
    /// Which stretches they are.
    extents: Vec<Extent>,
}

impl<R: Read> Member<R> {
    /// Reads up to the member's data.
    ///
    /// # Errors
    /// [`TarError`], if the first member is not a regular file with an acceptable name.
    pub fn open(mut reader: R) -> Result<Self, TarError> {
        let mut long_name = None;
        let mut global = Overrides::default();
        let mut local = Overrides::default();
        for _ in 0..=PSEUDO {
            let block = block(&mut reader)?;
            if block == [0; BLOCK] {
                return Err(TarError::NoMember);
            }
            let header = Header::parse(block)?;
            match header.kind() {
                b'L' => {
                    let name = metadata(&mut reader, header.size()?, NAME)?;
                    long_name = Some(text(&name).to_vec());
                }
                // The long target of a link; the link itself is refused when it comes.
                b'K' => drop(metadata(&mut reader, header.size()?, NAME)?),
                b'x' => local.read(&metadata(&mut reader, header.size()?, PAX)?)?,
                b'g' => global.read(&metadata(&mut reader, header.size()?, PAX)?)?,
                kind => {
                    let size = match local.size.or(global.size) {
                        Some(size) => size,
                        None => header.size()?,
                    };
                    let name = local.path.take().or(long_name).or(global.path.take());
                    let name = name.unwrap_or_else(|| header.name());
                    check(kind, &name)?;
                    return Self::layout(reader, name, &header, size, local);
                }
            }
        }
        Err(TarError::Metadata)
    }

    fn layout(
        mut reader: R,
        name: Vec<u8>,
        header: &Header,
        stored: u64,
        pax: Overrides,
    ) -> Result<Self, TarError> {
        let real_size = pax.sparse.real_size;
        if header.kind() == b'S' {
            let mut map = Map::default();
            let (size, mut more) = map.push_header(header.block())?;
            while more {
                more = map.push_extension(&block(&mut reader)?)?;
            }
            let extents = map.check(size, stored)?;
            return Ok(Self { reader, name, size, stored, extents });
        }
        match pax.sparse.form()? {
            Form::Plain => {
                let extents = vec![Extent { offset: 0, length: stored }];
                Ok(Self { reader, name, size: stored, stored, extents })
            }
            Form::Records(map) => {
                let size = real_size.ok_or(TarError::Sparse)?;
                let extents = map.check(size, stored)?;
                Ok(Self { reader, name, size, stored, extents })
            }
            Form::Lines => {
                let size = real_size.ok_or(TarError::Sparse)?;
                let mut lines = Lines::default();
                let mut stored = stored;
                loop {
                    stored = stored.checked_sub(BLOCK as u64).ok_or(TarError::Sparse)?;
                    if lines.push(&block(&mut reader)?)? {
                        break;
                    }
                }
                let extents = lines.map.check(size, stored)?;
                Ok(Self { reader, name, size, stored, extents })
            }
        }
    }

    /// Bytes in the file, holes included.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The member's name as it stands in the archive.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What the file consists of, in order. The data are the next bytes of [`Member::reader`]; who
    /// has read all of them goes on with [`Member::finish`].
    pub(crate) fn stretches(&mut self) -> impl Iterator<Item = Stretch> + use<R> {
        let extents = std::mem::take(&mut self.extents);
        let end = Extent { offset: self.size, length: 0 };
        let mut position = 0;
        let stretches = extents.into_iter().chain([end]).flat_map(move |extent| {
            let hole = Stretch::Hole(extent.offset - position);
            position = extent.offset + extent.length;
            [hole, Stretch::Data(extent.length)]
        });
        stretches.filter(|stretch| !matches!(stretch, Stretch::Hole(0) | Stretch::Data(0)))
    }

    /// The archive, behind what was read of it.
    pub(crate) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Copies the file into `sink` and reads on to the end of the stream, where there may be
    /// nothing but zeros. Gives the reader back, at its end.
    ///
    /// # Errors
    /// [`TarError`]; the sink's own as [`TarError::Sink`].
    pub fn copy_to(mut self, sink: &mut dyn Sink) -> Result<R, TarError> {
        let mut buffer = vec![0; CHUNK];
        for stretch in self.stretches() {
            let mut left = match stretch {
                Stretch::Hole(length) => {
                    sink.hole(length).map_err(TarError::Sink)?;
                    continue;
                }
                Stretch::Data(length) => length,
            };
            while left > 0 {
                let most = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
                let got = fill(&mut self.reader, &mut buffer[..most]).map_err(TarError::Read)?;
                if got < most {
                    return Err(TarError::Truncated);
                }
                sink.data(&buffer[..got]).map_err(TarError::Sink)?;
                left -= got as u64;
            }
        }
        self.finish()
    }

    /// Reads on to the end of the stream, where there may be nothing but zeros, when all data
    /// were read. Gives the reader back, at its end.
    ///
    /// # Errors
    /// [`TarError`].
    pub(crate) fn finish(mut self) -> Result<R, TarError> {
        let mut buffer = vec![0; CHUNK];
        if !self.stored.is_multiple_of(BLOCK as u64) {
            let used = usize::try_from(self.stored % BLOCK as u64).unwrap_or(0);
            let padding = &mut buffer[..BLOCK - used];
            if fill(&mut self.reader, padding).map_err(TarError::Read)? < padding.len() {
                return Err(TarError::Truncated);
            }
        }
        self.end(&mut buffer)
    }

    fn end(mut self, buffer: &mut [u8]) -> Result<R, TarError> {
        for _ in 0..2 {
            let block = block(&mut self.reader)?;
            if block != [0; BLOCK] {
                // A header that is right means that somebody put a second member there.
                return Err(
                    Header::parse(block).map_or_else(|error| error, |_| TarError::SecondMember)
                );
            }
        }
        loop {
            match fill(&mut self.reader, buffer).map_err(TarError::Read)? {
                0 => return Ok(self.reader),
                got if buffer[..got].iter().all(|&byte| byte == 0) => {}
                _ => return Err(TarError::Trailing),
            }
        }
    }
}

fn block(reader: &mut impl Read) -> Result<Block, TarError> {
    let mut block = [0; BLOCK];
    match fill(reader, &mut block).map_err(TarError::Read)? {
        BLOCK => Ok(block),
        _ => Err(TarError::Truncated),
    }
}

/// Reads the data of a pseudo member.
fn metadata(reader: &mut impl Read, size: u64, limit: u64) -> Result<Vec<u8>, TarError> {
    if size > limit {
        return Err(TarError::Metadata);
    }
    let length = usize::try_from(size).map_err(|_| TarError::Metadata)?;
    let mut data = vec![0; length.next_multiple_of(BLOCK)];
    if fill(reader, &mut data).map_err(TarError::Read)? < data.len() {
        return Err(TarError::Truncated);
    }
    data.truncate(length);
    Ok(data)
}

/// Checks that a member is a regular file whose name stays where it is unpacked.
fn check(kind: u8, name: &[u8]) -> Result<(), TarError> {
    let what = match kind {
        // Directories had no type of their own in the oldest archives.
        b'0' | b'7' | b'S' | 0 if !name.ends_with(b"/") => None,
        b'0' | b'7' | b'S' | 0 | b'5' | b'D' => Some("a directory"),
        b'1' => Some("a hard link"),
        b'2' => Some("a symbolic link"),
        b'3' | b'4' => Some("a device"),
        b'6' => Some("a pipe"),
        b'M' => Some("the continuation of another archive"),
        _ => Some("of an unknown type"),
    };
    if let Some(what) = what {
        return Err(TarError::NotRegular(what));
    }
    let upward = name.split(|&byte| byte == b'/').any(|part| part == b"..");
    if name.is_empty() || name.starts_with(b"/") || name.contains(&0) || upward {
        return Err(TarError::Name);
    }
    Ok(())
}

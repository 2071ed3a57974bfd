//! The parts of a bundle: consecutive slices of the ciphertext, each with its SHA-1.
//!
//! Reading, [`PartReader`] joins the parts in the order of their index and checks each one's
//! digest at its end, their sum against `bundled_size` throughout. Bytes of a part are passed on
//! before its digest is known, hence nothing that came out of a pipeline may be used until the
//! pipeline has said that it is whole. Writing, [`PartWriter`] cuts and hashes.
//!
//! Older tools append an empty part when the ciphertext is an exact multiple of the part size; it
//! is read like any other, and never written.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use sha1::{Digest, Sha1};

use crate::manifest::{Manifest, Part};

/// Bytes in a part unless asked otherwise: 10 MiB, the size that all tools use.
pub const DEFAULT_PART_SIZE: u64 = 10 * 1024 * 1024;

/// Opens the parts of a bundle, one after another. It is called from a thread of its own.
pub trait PartSource: Send {
    /// Opens the part at `index`; the reader gives all its bytes and then ends.
    ///
    /// # Errors
    /// Whatever keeps the part from being read; it is reported with the part's name.
    fn open(&mut self, index: usize, part: &Part) -> io::Result<Box<dyn Read + Send>>;
}

impl<F> PartSource for F
where
    F: FnMut(usize, &Part) -> io::Result<Box<dyn Read + Send>> + Send,
{
    fn open(&mut self, index: usize, part: &Part) -> io::Result<Box<dyn Read + Send>> {
        self(index, part)
    }
}

/// Stores the parts of a new bundle, one after another: begin, write any number of times, end.
pub trait PartSink {
    /// Begins the part at `index`, to be stored under `filename`, a plain base name.
    ///
    /// # Errors
    /// Whatever keeps the part from being stored; bundling then fails with it.
    fn begin(&mut self, index: usize, filename: &str) -> io::Result<()>;

    /// Takes the next bytes of the part begun last.
    ///
    /// # Errors
    /// As [`PartSink::begin`].
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Ends the part begun last, which is `length` bytes long: the moment to make it durable.
    ///
    /// # Errors
    /// As [`PartSink::begin`].
    fn end(&mut self, part: &Part, length: u64) -> io::Result<()>;
}

/// What is wrong with the parts of a bundle.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The part is not there or cannot be read.
    #[error("part {part} cannot be read")]
    Unreadable {
        /// The part's file name.
        part: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The part's bytes are not those that were bundled.
    #[error("part {part} is damaged: its SHA-1 is {found}, not {expected}")]
    Digest {
        /// The part's file name.
        part: String,
        /// The digest that the manifest gives.
        expected: Hex20,
        /// The digest of the bytes read.
        found: Hex20,
    },
    /// The parts up to this one are together longer than `bundled_size`.
    #[error("part {part} reaches beyond the bundled size of {bundled_size} bytes")]
    TooLong {
        /// The part's file name.
        part: String,
        /// The size that the manifest gives, bytes.
        bundled_size: u64,
    },
    /// The parts are together shorter than `bundled_size`.
    #[error("the parts hold {found} bytes, not the bundled size of {expected}")]
    TooShort {
        /// The size that the manifest gives, bytes.
        expected: u64,
        /// The sum of the parts, bytes.
        found: u64,
    },
}

impl PartError {
    /// The same once more, for who asks later; of the source of [`PartError::Unreadable`] the kind
    /// and the text.
    fn again(&self) -> Self {
        match self {
            Self::Unreadable { part, source } => Self::Unreadable {
                part: part.clone(),
                source: io::Error::new(source.kind(), source.to_string()),
            },
            Self::Digest { part, expected, found } => {
                Self::Digest { part: part.clone(), expected: *expected, found: *found }
            }
            Self::TooLong { part, bundled_size } => {
                Self::TooLong { part: part.clone(), bundled_size: *bundled_size }
            }
            Self::TooShort { expected, found } => {
                Self::TooShort { expected: *expected, found: *found }
            }
        }
    }
}

/// A SHA-1 that prints as 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex20(pub [u8; 20]);

impl fmt::Display for Hex20 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hex20 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Open {
    reader: Box<dyn Read + Send>,
    sha1: Sha1,
}

/// Reads the ciphertext of a bundle from its parts. Errors carry a [`PartError`].
pub struct PartReader<'a> {
    parts: &'a [Part],
    source: &'a mut dyn PartSource,
    bundled_size: u64,
    progress: &'a AtomicU64,
    index: usize,
    open: Option<Open>,
    read: u64,
    /// The error that reading ended with.
    failed: Option<PartError>,
}

impl<'a> PartReader<'a> {
    /// Reads the parts of `manifest` from `source`; `progress` always holds the number of bytes
    /// read so far.
    pub fn new(
        manifest: &'a Manifest,
        source: &'a mut dyn PartSource,
        progress: &'a AtomicU64,
    ) -> Self {
        Self {
            parts: &manifest.parts,
            source,
            bundled_size: manifest.bundled_size,
            progress,
            index: 0,
            open: None,
            read: 0,
            failed: None,
        }
    }

    /// Reads the rest of the part that is open and checks it. Whoever choked on the bytes of a
    /// part asks this to learn whether the part was to blame; if reading had come further already,
    /// and to an error, it is that one again.
    ///
    /// # Errors
    /// What is wrong with the part.
    pub fn finish_part(&mut self) -> Result<(), PartError> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let mut scratch = vec![0; 64 * 1024];
        while self.open.is_some() {
            self.read_open(&mut scratch)?;
        }
        Ok(())
    }

    /// Reads from the open part; at its end checks and closes it.
    fn read_open(&mut self, buf: &mut [u8]) -> Result<usize, PartError> {
        let (Some(open), Some(part)) = (self.open.as_mut(), self.parts.get(self.index)) else {
            return Ok(0);
        };
        let got = loop {
            match open.reader.read(buf) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let got = match got {
            Ok(got) => got,
            Err(source) => {
                self.open = None;
                return Err(PartError::Unreadable { part: part.filename.clone(), source });
            }
        };
        if got > 0 {
            open.sha1.update(&buf[..got]);
            self.read = self.read.saturating_add(got as u64);
            self.progress.store(self.read, Ordering::Relaxed);
            if self.read > self.bundled_size {
                self.open = None;
                return Err(PartError::TooLong {
                    part: part.filename.clone(),
                    bundled_size: self.bundled_size,
                });
            }
            return Ok(got);
        }
        let found: [u8; 20] = open.sha1.finalize_reset().into();
        self.open = None;
        self.index += 1;
        if found != part.digest {
            return Err(PartError::Digest {
                part: part.filename.clone(),
                expected: Hex20(part.digest),
                found: Hex20(found),
            });
        }
        Ok(0)
    }

    fn next(&mut self, buf: &mut [u8]) -> Result<usize, PartError> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if self.open.is_some() {
                let got = self.read_open(buf)?;
                if got > 0 {
                    return Ok(got);
                }
            } else if let Some(part) = self.parts.get(self.index) {
                let reader = self.source.open(self.index, part).map_err(|source| {
                    PartError::Unreadable { part: part.filename.clone(), source }
                })?;
                self.open = Some(Open { reader, sha1: Sha1::new() });
            } else if self.read == self.bundled_size {
                return Ok(0);
            } else {
                return Err(PartError::TooShort { expected: self.bundled_size, found: self.read });
            }
        }
    }
}

impl Read for PartReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.next(buf).map_err(|error| {
            self.failed.get_or_insert_with(|| error.again());
            io::Error::new(io::ErrorKind::InvalidData, error)
        })
    }
}

/// Cuts what is written to it into parts.
pub struct PartWriter<'a> {
    sink: &'a mut dyn PartSink,
    prefix: &'a str,
    part_size: u64,
    /// The name, digest so far and length of the part begun last.
    open: Option<(String, Sha1, u64)>,
    parts: Vec<Part>,
    written: u64,
}

impl<'a> PartWriter<'a> {
    /// Cuts into parts of `part_size` bytes (at least 1) named `PREFIX.part.0`, `PREFIX.part.1`…
    pub fn new(sink: &'a mut dyn PartSink, prefix: &'a str, part_size: u64) -> Self {
        let part_size = part_size.max(1);
        Self { sink, prefix, part_size, open: None, parts: Vec::new(), written: 0 }
    }

    /// Ends the last part; gives the parts and the number of their bytes.
    ///
    /// # Errors
    /// As the sink's own.
    pub fn finish(mut self) -> io::Result<(Vec<Part>, u64)> {
        self.end()?;
        Ok((self.parts, self.written))
    }

    fn end(&mut self) -> io::Result<()> {
        let Some((filename, sha1, length)) = self.open.take() else { return Ok(()) };
        let part = Part { index: self.parts.len(), filename, digest: sha1.finalize().into() };
        self.sink.end(&part, length)?;
        self.parts.push(part);
        Ok(())
    }
}

impl Write for PartWriter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.open.is_none() {
            let index = self.parts.len();
            let filename = format!("{}.part.{index}", self.prefix);
            self.sink.begin(index, &filename)?;
            self.open = Some((filename, Sha1::new(), 0));
        }
        let Some((_, sha1, length)) = self.open.as_mut() else { return Ok(0) };
        let room = usize::try_from(self.part_size - *length).unwrap_or(usize::MAX);
        let bytes = &buf[..buf.len().min(room)];
        self.sink.write(bytes)?;
        sha1.update(bytes);
        *length += bytes.len() as u64;
        self.written += bytes.len() as u64;
        if *length == self.part_size {
            self.end()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing: a part is flushed when it ends.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Shelf(Vec<(String, Vec<u8>, bool)>);

    impl PartSink for Shelf {
        fn begin(&mut self, index: usize, filename: &str) -> io::Result<()> {
            assert_eq!(index, self.0.len());
            self.0.push((filename.to_owned(), Vec::new(), false));
            Ok(())
        }
        fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.0.last_mut().unwrap().1.extend_from_slice(bytes);
            Ok(())
        }
        fn end(&mut self, part: &Part, length: u64) -> io::Result<()> {
            let (name, bytes, ended) = self.0.last_mut().unwrap();
            assert_eq!((&part.filename, length), (&*name, bytes.len() as u64));
            *ended = true;
            Ok(())
        }
    }

    #[test]
    fn an_exact_multiple_has_no_empty_last_part() {
        for (length, lengths) in
            [(0, vec![]), (1, vec![1]), (16, vec![16]), (17, vec![16, 1]), (32, vec![16, 16])]
        {
            let mut shelf = Shelf::default();
            let mut writer = PartWriter::new(&mut shelf, "image", 16);
            writer.write_all(&vec![3; length]).unwrap();
            let (parts, written) = writer.finish().unwrap();
            assert_eq!(written, length as u64);
            assert_eq!(shelf.0.iter().map(|part| part.1.len()).collect::<Vec<_>>(), lengths);
            for (index, (part, stored)) in parts.iter().zip(&shelf.0).enumerate() {
                assert_eq!(part.filename, format!("image.part.{index}"));
                assert_eq!(part.digest, <[u8; 20]>::from(Sha1::digest(&stored.1)));
                assert!(stored.2);
            }
        }
    }
}

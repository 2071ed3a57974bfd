//! One file of the log, and what is known of it without reading it.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use common::audit::chain::{self, Content, Head, Record};
use common::audit::find;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::Words;

/// What is known of a segment.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) sum: Sum,
    pub(super) words: Words,
}

/// The figures of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    pub(super) number: u64,
    /// Bytes of whole lines.
    pub(super) bytes: u64,
    pub(super) records: u64,
    /// The first record's number.
    pub(super) first: u64,
    /// The earliest and the latest time that a record was written at.
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    /// The last record.
    pub(super) last: Head,
}

/// The file of a number.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("audit-{number:08}.log"))
}

/// The numbers of the segments that are there, in order.
pub(super) fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix("audit-")?.strip_suffix(".log")?.parse::<u64>().ok()
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Writes a file whole, or not at all.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file =
        File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)
}

/// Makes names in a file's folder last.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl Segment {
    /// A segment without records.
    pub(super) fn new(dir: &Path, number: u64, last: Head) -> Self {
        let sum = Sum { number, first: last.n + 1, last, ..Sum::default() };
        Self { path: path(dir, number), sum, words: Words::default() }
    }

    /// What is known of a sealed segment: as it was written down, else by reading it.
    pub(super) fn sealed(dir: &Path, number: u64, before: &Head) -> io::Result<Self> {
        let (path, length) = (path(dir, number), fs::metadata(path(dir, number))?.len());
        if let Some(known) = Self::noted(&path).filter(|it| it.sum.bytes == length) {
            return Ok(known);
        }
        let (segment, _) = Self::read(dir, number, before)?;
        Ok(segment)
    }

    fn noted(path: &Path) -> Option<Self> {
        let bytes = fs::read(path.with_extension("words")).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let sum = serde_json::from_slice(&bytes[..end]).ok()?;
        Some(Self { path: path.to_owned(), sum, words: Words::of(&bytes[end + 1..])? })
    }

    /// Writes down what is known of a sealed segment.
    pub(super) fn note(&self) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(&self.sum)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(self.words.bytes());
        replace(&self.path.with_extension("words"), &bytes)
    }

    /// Reads a segment, and tells how many bytes of a torn line are behind its last whole one.
    pub(super) fn read(dir: &Path, number: u64, before: &Head) -> io::Result<(Self, u64)> {
        let mut segment = Self::new(dir, number, before.clone());
        let mut lines = BufReader::new(File::open(&segment.path)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            lines.read_until(b'\n', &mut line)?;
            let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
            let Some(b'\n') = line.pop() else { return Ok((segment, length)) };
            segment.sum.bytes += length;
            // A line that was changed stays where it is, for whoever verifies.
            let read = std::str::from_utf8(&line).ok().map(|text| chain::read(text, 0));
            if let Some(Ok((record, hash))) = read {
                segment.knows(&record.content, Head { n: record.n, hash });
            }
        }
    }

    /// Takes notice of a record at its end.
    pub(super) fn knows(&mut self, content: &Content, last: Head) {
        let at = content.at();
        // Clocks are set back, too.
        self.sum.from = Some(self.sum.from.map_or(at, |from| from.min(at)));
        self.sum.to = self.sum.to.max(Some(at));
        self.sum.records += 1;
        self.sum.last = last;
        if let Content::Event(event) = content {
            find::words(event).iter().for_each(|word| self.words.add(word));
        }
    }

    /// Its whole lines, in order; what was changed into no text is told as an empty one.
    pub(super) fn lines(&self) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        let mut lines = BufReader::new(File::open(&self.path)?.take(self.sum.bytes));
        Ok(std::iter::from_fn(move || {
            let mut line = Vec::new();
            match lines.read_until(b'\n', &mut line) {
                Ok(0) => None,
                Ok(_) => {
                    line.pop();
                    Some(Ok(String::from_utf8(line).unwrap_or_default()))
                }
                Err(error) => Some(Err(error)),
            }
        }))
    }

    /// The record of a line, which is taken at its word.
    pub(super) fn record(line: &str) -> Option<Record> {
        serde_json::from_str(line.split_once(' ')?.1).ok()
    }

    /// Removes it.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        match fs::remove_file(self.path.with_extension("words")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

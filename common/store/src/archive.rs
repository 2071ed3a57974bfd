//! A store as a plain file, so that nobody is locked into an engine: JSON lines that any program
//! can read.
//!
//! ```text
//!   {"store":"eucalypt","format":1}
//!   {"key":"image/emi-12345678","text":"{\"v\":1,\"r\":{…}}"}      one line a row, by key
//!   {"key":"index/…","hex":"00ff"}                               a value that is not UTF-8
//!   {"rows":2,"sha256":"…"}                                      of all bytes before this line
//! ```
//! Revisions are the engine's own and are not in it. An export is whole or absent: it is written
//! beside its name and renamed at the end. So is an import: the file is read through once before
//! anything is made, the new store grows in a directory beside its own, and that is renamed.
//! Services must be stopped: the store is locked while it is read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::{After, Commit, Engine, MAX_VALUE, Row};
use crate::error::StoreError;
use crate::open::{EngineConfig, EngineKind, open};

const STORE: &str = "eucalypt";
const FORMAT: u32 = 1;
/// Rows read or committed at a time.
const PAGE: usize = 512;
/// The longest line: a value of the greatest length, every byte of it written as two or escaped,
/// and its key.
const MAX_LINE: u64 = 8 * MAX_VALUE as u64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    store: String,
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Last {
    rows: u64,
    sha256: String,
}

/// Writes every row of a store that no service has open into a new file, mode 0600, and answers
/// how many there were. Blocks.
///
/// # Errors
/// Those of [`open`]; a file of that name exists; a row is damaged. Nothing is left behind then.
pub fn export(config: &EngineConfig, to: &Path) -> Result<u64, StoreError> {
    if to.exists() {
        let there = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(StoreError::io(to, there));
    }
    let engine = existing(config)?;
    let new = beside(to, "new");
    let fail = |error| StoreError::io(&new, error);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&new).map_err(fail)?;
    let written = write(&*engine, BufWriter::new(&file), &new).and_then(|rows| {
        file.sync_all().and_then(|()| fs::rename(&new, to)).map_err(fail)?;
        sync_parent(to)?;
        Ok(rows)
    });
    if written.is_err() {
        // It holds secrets, and half of them is of no use.
        drop(fs::remove_file(&new));
    }
    written
}

/// Makes a store of an exported file and answers how many rows it has. The store's directory must
/// be absent or empty. Blocks.
///
/// # Errors
/// The file is not whole or not an export of a format known here; there is a store already.
/// Nothing is left behind then.
pub fn import(config: &EngineConfig, from: &Path) -> Result<u64, StoreError> {
    refuse_memory(config)?;
    let path = &config.path;
    let fail = |error| StoreError::io(path, error);
    match fs::read_dir(path) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(StoreError::NotEmpty { path: path.clone() });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fail(error)),
    }
    // Once without doing anything.
    read(from, |_| Ok(()))?;

    let growing = beside(path, "importing");
    match fs::remove_dir_all(&growing) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StoreError::io(&growing, error)),
    }
    let grown = grow(&EngineConfig { path: growing.clone(), ..config.clone() }, from);
    let grown = grown.and_then(|rows| {
        fs::rename(&growing, path).map_err(fail)?;
        sync_parent(path)?;
        Ok(rows)
    });
    if grown.is_err() {
        drop(fs::remove_dir_all(&growing));
    }
    grown
}

/// Reads every row of a store that no service has open, and answers how many there are. Blocks.
///
/// # Errors
/// Those of [`open`]; the first damaged row.
pub fn check(config: &EngineConfig) -> Result<u64, StoreError> {
    let engine = existing(config)?;
    let mut rows = 0;
    for_each(&*engine, |_| {
        rows += 1;
        Ok(())
    })?;
    Ok(rows)
}

/// Opens a store that must be there: looking must not make one.
fn existing(config: &EngineConfig) -> Result<std::sync::Arc<dyn Engine>, StoreError> {
    refuse_memory(config)?;
    fs::metadata(&config.path).map_err(|error| StoreError::io(&config.path, error))?;
    open(config)
}

fn refuse_memory(config: &EngineConfig) -> Result<(), StoreError> {
    match config.kind {
        EngineKind::Sled if !config.path.as_os_str().is_empty() => Ok(()),
        EngineKind::Sled | EngineKind::Memory => Err(StoreError::NoPath),
    }
}

fn for_each(
    engine: &dyn Engine,
    mut each: impl FnMut(Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut last: Option<String> = None;
    loop {
        let page = engine.scan("", After::from(last.as_deref()), PAGE)?;
        let full = page.len() == PAGE;
        last = page.last().map(|row| row.key.clone());
        page.into_iter().try_for_each(&mut each)?;
        if !full {
            return Ok(());
        }
    }
}

/// Hashes what goes through to the writer below.
struct Hashed<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Hashed<W> {
    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.hash.update(&text);
        self.to.write_all(&text)
    }
}

fn write(engine: &dyn Engine, to: impl Write, path: &Path) -> Result<u64, StoreError> {
    let fail = |error| StoreError::io(path, error);
    let mut to = Hashed { to, hash: Sha256::new() };
    to.line(&First { store: STORE.to_owned(), format: FORMAT }).map_err(fail)?;
    let mut rows = 0;
    for_each(engine, |row| {
        rows += 1;
        let (text, hex) = match String::from_utf8(row.value) {
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(hex(bytes.as_bytes()))),
        };
        to.line(&Line { key: row.key, text, hex }).map_err(fail)
    })?;
    let sha256 = hex(&to.hash.clone().finalize());
    to.line(&Last { rows, sha256 }).and_then(|()| to.to.flush()).map_err(fail)?;
    Ok(rows)
}

/// Reads an export line by line and hands on each row; its last line is checked at the end.
fn read(
    from: &Path,
    mut each: impl FnMut(Line) -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let fail = |error| StoreError::io(from, error);
    let wrong = |reason: String| StoreError::Damaged { what: from.display().to_string(), reason };
    let mut file = BufReader::new(File::open(from).map_err(fail)?);
    let (mut hash, mut rows, mut line) = (Sha256::new(), 0, Vec::new());
    for number in 1_u64.. {
        line.clear();
        (&mut file).take(MAX_LINE).read_until(b'\n', &mut line).map_err(fail)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            let what = if line.is_empty() { "ends without" } else { "breaks off before" };
            return Err(wrong(format!("it {what} its last line, at line {number}")));
        };
        let at = |error: serde_json::Error| wrong(format!("line {number}: {error}"));
        if number == 1 {
            let first: First = serde_json::from_slice(text).map_err(at)?;
            if first.store != STORE || first.format > FORMAT {
                let (store, format) = (first.store, first.format);
                let text = format!(
                    "it is an export of {store:?} in format {format}, and this program reads \
                     format {FORMAT} of {STORE:?}"
                );
                return Err(wrong(text));
            }
        } else if text.starts_with(b"{\"rows\":") {
            let last: Last = serde_json::from_slice(text).map_err(at)?;
            let sha256 = hex(&hash.finalize());
            if last != (Last { rows, sha256 }) {
                return Err(wrong("it is not as it was exported: its checksum differs".into()));
            }
            line.clear();
            if file.read_until(b'\n', &mut line).map_err(fail)? > 0 {
                return Err(wrong("it goes on behind its last line".into()));
            }
            return Ok(rows);
        } else {
            each(serde_json::from_slice(text).map_err(at)?)?;
            rows += 1;
        }
        hash.update(&line);
    }
    Ok(rows)
}

impl Line {
    fn row(self) -> Result<(String, Vec<u8>), StoreError> {
        let value = match (self.text, self.hex) {
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(hex)) => unhex(&hex),
            _ => None,
        };
        let damaged = || StoreError::damaged_row(self.key.as_bytes(), "it has no one value");
        let value = value.ok_or_else(damaged)?;
        Ok((self.key, value))
    }
}

fn grow(config: &EngineConfig, from: &Path) -> Result<u64, StoreError> {
    let engine = open(config)?;
    let mut put = Vec::new();
    let mut size = 0;
    let rows = read(from, |line| {
        let (key, value) = line.row()?;
        size += key.len() + value.len();
        put.push((key, value));
        if put.len() == PAGE || size > MAX_VALUE {
            size = 0;
            engine.commit(Commit { put: std::mem::take(&mut put), ..Commit::default() })?;
        }
        Ok(())
    })?;
    engine.commit(Commit { put, ..Commit::default() })?;
    Ok(rows)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{suffix}"));
    path.with_file_name(name)
}

fn sync_parent(path: &Path) -> Result<(), StoreError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let done = File::open(parent).and_then(|parent| parent.sync_all());
    done.map_err(|error| StoreError::io(parent, error))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then(|| digits.map(byte).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_an_export_counts() {
        let dir = tempfile::tempdir().unwrap();
        let (config, file) = (EngineConfig::sled(dir.path().join("store")), dir.path().join("x"));
        let put = |key: &str, value: &[u8]| (key.to_owned(), value.to_vec());
        let rows = vec![put("a/\"\u{e9}\n", b"{\"v\":1}"), put("b", b"\xff\0"), put("c", b"")];
        open(&config).unwrap().commit(Commit { put: rows.clone(), ..Commit::default() }).unwrap();
        assert_eq!(export(&config, &file).unwrap(), 3);
        let text = fs::read(&file).unwrap();
        let again = EngineConfig::sled(dir.path().join("again"));
        for at in 0..text.len() {
            let mut flipped = text.clone();
            flipped[at] ^= 1;
            fs::write(&file, &flipped).unwrap();
            import(&again, &file).unwrap_err();
            fs::write(&file, &text[..at]).unwrap();
            import(&again, &file).unwrap_err();
        }
        fs::write(&file, [text.as_slice(), b"\n"].concat()).unwrap();
        import(&again, &file).unwrap_err();
        assert!(!again.path.exists());
        fs::write(&file, &text).unwrap();
        assert_eq!(import(&again, &file).unwrap(), 3);
        let read = open(&again).unwrap().scan("", After::Start, 10).unwrap();
        let read: Vec<_> = read.into_iter().map(|row| (row.key, row.value)).collect();
        assert_eq!(read, rows);
    }
}

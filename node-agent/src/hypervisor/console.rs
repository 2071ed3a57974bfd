//! The console's file: what a guest writes, kept in bounds.
//!
//! A guest can write to its serial port for ever, and the hypervisor appends to a plain file. So
//! readers get the last [`TAIL`] bytes, and [`trim`] gives the disk blocks before them back to the
//! file system while the writer goes on: a hole does not move the file's end, so there is nothing
//! to agree upon with it.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::UNIX_EPOCH;

use common::time::Timestamp;
use rustix::fs::FallocateFlags;

use super::error::DriverError;

/// The console's name in a machine's directory.
pub const CONSOLE: &str = "console.log";

/// How much of a console can be read: 64 KiB.
pub const TAIL: u64 = 64 * 1024;

/// How much disk a console may take before it is trimmed: 1 MiB.
const ROOM: u64 = 1024 * 1024;

/// The end of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// At most the last [`TAIL`] bytes.
    pub bytes: Vec<u8>,
    /// When the file was last written; `None` if there is none.
    pub at: Option<Timestamp>,
}

/// Reads the end of the console in a machine's directory. Blocks.
///
/// # Errors
/// If the file is there and cannot be read.
pub fn tail(directory: &Path) -> Result<Tail, DriverError> {
    let path = directory.join(CONSOLE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Tail { bytes: Vec::new(), at: None });
        }
        Err(error) => return Err(DriverError::file(path)(error)),
    };
    read_tail(&file).map_err(DriverError::file(path))
}

fn read_tail(file: &File) -> std::io::Result<Tail> {
    let found = file.metadata()?;
    let start = found.len().saturating_sub(TAIL);
    let mut bytes = vec![0; usize::try_from(found.len() - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    let since = found.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    Ok(Tail { bytes, at: Some(at) })
}

/// Gives back the disk space of what can no longer be read. Blocks.
///
/// # Errors
/// If the file system knows no holes.
pub fn trim(directory: &Path) -> Result<(), DriverError> {
    let path = directory.join(CONSOLE);
    let file = match File::options().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DriverError::file(path)(error)),
    };
    punch(&file).map_err(DriverError::file(path))
}

fn punch(file: &File) -> std::io::Result<()> {
    let found = file.metadata()?;
    if found.blocks() * 512 <= ROOM || found.len() <= TAIL {
        return Ok(());
    }
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(file, hole, 0, found.len() - TAIL)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_console_keeps_its_end_and_gives_back_the_rest() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(tail(directory.path()).unwrap(), Tail { bytes: Vec::new(), at: None });
        trim(directory.path()).unwrap();

        let path = directory.path().join(CONSOLE);
        let mut text = vec![b'x'; 3 * 1024 * 1024];
        text.extend_from_slice(b"the end");
        std::fs::write(&path, &text).unwrap();
        let before = tail(directory.path()).unwrap();
        assert_eq!(before.bytes.len(), 64 * 1024);
        assert!(before.bytes.ends_with(b"the end"));

        trim(directory.path()).unwrap();
        let found = std::fs::metadata(&path).unwrap();
        assert_eq!(found.len(), text.len() as u64);
        assert!(found.blocks() * 512 <= ROOM);
        assert_eq!(tail(directory.path()).unwrap().bytes, before.bytes);
    }
}

//! What a copy of a machine's disk holds: where its guest had written, and where the image below
//! shows through.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, SeekFrom as Sought, fallocate, seek};
use rustix::io::Errno;
use tokio::sync::watch;

use super::error::DriverError;

/// The name of a copy of the overlay in a machine's directory.
pub const COPY: &str = "copy.qcow2";

/// What part more than an overlay is kept for its copy, and how many bytes beside that.
const SPARE: u64 = 16;
const MORE: u64 = 16 << 20;

/// How many bytes are copied between two looks whether anybody still waits.
const STEP: usize = 1 << 20;

/// What stands at a place of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nothing: the image below shows.
    Below,
    /// Zeros.
    Zero,
    /// Bytes, from this offset of the layer's file on.
    At(u64),
}

/// A layer over an image. Reading it changes nothing.
pub trait Layer: Send {
    /// What stands at an offset of the disk, and for how many bytes at least that goes on. Offsets
    /// of what it holds grow along with the disk's.
    ///
    /// # Errors
    /// If the file cannot be read or is no layer.
    fn place(&mut self, at: u64) -> io::Result<(Place, u64)>;

    /// The file that holds its bytes.
    fn file(&self) -> &File;
}

/// Where data and holes of a file are.
///
/// # Errors
/// As the file's own.
pub fn extent(file: &File, at: u64) -> io::Result<(bool, u64)> {
    match seek(file, Sought::Data(at)) {
        Ok(data) if data > at => Ok((false, data)),
        Ok(_) => Ok((true, seek(file, Sought::Hole(at))?)),
        // From here to the end there is nothing.
        Err(Errno::NXIO) => Ok((false, u64::MAX)),
        // A file system that knows no holes.
        Err(Errno::INVAL) => Ok((true, (&mut &*file).seek(SeekFrom::End(0))?)),
        Err(error) => Err(error.into()),
    }
}

/// A file with holes: its bytes stand where the disk's do, and its holes let the image show.
#[derive(Debug)]
pub struct Sieve(pub File);

impl Layer for Sieve {
    fn place(&mut self, at: u64) -> io::Result<(Place, u64)> {
        let (data, end) = extent(&self.0, at)?;
        Ok((if data { Place::At(at) } else { Place::Below }, end.saturating_sub(at)))
    }

    fn file(&self) -> &File {
        &self.0
    }
}

/// Says that nobody waits any more when it goes.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Copies a file that nobody writes to, holes as holes, and syncs the copy. Ends soon after whoever
/// waits has gone.
///
/// # Errors
/// Names the file that cannot be read or written.
pub async fn duplicate(
    from: &Path,
    to: &Path,
    done: &watch::Sender<u8>,
) -> Result<(), DriverError> {
    let waiting = Waiting(Arc::new(AtomicBool::new(true)));
    let (from, to): (PathBuf, PathBuf) = (from.to_owned(), to.to_owned());
    let (done, wanted) = (done.clone(), Arc::clone(&waiting.0));
    let copied = runtime::pool::block(move || {
        let source = File::open(&from).map_err(DriverError::file(&from))?;
        let mut options = File::options();
        let options = options.create(true).truncate(true).write(true).mode(0o600);
        let target = options.open(&to).map_err(DriverError::file(&to))?;
        copy_extents(&source, &target, &done, &wanted).map_err(DriverError::file(&to))
    });
    copied.await.map_err(|error| DriverError::refused("copying a disk", error))?
}

/// Takes as much of the disk for a copy as its overlay takes, and a little for what is written
/// until it begins: a copy that ran out of room half-way would fail what its guest writes. A file
/// system that cannot do that gives nothing. Blocks.
///
/// # Errors
/// If there is no room, or a file cannot be used.
pub fn keep_room(overlay: &Path, copy: &Path) -> Result<(), DriverError> {
    let taken = std::fs::metadata(overlay).map_err(DriverError::file(overlay))?.blocks() * 512;
    let bytes = taken.saturating_add(taken / SPARE).saturating_add(MORE);
    let keep = || {
        let file = File::options().write(true).open(copy)?;
        match fallocate(&file, FallocateFlags::KEEP_SIZE, 0, bytes) {
            Err(Errno::OPNOTSUPP) => {
                tracing::warn!(copy = %copy.display(), "no room can be kept for a copy");
                Ok(())
            }
            kept => kept.map_err(io::Error::from),
        }
    };
    keep().map_err(DriverError::file(copy))
}

fn copy_extents(
    source: &File,
    target: &File,
    done: &watch::Sender<u8>,
    wanted: &AtomicBool,
) -> io::Result<()> {
    let size = source.metadata()?.len();
    let mut buffer = vec![0; STEP];
    let mut at = 0;
    while at < size {
        let (data, end) = extent(source, at)?;
        let end = end.min(size);
        while data && at < end {
            if !wanted.load(Ordering::Relaxed) {
                return Err(ErrorKind::Interrupted.into());
            }
            let most = usize::try_from(end - at).unwrap_or(STEP).min(STEP);
            source.read_exact_at(&mut buffer[..most], at)?;
            target.write_all_at(&buffer[..most], at)?;
            at += most as u64;
            let percent = u8::try_from(at.saturating_mul(100) / size).unwrap_or(100);
            done.send_if_modified(|known| std::mem::replace(known, percent) != percent);
        }
        at = end;
    }
    target.set_len(size)?;
    target.sync_all()
}

/// Removes a copy, and what its making may have left. Blocks.
///
/// # Errors
/// Names the file that cannot be removed.
pub fn remove_copy(directory: &Path) -> Result<(), DriverError> {
    let copy = directory.join(COPY);
    for path in [copy.with_extension("part"), copy] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(DriverError::file(path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_kept_before_anything_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let (overlay, copy) = (dir.path().join("overlay"), dir.path().join(COPY));
        std::fs::write(&overlay, vec![1; 4 << 20]).unwrap();
        assert!(keep_room(&overlay, &copy).is_err(), "there is no copy to keep it for");
        std::fs::write(&copy, b"head").unwrap();
        keep_room(&overlay, &copy).unwrap();
        let kept = std::fs::metadata(&copy).unwrap();
        assert_eq!((kept.len(), kept.blocks() * 512 >= 20 << 20), (4, true));
        assert_eq!(std::fs::read(&copy).unwrap(), b"head");
    }
}

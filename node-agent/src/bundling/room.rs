//! Room for copies on the node's disk, where the guests' own disks grow, too.
//!
//! A copy is promised as much as its overlay takes when it begins; what it has taken since is no
//! longer free, and not counted twice. Some of the disk is never promised to anybody.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::machine::Failure;
use crate::hypervisor::layer::COPY;

/// Room on the disk.
#[derive(Debug, Clone, Default)]
pub struct Room {
    /// Bytes that copies leave free.
    reserve: u64,
    /// What was promised, by the copy.
    promised: Arc<Mutex<BTreeMap<PathBuf, u64>>>,
}

/// A promise of room, until it is dropped.
#[derive(Debug)]
pub struct Promise {
    room: Room,
    copy: PathBuf,
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.room.promised.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.copy);
    }
}

impl Room {
    /// Room of which that many bytes stay free.
    pub fn new(reserve: u64) -> Self {
        Self { reserve, promised: Arc::default() }
    }

    /// Promises room for a copy of an overlay, as large as that is now. Blocks.
    ///
    /// # Errors
    /// If there is none.
    pub fn promise(&self, overlay: &Path) -> Result<Promise, Failure> {
        let directory = overlay.parent().unwrap_or(Path::new("/"));
        let bytes = taken(overlay);
        let unknown = |error| Failure::of("the room on the node's disk is not known", error);
        let system = rustix::fs::statvfs(directory).map_err(unknown)?;
        let free = system.f_bavail.saturating_mul(system.f_frsize);
        let copy = directory.join(COPY);
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |(copy, bytes): (&PathBuf, &u64)| bytes.saturating_sub(taken(copy));
        let others: u64 = promised.iter().map(open).fold(0, u64::saturating_add);
        if others.saturating_add(bytes).saturating_add(self.reserve) > free {
            let reason = format!("the node has no room for a copy of {bytes} bytes of the disk");
            return Err(Failure { code: "InsufficientInstanceCapacity".to_owned(), reason });
        }
        promised.insert(copy.clone(), bytes);
        Ok(Promise { room: self.clone(), copy })
    }
}

/// What a file takes on the disk; one that is not there takes nothing.
fn taken(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.blocks() * 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_promised_once() {
        let dir = tempfile::tempdir().unwrap();
        let system = rustix::fs::statvfs(dir.path()).unwrap();
        let free = system.f_bavail * system.f_frsize;
        let overlay = |name: &str| {
            let directory = dir.path().join(name);
            std::fs::create_dir(&directory).unwrap();
            std::fs::write(directory.join("overlay"), vec![1; 1 << 20]).unwrap();
            directory.join("overlay")
        };
        let (a, b) = (overlay("a"), overlay("b"));
        let room = Room::new(0);
        let first = room.promise(&a).unwrap();
        let second = room.promise(&b).unwrap();
        assert_eq!(room.promised.lock().unwrap().len(), 2);
        drop((first, second));
        assert!(room.promised.lock().unwrap().is_empty());
        let full = Room::new(free.saturating_mul(2)).promise(&a).unwrap_err();
        assert_eq!(full.code, "InsufficientInstanceCapacity");
    }
}

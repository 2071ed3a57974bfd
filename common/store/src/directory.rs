//! The directory a store on disk lives in: whose it is, whether it may be touched, and how what
//! was written there gets through to the disk itself.
//!
//! ```text
//!   lock          held as long as the store is open; one process at a time
//!   db            sled's log
//!   conf, snap.*  sled's parameters and its start-up snapshot
//!   blobs/        pages of the tree that outgrew a quarter of a log segment
//!   mark          which commit was certainly on disk
//! ```
//! It never reads or writes rows.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::engine::Rev;
use crate::error::StoreError;
use crate::mark::{self, MARK, NEW_MARK};

const LOCK: &str = "lock";
const LOG: &str = "db";
const CONF: &str = "conf";
const BLOBS: &str = "blobs";

/// How long a handle of this very process, dropped a moment ago, may take to let go of its log.
const LETTING_GO: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The right to use a directory as a store; given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Makes the directory if it is absent (mode 0700), refuses one that holds anything foreign
    /// without touching it, and locks it.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let fail = |error| StoreError::io(path, error);
        match fs::metadata(path) {
            Ok(found) if !found.is_dir() => return Err(not_a_store(path, "it is not a directory")),
            Ok(_) => refuse_foreign(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)?;
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                sync_all(parent.unwrap_or(Path::new(".")))?;
            }
            Err(error) => return Err(fail(error)),
        }
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(fail)?;

        let file = path.join(LOCK);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(&file).map_err(|error| StoreError::io(&file, error))?;
        // A handle that nobody holds any more may still be on its way out.
        lock_soon(&lock, path, &file)?;
        let claim = Self { path: path.to_path_buf(), _lock: lock };
        claim.wait_for_log()?;
        Ok(claim)
    }

    /// Where the store lives.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the log is free. sled locks it, too, and a closed handle's last thread may
    /// hold it a little longer than our own lock is held.
    fn wait_for_log(&self) -> Result<(), StoreError> {
        let file = self.path.join(LOG);
        let log = match File::open(&file) {
            Ok(log) => log,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // sled would begin an empty one, and all would seem never to have been.
                return match mark::read(&self.path)? {
                    None => Ok(()),
                    Some(_) => Err(damaged(&self.path, "its log is gone")),
                };
            }
            Err(error) => return Err(StoreError::io(&file, error)),
        };
        lock_soon(&log, &self.path, &file)
    }
}

/// Whether somebody holds the store in a directory at this moment; says so at once.
pub fn is_held(path: &Path) -> bool {
    let locked = |file| File::open(path.join(file)).map(|file| file.try_lock());
    matches!(locked(LOCK), Ok(Err(TryLockError::WouldBlock)))
}

/// Locks a file of the store in `path`, and waits a little for whoever is just letting go of it.
#[expect(
    clippy::disallowed_methods,
    reason = "opening blocks anyway, and no lock can be awaited for a limited time"
)]
fn lock_soon(locked: &File, path: &Path, file: &Path) -> Result<(), StoreError> {
    for _ in 0..LETTING_GO.as_millis() / LOOK_AGAIN.as_millis() {
        match locked.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK_AGAIN),
            Err(TryLockError::Error(error)) => return Err(StoreError::io(file, error)),
        }
    }
    Err(StoreError::Locked { path: path.to_path_buf() })
}

/// The files of an open store, as far as bringing them to disk goes.
#[derive(Debug)]
pub(crate) struct Disk {
    log: File,
    synced_blobs: Mutex<HashSet<OsString>>,
    claim: Claim,
}

impl Disk {
    /// Takes over the directory after sled has made its files there, and brings all of them to
    /// disk: what is read from now on lasts, whoever wrote it.
    pub(crate) fn open(claim: Claim) -> Result<Self, StoreError> {
        let file = claim.path.join(LOG);
        let log = File::open(&file).map_err(|error| StoreError::io(&file, error))?;
        sync_all(&claim.path.join(CONF))?;
        let disk = Self { log, synced_blobs: Mutex::default(), claim };
        disk.sync()?;
        sync_all(&disk.claim.path)?;
        Ok(disk)
    }

    /// Notes that all commits up to `rev` are on disk.
    pub(crate) fn note(&self, rev: Rev) -> Result<(), StoreError> {
        mark::write(self.path(), rev)
    }

    /// Where the store lives.
    pub(crate) fn path(&self) -> &Path {
        &self.claim.path
    }

    /// The free space of the file system, in bytes.
    pub(crate) fn free(&self) -> Result<u64, StoreError> {
        let found = rustix::fs::statvfs(self.path());
        let found = found.map_err(|error| StoreError::io(self.path(), error.into()))?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Brings to disk what sled's flush has handed to the system. That flush only starts and
    /// awaits the write-back of the log's pages: the file's size, the allocation of its blocks,
    /// the drive's own cache and the blobs are left to us. Blobs come first, because the log
    /// points at them.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.sync_blobs()?;
        self.log.sync_data().map_err(|error| StoreError::io(&self.claim.path.join(LOG), error))
    }

    fn sync_blobs(&self) -> Result<(), StoreError> {
        let blobs = self.claim.path.join(BLOBS);
        let fail = |error| StoreError::io(&blobs, error);
        let mut present = HashSet::new();
        for entry in fs::read_dir(&blobs).map_err(fail)? {
            present.insert(entry.map_err(fail)?.file_name());
        }
        // Only one round syncs at a time; the lock is for the compiler, not for waiting.
        let mut synced = self.synced_blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut added = false;
        for name in present.difference(&synced) {
            added = true;
            match sync_all(&blobs.join(name)) {
                // Replaced by a younger blob since the directory was read.
                Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        if added {
            sync_all(&blobs)?;
        }
        *synced = present;
        Ok(())
    }
}

/// Makes the refusal of a directory.
pub(crate) fn not_a_store(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::NotAStore { path: path.to_path_buf(), reason: reason.into() }
}

/// Makes the error of a store that is not what was written.
pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { what: format!("the store in {}", path.display()), reason: reason.into() }
}

fn refuse_foreign(path: &Path) -> Result<(), StoreError> {
    let fail = |error| StoreError::io(path, error);
    for entry in fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        let known = [LOCK, LOG, CONF, BLOBS, MARK, NEW_MARK].iter().any(|ours| name == *ours);
        if !known && !name.to_string_lossy().starts_with("snap.") {
            return Err(not_a_store(path, format!("it holds {name:?}, which no store makes")));
        }
    }
    Ok(())
}

fn sync_all(path: &Path) -> Result<(), StoreError> {
    let done = File::open(path).and_then(|file| file.sync_all());
    done.map_err(|error| StoreError::io(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_private_and_exclusive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/store");
        let claim = Claim::take(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(is_held(&path));
        assert!(matches!(Claim::take(&path), Err(StoreError::Locked { .. })));
        drop(claim);
        assert!(!is_held(&path) && !is_held(dir.path()));
        Claim::take(&path).unwrap();
    }

    #[test]
    fn what_is_no_store_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("letter"), "dear").unwrap();
        let refused = Claim::take(&home).unwrap_err();
        assert!(matches!(refused, StoreError::NotAStore { .. }));
        assert!(refused.to_string().ends_with(r#"it holds "letter", which no store makes"#));
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);
        let file = home.join("letter");
        assert!(matches!(Claim::take(&file), Err(StoreError::NotAStore { .. })));
    }
}

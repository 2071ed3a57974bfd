//! What of a task lasts: one file, `bundles/<task>.json`, until the clc has its end on record.
//!
//! It lies apart from the instance's directory, because a task may outlive its instance. Files are
//! written to another name, synced, renamed, and the directory synced after them. Directories have
//! mode 0700, files 0600: a ticket lets whoever has it store. Everything here blocks.

use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use common::id::BundleTaskId;
use common::time::Timestamp;
use common::wire::bundling::{BundleSpec, BundleTicket, Rest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::machine::{End, Found};

/// Why notes cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {why}")]
pub struct NoteError {
    path: PathBuf,
    why: std::io::Error,
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> NoteError {
    let path = path.to_owned();
    move |why| NoteError { path, why }
}

/// What is known of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Which.
    pub task: BundleTaskId,
    /// What is wanted; none of a task that was cancelled before it was heard of.
    pub wish: Option<Wanted>,
    /// How many agents have worked on it.
    pub tries: u32,
    /// Its copy is there, and how the disk was brought to rest for it.
    pub copied: Option<Copied>,
    /// It is no longer wanted.
    pub cancelled: bool,
    /// How it ended.
    pub end: Option<End>,
    /// When it ended, or was first heard of.
    pub since: Timestamp,
}

/// What is wanted, and the leave to store it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The wish.
    pub spec: BundleSpec,
    /// The leave.
    pub ticket: BundleTicket,
}

/// A copy that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// How the disk was brought to rest.
    pub rest: Rest,
    /// SHA-256 of the image below it.
    pub image: String,
    /// Bytes of that image.
    pub image_size: u64,
    /// Bytes of the disk.
    pub size: u64,
}

impl Note {
    /// A task that is only heard of.
    pub fn new(task: BundleTaskId, wish: Option<Wanted>, since: Timestamp) -> Self {
        Self { task, wish, tries: 0, copied: None, cancelled: false, end: None, since }
    }

    /// What its way begins with.
    pub fn found(&self) -> Found {
        Found {
            tries: self.tries,
            copied: self.copied.as_ref().map(|copied| copied.rest),
            cancelled: self.cancelled || self.wish.is_none(),
            end: self.end.clone(),
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(&self, directory: &Path) -> Result<(), NoteError> {
        let path = place(directory, &self.task);
        let part = path.with_extension("part");
        let store = || {
            let bytes = serde_json::to_vec_pretty(self)?;
            let mut options = File::options();
            let mut file =
                options.create(true).truncate(true).write(true).mode(0o600).open(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&part, &path)
        };
        store().map_err(at(&path))?;
        sync(directory)
    }
}

/// Removes what is known of a task.
///
/// # Errors
/// If the file system refuses.
pub fn remove(directory: &Path, task: &BundleTaskId) -> Result<(), NoteError> {
    let path = place(directory, task);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&path)(error)),
        _ => sync(directory),
    }
}

/// Reads all notes; the directory is made if it is missing. What makes no sense is left alone and
/// named.
///
/// # Errors
/// If the directory cannot be read.
pub fn scan(directory: &Path) -> Result<(Vec<Note>, Vec<PathBuf>), NoteError> {
    DirBuilder::new().mode(0o700).recursive(true).create(directory).map_err(at(directory))?;
    let (mut notes, mut broken) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(at(directory))? {
        let path = entry.map_err(at(directory))?.path();
        if path.extension().is_some_and(|extension| extension == "part") {
            std::fs::remove_file(&path).map_err(at(&path))?;
            continue;
        }
        let bytes = std::fs::read(&path).map_err(at(&path))?;
        match serde_json::from_slice::<Note>(&bytes) {
            Ok(note) if place(directory, &note.task) == path => notes.push(note),
            _ => broken.push(path),
        }
    }
    Ok((notes, broken))
}

fn place(directory: &Path, task: &BundleTaskId) -> PathBuf {
    directory.join(format!("{}.json", task.as_str()))
}

fn sync(directory: &Path) -> Result<(), NoteError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(at(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_and_what_is_odd_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("bundles");
        assert_eq!(scan(&directory).unwrap(), (vec![], vec![]));
        let task: BundleTaskId = "bun-00000001".parse().unwrap();
        let mut note = Note::new(task.clone(), None, Timestamp::from_millis(5));
        note.write(&directory).unwrap();
        assert!(note.found().cancelled, "nobody says what is wanted");
        note.end = Some(End::Cancelled);
        note.write(&directory).unwrap();
        std::fs::write(directory.join("bun-00000002.json.part"), "{").unwrap();
        std::fs::copy(place(&directory, &task), directory.join("other")).unwrap();
        let (notes, broken) = scan(&directory).unwrap();
        assert_eq!(notes, [note]);
        assert_eq!(broken, [directory.join("other")]);
        for _ in 0..2 {
            remove(&directory, &task).unwrap();
        }
        assert!(scan(&directory).unwrap().0.is_empty());
    }
}

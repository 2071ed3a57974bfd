//! Where a bundle is written: a directory, in which it appears whole or not at all.
//!
//! Parts are staged beside their names while they are written and get them at the end, the manifest
//! last: what lies under these names is always one whole bundle, and after a failure nothing new
//! lies there at all.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bundle::{Part, PartSink};

use crate::cmd::Failure;
use crate::environment::Environment;
use crate::staged::{Staged, chance};

/// The directory of a bundle; one that was made for it goes away again unless it is kept.
pub(crate) struct Destination {
    path: PathBuf,
    made: bool,
}

impl Destination {
    /// The directory told, or a new one below `$TMPDIR` or `/var/tmp`.
    pub(crate) fn of(given: Option<&Path>, environment: &Environment) -> Result<Self, Failure> {
        if let Some(path) = given {
            return match path.is_dir() {
                true => Ok(Self { path: path.to_owned(), made: false }),
                false => Err(Failure::Client(format!("{} is not a directory", path.display()))),
            };
        }
        let parent = environment.first(&["TMPDIR", "TEMP", "TMP"]).unwrap_or("/var/tmp");
        let path = Path::new(parent).join(format!("bundle-{}", chance()?));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            Failure::Client(format!("{} cannot be made: {error}", path.display()))
        })?;
        Ok(Self { path, made: true })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets the directory stay, with what is in it.
    pub(crate) fn keep(mut self) {
        self.made = false;
    }
}

impl Drop for Destination {
    fn drop(&mut self) {
        if self.made {
            // Not empty only if somebody else put something there.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// The parts as files of a directory.
pub(crate) struct Parts {
    directory: PathBuf,
    staged: Vec<Staged>,
}

impl Parts {
    /// Parts in `directory`, of which there is nothing yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), staged: Vec::new() }
    }

    /// Gives the parts their names, and then the manifest; gives the manifest's path.
    pub(crate) fn finish(self, manifest_name: &str, manifest: &[u8]) -> io::Result<PathBuf> {
        let last = Staged::create(&self.directory.join(manifest_name), 0o666)?;
        last.file()?.write_all(manifest)?;
        let mut named = Vec::with_capacity(self.staged.len());
        let result = self
            .staged
            .into_iter()
            .chain([last])
            .try_for_each(|staged| staged.commit().map(|path| named.push(path)));
        match (result, named.pop()) {
            (Ok(()), Some(manifest)) => Ok(manifest),
            (result, last) => {
                for path in named.iter().chain(&last) {
                    // The failure that is reported is the first one.
                    let _ = fs::remove_file(path);
                }
                result.and(Err(io::ErrorKind::NotFound.into()))
            }
        }
    }
}

impl PartSink for Parts {
    fn begin(&mut self, _: usize, filename: &str) -> io::Result<()> {
        self.staged.push(Staged::create(&self.directory.join(filename), 0o666)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.staged.last().ok_or(io::ErrorKind::InvalidInput)?;
        part.file()?.write_all(bytes)
    }

    fn end(&mut self, _: &Part, _: u64) -> io::Result<()> {
        if let Some(part) = self.staged.last_mut() {
            part.close();
        }
        Ok(())
    }
}

//! The files of the unbundle cache.
//!
//! ```text
//!   cache/KEY.NUMBER.partial          being unpacked; removed at every start
//!   cache/KEY.SHA256.SIZE.NUMBER.img  complete, on disk, verified while it was unpacked
//! ```
//! The name says all that has to be known of an image, so that one rename makes it last, whole,
//! with its digest. After a restart a file whose length is not the one in its name is removed. The
//! number keeps the removal of an evicted image apart from its successor of the same key. All
//! methods block; times of last use are the files' times of modification.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use common::time::Timestamp;
use common::wire::walrus::Layout;

use super::layout::{HEAD, layout};
use super::table::Key;
use crate::blob::files::sync_dir;

/// A plain image on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// Its file.
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes, lower-case hex.
    pub(crate) sha256: String,
    /// Its bytes.
    pub(crate) size: u64,
    /// What its first sectors say it is.
    pub(crate) layout: Layout,
}

/// The directory.
#[derive(Debug)]
pub(crate) struct Disk {
    dir: PathBuf,
    number: AtomicU64,
}

impl Disk {
    /// Makes the directory if it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_path_buf(), number: AtomicU64::new(0) })
    }

    /// The directory whose file system the images lie on.
    pub(crate) fn root(&self) -> &Path {
        &self.dir
    }

    /// Finds the images of earlier runs, the least recently used first, and removes whatever else
    /// lies there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn load(&self) -> io::Result<Vec<(Key, Image)>> {
        let mut found: Vec<(SystemTime, Key, Image)> = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let known = parse(&name);
            if let Some((.., number)) = &known {
                self.number.fetch_max(*number + 1, Ordering::Relaxed);
            }
            let meta = entry.metadata()?;
            match known {
                Some((key, sha256, size, _)) if meta.is_file() && meta.len() == size => {
                    let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    let layout = look(&File::open(&path)?, size)?;
                    found.push((used, key, Image { path, sha256, size, layout }));
                }
                _ if meta.is_file() => {
                    tracing::info!(file = name, "removing a leftover from the image cache");
                    fs::remove_file(path)?;
                }
                _ => tracing::warn!(file = name, "this is none of the image cache's files"),
            }
        }
        found.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
        let mut images: Vec<(Key, Image)> = Vec::new();
        for (_, key, image) in found {
            match images.iter().position(|(other, _)| *other == key) {
                None => images.push((key, image)),
                Some(_) => fs::remove_file(image.path)?,
            }
        }
        Ok(images)
    }

    /// Tells which complete images lie in a directory of the cache, whatever their length is, and
    /// touches nothing.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn survey(dir: &Path) -> io::Result<Vec<(Key, Image)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if let Some((key, sha256, size, _)) = parse(&entry.file_name().to_string_lossy()) {
                let image = Image { path: entry.path(), sha256, size, layout: Layout::default() };
                found.push((key, image));
            }
        }
        found.sort_by(|one, other| (&one.0, &one.1.path).cmp(&(&other.0, &other.1.path)));
        Ok(found)
    }

    /// Begins the file of an image.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn begin(&self, key: &str) -> io::Result<(PathBuf, File)> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{key}.{number}.partial"));
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        Ok((path, file))
    }

    /// Makes an unpacked image last.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn land(
        &self,
        key: &str,
        partial: &Path,
        file: &File,
        (sha256, size): (String, u64),
    ) -> io::Result<Image> {
        file.sync_all()?;
        let layout = look(file, size)?;
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.join(format!("{key}.{sha256}.{size}.{number}.img"));
        fs::rename(partial, &path)?;
        sync_dir(&self.dir)?;
        Ok(Image { path, sha256, size, layout })
    }
}

/// Reads what an image says it is.
fn look(file: &File, size: u64) -> io::Result<Layout> {
    let mut head = vec![0; HEAD.min(usize::try_from(size).unwrap_or(HEAD))];
    file.read_exact_at(&mut head, 0)?;
    Ok(layout(&head, size))
}

/// Opens an image to be read, and marks it as used now.
///
/// # Errors
/// What the system says.
pub(crate) fn open_image(image: &Image, now: Timestamp) -> io::Result<File> {
    let file = File::open(&image.path)?;
    let since = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    if let Err(error) = file.set_modified(SystemTime::UNIX_EPOCH + since) {
        // Only the order after a restart suffers.
        tracing::debug!(%error, "the time of use could not be kept");
    }
    Ok(file)
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "a file of the image cache stays");
    }
}

/// Key, digest, size and number in the name of a complete image.
fn parse(name: &str) -> Option<(Key, String, u64, u64)> {
    let mut pieces = name.split('.');
    let key = pieces.next().filter(|text| is_digest(text))?;
    let sha256 = pieces.next().filter(|text| is_digest(text))?;
    let size = pieces.next()?.parse().ok()?;
    let number = pieces.next()?.parse().ok()?;
    (pieces.next() == Some("img") && pieces.next().is_none())
        .then(|| (key.to_owned(), sha256.to_owned(), size, number))
}

/// Whether a text is a SHA-256 in lower-case hex.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn key(c: char) -> String {
        c.to_string().repeat(64)
    }

    #[test]
    fn after_a_restart_the_cache_is_what_is_on_disk_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::open(dir.path()).unwrap();
        for c in ['a', 'b'] {
            let (partial, mut file) = disk.begin(&key(c)).unwrap();
            file.write_all(b"12345").unwrap();
            disk.land(&key(c), &partial, &file, (key('0'), 5)).unwrap();
        }
        let images = disk.load().unwrap();
        let a = images.iter().find(|(k, _)| *k == key('a')).unwrap().1.clone();
        open_image(&a, Timestamp::from_secs(4_000_000_000)).unwrap();

        drop(disk.begin(&key('c')).unwrap());
        let short = dir.path().join(format!("{}.{}.6.9.img", key('d'), key('0')));
        fs::write(&short, b"12345").unwrap();
        let twin = dir.path().join(format!("{}.{}.5.77.img", key('a'), key('0')));
        fs::write(&twin, b"12345").unwrap();
        File::open(&twin).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::write(dir.path().join("odd"), b"").unwrap();

        let again = Disk::open(dir.path()).unwrap();
        let keys: Vec<_> = again.load().unwrap().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [key('a'), key('b')], "the twin was older, and is one of the two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        let (fresh, _) = again.begin(&key('e')).unwrap();
        assert!(fresh.to_string_lossy().ends_with(".78.partial"));
    }
}

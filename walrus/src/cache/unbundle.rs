//! Unpacks a bundle out of a bucket into a file of the cache: verify, decrypt, inflate, untar as
//! one stream, without a temporary file.
//!
//! The parts are opened one after another while the stream runs. Whatever goes wrong, the file is
//! removed, and the reason names the part where one is to blame.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bundle::{Manifest, Part, Sink, SparseSink, SymmetricKey, UnbundleError, unbundle};
use common::s3::BucketName;

use super::disk::{Disk, Image, remove};
use super::table::Failure;
use crate::arrival::known_damage;
use crate::blob::uploads::free_space;
use crate::content::Content;

/// How many bytes are written between two looks at the free space.
const LOOK: u64 = 64 << 20;

/// How far a flight has come, and whether it shall stop.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Bytes of ciphertext that were read.
    pub(crate) done: AtomicU64,
    /// Bytes of ciphertext in all.
    pub(crate) total: AtomicU64,
    /// Whether the service is stopping.
    pub(crate) stop: AtomicBool,
}

/// All that is needed to unpack one bundle.
pub(crate) struct Flight {
    /// Where the parts are.
    pub(crate) content: Content,
    /// Their bucket.
    pub(crate) bucket: BucketName,
    /// What stands before the manifest's own name in its key, up to the last slash.
    pub(crate) prefix: String,
    /// The manifest.
    pub(crate) manifest: Manifest,
    /// The image key.
    pub(crate) key: SymmetricKey,
    /// Bytes of the disk that stay free.
    pub(crate) reserve: u64,
}

impl Flight {
    /// Unpacks into the cache. Blocks for as long as it takes.
    ///
    /// # Errors
    /// Why the image cannot be had; nothing is left behind then.
    pub(crate) fn fly(
        self,
        cache_key: &str,
        disk: &Disk,
        progress: &Arc<Progress>,
    ) -> Result<Image, Failure> {
        progress.total.store(self.manifest.bundled_size, Ordering::Relaxed);
        if let Some(failure) = self.known_damage() {
            return Err(failure);
        }
        let (partial, file) = disk.begin(cache_key).map_err(|error| unwritable(&error))?;
        let landed = self.unpack(&file, disk, progress).and_then(|digest| {
            disk.land(cache_key, &partial, &file, digest).map_err(|error| unwritable(&error))
        });
        if landed.is_err() {
            remove(&partial);
        }
        landed
    }

    /// Why there is no need to begin, if a part that came in was another than the manifest's.
    fn known_damage(&self) -> Option<Failure> {
        match known_damage(&self.content, &self.bucket, &self.prefix, &self.manifest) {
            Ok(damage) => damage.map(|error| failure(&error.into())),
            // Reading the parts shows what is the matter.
            Err(_) => None,
        }
    }

    fn unpack(
        &self,
        file: &File,
        disk: &Disk,
        progress: &Arc<Progress>,
    ) -> Result<(String, u64), Failure> {
        let mut source = |_: usize, part: &Part| self.open_part(part, progress);
        let mut sink = Watched {
            inner: SparseSink::new(file),
            root: disk.root(),
            reserve: self.reserve,
            until_look: 0,
            progress,
        };
        let mut tell = |done: u64| progress.done.store(done, Ordering::Relaxed);
        let unpacked = unbundle(&self.manifest, &self.key, &mut source, &mut sink, &mut tell)
            .map_err(|error| failure(&error))?;
        sink.inner.finish().map_err(|error| unwritable(&error))?;
        // A hole at the end of a file of no data at all is not written by anybody.
        file.set_len(unpacked.size).map_err(|error| unwritable(&error))?;
        Ok((hex::encode(unpacked.sha256_raw), unpacked.size))
    }

    fn open_part(&self, part: &Part, progress: &Arc<Progress>) -> io::Result<Box<dyn Read + Send>> {
        let opened = find_part(&self.content, &self.bucket, &self.prefix, &part.filename)
            .map_err(io::Error::other)?;
        let Some(opened) = opened else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such object"));
        };
        let bytes = opened.bytes.read_from(0);
        Ok(Box::new(Stoppable { bytes, progress: Arc::clone(progress) }))
    }
}

/// Finds a part: beside the manifest, or, as 2.0 did, by its bare name. Blocks.
///
/// # Errors
/// If the store or the disk fails.
pub(crate) fn find_part(
    content: &Content,
    bucket: &BucketName,
    prefix: &str,
    name: &str,
) -> Result<Option<crate::content::Opened>, common::error::ApiError> {
    match content.open(bucket, &format!("{prefix}{name}"))? {
        Some(opened) => Ok(Some(opened)),
        None if prefix.is_empty() => Ok(None),
        None => Ok(content.open(bucket, name)?),
    }
}

/// A part that stops to be readable when the service stops.
struct Stoppable {
    bytes: Box<dyn Read + Send>,
    progress: Arc<Progress>,
}

impl Read for Stoppable {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        stopped(&self.progress)?;
        self.bytes.read(buf)
    }
}

fn stopped(progress: &Progress) -> io::Result<()> {
    if progress.stop.load(Ordering::Relaxed) {
        return Err(io::Error::other(Stopping));
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("walrus is stopping")]
struct Stopping;

#[derive(Debug, thiserror::Error)]
#[error("there is no room left on the disk of the image cache")]
struct NoRoom;

/// A sink that leaves the disk its reserve.
struct Watched<'a> {
    inner: SparseSink<&'a File>,
    root: &'a Path,
    reserve: u64,
    until_look: u64,
    progress: &'a Progress,
}

impl Sink for Watched<'_> {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        stopped(self.progress)?;
        if self.until_look < bytes.len() as u64 {
            let needed = self.reserve.saturating_add(bytes.len() as u64);
            if free_space(self.root)? < needed {
                return Err(io::Error::new(io::ErrorKind::StorageFull, NoRoom));
            }
            self.until_look = LOOK;
        }
        self.until_look = self.until_look.saturating_sub(bytes.len() as u64);
        self.inner.data(bytes)
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        stopped(self.progress)?;
        self.inner.hole(length)
    }
}

fn unwritable(error: &io::Error) -> Failure {
    Failure { reason: format!("the image cannot be written: {error}"), retryable: true }
}

/// The sentence for an error, with its causes.
fn failure(error: &UnbundleError) -> Failure {
    let retryable = !error.is_permanent();
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = error.source();
    }
    if retryable {
        tracing::warn!(reason, "an image could not be unpacked");
    }
    Failure { reason, retryable }
}

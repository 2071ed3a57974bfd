//! Unpacks a bundle: verify, decrypt, inflate, untar and hash as one stream.
//!
//! ```text
//! parts ─ SHA-1 ─ AES ─┬─ inflate ─ bound ─┬─ untar ─ sink
//!     thread "decrypt" │  thread "inflate" ├─ SHA-1 of the tar stream ─ thread "hash-tar"
//!                      │  and its workers  └─ digests of the image ─ a thread for each
//! ```
//!
//! There is no temporary file, and a few blocks between the threads are all the memory. Everything
//! the manifest promises is enforced: each part's SHA-1 and their sum, the padding, the CRC and
//! length of gzip, exactly one regular member, its size, and the image digest, which may be that
//! of the tar stream or, from bundlers that are not known to take that one, of the image. The sink
//! has seen the bytes by the time the last of these is known: **unless [`unbundle`] returns `Ok`,
//! what the sink got must be thrown away.**
//!
//! When a stream does not inflate, the reason is almost always a damaged part whose digest is known
//! only at its end. The rest of that part is then read, and it is the part that is reported.

mod error;
mod hasher;
mod stream;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use self::hasher::{Hasher, Work};
use self::stream::Blocks;
use crate::ahead;
use crate::cipher::Decryptor;
use crate::inflate::View;
use crate::keys::SymmetricKey;
use crate::manifest::Manifest;
use crate::parts::{Hex20, PartReader, PartSource};
use crate::sink::Sink;
use crate::tar::{Member, OVERHEAD, Stretch, TarError};

pub use self::error::UnbundleError;

/// What the image digest of the manifest turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestMatch {
    /// The SHA-1 of the tar stream.
    Tar,
    /// The SHA-1 of the image itself.
    Image,
    /// There is none to compare with; the parts' digests, the CRC and the size still held.
    Absent,
}

/// An image that was unpacked whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbundled {
    /// Bytes in the image.
    pub size: u64,
    /// SHA-1 of the tar stream.
    pub sha1_tar: [u8; 20],
    /// SHA-1 of the image, if the digest of the manifest could have been that one.
    pub sha1_raw: Option<[u8; 20]>,
    /// SHA-256 of the image.
    pub sha256_raw: [u8; 32],
    /// What the image digest was compared with.
    pub digest: DigestMatch,
}

/// An image that was unpacked whole, without the digests of it that the bundle does not need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// Bytes in the image.
    pub size: u64,
    /// SHA-1 of the tar stream.
    pub sha1_tar: [u8; 20],
    /// SHA-1 of the image, if the digest of the manifest could have been that one.
    pub sha1_raw: Option<[u8; 20]>,
    /// What the image digest was compared with.
    pub digest: DigestMatch,
}

/// Unpacks the bundle of `manifest` from `parts` into `sink`. `progress` is told how many bytes of
/// ciphertext have been read so far, out of `bundled_size`, as the image is written.
///
/// # Errors
/// [`UnbundleError`]; the sink then holds an image that is wrong or not whole.
pub fn unbundle(
    manifest: &Manifest,
    key: &SymmetricKey,
    parts: &mut dyn PartSource,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(u64),
) -> Result<Unbundled, UnbundleError> {
    let (Extracted { size, sha1_tar, sha1_raw, digest }, sha256) =
        run(manifest, key, parts, sink, true, progress)?;
    let sha256_raw = sha256.expect("it was asked for");
    Ok(Unbundled { size, sha1_tar, sha1_raw, sha256_raw, digest })
}

/// As [`unbundle`], and everything is checked as there; but the image has no SHA-256 then, which
/// is a fifth of the work.
///
/// # Errors
/// As [`unbundle`].
pub fn extract(
    manifest: &Manifest,
    key: &SymmetricKey,
    parts: &mut dyn PartSource,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(u64),
) -> Result<Extracted, UnbundleError> {
    run(manifest, key, parts, sink, false, progress).map(|(extracted, _)| extracted)
}

fn run(
    manifest: &Manifest,
    key: &SymmetricKey,
    parts: &mut dyn PartSource,
    sink: &mut dyn Sink,
    wants_sha256: bool,
    progress: &mut dyn FnMut(u64),
) -> Result<(Extracted, Option<[u8; 32]>), UnbundleError> {
    let read = AtomicU64::new(0);
    let ciphertext = PartReader::new(manifest, parts, &read);
    let plaintext = Decryptor::new(ciphertext, key);
    let limit = manifest.size.saturating_add(OVERHEAD);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let wants_raw = manifest.digest.is_some() && !manifest.bundler.digests_the_archive();
    thread::scope(|scope| {
        let interrupted = UnbundleError::Interrupted;
        let hash_tar = Hasher::<Sha1>::spawn(scope, "hash-tar").map_err(interrupted)?;
        let hash_raw = wants_raw.then(|| Hasher::<Sha1>::spawn(scope, "hash-image"));
        let hash_raw = hash_raw.transpose().map_err(interrupted)?;
        let sha256 = wants_sha256.then(|| Hasher::<Sha256>::spawn(scope, "hash-image"));
        let sha256 = sha256.transpose().map_err(interrupted)?;
        let (compressed, decrypting) =
            ahead::spawn(scope, "decrypt", plaintext).map_err(interrupted)?;
        let queue = hash_tar.queue();
        let (blocks, inflating) =
            stream::spawn(scope, compressed, limit, threads, queue).map_err(interrupted)?;
        let mut image = Image {
            sink,
            sha1: hash_raw.as_ref(),
            sha256: sha256.as_ref(),
            progress: &mut || progress(read.load(Ordering::Relaxed)),
        };
        let outcome = untar(manifest, blocks, &mut image);
        // The near end is gone: the threads stop at their next chunk, from here to the parts.
        // Joined one by one: a panic in a thread was an error of the stream already.
        drop(inflating.join());
        let decrypting = decrypting.join();
        match outcome {
            Ok(()) => {
                progress(read.load(Ordering::Relaxed));
                let sha1_tar = hash_tar.finish().map_err(interrupted)?.finalize().into();
                let sha1_raw = hash_raw.map(Hasher::finish).transpose().map_err(interrupted)?;
                let sha1_raw = sha1_raw.map(|digest| digest.finalize().into());
                let digest = compare(manifest.digest, sha1_tar, sha1_raw)?;
                let sha256 = sha256.map(Hasher::finish).transpose().map_err(interrupted)?;
                let sha256 = sha256.map(|digest| digest.finalize().into());
                Ok((Extracted { size: manifest.size, sha1_tar, sha1_raw, digest }, sha256))
            }
            Err(error) => {
                let content = matches!(
                    error,
                    UnbundleError::Gzip(_)
                        | UnbundleError::Tar(_)
                        | UnbundleError::TooLarge { .. }
                        | UnbundleError::Size { .. }
                );
                if content && let Ok(decryptor) = decrypting {
                    decryptor.into_inner().finish_part()?;
                }
                Err(error)
            }
        }
    })
}

/// Reads the tar stream to its end.
fn untar(
    manifest: &Manifest,
    blocks: Blocks,
    image: &mut Image<'_, '_>,
) -> Result<(), UnbundleError> {
    let mut member = Member::open(blocks)?;
    if member.size() != manifest.size {
        return Err(UnbundleError::Size { expected: manifest.size, found: member.size() });
    }
    for stretch in member.stretches() {
        match stretch {
            Stretch::Hole(length) => image.hole(length)?,
            Stretch::Data(length) => {
                let mut left = length;
                while left > 0 {
                    let piece = member.reader().piece(left).map_err(TarError::Read)?;
                    let piece = piece.ok_or(TarError::Truncated)?;
                    left -= piece.len() as u64;
                    image.data(piece)?;
                }
            }
        }
    }
    member.finish()?;
    Ok(())
}

fn compare(
    expected: Option<[u8; 20]>,
    tar: [u8; 20],
    raw: Option<[u8; 20]>,
) -> Result<DigestMatch, UnbundleError> {
    match expected {
        None => Ok(DigestMatch::Absent),
        Some(expected) if expected == tar => Ok(DigestMatch::Tar),
        Some(expected) if raw == Some(expected) => Ok(DigestMatch::Image),
        Some(expected) => {
            Err(UnbundleError::Digest { expected: Hex20(expected), found: Hex20(tar) })
        }
    }
}

/// The image on its way into the sink and the hashes.
struct Image<'a, 'scope> {
    sink: &'a mut dyn Sink,
    sha1: Option<&'a Hasher<'scope, Sha1>>,
    sha256: Option<&'a Hasher<'scope, Sha256>>,
    progress: &'a mut dyn FnMut(),
}

impl Image<'_, '_> {
    fn data(&mut self, view: View) -> Result<(), UnbundleError> {
        self.hash(|| Work::Bytes(view.clone()))?;
        let stored = match view.is_zero() {
            true => self.sink.hole(view.len() as u64),
            false => self.sink.data(&view),
        };
        stored.map_err(UnbundleError::Sink)?;
        (self.progress)();
        Ok(())
    }

    fn hole(&mut self, length: u64) -> Result<(), UnbundleError> {
        self.hash(|| Work::Zeros(length))?;
        self.sink.hole(length).map_err(UnbundleError::Sink)
    }

    fn hash(&self, work: impl Fn() -> Work) -> Result<(), UnbundleError> {
        if let Some(sha1) = self.sha1 {
            sha1.update(work()).map_err(UnbundleError::Interrupted)?;
        }
        if let Some(sha256) = self.sha256 {
            sha256.update(work()).map_err(UnbundleError::Interrupted)?;
        }
        Ok(())
    }
}

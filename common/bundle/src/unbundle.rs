//! Unpacks a bundle: verify, decrypt, inflate, untar and hash as one stream.
//!
//! ```text
//! parts ─ SHA-1 ─ AES ─┬─ inflate ─ bound ─┬─ SHA-1 ─ untar ─ SHA-1, SHA-256 ─ sink
//!     thread "decrypt" │  thread "inflate" │  the caller's thread
//! ```
//!
//! There is no temporary file, and a few chunks between the threads are all the memory. Everything
//! the manifest promises is enforced: each part's SHA-1 and their sum, the padding, the CRC and
//! length of gzip, exactly one regular member, its size, and the image digest, which may be that
//! of the tar stream or of the image. The sink has seen the bytes by the time the last of these is
//! known: **unless [`unbundle`] returns `Ok`, what the sink got must be thrown away.**
//!
//! When a stream does not inflate, the reason is almost always a damaged part whose digest is known
//! only at its end. The rest of that part is then read, and it is the part that is reported.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::ahead::{self, Stopped};
use crate::bounded::{LimitExceeded, gunzip};
use crate::cipher::{CipherError, Decryptor};
use crate::digest::Hashing;
use crate::keys::SymmetricKey;
use crate::manifest::Manifest;
use crate::parts::{Hex20, PartError, PartReader, PartSource};
use crate::sink::{Sink, ZEROS};
use crate::tar::{Member, OVERHEAD, TarError};

/// Why a bundle cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnbundleError {
    /// A part is missing or damaged, or the parts do not add up.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The ciphertext is not one, or the image key is not its key.
    #[error("{0}: the bundle is damaged or the image key is not its key")]
    Cipher(CipherError),
    /// The compressed stream is damaged.
    #[error("the bundle does not decompress: it is damaged or the image key is not its key")]
    Gzip(#[source] io::Error),
    /// There is more in the bundle than an image of the size announced.
    #[error("the bundle decompresses to more than the {limit} bytes that its image size allows")]
    TooLarge {
        /// The most bytes that there could be.
        limit: u64,
    },
    /// The tar stream is not that of one image.
    #[error(transparent)]
    Tar(TarError),
    /// The image has another size than the manifest says.
    #[error("the image has {found} bytes, the manifest says {expected}")]
    Size {
        /// The size in the manifest, bytes.
        expected: u64,
        /// The size in the archive, bytes.
        found: u64,
    },
    /// The image digest is wrong.
    #[error("the image digest is {expected}, the tar stream has {found}")]
    Digest {
        /// The digest in the manifest.
        expected: Hex20,
        /// That of the tar stream.
        found: Hex20,
    },
    /// The image could not be stored.
    #[error("the image cannot be written")]
    Sink(#[source] io::Error),
    /// A thread could not be started or stopped before its work was done.
    #[error("the unpacking was interrupted")]
    Interrupted(#[source] io::Error),
}

impl UnbundleError {
    /// Whether the bundle is to blame, not the machine that unpacks it: trying again is of no use.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Part(PartError::Unreadable { source, .. }) => {
                source.kind() == io::ErrorKind::NotFound
            }
            Self::Sink(_) | Self::Interrupted(_) => false,
            Self::Part(_)
            | Self::Cipher(_)
            | Self::Gzip(_)
            | Self::TooLarge { .. }
            | Self::Tar(_)
            | Self::Size { .. }
            | Self::Digest { .. } => true,
        }
    }

    /// What an error out of the inflating thread is.
    fn of_stream(error: io::Error) -> Self {
        if let Some(inner) = error.get_ref() {
            if let Some(&LimitExceeded { limit }) = inner.downcast_ref() {
                return Self::TooLarge { limit };
            }
            if let Some(&cipher) = inner.downcast_ref::<CipherError>() {
                return Self::Cipher(cipher);
            }
            if inner.is::<Stopped>() {
                return Self::Interrupted(error);
            }
        }
        match error.downcast::<PartError>() {
            Ok(part) => Self::Part(part),
            Err(error) => Self::Gzip(error),
        }
    }
}

impl From<TarError> for UnbundleError {
    fn from(error: TarError) -> Self {
        match error {
            TarError::Read(error) => Self::of_stream(error),
            TarError::Sink(error) => Self::Sink(error),
            other => Self::Tar(other),
        }
    }
}

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
    /// SHA-1 of the image.
    pub sha1_raw: [u8; 20],
    /// SHA-256 of the image.
    pub sha256_raw: [u8; 32],
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
    let read = AtomicU64::new(0);
    let ciphertext = PartReader::new(manifest, parts, &read);
    let plaintext = Decryptor::new(ciphertext, key);
    let limit = manifest.size.saturating_add(OVERHEAD);
    thread::scope(|scope| {
        let (compressed, decrypting) =
            ahead::spawn(scope, "decrypt", plaintext).map_err(UnbundleError::Interrupted)?;
        let inflated = gunzip(compressed, limit);
        let (tar, inflating) =
            ahead::spawn(scope, "inflate", inflated).map_err(UnbundleError::Interrupted)?;
        let mut hashed = HashedSink {
            sink,
            sha1: Sha1::new(),
            sha256: Sha256::new(),
            progress: &mut || progress(read.load(Ordering::Relaxed)),
        };
        let outcome = untar(manifest, Hashing::new(tar), &mut hashed);
        let (sha1_raw, sha256_raw) = (hashed.sha1.finalize(), hashed.sha256.finalize());
        // The near end is gone: the threads stop at their next chunk, from here to the parts.
        // Joined one by one: a panic in a thread was an error of the stream already.
        drop(inflating.join());
        let decrypting = decrypting.join();
        match outcome {
            Ok(sha1_tar) => {
                progress(read.load(Ordering::Relaxed));
                let sha1_raw = sha1_raw.into();
                let digest = compare(manifest.digest, sha1_tar, sha1_raw)?;
                let sha256_raw = sha256_raw.into();
                Ok(Unbundled { size: manifest.size, sha1_tar, sha1_raw, sha256_raw, digest })
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

/// Reads the tar stream to its end; gives its SHA-1.
fn untar(
    manifest: &Manifest,
    tar: Hashing<impl Read>,
    sink: &mut dyn Sink,
) -> Result<[u8; 20], UnbundleError> {
    let member = Member::open(tar)?;
    if member.size() != manifest.size {
        return Err(UnbundleError::Size { expected: manifest.size, found: member.size() });
    }
    Ok(member.copy_to(sink)?.finish())
}

fn compare(
    expected: Option<[u8; 20]>,
    tar: [u8; 20],
    raw: [u8; 20],
) -> Result<DigestMatch, UnbundleError> {
    match expected {
        None => Ok(DigestMatch::Absent),
        Some(expected) if expected == tar => Ok(DigestMatch::Tar),
        Some(expected) if expected == raw => Ok(DigestMatch::Image),
        Some(expected) => {
            Err(UnbundleError::Digest { expected: Hex20(expected), found: Hex20(tar) })
        }
    }
}

/// Hashes the image on its way into the sink.
struct HashedSink<'a> {
    sink: &'a mut dyn Sink,
    sha1: Sha1,
    sha256: Sha256,
    progress: &'a mut dyn FnMut(),
}

impl Sink for HashedSink<'_> {
    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sha1.update(bytes);
        self.sha256.update(bytes);
        self.sink.data(bytes)?;
        (self.progress)();
        Ok(())
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let now = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            self.sha1.update(&ZEROS[..now]);
            self.sha256.update(&ZEROS[..now]);
            left -= now as u64;
        }
        self.sink.hole(length)
    }
}

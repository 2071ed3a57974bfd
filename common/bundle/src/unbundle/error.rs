//! Why a bundle cannot be unpacked, and who is to blame.

use std::io;

use crate::ahead::Stopped;
use crate::bounded::LimitExceeded;
use crate::cipher::CipherError;
use crate::parts::{Hex20, PartError};
use crate::tar::TarError;

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
    pub(super) fn of_stream(error: io::Error) -> Self {
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

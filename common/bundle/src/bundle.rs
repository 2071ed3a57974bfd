//! Makes a bundle: tar, compress, encrypt and cut as one stream, then the manifest.
//!
//! ```text
//! image ─ tar ─┬─ SHA-1                  ─┐
//!              └─ deflate, all processors ─┴─ AES ─ SHA-1 of each part ─ part sink
//!                 threads of "gzip"        │  the caller's thread
//! ```
//!
//! The manifest comes last because it holds the digests of the parts. Nothing is written but
//! through the [`PartSink`]; what it was given is of no use unless [`bundle`] returns `Ok`.

use std::io::{self, Write};

use crate::cipher::Encryptor;
use crate::gzip::{self, GzipError};
use crate::image::Image;
use crate::keys::{Certificate, KeyError, PrivateKey, SymmetricKey};
use crate::manifest::write::{Draft, WriteError, write};
use crate::manifest::{Kind, ManifestError, Mapping, Part, is_plain_name};
use crate::parts::{DEFAULT_PART_SIZE, PartSink, PartWriter};
use crate::tar::{Archive, LengthMismatch};

/// Why a bundle cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// An option cannot be used.
    #[error("{0}")]
    Option(&'static str),
    /// A value cannot stand in a manifest.
    #[error(transparent)]
    Value(#[from] ManifestError),
    /// A key cannot be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The image cannot be read.
    #[error("the image cannot be read")]
    Image(#[source] io::Error),
    /// The image is shorter or longer than announced.
    #[error("the image does not have the announced {announced} bytes")]
    Size {
        /// The size announced, bytes.
        announced: u64,
    },
    /// A part cannot be stored.
    #[error("a part of the bundle cannot be written")]
    Parts(#[source] io::Error),
    /// A worker thread stopped before its work was done.
    #[error("the bundling was interrupted")]
    Interrupted,
}

impl From<WriteError> for BundleError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Value(error) => Self::Value(error),
            WriteError::Key(error) => Self::Key(error),
        }
    }
}

impl From<GzipError> for BundleError {
    fn from(error: GzipError) -> Self {
        match error {
            GzipError::Input(error) => match error.downcast::<LengthMismatch>() {
                Ok(LengthMismatch { announced }) => Self::Size { announced },
                Err(error) => Self::Image(error),
            },
            GzipError::Output(error) => Self::Parts(error),
            GzipError::Stopped => Self::Interrupted,
        }
    }
}

/// The fastest compression whose bundles are about as large as those of `gzip -6`: on the images of
/// the benchmark a little smaller (docs/adr/0009).
pub const DEFAULT_COMPRESSION: u32 = 5;

/// What is said about the image, and how it is packed.
#[derive(Debug, Clone)]
pub struct BundleOptions {
    /// The prefix of all names: the parts are `PREFIX.part.0`…, the manifest
    /// `PREFIX.manifest.xml`, the tar member and the image `PREFIX`.
    pub prefix: String,
    /// `i386`, `x86_64`…
    pub architecture: String,
    /// What the image is.
    pub kind: Kind,
    /// The kernel to boot with, an id.
    pub kernel: Option<String>,
    /// The ramdisk to boot with, an id.
    pub ramdisk: Option<String>,
    /// The block device mappings.
    pub mappings: Vec<Mapping>,
    /// The product codes.
    pub product_codes: Vec<String>,
    /// Ids of the images that this one comes from.
    pub ancestry: Vec<String>,
    /// The account, digits.
    pub user: String,
    /// Bytes in a part.
    pub part_size: u64,
    /// Compression, 0 (none) to 9 (as small as it gets, many times slower).
    pub compression: u32,
    /// The image key; a new one of chance if absent.
    pub key: Option<SymmetricKey>,
}

impl BundleOptions {
    /// A machine image with nothing beyond what there must be, parts of 10 MiB, compression
    /// [`DEFAULT_COMPRESSION`].
    pub fn new(prefix: &str, architecture: &str, user: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            architecture: architecture.to_owned(),
            kind: Kind::Machine,
            kernel: None,
            ramdisk: None,
            mappings: Vec::new(),
            product_codes: Vec::new(),
            ancestry: Vec::new(),
            user: user.to_owned(),
            part_size: DEFAULT_PART_SIZE,
            compression: DEFAULT_COMPRESSION,
            key: None,
        }
    }

    fn check(&self) -> Result<(), BundleError> {
        // The longest of the names made from the prefix must be one that readers accept.
        if !is_plain_name(&self.prefix) || self.prefix.len() > 240 {
            return Err(BundleError::Option(
                "the prefix is not a plain file name of at most 240 bytes",
            ));
        }
        if self.part_size == 0 {
            return Err(BundleError::Option("the part size is zero"));
        }
        if self.compression > 9 {
            return Err(BundleError::Option("the compression is not 0 to 9"));
        }
        if self.user.is_empty() || !self.user.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BundleError::Option("the user is not an account number"));
        }
        if self.architecture.is_empty() {
            return Err(BundleError::Option("the architecture is empty"));
        }
        Ok(())
    }
}

/// Whose keys a bundle is made with.
#[derive(Debug, Clone, Copy)]
pub struct Recipients<'a> {
    /// The cloud: without it no server could open the bundle.
    pub cloud: &'a Certificate,
    /// The user; without a certificate nobody but the cloud can open the bundle.
    pub user: Option<&'a Certificate>,
    /// The user's private key; without it the manifest says `UNSIGNED`.
    pub signer: Option<&'a PrivateKey>,
}

/// A bundle that is complete once its manifest is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// The bytes of the manifest.
    pub manifest: Vec<u8>,
    /// The name to store it under.
    pub manifest_name: String,
    /// The parts by index.
    pub parts: Vec<Part>,
    /// Bytes in all parts.
    pub bundled_size: u64,
    /// The SHA-1 of the tar stream.
    pub digest: [u8; 20],
}

/// Makes a bundle of `image`, which must give exactly `size` bytes.
/// `progress` is told how many bytes of the image's archive are stored so far; the last value is a
/// little more than `size`.
///
/// # Errors
/// [`BundleError`]; the parts written by then are to be deleted.
pub fn bundle(
    image: impl Image + Send,
    size: u64,
    options: &BundleOptions,
    recipients: &Recipients<'_>,
    parts: &mut dyn PartSink,
    progress: &mut dyn FnMut(u64),
) -> Result<Bundled, BundleError> {
    options.check()?;
    let key = match &options.key {
        Some(key) => key.clone(),
        None => SymmetricKey::generate()?,
    };
    let (cloud_key, cloud_iv) = key.seal(recipients.cloud)?;
    let user_keys = recipients.user.map(|user| key.seal(user)).transpose()?;

    let tar = Archive::new(image, &options.prefix, size);
    let writer = PartWriter::new(parts, &options.prefix, options.part_size);
    let mut encryptor = Encryptor::new(writer, &key);
    let digest = gzip::compress(tar, options.compression, &mut |bytes, done| {
        encryptor.write_all(bytes)?;
        progress(done);
        Ok(())
    })?;
    let writer = encryptor.finish().map_err(BundleError::Parts)?;
    let (parts, bundled_size) = writer.finish().map_err(BundleError::Parts)?;

    let draft = Draft {
        architecture: &options.architecture,
        mappings: &options.mappings,
        product_codes: &options.product_codes,
        kernel: options.kernel.as_deref(),
        ramdisk: options.ramdisk.as_deref(),
        name: &options.prefix,
        user: &options.user,
        kind: options.kind,
        ancestry: &options.ancestry,
        digest,
        size,
        bundled_size,
        cloud: (&cloud_key, &cloud_iv),
        user_keys: user_keys.as_ref().map(|(key, iv)| (key.as_slice(), iv.as_slice())),
        parts: &parts,
    };
    let manifest = write(&draft, recipients.signer)?;
    let manifest_name = format!("{}.manifest.xml", options.prefix);
    Ok(Bundled { manifest, manifest_name, parts, bundled_size, digest })
}

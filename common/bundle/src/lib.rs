//! The bundle format: how an image becomes parts and a manifest, and back.
//!
//! ```text
//! image -> tar (one member) -> gzip -> AES-128-CBC, PKCS#7 -> parts of 10 MiB
//!                                                        \-> manifest (digests, keys, signature)
//! ```
//!
//! This crate owns the whole of that path in both directions: the manifest and what is signed in
//! it ([`manifest`]), the RSA keys and the image key ([`keys`]), the cipher ([`cipher`]), the tar
//! member ([`tar`]), the parts ([`parts`]) and the two pipelines ([`bundle()`], [`unbundle()`]).
//!
//! It never opens a file, a socket or a clock: parts come from a [`PartSource`] and go to a
//! [`PartSink`], the image comes from an [`Image`] and goes to a [`Sink`]. Everything
//! that comes in is taken to be hostile: nothing here panics on it, and the memory used does not
//! depend on the size of the image or of a part.

mod ahead;
pub mod bounded;
mod bundle;
pub mod cipher;
mod digest;
mod gzip;
pub mod image;
pub mod keys;
pub mod manifest;
pub mod parts;
pub mod sink;
pub mod tar;
mod unbundle;

pub use bundle::{BundleError, BundleOptions, Bundled, DEFAULT_COMPRESSION, Recipients, bundle};
pub use image::{Extents, Image, Piece, SparseImage};
pub use keys::{Certificate, KeyError, PrivateKey, Recipient, SymmetricKey};
pub use manifest::{Kind, Limits, Manifest, ManifestError, Mapping, Part, Signed};
pub use parts::{DEFAULT_PART_SIZE, PartSink, PartSource};
pub use sink::{PlainSink, Sink, SparseSink};
pub use unbundle::{DigestMatch, UnbundleError, Unbundled, unbundle};

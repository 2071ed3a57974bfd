//! What keeps registered images honest: how far their unpacking is, and whether what lies on disk
//! still is what was registered.
//!
//! Verifying is cut into small questions, so that none takes long, whoever asks can tell how far
//! it is, and nothing has to be remembered between two of them.

use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::walrus::{BundleRef, Walrus};
use crate::id::{AccountId, ImageId};
use crate::messages;

/// Tell which images are being unpacked, or wait for their turn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeUnpacking {}

/// An image on its way into the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacking {
    /// SHA-256 of its manifest's bytes, lower-case hex.
    pub manifest_sha256: String,
    /// Bytes of ciphertext done.
    pub done: u64,
    /// Bytes of ciphertext in all.
    pub total: u64,
    /// Whether it waits for room or its turn, and nothing is done yet.
    #[serde(default)]
    pub waiting: bool,
}

/// Check the manifest of a bundle once more: that it is there and the one that was registered, that
/// its account exists and signed it, and that the image key opens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckManifest {
    /// Which bundle.
    pub bundle: BundleRef,
    /// Whether a manifest without signature may pass.
    pub allow_unsigned: bool,
}

/// Read some parts of a bundle and compare their digests with the manifest. The manifest must be
/// the one that the bundle names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckParts {
    /// Which bundle.
    pub bundle: BundleRef,
    /// The index of the first part to be read.
    pub from: u64,
}

/// What was found of some parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedParts {
    /// The index of the first part that was not read; none are left if it is `total`.
    pub next: u64,
    /// How many parts the bundle has.
    pub total: u64,
    /// What is wrong, a sentence for each part.
    pub faults: Vec<String>,
}

/// Tell which plain images lie in the cache.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListCached {}

/// A plain image in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedImage {
    /// SHA-256 of the manifest's bytes that it was unpacked from.
    pub manifest_sha256: String,
    /// SHA-256 of its own bytes, as they were when it was unpacked.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

/// Read a plain image of the cache through and compare it with the digest it had.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckCached {
    /// SHA-256 of the manifest's bytes.
    pub manifest_sha256: String,
}

/// What was found of a plain image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckedCached {
    /// It is not in the cache, or no longer.
    Absent,
    /// Its bytes are those that were unpacked.
    Whole,
    /// They are not; a sentence.
    Wrong(String),
}

/// Tell which images are registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListRegistered {
    /// Those behind this id.
    #[serde(default)]
    pub after: Option<ImageId>,
}

/// Some registered images, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredPage {
    /// The images.
    pub images: Vec<Registered>,
    /// Whether there are more behind the last.
    pub more: bool,
    /// Whether a manifest without signature may pass.
    pub allow_unsigned: bool,
}

/// A registered image, as far as its bytes are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Its id.
    pub id: ImageId,
    /// Whose it is.
    pub account: AccountId,
    /// Its bundle.
    pub bundle: BundleRef,
    /// SHA-256 of its plain bytes, once they are known.
    pub sha256: Option<String>,
    /// Why it has failed, if it has.
    pub failed: Option<String>,
}

messages! {
    Walrus:
    DescribeUnpacking => Vec<Unpacking>, true;
    CheckManifest => (), true;
    CheckParts => CheckedParts, true;
    ListCached => Vec<CachedImage>, true;
    CheckCached => CheckedCached, true;
}

messages! {
    Identity:
    ListRegistered => RegisteredPage, true;
}

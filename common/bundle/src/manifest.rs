//! The manifest: what a bundle is, who can open it, which parts it has, and who signed it.
//!
//! [`Manifest::parse`] is the only way to get one, and what it gives is already valid: part names
//! are plain base names, indices are complete, sizes fit together. The submodule `parse` reads the
//! document, `signed` finds and verifies the signed bytes, [`mod@write`] makes a new manifest,
//! [`mod@sign`] signs one that came unsigned.
//!
//! A manifest never lends its raw bytes to a second reading. Signatures cover the literal bytes of
//! two elements; their digest is taken in the same pass in which the fields are read, hence what
//! was verified and what is used cannot be two different things.

mod parse;
pub mod sign;
mod signed;
pub mod write;

use std::collections::HashSet;

pub use signed::{Signed, signed_bytes};

use crate::cipher::BLOCK;
use crate::keys::{KeyError, PrivateKey, Recipient, SymmetricKey};

/// What a manifest may cost the one who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the manifest.
    pub manifest_bytes: usize,
    /// Parts in the bundle.
    pub parts: usize,
    /// Elements within each other.
    pub depth: usize,
    /// Bytes in the image (`image/size`). Zeros cost nothing in the bundle but do when they are
    /// unpacked.
    pub image_bytes: u64,
}

impl Default for Limits {
    /// 5 MiB of manifest, 16 384 parts, 16 levels, 1 TiB of image.
    fn default() -> Self {
        Self { manifest_bytes: 5 << 20, parts: 16_384, depth: 16, image_bytes: 1 << 40 }
    }
}

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The manifest is longer than the limit.
    #[error("the manifest is longer than {limit} bytes")]
    TooLarge {
        /// The limit, bytes.
        limit: usize,
    },
    /// The bytes are not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    NotUtf8,
    /// The text is not well-formed XML.
    #[error("the manifest is not well-formed XML at byte {at}: {reason}")]
    Xml {
        /// Where, counted from 0.
        at: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The document brings its own document type; entities could be anything then.
    #[error("the manifest declares a document type")]
    Doctype,
    /// An entity other than the five predefined ones.
    #[error("the manifest uses the unknown entity {0}")]
    Entity(String),
    /// Elements are nested beyond the limit.
    #[error("the manifest nests elements more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The document is not a manifest at all.
    #[error("the document is not a manifest: its root element is {0}")]
    NotManifest(String),
    /// An element that must be there is not.
    #[error("the manifest lacks {0}")]
    Missing(&'static str),
    /// An element that may be there once is there twice.
    #[error("the manifest holds {0} more than once")]
    Twice(&'static str),
    /// An element's value is not what it must be.
    #[error("{field} in the manifest {reason}")]
    Field {
        /// The element.
        field: &'static str,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The part list has more parts than the limit.
    #[error("the manifest lists more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// The count attribute differs from the number of parts.
    #[error("the manifest announces {announced} parts and lists {listed}")]
    PartCount {
        /// The value of `parts@count`.
        announced: usize,
        /// The number of `part` elements.
        listed: usize,
    },
    /// Indices are not 0, 1, 2… each once.
    #[error("the part indices are not complete: part {0} is missing or there twice")]
    PartIndex(usize),
    /// A part's file name is not a plain base name.
    #[error("the file name of part {0} is not a plain base name")]
    PartName(usize),
    /// Two parts have the same file name.
    #[error("two parts have the file name {0}")]
    PartNameTwice(String),
}

/// What a bundle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// A disk or a partition that an instance boots from.
    #[default]
    Machine,
    /// A kernel.
    Kernel,
    /// A ramdisk.
    Ramdisk,
}

impl Kind {
    /// The word in `image/type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Kernel => "kernel",
            Self::Ramdisk => "ramdisk",
        }
    }
}

/// The program that made a bundle; not signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bundler {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its release.
    pub release: String,
}

impl Bundler {
    /// Whether it is one of those known to put the digest of the tar stream into its manifests.
    pub(crate) fn digests_the_archive(&self) -> bool {
        matches!(self.name.as_str(), "eucalypt" | "euca-tools" | "euca2ools")
    }
}

/// One block device mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// `ami`, `root`, `swap`, `ephemeral0`…
    pub virtual_name: String,
    /// `sda1`, `/dev/sda1`…
    pub device: String,
}

/// One part of the ciphertext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its place, from 0.
    pub index: usize,
    /// A plain base name.
    pub filename: String,
    /// The SHA-1 of its bytes.
    pub digest: [u8; 20],
}

/// A manifest that was read and found valid. Signatures are a question of their own:
/// [`Manifest::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The version of the format, `2007-10-10`.
    pub version: String,
    /// The program that made the bundle.
    pub bundler: Bundler,
    /// `i386`, `x86_64`…
    pub architecture: String,
    /// The block device mappings, in their order.
    pub block_device_mapping: Vec<Mapping>,
    /// The product codes, in their order.
    pub product_codes: Vec<String>,
    /// The text of `kernel_id`: an id, or the word that says that this is a kernel; see
    /// [`Manifest::kernel`].
    pub kernel_id: Option<String>,
    /// The text of `ramdisk_id`; see [`Manifest::ramdisk`].
    pub ramdisk_id: Option<String>,
    /// The image's name.
    pub name: String,
    /// The account that the bundle was made for: digits, any number of them.
    pub user: String,
    /// What `image/type` says; see [`Manifest::kind`].
    pub image_type: Kind,
    /// Ids of the images that this one comes from.
    pub ancestry: Vec<String>,
    /// The SHA-1 of the tar stream or of the image; none if it is absent, all zeros, or the SHA-1
    /// of nothing, as all bundles of one old tool have it.
    pub digest: Option<[u8; 20]>,
    /// Bytes in the image.
    pub size: u64,
    /// Bytes in the ciphertext: the sum of the parts.
    pub bundled_size: u64,
    /// The key, encrypted for the cloud.
    pub ec2_encrypted_key: Option<Vec<u8>>,
    /// The IV, encrypted for the cloud.
    pub ec2_encrypted_iv: Option<Vec<u8>>,
    /// The key, encrypted for the user.
    pub user_encrypted_key: Option<Vec<u8>>,
    /// The IV, encrypted for the user.
    pub user_encrypted_iv: Option<Vec<u8>>,
    /// The parts by index.
    pub parts: Vec<Part>,
    /// The signatures as bytes; one that was not hexadecimal is empty and never verifies.
    pub signatures: Vec<Vec<u8>>,
    /// Whether there is no signature, or the word `UNSIGNED` in its place.
    pub unsigned: bool,
    /// The SHA-1 of the signed bytes.
    signed: [u8; 20],
}

impl Manifest {
    /// What the bundle holds. Old tools write the type `machine` for all, and say it in another
    /// way: `true` or `yes` instead of a kernel's or ramdisk's id, or the name under which the
    /// manifest is stored (`manifest_name`, a path or a base name) beginning with `vmlinuz` or
    /// `initrd`.
    pub fn kind(&self, manifest_name: &str) -> Kind {
        let base = manifest_name.rsplit('/').next().unwrap_or(manifest_name);
        if self.image_type != Kind::Machine {
            self.image_type
        } else if self.kernel_id.as_deref().is_some_and(says_yes) {
            Kind::Kernel
        } else if self.ramdisk_id.as_deref().is_some_and(says_yes) {
            Kind::Ramdisk
        } else if base.starts_with("vmlinuz") {
            Kind::Kernel
        } else if base.starts_with("initrd") {
            Kind::Ramdisk
        } else {
            Kind::Machine
        }
    }

    /// The id of the kernel to boot with.
    pub fn kernel(&self) -> Option<&str> {
        self.kernel_id.as_deref().filter(|id| !says_yes(id))
    }

    /// The id of the ramdisk to boot with.
    pub fn ramdisk(&self) -> Option<&str> {
        self.ramdisk_id.as_deref().filter(|id| !says_yes(id))
    }

    /// Opens the image key with the private key of `recipient`.
    ///
    /// # Errors
    /// [`KeyError::Absent`] if the manifest has no key for it, else [`KeyError::Decrypt`].
    pub fn symmetric_key(
        &self,
        recipient: Recipient,
        private: &PrivateKey,
    ) -> Result<SymmetricKey, KeyError> {
        let (key, iv) = match recipient {
            Recipient::Cloud => (&self.ec2_encrypted_key, &self.ec2_encrypted_iv),
            Recipient::User => (&self.user_encrypted_key, &self.user_encrypted_iv),
        };
        match (key, iv) {
            (Some(key), Some(iv)) => SymmetricKey::open(key, iv, private),
            _ => Err(KeyError::Absent(recipient)),
        }
    }

    /// Opens the image key with a private key that may be the user's or the cloud's.
    ///
    /// # Errors
    /// As [`Manifest::symmetric_key`]; absent only if it is for both.
    pub fn any_symmetric_key(&self, private: &PrivateKey) -> Result<SymmetricKey, KeyError> {
        match self.symmetric_key(Recipient::User, private) {
            Ok(key) => Ok(key),
            Err(by_user) => {
                self.symmetric_key(Recipient::Cloud, private).map_err(|by_cloud| match by_cloud {
                    KeyError::Absent(_) => by_user,
                    other => other,
                })
            }
        }
    }

    /// Checks what [`Manifest::parse`] has checked already: for those who changed a field.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ManifestError> {
        if self.size > i64::MAX.unsigned_abs() {
            return Err(ManifestError::Field { field: "size", reason: "is beyond 2^63" });
        }
        if self.bundled_size == 0 || !self.bundled_size.is_multiple_of(BLOCK as u64) {
            return Err(ManifestError::Field {
                field: "bundled_size",
                reason: "is not a positive multiple of 16",
            });
        }
        if !is_plain_name(&self.name) {
            return Err(ManifestError::Field { field: "name", reason: "is not a plain name" });
        }
        if self.parts.is_empty() {
            return Err(ManifestError::Missing("part"));
        }
        let mut names = HashSet::with_capacity(self.parts.len());
        for (index, part) in self.parts.iter().enumerate() {
            if part.index != index {
                return Err(ManifestError::PartIndex(index));
            }
            if !is_plain_name(&part.filename) {
                return Err(ManifestError::PartName(index));
            }
            if !names.insert(part.filename.as_str()) {
                return Err(ManifestError::PartNameTwice(part.filename.clone()));
            }
        }
        Ok(())
    }
}

/// Whether the text of `kernel_id` or `ramdisk_id` says that the bundle is one.
fn says_yes(id: &str) -> bool {
    id.eq_ignore_ascii_case("true") || id.eq_ignore_ascii_case("yes")
}

/// Whether `name` can be the last component of a path and nothing else.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 1024
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c == '/' || c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_names() {
        for good in ["a", "a.part.0", "pre fix 日本", "a&b<c>", "..a", "a..", "\\"] {
            assert!(is_plain_name(good), "{good}");
        }
        let long = "x".repeat(1025);
        for bad in ["", ".", "..", "/", "a/b", "../x", "/etc/x", "a\0b", "a\nb", "\u{7f}", &long] {
            assert!(!is_plain_name(bad), "{bad:?}");
        }
    }
}

//! Makes a new manifest: the elements in the order that all readers know, on one line, signed over
//! the literal bytes just written.

use sha1::{Digest, Sha1};

use super::{Kind, ManifestError, Mapping, Part, is_plain_name};
use crate::keys::{KeyError, PrivateKey};

/// The version of the format that is written.
pub const VERSION: &str = "2007-10-10";

/// Why a manifest cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A value that cannot stand in a manifest.
    #[error(transparent)]
    Value(#[from] ManifestError),
    /// It cannot be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// All that a manifest says, except for the signature.
#[derive(Debug, Clone)]
pub struct Draft<'a> {
    /// `i386`, `x86_64`…
    pub architecture: &'a str,
    /// The block device mappings in their order.
    pub mappings: &'a [Mapping],
    /// The product codes in their order.
    pub product_codes: &'a [String],
    /// The kernel to boot with.
    pub kernel: Option<&'a str>,
    /// The ramdisk to boot with.
    pub ramdisk: Option<&'a str>,
    /// The image's name.
    pub name: &'a str,
    /// The account, digits.
    pub user: &'a str,
    /// What the bundle holds.
    pub kind: Kind,
    /// Ids of the images that this one comes from.
    pub ancestry: &'a [String],
    /// The SHA-1 of the tar stream.
    pub digest: [u8; 20],
    /// Bytes in the image.
    pub size: u64,
    /// Bytes in the ciphertext.
    pub bundled_size: u64,
    /// Key and IV, encrypted for the cloud.
    pub cloud: (&'a [u8], &'a [u8]),
    /// Key and IV, encrypted for the user, if it has a certificate.
    pub user_keys: Option<(&'a [u8], &'a [u8])>,
    /// The parts by index.
    pub parts: &'a [Part],
}

/// Writes `draft` and signs it with `signer`; without one, the signature is the word `UNSIGNED`.
///
/// # Errors
/// [`WriteError::Value`] for a value with a character that XML does not have or for a name that is
/// not plain, [`WriteError::Key`] if it cannot be signed.
pub fn write(draft: &Draft<'_>, signer: Option<&PrivateKey>) -> Result<Vec<u8>, WriteError> {
    let machine = machine_configuration(draft)?;
    let image = image(draft)?;
    let signature = match signer {
        Some(key) => {
            let mut sha1 = Sha1::new();
            sha1.update(machine.as_bytes());
            sha1.update(image.as_bytes());
            hex::encode(key.sign(&sha1.finalize().into())?)
        }
        None => "UNSIGNED".to_owned(),
    };
    let mut out = Xml::default();
    out.0.push_str("<?xml version=\"1.0\"?><manifest>");
    out.leaf("version", "version", VERSION)?;
    out.open("bundler");
    out.leaf("name", "name", "eucalypt")?;
    out.leaf("version", "version", env!("CARGO_PKG_VERSION"))?;
    out.leaf("release", "release", "0")?;
    out.close("bundler");
    out.0.push_str(&machine);
    out.0.push_str(&image);
    out.leaf("signature", "signature", &signature)?;
    out.close("manifest");
    Ok(out.0.into_bytes())
}

fn machine_configuration(draft: &Draft<'_>) -> Result<String, ManifestError> {
    let mut out = Xml::default();
    out.open("machine_configuration");
    out.leaf("architecture", "architecture", draft.architecture)?;
    if !draft.mappings.is_empty() {
        out.open("block_device_mapping");
        for mapping in draft.mappings {
            out.open("mapping");
            out.leaf("virtual", "virtual", &mapping.virtual_name)?;
            out.leaf("device", "device", &mapping.device)?;
            out.close("mapping");
        }
        out.close("block_device_mapping");
    }
    if !draft.product_codes.is_empty() {
        out.open("product_codes");
        for code in draft.product_codes {
            out.leaf("product_code", "product_code", code)?;
        }
        out.close("product_codes");
    }
    // The word beside the type is what older servers go by.
    let kernel = if draft.kind == Kind::Kernel { Some("true") } else { draft.kernel };
    let ramdisk = if draft.kind == Kind::Ramdisk { Some("true") } else { draft.ramdisk };
    if let Some(kernel) = kernel {
        out.leaf("kernel_id", "kernel_id", kernel)?;
    }
    if let Some(ramdisk) = ramdisk {
        out.leaf("ramdisk_id", "ramdisk_id", ramdisk)?;
    }
    out.close("machine_configuration");
    Ok(out.0)
}

fn image(draft: &Draft<'_>) -> Result<String, ManifestError> {
    const SHA1: &str = "digest algorithm=\"SHA1\"";
    const AES: &str = " algorithm=\"AES-128-CBC\"";
    if !is_plain_name(draft.name) {
        return Err(ManifestError::Field { field: "name", reason: "is not a plain name" });
    }
    let mut out = Xml::default();
    out.open("image");
    out.leaf("name", "name", draft.name)?;
    out.leaf("user", "user", draft.user)?;
    out.leaf("type", "type", draft.kind.as_str())?;
    if !draft.ancestry.is_empty() {
        out.open("ancestry");
        for ancestor in draft.ancestry {
            out.leaf("ancestor_ami_id", "ancestor_ami_id", ancestor)?;
        }
        out.close("ancestry");
    }
    out.leaf(SHA1, "digest", &hex::encode(draft.digest))?;
    out.leaf("size", "size", &draft.size.to_string())?;
    out.leaf("bundled_size", "bundled_size", &draft.bundled_size.to_string())?;
    let (user_key, user_iv) = draft.user_keys.unwrap_or_default();
    for (name, attribute, value) in [
        ("ec2_encrypted_key", AES, draft.cloud.0),
        ("user_encrypted_key", AES, user_key),
        ("ec2_encrypted_iv", "", draft.cloud.1),
        ("user_encrypted_iv", "", user_iv),
    ] {
        out.leaf(&format!("{name}{attribute}"), name, &hex::encode(value))?;
    }
    out.open(&format!("parts count=\"{}\"", draft.parts.len()));
    for part in draft.parts {
        if !is_plain_name(&part.filename) {
            return Err(ManifestError::PartName(part.index));
        }
        out.open(&format!("part index=\"{}\"", part.index));
        out.leaf("filename", "filename", &part.filename)?;
        out.leaf(SHA1, "digest", &hex::encode(part.digest))?;
        out.close("part");
    }
    out.close("parts");
    out.close("image");
    Ok(out.0)
}

/// XML text that grows.
#[derive(Default)]
struct Xml(String);

impl Xml {
    fn open(&mut self, tag: &str) {
        self.0.push('<');
        self.0.push_str(tag);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// Writes an element with text; `tag` is its name with any attributes.
    fn leaf(&mut self, tag: &str, name: &'static str, text: &str) -> Result<(), ManifestError> {
        self.open(tag);
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                    return Err(ManifestError::Field {
                        field: name,
                        reason: "holds a control character",
                    });
                }
                c => self.0.push(c),
            }
        }
        self.close(name);
        Ok(())
    }
}

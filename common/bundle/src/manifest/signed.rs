//! The signed bytes of a manifest and who signed them.
//!
//! Signed is what stands literally in the file from `<machine_configuration>` to its end tag,
//! followed by what stands from `<image>` to its end tag: no canonical form, no white space
//! removed. Both are children of the root element; the same words in a comment, in CDATA or within
//! another element are text and nothing else.

use super::{Limits, Manifest, ManifestError, parse};
use crate::keys::Certificate;

/// Who signed a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// A signature verifies with the certificate at this index.
    By(usize),
    /// There is no signature.
    Unsigned,
    /// There are signatures and none verifies with any of the certificates.
    No,
}

impl Manifest {
    /// Tries each signature with each certificate: the order of the certificates is the order of
    /// preference.
    pub fn verify(&self, certificates: &[Certificate]) -> Signed {
        if self.unsigned {
            return Signed::Unsigned;
        }
        certificates
            .iter()
            .position(|certificate| {
                self.signatures.iter().any(|signature| {
                    !signature.is_empty() && certificate.verifies(&self.signed, signature)
                })
            })
            .map_or(Signed::No, Signed::By)
    }
}

/// The bytes of `raw` that a signature covers.
///
/// # Errors
/// As [`Manifest::parse`].
pub fn signed_bytes(raw: &[u8], limits: &Limits) -> Result<Vec<u8>, ManifestError> {
    let spans = parse::signed_spans(raw, limits)?;
    Ok(spans.into_iter().filter_map(|span| raw.get(span)).flatten().copied().collect())
}

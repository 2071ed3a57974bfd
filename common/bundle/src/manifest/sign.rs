//! Signs a manifest that came unsigned: for a cloud that keeps its key away from whoever bundles.
//!
//! The bytes that a signature covers stay as they are; only the word `UNSIGNED` goes, and a
//! signature comes where it stood.

use super::write::WriteError;
use super::{Limits, Manifest, ManifestError};
use crate::keys::PrivateKey;

/// What [`mod@super::write`] puts where a signature would be.
const NONE: &[u8] = b"<signature>UNSIGNED</signature>";

const END: &[u8] = b"</manifest>";

/// Gives the manifest with a signature by `signer`. One that is signed already keeps its signatures
/// and gets another.
///
/// # Errors
/// [`WriteError::Value`] if it is no manifest, [`WriteError::Key`] if it cannot be signed.
pub fn sign(raw: &[u8], signer: &PrivateKey, limits: &Limits) -> Result<Vec<u8>, WriteError> {
    let manifest = Manifest::parse(raw, limits)?;
    let signature = signer.sign(&manifest.signed)?;
    let end = raw.windows(END.len()).rposition(|window| window == END);
    let end = end.ok_or(ManifestError::Missing("its end"))?;
    let before = &raw[..end];
    let before = before.strip_suffix(NONE).unwrap_or(before);
    let text = format!("<signature>{}</signature>", hex::encode(&signature));
    let made = [before, text.as_bytes(), &raw[end..]].concat();
    // The end that was found may have stood in a comment behind the real one.
    let read = Manifest::parse(&made, limits)?;
    if !read.signatures.contains(&signature) || read.signed != manifest.signed {
        return Err(ManifestError::Missing("a place for its signature").into());
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::super::write::{Draft, write};
    use super::super::{Kind, Part, Signed};
    use super::*;
    use crate::keys::Certificate;

    fn key(name: &str) -> Vec<u8> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/golden/keys/");
        std::fs::read(format!("{folder}{name}")).unwrap()
    }

    #[test]
    fn what_came_unsigned_is_signed_and_what_was_signed_stays_so() {
        let parts = [Part { index: 0, filename: "i.part.0".into(), digest: [1; 20] }];
        let draft = Draft {
            architecture: "x86_64",
            mappings: &[],
            product_codes: &[],
            kernel: None,
            ramdisk: None,
            name: "i",
            user: "1",
            kind: Kind::Machine,
            ancestry: &[],
            digest: [2; 20],
            size: 5,
            bundled_size: 16,
            cloud: (b"k", b"i"),
            user_keys: None,
            parts: &parts,
        };
        let (cloud, user) = (key("cloud-pk8.pem"), key("user-pk.pem"));
        let (cloud, user) = (PrivateKey::from_pem(&cloud), PrivateKey::from_pem(&user));
        let (cloud, user) = (cloud.unwrap(), user.unwrap());
        let certificates = ["cloud-cert.pem", "user-cert.pem"]
            .map(|name| Certificate::from_pem(&key(name)).unwrap());
        let limits = Limits::default();
        let by = |raw: &[u8], one: usize| {
            let read = Manifest::parse(raw, &limits).unwrap();
            read.verify(&certificates[one..=one])
        };
        let unsigned = write(&draft, None).unwrap();
        let signed = sign(&unsigned, &cloud, &limits).unwrap();
        assert_eq!(signed, write(&draft, Some(&cloud)).unwrap(), "as if it had been there");
        let mut twice = write(&draft, Some(&user)).unwrap();
        twice.extend_from_slice(b"<!-- bye -->\n");
        let twice = sign(&twice, &cloud, &limits).unwrap();
        assert_eq!((by(&twice, 0), by(&twice, 1)), (Signed::By(0), Signed::By(0)));
        assert_eq!(by(&signed, 1), Signed::No);
        let mut odd = unsigned.clone();
        odd.extend_from_slice(b"<!-- </manifest> -->");
        assert!(matches!(sign(&odd, &cloud, &limits), Err(WriteError::Value(_))));
        assert!(sign(b"<manifest/>", &cloud, &limits).is_err());
    }
}

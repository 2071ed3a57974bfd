//! Key pairs as bytes: made, printed, fingerprinted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::ApiError;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use ssh_key::private::Ed25519Keypair;
use ssh_key::{Mpint, PrivateKey, PublicKey, public};

/// A key pair just made.
pub struct KeyMaterial {
    /// The private half, PEM.
    pub private: String,
    /// The public half in OpenSSH form, without a comment.
    pub public: String,
    /// The fingerprint as EC2 prints it.
    pub fingerprint: String,
}

fn failed(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal("No key could be made", error)
}

/// Makes an RSA key pair of 2048 bits: PKCS#1 PEM, fingerprint SHA-1 of the PKCS#8 form. Takes a
/// good part of a second: blocks.
///
/// # Errors
/// If no key can be made.
pub fn rsa() -> Result<KeyMaterial, ApiError> {
    of_rsa(&crate::identity::certificates::make_key()?)
}

fn of_rsa(key: &RsaPrivateKey) -> Result<KeyMaterial, ApiError> {
    let pkcs8 = key.to_pkcs8_der().map_err(failed)?;
    let digest = Sha1::digest(pkcs8.as_bytes());
    let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let exponent = Mpint::from_positive_bytes(&key.e_bytes());
    let modulus = Mpint::from_positive_bytes(&key.n_bytes());
    let public = public::RsaPublicKey::new(exponent, modulus).map_err(failed)?;
    Ok(KeyMaterial {
        private: key.to_pkcs1_pem(LineEnding::LF).map_err(failed)?.as_str().to_owned(),
        public: PublicKey::from(public::KeyData::Rsa(public)).to_openssh().map_err(failed)?,
        fingerprint: pairs.join(":"),
    })
}

/// Makes an ed25519 key pair: OpenSSH PEM, fingerprint SHA-256 of the public half in base64.
///
/// # Errors
/// If no key can be made.
pub fn ed25519() -> Result<KeyMaterial, ApiError> {
    let pair = Ed25519Keypair::random(&mut UnwrapErr(SysRng));
    let key = PrivateKey::from(pair);
    let public = key.public_key().to_bytes().map_err(failed)?;
    Ok(KeyMaterial {
        private: key.to_openssh(LineEnding::LF).map_err(failed)?.as_str().to_owned(),
        public: key.public_key().to_openssh().map_err(failed)?,
        fingerprint: STANDARD.encode(Sha256::digest(public)),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What ssh-keygen makes of a private key, if there is an ssh-keygen.
    fn public_by_keygen(private: &str) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, private).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let done = Command::new("ssh-keygen").arg("-yf").arg(&file).output().ok()?;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(String::from_utf8(done.stdout).unwrap().trim().to_owned())
    }

    #[test]
    fn keys_are_those_that_ssh_reads() {
        let rsa = rsa().unwrap();
        assert!(rsa.private.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(rsa.public.starts_with("ssh-rsa AAAAB3NzaC1yc2E"));
        assert_eq!(rsa.fingerprint.len(), 59);
        let ed = ed25519().unwrap();
        assert!(ed.private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        assert!(ed.public.starts_with("ssh-ed25519 AAAA"));
        for made in [&rsa, &ed] {
            if let Some(public) = public_by_keygen(&made.private) {
                assert_eq!(public, made.public);
            }
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_the_pkcs8_form() {
        let key = crate::identity::certificates::make_key().unwrap();
        let made = of_rsa(&key).unwrap();
        let digest = hex::encode(Sha1::digest(key.to_pkcs8_der().unwrap().as_bytes()));
        assert_eq!(made.fingerprint.replace(':', ""), digest);
    }
}

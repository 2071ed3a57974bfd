//! The keys of a bundle: RSA certificates and private keys, and the image key they protect.
//!
//! The image key is an AES-128 key and an IV. What RSA encrypts is not their 16 bytes but their
//! text of 32 hexadecimal digits, PKCS#1 v1.5, once for the cloud and once for the user. Private
//! keys and image keys are wiped from memory when they are dropped, and never printed.
//!
//! A text that does not decrypt is answered with one error, [`KeyError::Decrypt`], whatever was
//! wrong with it: a difference between "bad padding" and "not hexadecimal" would let whoever can
//! ask often enough recover the key without the private key (Bleichenbacher's attack). The `rsa`
//! crate is held at a version whose PKCS#1 v1.5 decryption uses implicit rejection for the same
//! reason: bad padding yields a made-up text, in the same time, which then fails here as any other
//! text that is not 32 digits.

use std::fmt;

use getrandom::SysRng;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::traits::{PaddingScheme, SignatureScheme};
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use x509_cert::der::{Decode, DecodePem, Encode};
use zeroize::{Zeroize, Zeroizing};

/// What can go wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not an X.509 certificate of an RSA key in PEM or DER.
    #[error("not an X.509 certificate with an RSA key")]
    Certificate,
    /// Not an unencrypted RSA private key in PEM, PKCS#1 or PKCS#8.
    #[error("not an unencrypted RSA private key in PEM form (PKCS#1 or PKCS#8)")]
    PrivateKey,
    /// The image key does not decrypt with the private key given. There is no closer reason.
    #[error("the image key does not decrypt with this private key")]
    Decrypt,
    /// The manifest holds no image key for this recipient.
    #[error("the manifest holds no image key for the {0}")]
    Absent(Recipient),
    /// The RSA key is too short to encrypt the image key.
    #[error("the image key cannot be encrypted for this certificate")]
    Encrypt,
    /// The RSA key is too short to sign, or is inconsistent.
    #[error("the manifest cannot be signed with this private key")]
    Sign,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// For whom an image key is encrypted: which fields of the manifest are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// `ec2_encrypted_key` and `ec2_encrypted_iv`.
    Cloud,
    /// `user_encrypted_key` and `user_encrypted_iv`.
    User,
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cloud => "cloud",
            Self::User => "user",
        })
    }
}

/// The RSA public key of an X.509 certificate. Names, dates and issuers are not looked at: who a
/// certificate belongs to is the business of whoever keeps it.
#[derive(Debug, Clone)]
pub struct Certificate {
    public: RsaPublicKey,
}

impl Certificate {
    /// Reads the first certificate of a PEM file; text before and after it is passed over.
    ///
    /// # Errors
    /// [`KeyError::Certificate`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let block = pem_block(pem, "CERTIFICATE").ok_or(KeyError::Certificate)?;
        let certificate =
            x509_cert::Certificate::from_pem(block).map_err(|_| KeyError::Certificate)?;
        Self::of(&certificate)
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`KeyError::Certificate`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let certificate =
            x509_cert::Certificate::from_der(der).map_err(|_| KeyError::Certificate)?;
        Self::of(&certificate)
    }

    fn of(certificate: &x509_cert::Certificate) -> Result<Self, KeyError> {
        let info = certificate
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|_| KeyError::Certificate)?;
        let public = RsaPublicKey::from_public_key_der(&info).map_err(|_| KeyError::Certificate)?;
        Ok(Self { public })
    }

    /// Whether `signature` is the PKCS#1 v1.5 signature of a message whose SHA-1 is `digest`.
    pub fn verifies(&self, digest: &[u8; 20], signature: &[u8]) -> bool {
        Pkcs1v15Sign::new::<Sha1>().verify(&self.public, digest, signature).is_ok()
    }

    /// Encrypts `text` (32 hexadecimal digits) for the owner of the certificate.
    fn encrypt(&self, text: &[u8]) -> Result<Vec<u8>, KeyError> {
        Pkcs1v15Encrypt.encrypt(&mut SysRng, &self.public, text).map_err(|_| KeyError::Encrypt)
    }
}

/// An RSA private key: opens image keys and signs manifests. Wiped when dropped.
#[derive(Clone)]
pub struct PrivateKey {
    private: RsaPrivateKey,
}

impl PrivateKey {
    /// Reads the first private key of a PEM file, `RSA PRIVATE KEY` (PKCS#1) or `PRIVATE KEY`
    /// (PKCS#8), not encrypted.
    ///
    /// # Errors
    /// [`KeyError::PrivateKey`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let private = if let Some(block) = pem_block(pem, "RSA PRIVATE KEY") {
            RsaPrivateKey::from_pkcs1_pem(block).map_err(|_| KeyError::PrivateKey)?
        } else {
            let block = pem_block(pem, "PRIVATE KEY").ok_or(KeyError::PrivateKey)?;
            RsaPrivateKey::from_pkcs8_pem(block).map_err(|_| KeyError::PrivateKey)?
        };
        Ok(Self { private })
    }

    /// Signs a message whose SHA-1 is `digest`, PKCS#1 v1.5.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, digest: &[u8; 20]) -> Result<Vec<u8>, KeyError> {
        Pkcs1v15Sign::new::<Sha1>()
            .sign(Some(&mut SysRng), &self.private, digest)
            .map_err(|_| KeyError::Sign)
    }

    fn decrypt(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        Pkcs1v15Encrypt.decrypt(Some(&mut SysRng), &self.private, sealed).ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// The image key: AES-128 key and IV. Wiped when dropped.
#[derive(Clone)]
pub struct SymmetricKey {
    key: [u8; 16],
    iv: [u8; 16],
}

impl SymmetricKey {
    /// Takes a key and an IV as they are.
    pub fn new(key: [u8; 16], iv: [u8; 16]) -> Self {
        Self { key, iv }
    }

    /// Makes a new key and IV from the system's random bytes.
    ///
    /// # Errors
    /// [`KeyError::Random`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut made = Self { key: [0; 16], iv: [0; 16] };
        getrandom::fill(&mut made.key).map_err(|_| KeyError::Random)?;
        getrandom::fill(&mut made.iv).map_err(|_| KeyError::Random)?;
        Ok(made)
    }

    /// Opens the two encrypted texts of a manifest.
    ///
    /// # Errors
    /// [`KeyError::Decrypt`], whatever was wrong.
    pub fn open(key: &[u8], iv: &[u8], private: &PrivateKey) -> Result<Self, KeyError> {
        // Both are always tried: how long a failure takes does not tell which one failed.
        let key = private.decrypt(key).and_then(|text| from_text(&text));
        let iv = private.decrypt(iv).and_then(|text| from_text(&text));
        match (key, iv) {
            (Some(key), Some(iv)) => Ok(Self { key: *key, iv: *iv }),
            _ => Err(KeyError::Decrypt),
        }
    }

    /// Seals key and IV for the owner of `certificate`: the two encrypted texts, in this order.
    ///
    /// # Errors
    /// [`KeyError::Encrypt`].
    pub fn seal(&self, certificate: &Certificate) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
        let key = Zeroizing::new(hex::encode(self.key));
        let iv = Zeroizing::new(hex::encode(self.iv));
        Ok((certificate.encrypt(key.as_bytes())?, certificate.encrypt(iv.as_bytes())?))
    }

    /// The AES-128 key.
    pub fn key(&self) -> &[u8; 16] {
        &self.key
    }

    /// The IV of the first block.
    pub fn iv(&self) -> &[u8; 16] {
        &self.iv
    }
}

impl Drop for SymmetricKey {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

impl fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricKey(..)")
    }
}

/// Reads 32 hexadecimal digits of either case with white space around them.
fn from_text(text: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
    let mut bytes = Zeroizing::new([0_u8; 16]);
    hex::decode_to_slice(text.trim_ascii(), bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

/// The first block of `label` in a PEM file, with its markers and without what surrounds it.
fn pem_block<'a>(pem: &'a [u8], label: &str) -> Option<&'a str> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let from = find(pem, begin.as_bytes())?;
    let to = from + find(&pem[from..], end.as_bytes())? + end.len();
    std::str::from_utf8(&pem[from..to]).ok()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../../tests/data/golden/keys/user-cert.pem");
    const PKCS1: &[u8] = include_bytes!("../../../tests/data/golden/keys/user-pk.pem");
    const PKCS8: &[u8] = include_bytes!("../../../tests/data/golden/keys/user-pk8.pem");
    const OTHER: &[u8] = include_bytes!("../../../tests/data/golden/keys/cloud-pk.pem");

    #[test]
    fn a_sealed_key_opens_with_both_forms_of_the_private_key() {
        let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
        let made = SymmetricKey::generate().unwrap();
        let (key, iv) = made.seal(&certificate).unwrap();
        for pem in [PKCS1, PKCS8] {
            let opened =
                SymmetricKey::open(&key, &iv, &PrivateKey::from_pem(pem).unwrap()).unwrap();
            assert_eq!((opened.key(), opened.iv()), (made.key(), made.iv()));
        }
    }

    #[test]
    fn every_failure_to_open_is_the_same() {
        let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
        let private = PrivateKey::from_pem(PKCS1).unwrap();
        let (key, iv) = SymmetricKey::generate().unwrap().seal(&certificate).unwrap();
        let not_hex = certificate.encrypt(b"this is not a text of 32 digits!").unwrap();
        let short = certificate.encrypt(b"0123456789abcdef").unwrap();
        let other = PrivateKey::from_pem(OTHER).unwrap();
        let cases: [(&[u8], &PrivateKey); 7] = [
            (&key, &other),
            (&not_hex, &private),
            (&short, &private),
            (&[], &private),
            (&key[..255], &private),
            (&[0; 256], &private),
            (&[0xff; 256], &private),
        ];
        for (sealed, private) in cases {
            assert_eq!(SymmetricKey::open(sealed, &iv, private).unwrap_err(), KeyError::Decrypt);
            assert_eq!(SymmetricKey::open(&iv, sealed, private).unwrap_err(), KeyError::Decrypt);
        }
    }

    #[test]
    fn key_texts_in_upper_case_and_with_white_space_are_taken() {
        let digits = b"000102030405060708090A0b0C0d0e0f";
        let mut padded = b" \t".to_vec();
        padded.extend_from_slice(digits);
        padded.extend_from_slice(b"\r\n");
        for text in [digits.as_slice(), padded.as_slice()] {
            assert_eq!(from_text(text).unwrap()[15], 15);
        }
        for text in [&digits[..31], b"", b"0x0102030405060708090a0b0c0d0e0f"] {
            assert!(from_text(text).is_none());
        }
    }

    #[test]
    fn text_around_a_certificate_is_passed_over_and_others_are_refused() {
        let mut pem = b"Certificate:\n    Data:\n\n".to_vec();
        pem.extend_from_slice(CERTIFICATE);
        pem.extend_from_slice(b"\ntrailing words\n");
        assert!(Certificate::from_pem(&pem).is_ok());
        for wrong in [PKCS1, b"", b"-----BEGIN CERTIFICATE-----", &[0xff; 64]] {
            assert_eq!(Certificate::from_pem(wrong).unwrap_err(), KeyError::Certificate);
        }
        assert_eq!(PrivateKey::from_pem(CERTIFICATE).unwrap_err(), KeyError::PrivateKey);
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!(
            "{:?} {:?}",
            SymmetricKey::new([0x41; 16], [0x42; 16]),
            PrivateKey::from_pem(PKCS1).unwrap()
        );
        assert_eq!(printed, "SymmetricKey(..) PrivateKey(..)");
    }
}

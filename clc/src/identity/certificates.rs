//! RSA keys and the self-signed certificates around them.
//!
//! A certificate here is a public key with a name on it; trust comes from the record that says
//! whose it is, never from who signed it.

use std::str::FromStr;
use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha2::Sha256;
use x509_cert::Certificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::UtcTime;
use x509_cert::der::{Decode as _, DecodePem as _, EncodePem as _};
use x509_cert::ext::pkix::BasicConstraints;
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::random;

/// How long a certificate says that it is good. Bundles signed with it stay good for ever.
const YEARS: u64 = 10;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Makes an RSA key of 2048 bits. Takes a good part of a second: blocks.
///
/// # Errors
/// If no key can be made.
pub fn make_key() -> Result<RsaPrivateKey, ApiError> {
    RsaPrivateKey::new(&mut UnwrapErr(SysRng), 2048)
        .map_err(|error| ApiError::internal("No key could be made", error))
}

/// A certificate and its private key.
pub struct Made {
    /// The certificate, PEM.
    pub certificate: String,
    /// The private key.
    pub key: RsaPrivateKey,
}

impl Made {
    /// The private key as clients of bundles read it: PEM, PKCS#1.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn key_pkcs1(&self) -> Result<String, ApiError> {
        let pem = self.key.to_pkcs1_pem(LineEnding::LF).map_err(unwritable)?;
        Ok(pem.as_str().to_owned())
    }

    /// The private key as walrus takes it: PEM, PKCS#8.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn key_pkcs8(&self) -> Result<String, ApiError> {
        let pem = self.key.to_pkcs8_pem(LineEnding::LF).map_err(unwritable)?;
        Ok(pem.as_str().to_owned())
    }
}

fn unwritable(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal("A key or certificate could not be written", error)
}

/// Makes a key and a self-signed certificate for it. Blocks.
///
/// # Errors
/// If the system has no random bytes, or the name cannot stand in a certificate.
pub fn make(common_name: &str, unit: &str, now: Timestamp) -> Result<Made, ApiError> {
    let key = make_key()?;
    let certificate = self_sign(&key, common_name, unit, now)?;
    Ok(Made { certificate, key })
}

fn self_sign(
    key: &RsaPrivateKey,
    common_name: &str,
    unit: &str,
    now: Timestamp,
) -> Result<String, ApiError> {
    let refused = |error: &dyn std::fmt::Display| {
        ApiError::internal("The certificate could not be made", error)
    };
    let subject = Name::from_str(&format!("CN={},OU={unit},O=Eucalypt,C=US", escaped(common_name)))
        .map_err(|e| refused(&e))?;
    // Clocks of clients may be behind; a certificate from the future is refused by them.
    let validity = Validity::new(
        time(now.minus(DAY)).map_err(|e| refused(&e))?,
        time(now.plus(YEAR * u32::try_from(YEARS).unwrap_or(1))).map_err(|e| refused(&e))?,
    );
    let serial = serial()?;
    let public = RsaPublicKey::from(key).to_public_key_der().map_err(|e| refused(&e))?;
    let public = SubjectPublicKeyInfoOwned::from_der(public.as_bytes()).map_err(|e| refused(&e))?;
    let more = |subject: &Name| {
        let constraints = BasicConstraints { ca: true, path_len_constraint: None };
        Ok(vec![(&constraints).to_extension(subject, &[])?])
    };
    let profile = SelfSigned { subject, more };
    let builder =
        CertificateBuilder::new(profile, serial, validity, public).map_err(|e| refused(&e))?;
    let signer = SigningKey::<Sha256>::new(key.clone());
    let certificate = builder.build(&signer).map_err(|e| refused(&e))?;
    certificate.to_pem(LineEnding::LF).map_err(unwritable)
}

/// Whose a certificate says it is, `CN=…`; none if it is no certificate.
pub fn subject(pem: &str) -> Option<String> {
    let read = Certificate::from_pem(pem).ok()?;
    Some(read.tbs_certificate().subject().to_string())
}

/// A number that no other certificate has.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn serial() -> Result<SerialNumber, ApiError> {
    let mut serial = random::bytes::<16>()?;
    serial[0] &= 0x7f;
    SerialNumber::new(&serial)
        .map_err(|error| ApiError::internal("The certificate could not be made", error))
}

/// A moment as certificates have it.
pub(crate) fn time(at: Timestamp) -> x509_cert::der::Result<Time> {
    let seconds = u64::try_from(at.as_secs()).unwrap_or_default();
    Ok(Time::UtcTime(UtcTime::from_unix_duration(Duration::from_secs(seconds))?))
}

/// Names hold letters, digits and `-.@_`; of these none needs it today, but a name must never be
/// able to write another attribute into a certificate.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() && !"-.@_ ".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// What a certificate that signs itself says, beside its key: whose it is, and what more.
pub(crate) struct SelfSigned<E> {
    /// Whose it is.
    pub(crate) subject: Name,
    /// What more it says, made for that name.
    pub(crate) more: E,
}

impl<E: Fn(&Name) -> builder::Result<Vec<Extension>>> BuilderProfile for SelfSigned<E> {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        (self.more)(tbs.subject())
    }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1::DecodeRsaPrivateKey as _;
    use rsa::pkcs8::DecodePrivateKey as _;

    use super::*;

    #[test]
    fn a_certificate_holds_the_public_half_of_its_key() {
        let now = Timestamp::from_secs(1_800_000_000);
        let made = make("a.b@c_d-1", "User", now).unwrap();
        let read = Certificate::from_pem(&made.certificate).unwrap();
        let tbs = read.tbs_certificate();
        assert_eq!(tbs.subject().to_string(), tbs.issuer().to_string());
        assert!(tbs.subject().to_string().contains("CN=a.b@c_d-1"), "{}", tbs.subject());
        let public = made.key.to_public_key().to_public_key_der().unwrap();
        use x509_cert::der::Encode as _;
        assert_eq!(tbs.subject_public_key_info().to_der().unwrap(), public.as_bytes());
        let pkcs1 = RsaPrivateKey::from_pkcs1_pem(&made.key_pkcs1().unwrap()).unwrap();
        let pkcs8 = RsaPrivateKey::from_pkcs8_pem(&made.key_pkcs8().unwrap()).unwrap();
        assert_eq!(pkcs1, pkcs8);
        assert!(subject(&made.certificate).unwrap().contains("CN=a.b@c_d-1"));
        assert_eq!(subject("nonsense"), None);
    }
}

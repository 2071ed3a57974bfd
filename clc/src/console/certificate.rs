//! The certificate of the console where the site has none: a key of P-256 and a certificate that signs
//! itself, made at the first start for the host under which users reach the cloud.
//!
//! Browsers warn of it once and know it again, so it is kept as long as it is good: another one is made
//! when the host is another or its time is nearly over.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use common::time::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rsa::signature::{Error as SignatureError, Keypair, Signer};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::der::asn1::{BitString, Ia5String, OctetString};
use x509_cert::der::{DecodePem as _, EncodePem as _, pem::LineEnding};
use x509_cert::ext::ToExtension as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, Document, DynSignatureAlgorithmIdentifier, EncodePublicKey,
    ObjectIdentifier, SignatureBitStringEncoding, SubjectPublicKeyInfo, SubjectPublicKeyInfoOwned,
};
use x509_cert::time::Validity;

use crate::identity::certificates::{self, SelfSigned};
use crate::identity::folder;

/// How long it is good: no browser takes one for longer.
const LIFE: Duration = Duration::from_secs(800 * DAY);
/// How long before its end another one is made.
const BEFORE: Duration = Duration::from_secs(60 * DAY);
const DAY: u64 = 24 * 3600;

/// Why there is none.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("the console's certificate: {0}")]
    File(#[from] io::Error),
    /// It cannot be made.
    #[error("the console's certificate cannot be made: {0}")]
    Made(String),
}

fn broken(error: impl std::fmt::Display) -> CertificateError {
    CertificateError::Made(error.to_string())
}

/// Where the certificate lies that is made.
pub fn own(folder: &Path) -> PathBuf {
    folder.join("console.pem")
}

/// Where the certificate and its key are; they are made if they are not there, or not good any more for
/// this host. Blocks.
///
/// # Errors
/// Says what cannot be used.
pub(super) fn prepare(
    folder: &Path,
    host: &str,
    now: Timestamp,
) -> Result<(PathBuf, PathBuf), CertificateError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let (certificate, key) = (own(folder), folder.join("console-key.pem"));
    let known = fs::read_to_string(&certificate).ok().filter(|_| key.exists());
    if known.is_some_and(|pem| is_good(&pem, host, now)) {
        return Ok((certificate, key));
    }
    let (pem, secret) = make(host, now)?;
    folder::write_file(&key, &secret, 0o600)?;
    folder::write_file(&certificate, &pem, 0o644)?;
    tracing::info!(file = %certificate.display(), host, "the console's certificate was made");
    Ok((certificate, key))
}

fn is_good(pem: &str, host: &str, now: Timestamp) -> bool {
    let Ok(read) = Certificate::from_pem(pem) else { return false };
    let tbs = read.tbs_certificate();
    let end = tbs.validity().not_after.to_unix_duration().as_secs();
    let late = now.plus(BEFORE).as_secs();
    let named = tbs.get_extension::<SubjectAltName>().ok().flatten();
    let named = named.is_some_and(|(_, names)| Some(&names.0) == names_of(host).ok().as_ref());
    named && u64::try_from(late).is_ok_and(|late| late < end)
}

/// What it is good for: the host, and this machine by its own names.
fn names_of(host: &str) -> Result<Vec<GeneralName>, CertificateError> {
    let mut names = Vec::new();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    for name in [host, "localhost", "127.0.0.1"] {
        let name = match IpAddr::from_str(name) {
            Ok(IpAddr::V4(it)) => {
                GeneralName::IpAddress(OctetString::new(it.octets()).map_err(broken)?)
            }
            Ok(IpAddr::V6(it)) => {
                GeneralName::IpAddress(OctetString::new(it.octets()).map_err(broken)?)
            }
            Err(_) => GeneralName::DnsName(Ia5String::new(name).map_err(broken)?),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn make(host: &str, now: Timestamp) -> Result<(String, String), CertificateError> {
    let random = SystemRandom::new();
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(broken)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random)
        .map_err(broken)?;
    let key = OwnKey { pair, random };
    let secret = Document::try_from(pkcs8.as_ref()).map_err(broken)?;
    let secret = secret.to_pem("PRIVATE KEY", LineEnding::LF).map_err(broken)?;
    let time = |at: Timestamp| certificates::time(at).map_err(broken);
    // Clocks of clients may be behind.
    let from = now.minus(Duration::from_secs(DAY));
    let validity = Validity::new(time(from)?, time(now.plus(LIFE))?);
    let serial = certificates::serial().map_err(broken)?;
    let subject = Name::from_str("CN=console,O=Eucalypt").map_err(broken)?;
    let public = SubjectPublicKeyInfoOwned::try_from(
        key.verifying_key().to_public_key_der().map_err(broken)?.as_bytes(),
    )
    .map_err(broken)?;
    let names = names_of(host)?;
    // A certificate of a server, and of no authority.
    let more = |subject: &Name| {
        let server = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
        let constraints = BasicConstraints { ca: false, path_len_constraint: None };
        Ok(vec![
            (&SubjectAltName(names.clone())).to_extension(subject, &[])?,
            (&constraints).to_extension(subject, &[])?,
            (&ExtendedKeyUsage(vec![server])).to_extension(subject, &[])?,
        ])
    };
    let profile = SelfSigned { subject, more };
    let builder = CertificateBuilder::new(profile, serial, validity, public).map_err(broken)?;
    let made = builder.build::<_, OwnSignature>(&key).map_err(broken)?;
    Ok((made.to_pem(LineEnding::LF).map_err(broken)?, secret))
}

/// ring's key as the builder of certificates wants it.
struct OwnKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

/// Its public half, a point.
#[derive(Clone)]
struct OwnPublic(Vec<u8>);

/// What it signs with, DER.
struct OwnSignature(Vec<u8>);

impl Keypair for OwnKey {
    type VerifyingKey = OwnPublic;

    fn verifying_key(&self) -> OwnPublic {
        OwnPublic(self.pair.public_key().as_ref().to_vec())
    }
}

impl Signer<OwnSignature> for OwnKey {
    fn try_sign(&self, message: &[u8]) -> Result<OwnSignature, SignatureError> {
        let made = self.pair.sign(&self.random, message).map_err(|_| SignatureError::new())?;
        Ok(OwnSignature(made.as_ref().to_vec()))
    }
}

impl DynSignatureAlgorithmIdentifier for OwnKey {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let oid = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
        Ok(AlgorithmIdentifierOwned { oid, parameters: None })
    }
}

impl EncodePublicKey for OwnPublic {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        let curve = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        let algorithm = AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
            parameters: Some((&curve).into()),
        };
        let subject_public_key = BitString::from_bytes(&self.0)?;
        Ok(Document::encode_msg(&SubjectPublicKeyInfo { algorithm, subject_public_key })?)
    }
}

impl SignatureBitStringEncoding for OwnSignature {
    fn to_bitstring(&self) -> x509_cert::der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use runtime::tls::Certificate as Served;

    use super::*;
    use crate::identity::validity::ends;

    #[test]
    fn it_is_made_once_for_a_host_and_anew_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let made = |host: &str, now| {
            let (certificate, key) = prepare(&dir.path().join("tls"), host, now).unwrap();
            Served::load(&certificate, &key).unwrap().server().unwrap();
            let mode = fs::metadata(&key).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            fs::read_to_string(certificate).unwrap()
        };
        let first = made("cloud.example.com", now);
        let chain = format!("subject=x\n{first}\n-----BEGIN CERTIFICATE-----\nMA==\n");
        for pem in [&first, &chain] {
            assert_eq!(ends(pem), Some(now.plus(LIFE)), "of several the first counts");
        }
        assert_eq!(ends("nothing"), None);
        assert_eq!(first, made("cloud.example.com", now.plus(Duration::from_secs(700 * DAY))));
        assert_ne!(first, made("cloud.example.com", now.plus(Duration::from_secs(741 * DAY))));
        let second = made("192.0.2.7", now);
        assert_ne!(second, made("[2001:db8::7]", now));
    }
}

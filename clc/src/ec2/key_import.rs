//! Public keys as people have them: a line of OpenSSH, a block of RFC 4716, PEM, DER.
//!
//! What is read is kept as one line of OpenSSH, the form in which guests want it. RSA keys have
//! 1024 to 16384 bits; the others are ed25519. Kinds that old guests or EC2 do not know are
//! refused rather than put into a guest that then lets nobody in.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use common::error::{ApiError, ErrorCode};
use md5::Md5;
use rsa::pkcs1;
use rsa::pkcs1::der::asn1::{BitStringRef, ObjectIdentifier, UintRef};
use rsa::pkcs1::der::{self, AnyRef, Decode as _, Encode as _};
use sha2::{Digest as _, Sha256};
use ssh_key::public::{Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::{Mpint, PublicKey};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};

/// How many bits an RSA key may have.
const RSA_BITS: std::ops::RangeInclusive<usize> = 1024..=16384;
/// How long a comment may be, in characters.
const MOST_COMMENT: usize = 1024;
/// How long the material may be in base64, which leaves the largest key ample room.
const MOST_MATERIAL: usize = 16 << 10;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Clients write base64 with or without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A public key that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct ImportedKey {
    /// `rsa` or `ed25519`.
    pub kind: &'static str,
    /// `ssh-rsa AAAA…`, without a comment.
    pub public: String,
    /// What stood behind it, if anything did.
    pub comment: Option<String>,
    /// The fingerprint as EC2 prints it: MD5 over the DER (rsa), SHA-256 in base64 (ed25519).
    pub fingerprint: String,
}

/// Reads a public key as ImportKeyPair brings it.
///
/// # Errors
/// `InvalidKey.Format`, and why.
pub fn read(material: &str) -> Result<ImportedKey, ApiError> {
    let (key, comment) = parse(material).map_err(|why| {
        ApiError::new(ErrorCode::InvalidKeyFormat, format!("Key is not in valid format: {why}"))
    })?;
    let printed = |error: ssh_key::Error| ApiError::internal("The key cannot be written", error);
    let (kind, fingerprint) = match &key {
        KeyData::Rsa(rsa) => {
            let der =
                rsa_der(rsa).map_err(|e| ApiError::internal("The key cannot be written", e))?;
            let digest = Md5::digest(der);
            let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            ("rsa", pairs.join(":"))
        }
        _ => {
            let bytes = PublicKey::from(key.clone()).to_bytes().map_err(printed)?;
            ("ed25519", STANDARD.encode(Sha256::digest(bytes)))
        }
    };
    let public = PublicKey::from(key).to_openssh().map_err(printed)?;
    Ok(ImportedKey { kind, public: public.trim_end().to_owned(), comment, fingerprint })
}

type Read = (KeyData, Option<String>);

fn parse(material: &str) -> Result<Read, String> {
    if material.len() > MOST_MATERIAL {
        return Err(format!("it has more than {MOST_MATERIAL} characters"));
    }
    let bytes = unpack(material).ok_or("PublicKeyMaterial is the public key in base64")?;
    let (key, comment) = match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(text) if text.contains("PRIVATE KEY") => {
            return Err("this is a private key, which nobody else should have".to_owned());
        }
        Ok(text) if text.starts_with("---- BEGIN SSH2 PUBLIC KEY ----") => rfc4716(text)?,
        Ok(text) if text.starts_with("-----BEGIN ") => (pem(text)?, None),
        Ok(text) if text.contains(' ') || text.contains('\t') => openssh(text)?,
        // DER that a client has put into base64 once more than it had to.
        Ok(text) => (from_der(&unpack(text).ok_or("it is no public key")?)?, None),
        Err(_) => (from_der(&bytes)?, None),
    };
    check(&key)?;
    if comment.as_ref().is_some_and(|text| {
        text.chars().count() > MOST_COMMENT || text.chars().any(char::is_control)
    }) {
        return Err("its comment is too long or holds control characters".to_owned());
    }
    Ok((key, comment.filter(|text| !text.is_empty())))
}

/// Base64, in lines or not.
fn unpack(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    LENIENT.decode(packed).ok().filter(|bytes| !bytes.is_empty())
}

fn openssh(text: &str) -> Result<Read, String> {
    if text.lines().count() > 1 {
        return Err("it has more than one line".to_owned());
    }
    // Others than OpenSSH put tabs or several blanks between the fields.
    let (algorithm, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let (packed, comment) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if !matches!(algorithm, "ssh-rsa" | "ssh-ed25519") {
        return Err(format!("'{algorithm}' is neither ssh-rsa nor ssh-ed25519"));
    }
    let key = PublicKey::from_openssh(&format!("{algorithm} {packed}"));
    let key = key.map_err(|error| format!("the line cannot be read: {error}"))?;
    Ok((key.key_data().clone(), Some(comment.trim().to_owned())))
}

/// `---- BEGIN SSH2 PUBLIC KEY ----`, headers that a backslash continues, base64.
fn rfc4716(text: &str) -> Result<Read, String> {
    let (mut comment, mut packed) = (None, String::new());
    let mut lines = text.lines().map(str::trim).skip(1);
    loop {
        let line = lines.next().ok_or("the END line is missing")?;
        if line == "---- END SSH2 PUBLIC KEY ----" {
            break;
        }
        let Some((name, value)) = line.split_once(':') else {
            packed.push_str(line);
            continue;
        };
        let mut value = value.trim().to_owned();
        while value.ends_with('\\') {
            value.pop();
            value.push_str(lines.next().ok_or("a header has no end")?);
        }
        if name.eq_ignore_ascii_case("Comment") {
            let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            comment = Some(bare.unwrap_or(&value).to_owned());
        }
    }
    let bytes = unpack(&packed).ok_or("its base64 cannot be read")?;
    let key =
        PublicKey::from_bytes(&bytes).map_err(|error| format!("it cannot be read: {error}"))?;
    Ok((key.key_data().clone(), comment))
}

fn pem(text: &str) -> Result<KeyData, String> {
    let mut lines = text.lines().map(str::trim);
    let begin = lines.next().unwrap_or_default();
    let label = begin.trim_matches('-').trim_start_matches("BEGIN ");
    if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
        return Err(format!("'{label}' is no public key"));
    }
    let end = format!("-----END {label}-----");
    let mut packed = String::new();
    loop {
        match lines.next() {
            Some(line) if line == end => break,
            Some(line) => packed.push_str(line),
            None => return Err(format!("the line {end} is missing")),
        }
    }
    from_der(&unpack(&packed).ok_or("its base64 cannot be read")?)
}

/// A key as SubjectPublicKeyInfo, or an RSA key alone (PKCS#1).
fn from_der(bytes: &[u8]) -> Result<KeyData, String> {
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(bytes) else {
        return of_pkcs1(bytes);
    };
    let key = info.subject_public_key.as_bytes().ok_or("its bits are no bytes")?;
    match info.algorithm.oid {
        RSA_ENCRYPTION => of_pkcs1(key),
        ED25519 => {
            let key = <[u8; 32]>::try_from(key).map_err(|_| "an ed25519 key has 32 bytes")?;
            Ok(KeyData::Ed25519(Ed25519PublicKey(key)))
        }
        other => Err(format!("the algorithm {other} is neither RSA nor ed25519")),
    }
}

fn of_pkcs1(bytes: &[u8]) -> Result<KeyData, String> {
    let key = pkcs1::RsaPublicKeyRef::from_der(bytes)
        .map_err(|error| format!("its DER cannot be read: {error}"))?;
    let number = |it: UintRef<'_>| Mpint::from_positive_bytes(it.as_bytes());
    let key = RsaPublicKey::new(number(key.public_exponent), number(key.modulus));
    key.map(KeyData::Rsa).map_err(|error| format!("it cannot be read: {error}"))
}

fn check(key: &KeyData) -> Result<(), String> {
    match key {
        KeyData::Ed25519(_) => Ok(()),
        KeyData::Rsa(rsa) => {
            let (Some(n), Some(e)) = (rsa.n().as_positive_bytes(), rsa.e().as_positive_bytes())
            else {
                return Err("its numbers are not positive".to_owned());
            };
            let top = n.first().map_or(8, |byte| byte.leading_zeros());
            let bits = n.len() * 8 - top as usize;
            if !RSA_BITS.contains(&bits) {
                let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
                return Err(format!("an RSA key has {least} to {most} bits, this one {bits}"));
            }
            let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
            if !odd(n) || !odd(e) || e == [1] || e.len() > 8 {
                return Err("its modulus or exponent cannot be that of an RSA key".to_owned());
            }
            Ok(())
        }
        other => Err(format!("'{}' is neither RSA nor ed25519", other.algorithm())),
    }
}

/// SubjectPublicKeyInfo.
fn rsa_der(key: &RsaPublicKey) -> der::Result<Vec<u8>> {
    let bytes = |number: &Mpint| number.as_positive_bytes().unwrap_or_default().to_vec();
    let (n, e) = (bytes(key.n()), bytes(key.e()));
    let inner =
        pkcs1::RsaPublicKeyRef { modulus: UintRef::new(&n)?, public_exponent: UintRef::new(&e)? };
    let inner = inner.to_der()?;
    let info = SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) },
        subject_public_key: BitStringRef::from_bytes(&inner)?,
    };
    info.to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = include_str!("../../tests/data/rsa.pub");
    const RSA_MD5: &str = "c2:8d:c6:33:25:ed:a3:ed:d5:71:41:f3:aa:48:81:aa";
    const ED: &str = include_str!("../../tests/data/ed25519.pub");
    const SPKI: &str = include_str!("../../tests/data/rsa.spki.pem");
    const PKCS1: &str = include_str!("../../tests/data/rsa.pkcs1.pem");
    const SSH2: &str = include_str!("../../tests/data/rsa.rfc4716");

    fn sent(text: impl AsRef<[u8]>) -> Result<ImportedKey, ApiError> {
        read(&STANDARD.encode(text))
    }

    fn body(pem: &str) -> String {
        pem.lines().filter(|line| !line.starts_with('-')).collect()
    }

    fn bare(line: &str) -> String {
        line.split(' ').take(2).collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }

    #[test]
    fn one_key_is_the_same_in_every_form() {
        let der = STANDARD.decode(body(SPKI)).unwrap();
        let windows = SSH2.replace('\n', "\r\n");
        for (form, bytes, comment) in [
            ("a line", RSA.as_bytes().to_vec(), Some("taro@host with blanks")),
            ("a line without a comment", bare(RSA).into_bytes(), None),
            ("tabs", RSA.replacen(' ', "\t ", 1).into_bytes(), Some("taro@host with blanks")),
            ("RFC 4716", SSH2.into(), Some("2048-bit RSA, converted from OpenSSH")),
            ("RFC 4716 of Windows", windows.into(), Some("2048-bit RSA, converted from OpenSSH")),
            ("PEM", SPKI.into(), None),
            ("PEM of PKCS#1", PKCS1.into(), None),
            ("DER", der.clone(), None),
            ("DER of PKCS#1", STANDARD.decode(body(PKCS1)).unwrap(), None),
            ("DER in base64", STANDARD.encode(&der).into(), None),
        ] {
            let key = sent(bytes).unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!((key.kind, key.public), ("rsa", bare(RSA)), "{form}");
            assert_eq!(key.fingerprint, RSA_MD5, "{form}");
            assert_eq!(key.comment.as_deref(), comment, "{form}");
        }
        let unpadded = STANDARD.encode(RSA).trim_end_matches('=').to_owned();
        let lines: String = unpadded.chars().flat_map(|c| [c, '\n']).collect();
        for written in [unpadded, lines] {
            assert_eq!(read(&written).unwrap().public, bare(RSA));
        }
    }

    #[test]
    fn ed25519_keys_have_their_own_fingerprint() {
        let key = sent(ED).unwrap();
        assert_eq!((key.kind, key.public), ("ed25519", bare(ED)));
        assert_eq!(key.fingerprint, "oHFKrRPE5z/HD1+/LNNJ3OlYywmftOatWxoIsjxazCs=");
        let pem = sent(include_str!("../../tests/data/ed25519.spki.pem")).unwrap();
        assert!(pem.kind == "ed25519" && pem.public.starts_with("ssh-ed25519 AAAA"));
    }

    /// An RSA key of that many bits: no primes are needed to look like one.
    fn of_bits(bits: usize) -> Vec<u8> {
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= (8 - bits % 8) % 8;
        let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes);
        let key = RsaPublicKey::new(number(&[1, 0, 1]), number(&n)).unwrap();
        PublicKey::from(KeyData::Rsa(key)).to_openssh().unwrap().into_bytes()
    }

    #[test]
    fn rsa_keys_are_as_long_as_they_may_be() {
        for good in [1024, 1025, 2048, 3072, 4096, 16384] {
            let key = sent(of_bits(good)).unwrap_or_else(|error| panic!("{good}: {error}"));
            assert_eq!(key.fingerprint.len(), 47);
        }
        for bad in [512, 1023, 16385, 32768] {
            let error = sent(of_bits(bad)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidKeyFormat, "{bad}");
        }
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        let even = {
            let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes);
            let key = RsaPublicKey::new(number(&[1, 0, 1]), number(&[0xfe; 256])).unwrap();
            PublicKey::from(KeyData::Rsa(key)).to_openssh().unwrap()
        };
        let table: Vec<Vec<u8>> = vec![
            b"hello".to_vec(),
            b"ssh-rsa".to_vec(),
            b"ssh-rsa AAAA".to_vec(),
            b"ssh-rsa !!! x".to_vec(),
            format!("{RSA}{ED}").into_bytes(),
            format!("command=\"x\" {RSA}").into_bytes(),
            RSA.replace("ssh-rsa", "ssh-ed25519").into_bytes(),
            RSA.replace("taro@host", "\u{1b}[31m").into_bytes(),
            RSA.replace("taro@host", &"c".repeat(2000)).into_bytes(),
            include_bytes!("../../tests/data/ecdsa.pub").to_vec(),
            b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----".to_vec(),
            b"-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----".to_vec(),
            SPKI.replace("END", "FIN").into_bytes(),
            SSH2.replace("END", "FIN").into_bytes(),
            b"---- BEGIN SSH2 PUBLIC KEY ----\nComment: \\".to_vec(),
            vec![0x30, 0x82, 0xff, 0xff],
            vec![0xff; 64],
            even.into_bytes(),
        ];
        for bytes in table {
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            let error = sent(bytes).expect_err(&shown);
            assert_eq!(error.code(), ErrorCode::InvalidKeyFormat, "{shown}");
        }
        for raw in [RSA, "", "====", &"A".repeat(1 << 20)] {
            assert_eq!(read(raw).unwrap_err().code(), ErrorCode::InvalidKeyFormat);
        }
    }
}

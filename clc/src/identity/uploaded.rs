//! Certificates that users made themselves and upload: what is taken, and what is refused.
//!
//! Names, dates and issuers are not looked at: a certificate is a public key, and the record says
//! whose it is.

use common::error::{ApiError, ErrorCode};
use rsa::RsaPublicKey;
use rsa::pkcs8::{DecodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use x509_cert::Certificate;
use x509_cert::der::{DecodePem as _, Encode as _, EncodePem as _};

const BEGIN: &str = "-----BEGIN ";
const HEAD: &str = "-----BEGIN CERTIFICATE-----";
const FOOT: &str = "-----END CERTIFICATE-----";

/// How long a key may be, in bytes: 1024 to 8192 bits. Longer ones would cost whoever checks
/// signatures with them more than their owner.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 128..=1024;

fn malformed(why: &str) -> ApiError {
    let text = format!("The certificate was malformed: {why}");
    ApiError::new(ErrorCode::MalformedCertificate, text)
}

/// Reads one certificate with an RSA key, and writes it as all are kept: PEM, nothing around it.
///
/// # Errors
/// `MalformedCertificate` for what is no certificate in PEM, `InvalidCertificate` for one whose key
/// cannot check bundles.
pub fn read(text: &str) -> Result<String, ApiError> {
    let begin = text.find(HEAD).ok_or_else(|| malformed("there is no certificate in PEM"))?;
    let end = text[begin..].find(FOOT).ok_or_else(|| malformed("it has no end"))?;
    if text.matches(BEGIN).count() > 1 {
        return Err(malformed("there is more than one certificate, which must stand alone"));
    }
    // Windows and forms write lines in their own ways.
    let block = text[begin..begin + end + FOOT.len()].replace("\r\n", "\n").replace('\r', "\n");
    let certificate = Certificate::from_pem(block.as_bytes())
        .map_err(|error| malformed("it is not X.509").because(error))?;
    let unreadable = |error: &dyn std::fmt::Display| {
        let text = "The certificate is invalid: its key is no RSA key";
        ApiError::new(ErrorCode::InvalidCertificate, text).because(error)
    };
    let info = certificate.tbs_certificate().subject_public_key_info();
    let info = info.to_der().map_err(|error| unreadable(&error))?;
    let key = RsaPublicKey::from_public_key_der(&info).map_err(|error| unreadable(&error))?;
    if !KEY_BYTES.contains(&key.size()) {
        let text = format!(
            "The certificate is invalid: its key has {} bits, not 1024 to 8192",
            key.size() * 8
        );
        return Err(ApiError::new(ErrorCode::InvalidCertificate, text));
    }
    certificate
        .to_pem(LineEnding::LF)
        .map_err(|error| ApiError::internal("The certificate cannot be written", error))
}

/// Whether two certificates in PEM are the same, however their lines are broken.
pub fn same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let der = |pem: &str| Certificate::from_pem(pem.as_bytes()).and_then(|it| it.to_der()).ok();
    matches!((der(one), der(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use common::time::Timestamp;

    use super::*;
    use crate::identity::certificates;

    #[test]
    fn one_rsa_certificate_in_pem_is_taken() {
        let made = certificates::make("taro", "User", Timestamp::from_secs(1_800_000_000)).unwrap();
        let pem = &made.certificate;
        assert_eq!(read(pem).unwrap(), *pem);
        let around = format!("Certificate:\n  Data\n{}\n \n", pem.replace('\n', "\r\n"));
        let kept = read(&around).unwrap();
        assert_eq!(kept, *pem);
        assert!(same(&kept, &pem.replace('\n', "\r\n").replace('\r', "")));
        let key = made.key_pkcs1().unwrap();
        let cut = &pem[..pem.len() - 100];
        let turned = pem.replacen("MII", "AII", 1);
        for text in
            ["", "x", HEAD, cut, &turned, &key, &format!("{pem}{pem}"), &format!("{pem}{key}")]
        {
            assert_eq!(read(text).unwrap_err().code(), ErrorCode::MalformedCertificate, "{text}");
        }
    }

    /// Self-signed with a key of P-256.
    const ELLIPTIC: &str = "\
        -----BEGIN CERTIFICATE-----\n\
        MIIBbzCCARWgAwIBAgIUclSmOHPUQc1KzkGtZyO6SAASqpcwCgYIKoZIzj0EAwIw\n\
        DDEKMAgGA1UEAwwBeDAgFw0yNjExMjMxMDI1MTNaGA8yMDUxMDcxNTEwMjUxM1ow\n\
        DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDGhTpIVYJAa\n\
        RnOLUnksBtwD4Rqc6ajKZflNG8eMzAg9Nnoch24DZKscFDZOuU9EVYqLIXM0z3MM\n\
        zicX1eW4HQejUzBRMB0GA1UdDgQWBBSXUpPSnTUUOeyOsz0Z7wpe3073fDAfBgNV\n\
        HSMEGDAWgBSXUpPSnTUUOeyOsz0Z7wpe3073fDAPBgNVHRMBAf8EBTADAQH/MAoG\n\
        CCqGSM49BAMCA0gAMEUCIQDijwwNo0poMbr3k6N/I3F+YIah0n7/mepS56B73DKs\n\
        HwIgPLWdP494iIG3tJ9SR369dsiDev5QTKeon/OA0NnAjVs=\n\
        -----END CERTIFICATE-----";

    #[test]
    fn a_key_that_is_no_rsa_key_is_refused() {
        assert_eq!(read(ELLIPTIC).unwrap_err().code(), ErrorCode::InvalidCertificate);
    }
}

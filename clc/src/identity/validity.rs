//! How long certificates are good.

use common::time::Timestamp;
use x509_cert::Certificate;
use x509_cert::der::DecodePem as _;

/// When a certificate ends: the first, if there are several in a text.
pub fn ends(pem: &str) -> Option<Timestamp> {
    const END: &str = "-----END CERTIFICATE-----";
    let first = pem.find(END).and_then(|at| pem.get(..at + END.len())).unwrap_or(pem);
    let first = first.find("-----BEGIN").and_then(|at| first.get(at..)).unwrap_or(first);
    let read = Certificate::from_pem(first).ok()?;
    let end = read.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
    i64::try_from(end).ok().map(Timestamp::from_secs)
}

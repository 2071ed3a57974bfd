//! Whom to believe over https: the authorities that browsers know, or those of a file.
//!
//! | wanted | environment | euca2ools.ini, region or global |
//! |---|---|---|
//! | a file of authorities, PEM | `AWS_CA_BUNDLE`, `REQUESTS_CA_BUNDLE`, `SSL_CERT_FILE` | `ssl-ca` |
//! | no check at all | – | `verify-ssl = false` |
//!
//! As with other clients, a file takes the place of the authorities that are known.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A file of authorities that is of no use.
#[derive(Debug, thiserror::Error)]
#[error("the certificates in {} cannot be used: {reason}", path.display())]
pub struct TrustError {
    /// The file.
    path: PathBuf,
    /// What is wrong with it.
    reason: String,
}

/// Whom to believe.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// The authorities that Mozilla's programs know.
    #[default]
    Known,
    /// These alone.
    These(Arc<Vec<Certificate<'static>>>),
    /// Anybody: the connection is encrypted, nobody knows to whom.
    Anybody,
}

impl Trust {
    /// Believes the authorities of a file.
    ///
    /// # Errors
    /// If it holds no certificate.
    pub fn file(path: &Path) -> Result<Self, TrustError> {
        let fail = |reason: String| TrustError { path: path.to_owned(), reason };
        let pem = fs::read(path).map_err(|error| fail(error.to_string()))?;
        let mut all = Vec::new();
        for item in parse_pem(&pem) {
            if let PemItem::Certificate(one) = item.map_err(|error| fail(error.to_string()))? {
                all.push(one);
            }
        }
        match all.is_empty() {
            true => Err(fail("there is none in PEM form".to_owned())),
            false => Ok(Self::These(Arc::new(all))),
        }
    }

    pub(crate) fn config(&self) -> TlsConfig {
        let builder = TlsConfig::builder();
        match self {
            Self::Known => builder.root_certs(RootCerts::WebPki),
            Self::These(all) => builder.root_certs(RootCerts::Specific(Arc::clone(all))),
            Self::Anybody => builder.disable_verification(true),
        }
        .build()
    }
}

/// Why the far end is not believed, if that is what an error says.
pub(crate) fn refusal(error: &ureq::Error) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // rustls wraps itself into an io::Error, whose source is not the error but its source.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let shown = inner.map_or_else(|| error.to_string(), ToString::to_string);
        if shown.contains("invalid peer certificate") {
            return Some(told(&shown));
        }
        cause = error.source();
    }
    None
}

fn told(shown: &str) -> String {
    let plain = match shown {
        text if text.contains("UnknownIssuer") => "nobody that is believed has signed it",
        text if text.contains("Expired") => "it has expired",
        text if text.contains("NotValidYet") => "it is not valid yet",
        text if text.contains("NotValidForName") || text.contains("not valid for name") => {
            "it is for another name"
        }
        text if text.contains("CaUsedAsEndEntity") => {
            "it is that of an authority, not of a server signed by one"
        }
        text => return text.to_owned(),
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_hold_certificates() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/tls");
        assert!(
            matches!(Trust::file(&data.join("ca.pem")), Ok(Trust::These(all)) if all.len() == 1)
        );
        for name in ["absent.pem", "server-key.pem"] {
            let told = Trust::file(&data.join(name)).unwrap_err().to_string();
            assert!(told.contains(name), "{told}");
        }
    }
}

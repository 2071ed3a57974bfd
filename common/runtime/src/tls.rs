//! The certificate of https listeners: read, checked against its key, and read again when its files
//! change, so that a renewed one is used without a restart.
//!
//! TLS 1.2 and 1.3 by rustls with ring; HTTP/1.1 is the only protocol offered.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use crate::pool;
use crate::shutdown::Shutdown;

/// How often the files of a listener are looked at.
pub const LOOK: Duration = Duration::from_secs(10);

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// One of the two files is not named.
    #[error("{0} must be set, too: a certificate and its key go together")]
    Half(&'static str),
    /// An https address without a certificate.
    #[error("tls_listen needs tls_cert_file and tls_key_file")]
    NoCertificate,
    /// A file cannot be read as PEM.
    #[error("{key} {path}: {why}", path = path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate and key are each in order, and do not belong together.
    #[error(
        "tls_key_file {key} is not the key of the certificate in tls_cert_file {certificate}",
        key = key.display(), certificate = certificate.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// rustls refuses the settings.
    #[error("TLS cannot be used: {0}")]
    Settings(#[from] rustls::Error),
}

/// A certificate with its key, as it is now.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    now: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads a chain of certificates, the server's own first, and its key; both PEM. Blocks.
    ///
    /// # Errors
    /// Names the file at fault, and what is wrong with it.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        let now = RwLock::new(Arc::new(read(certificate, key, &provider)?));
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Shared { certificate, key, provider, now })))
    }

    /// What a listener needs.
    ///
    /// # Errors
    /// If rustls refuses its own defaults.
    pub fn server(&self) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Looks at the files this often until the shutdown, and reads them again when one has changed.
    /// One that cannot be used is told in the log, and the old one stays.
    pub fn follow(&self, every: Duration, shutdown: Shutdown) {
        let shared = Arc::clone(&self.0);
        pool::spawn(async move {
            let mut seen = pool::block(shared.looking()).await.ok();
            while !shutdown.is_raised() {
                let pause = tokio::time::sleep(every);
                tokio::select! { () = pause => {}, () = shutdown.raised() => return }
                let looked = pool::block(shared.looking()).await.ok();
                if looked != seen {
                    seen = looked;
                    let again = Arc::clone(&shared);
                    if pool::block(move || again.reload()).await.is_err() {
                        tracing::error!("the TLS certificate could not be read again");
                    }
                }
            }
        });
    }

    /// Reads the files again, now. Blocks.
    pub fn reload(&self) {
        self.0.reload();
    }
}

impl Shared {
    fn looking(self: &Arc<Self>) -> impl FnOnce() -> [Option<SystemTime>; 2] + Send + 'static {
        let shared = Arc::clone(self);
        move || {
            [&shared.certificate, &shared.key]
                .map(|path| std::fs::metadata(path).and_then(|found| found.modified()).ok())
        }
    }

    fn reload(&self) {
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(read) => {
                *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
                tracing::info!(file = %self.certificate.display(), "a new TLS certificate is used");
            }
            Err(error) => tracing::error!(%error, "the old TLS certificate is still used"),
        }
    }
}

impl ResolvesServerCert for Shared {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let fault = |name: &'static str, path: &Path, why: String| TlsError::File {
        key: name,
        path: path.to_owned(),
        why,
    };
    let told = |error: PemError, what: &str| match error {
        PemError::Io(error) => error.to_string(),
        PemError::NoItemsFound => format!("no {what} in PEM form is there"),
        other => format!("it is no PEM: {other}"),
    };
    let of_certificate = |why: String| fault("tls_cert_file", certificate, why);
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| of_certificate(told(error, "certificate")))?;
    if chain.is_empty() {
        return Err(of_certificate(told(PemError::NoItemsFound, "certificate")));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| fault("tls_key_file", key, told(error, "private key")))?;
    match CertifiedKey::from_der(chain, private, provider) {
        Ok(read) => Ok(read),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            Err(TlsError::Mismatch { certificate, key })
        }
        Err(error @ rustls::Error::InvalidCertificate(_)) => Err(of_certificate(error.to_string())),
        Err(error) => Err(fault("tls_key_file", key, error.to_string())),
    }
}

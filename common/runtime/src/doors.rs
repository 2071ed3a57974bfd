//! The public listeners of a service: http, https, or both.
//!
//! ```text
//!   tls_cert_file, tls_key_file   tls_listen        listen          tls_listen
//!   not set                       not set           http
//!   set                           not set           https
//!   set                           set               http            https
//! ```
//! One address for each kind, because old clients know http only, and today's send trailing
//! checksums over https only: a cloud that has both serves both best with both open.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

use crate::http::App;
use crate::listen::{Limits, Listening, listen, listen_tls};
use crate::pool;
use crate::shutdown::Shutdown;
use crate::tls::{Certificate, TlsError};

/// Why the doors cannot be opened.
#[derive(Debug, Error)]
pub enum DoorError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The certificate could not be read for want of a thread.
    #[error("the TLS certificate could not be read: {0}")]
    Broken(String),
}

/// What a configuration says of https.
#[derive(Debug, Clone, Copy)]
pub struct TlsKeys<'a> {
    /// `tls_listen`.
    pub listen: Option<SocketAddr>,
    /// `tls_cert_file`, empty if there is none.
    pub certificate: &'a Path,
    /// `tls_key_file`, empty if there is none.
    pub key: &'a Path,
}

impl TlsKeys<'_> {
    /// Whether there is a certificate.
    ///
    /// # Errors
    /// If one of two keys is there that go together.
    pub fn check(&self) -> Result<bool, TlsError> {
        let (certificate, key) = (self.certificate.as_os_str(), self.key.as_os_str());
        match (certificate.is_empty(), key.is_empty(), self.listen) {
            (true, true, None) => Ok(false),
            (true, true, Some(_)) => Err(TlsError::NoCertificate),
            (false, false, _) => Ok(true),
            (true, false, _) => Err(TlsError::Half("tls_cert_file")),
            (false, true, _) => Err(TlsError::Half("tls_key_file")),
        }
    }
}

/// The public listeners of a service.
#[derive(Debug)]
pub struct Doors {
    first: Listening,
    second: Option<Listening>,
    tls: Option<SocketAddr>,
}

impl Doors {
    /// Opens them: `listener` is bound to `listen`. Must be called within an actix system.
    ///
    /// # Errors
    /// Names the key, file or address at fault.
    pub async fn open(
        listener: TcpListener,
        keys: TlsKeys<'_>,
        limits: &Limits,
        app: Arc<dyn App>,
        shutdown: &Shutdown,
    ) -> Result<Self, DoorError> {
        let of = |listener: &TcpListener| {
            listener.local_addr().unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)))
        };
        let at = of(&listener);
        if !keys.check()? {
            let first = listen(listener, limits, app).map_err(|e| DoorError::Listen(at, e))?;
            return Ok(Self { first, second: None, tls: None });
        }
        let (certificate, key) = (keys.certificate.to_owned(), keys.key.to_owned());
        let certificate = pool::block(move || Certificate::load(&certificate, &key))
            .await
            .map_err(|error| DoorError::Broken(error.to_string()))??;
        let server = certificate.server()?;
        certificate.follow(shutdown.clone());
        let Some(address) = keys.listen else {
            let first =
                listen_tls(listener, limits, server, app).map_err(|e| DoorError::Listen(at, e))?;
            let tls = Some(first.address());
            return Ok(Self { first, second: None, tls });
        };
        let failed = |error| DoorError::Listen(address, error);
        let second = TcpListener::bind(address).map_err(failed)?;
        let second = listen_tls(second, limits, server, Arc::clone(&app)).map_err(failed)?;
        let first = listen(listener, limits, app).map_err(|e| DoorError::Listen(at, e))?;
        let tls = Some(second.address());
        Ok(Self { first, second: Some(second), tls })
    }

    /// Where `listen` is.
    pub fn address(&self) -> SocketAddr {
        self.first.address()
    }

    /// Where https is spoken, if it is.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// Takes no new connections and waits a while for the open ones.
    pub async fn stop(&self) {
        let second = async {
            if let Some(second) = &self.second {
                second.stop().await;
            }
        };
        futures_util::future::join(self.first.stop(), second).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_go_together_must_be_there_together() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let check = |certificate: &str, key: &str, listen: Option<SocketAddr>| {
            let (certificate, key) = (Path::new(certificate), Path::new(key));
            TlsKeys { listen, certificate, key }.check().map_err(|error| error.to_string())
        };
        assert_eq!(check("", "", None), Ok(false));
        assert_eq!(check("c", "k", None), Ok(true));
        assert_eq!(check("c", "k", Some(address)), Ok(true));
        assert!(check("c", "", None).unwrap_err().starts_with("tls_key_file must be set"));
        assert!(check("", "k", None).unwrap_err().starts_with("tls_cert_file must be set"));
        assert!(check("", "", Some(address)).unwrap_err().contains("tls_listen needs"));
    }
}

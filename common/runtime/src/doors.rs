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
use crate::tls::{Certificate, LOOK, TlsError};

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

/// Public listeners that are bound and known to be usable, and not yet open.
pub struct Doorway {
    first: TcpListener,
    second: Option<TcpListener>,
    certificate: Option<Certificate>,
    addresses: (SocketAddr, Option<SocketAddr>),
}

impl Doorway {
    /// Reads the certificate and binds `tls_listen`; `listener` is bound to `listen`.
    ///
    /// # Errors
    /// Names the key, file or address at fault.
    pub async fn build(listener: TcpListener, keys: TlsKeys<'_>) -> Result<Self, DoorError> {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let at = listener.local_addr().map_err(|error| DoorError::Listen(nowhere, error))?;
        if !keys.check()? {
            let addresses = (at, None);
            return Ok(Self { first: listener, second: None, certificate: None, addresses });
        }
        let (certificate, key) = (keys.certificate.to_owned(), keys.key.to_owned());
        let certificate = pool::block(move || Certificate::load(&certificate, &key))
            .await
            .map_err(|error| DoorError::Broken(error.to_string()))??;
        let bind = |address: SocketAddr| {
            let bound = TcpListener::bind(address)
                .and_then(|listener| listener.local_addr().map(|at| (listener, at)));
            bound.map_err(|error| DoorError::Listen(address, error))
        };
        let (second, tls) = match keys.listen.map(bind).transpose()? {
            Some((listener, address)) => (Some(listener), address),
            None => (None, at),
        };
        let (certificate, addresses) = (Some(certificate), (at, Some(tls)));
        Ok(Self { first: listener, second, certificate, addresses })
    }

    /// Where clients are sent: the https address if there is one, and whether it is that.
    pub fn preferred(&self) -> (SocketAddr, bool) {
        match self.addresses {
            (_, Some(tls)) => (tls, true),
            (plain, None) => (plain, false),
        }
    }

    /// Opens them. Must be called within an actix system.
    ///
    /// # Errors
    /// Names the address at fault.
    pub fn open(
        self,
        limits: &Limits,
        app: Arc<dyn App>,
        shutdown: &Shutdown,
    ) -> Result<Doors, DoorError> {
        let (at, tls) = self.addresses;
        let failed = |address| move |error| DoorError::Listen(address, error);
        let Some(certificate) = self.certificate else {
            let first = listen(self.first, limits, app).map_err(failed(at))?;
            return Ok(Doors { first, second: None, tls });
        };
        let server = certificate.server()?;
        certificate.follow(LOOK, shutdown.clone());
        let Some(second) = self.second else {
            let first = listen_tls(self.first, limits, server, app).map_err(failed(at))?;
            return Ok(Doors { first, second: None, tls });
        };
        let second = listen_tls(second, limits, server, Arc::clone(&app));
        let second = second.map_err(failed(tls.unwrap_or(at)))?;
        let first = listen(self.first, limits, app).map_err(failed(at))?;
        Ok(Doors { first, second: Some(second), tls })
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

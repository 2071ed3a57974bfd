//! The console's own listener: https, by the site's certificate or one of its own; and whoever comes by
//! plain http is told where https is.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use runtime::http::{App, Body, Head, Response};
use runtime::listen::{Limits, Listening, listen_tls_or_plain};
use runtime::pool;
use runtime::tls::{Certificate, LOOK, TlsError};
use thiserror::Error;

use super::certificate::{CertificateError, prepare};
use super::desk::Desk;
use super::edge::{Console, is_own};

/// Why the console cannot be opened.
#[derive(Debug, Error)]
pub enum ConsoleError {
    /// Its own certificate cannot be had.
    #[error(transparent)]
    Own(#[from] CertificateError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// There is no thread to read the certificate.
    #[error("the console's certificate could not be read: {0}")]
    Broken(String),
}

/// By which certificate the console is opened.
#[derive(Debug, Clone)]
pub enum Shown {
    /// The site's: certificate and key.
    Site(PathBuf, PathBuf),
    /// One of its own, which is kept in this folder.
    Own(PathBuf),
}

/// Opens the console. Must be called within an actix system.
///
/// # Errors
/// Names the file or address at fault.
pub async fn open(
    listener: TcpListener,
    shown: Shown,
    desk: Arc<Desk>,
) -> Result<Listening, ConsoleError> {
    let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let address = listener.local_addr().map_err(|error| ConsoleError::Listen(nowhere, error))?;
    let strict = matches!(shown, Shown::Site(..));
    let (people, shutdown) = (desk.people.clone(), desk.shutdown.clone());
    let certificate = pool::block(move || {
        let (certificate, key) = match shown {
            Shown::Site(certificate, key) => (certificate, key),
            Shown::Own(folder) => {
                let host = people
                    .public_host()
                    .map_err(|error| ConsoleError::Broken(error.to_string()))?;
                prepare(&folder, &host, people.now())?
            }
        };
        Ok::<_, ConsoleError>(Certificate::load(&certificate, &key)?)
    });
    let certificate =
        certificate.await.map_err(|error| ConsoleError::Broken(error.to_string()))??;
    let server = certificate.server()?;
    certificate.follow(LOOK, shutdown);
    let told = Arc::new(Redirect { port: address.port() });
    let console = Arc::new(Console::new(desk, strict));
    listen_tls_or_plain(listener, &Limits::default(), server, console, told)
        .map_err(|error| ConsoleError::Listen(address, error))
}

/// Tells whoever speaks plain http where the console is.
struct Redirect {
    port: u16,
}

impl App for Redirect {
    fn serve(&self, head: Head, _: Body) -> BoxFuture<'_, Response> {
        let host = head.header("host").unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        let path = match head.raw_query.as_str() {
            "" => head.raw_path.clone(),
            query => format!("{}?{query}", head.raw_path),
        };
        let path = if is_own(&path) { path } else { "/".to_owned() };
        let port = format!(":{}", self.port);
        let host = if host.contains(':') { host.to_owned() } else { format!("{host}{port}") };
        let response = match host.chars().all(plain) && host.len() > port.len() {
            true => Response::empty(308).with("location", format!("https://{host}{path}")),
            false => Response::empty(400),
        };
        Box::pin(std::future::ready(response.with("cache-control", "no-store")))
    }
}

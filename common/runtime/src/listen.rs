//! The listeners, http and https: bound sockets, their limits, and the [`Edge`] behind them.
//!
//! Both are HTTP/1.1 on actix-http itself and not on actix-web's server. That one offers HTTP/2
//! over TLS to whoever asks, under which requests have no Host that was signed and a stalled
//! answer is not seen by the kernel; and it tells every sender to go ahead with its body before
//! anybody has looked at the request.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use futures_util::FutureExt as _;
use rustix::net::sockopt;
use rustls::ServerConfig;

use crate::edge::Edge;
use crate::either::Either;
use crate::http::App;

/// Limits of a listener.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Web worker threads.
    pub workers: usize,
    /// Open connections of each worker.
    pub connections: usize,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a client may leave an answer untaken before its connection is cut.
    pub stall: Duration,
}

/// How long a stop waits for requests. Two listeners that are stopped one after the other stay
/// within a stop's time.
const SHUTDOWN_SECS: u64 = 4;

impl Default for Limits {
    fn default() -> Self {
        Self {
            workers: 2,
            connections: 1024,
            head_timeout: Duration::from_secs(10),
            stall: Duration::from_secs(120),
        }
    }
}

/// A listener that runs.
#[derive(Debug, Clone)]
pub struct Listening {
    handle: ServerHandle,
    address: SocketAddr,
}

impl Listening {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new connections and waits a while for the open ones.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }
}

/// Serves `app` on a bound listener until stopped. Must be called within an actix system.
///
/// # Errors
/// If the listener cannot be used.
pub fn listen(
    listener: TcpListener,
    limits: &Limits,
    app: Arc<dyn App>,
) -> std::io::Result<Listening> {
    start(listener, limits, app, Speech::Plain)
}

/// Serves `app` over TLS on a bound listener until stopped. Must be called within an actix system.
///
/// # Errors
/// If the listener cannot be used.
pub fn listen_tls(
    listener: TcpListener,
    limits: &Limits,
    tls: ServerConfig,
    app: Arc<dyn App>,
) -> std::io::Result<Listening> {
    start(listener, limits, app, Speech::Tls(tls))
}

/// As [`listen_tls`]; whoever speaks plain http there is answered by `plain` instead: told the way,
/// and nothing else.
///
/// # Errors
/// If the listener cannot be used.
pub fn listen_tls_or_plain(
    listener: TcpListener,
    limits: &Limits,
    tls: ServerConfig,
    app: Arc<dyn App>,
    plain: Arc<dyn App>,
) -> std::io::Result<Listening> {
    start(listener, limits, app, Speech::Either(tls, plain))
}

/// What is spoken at a listener.
enum Speech {
    Plain,
    Tls(ServerConfig),
    /// TLS, and plain http for this app.
    Either(ServerConfig, Arc<dyn App>),
}

fn start(
    listener: TcpListener,
    limits: &Limits,
    app: Arc<dyn App>,
    speech: Speech,
) -> std::io::Result<Listening> {
    let address = listener.local_addr()?;
    prepare(&listener, limits)?;
    let builder = Server::build()
        .workers(limits.workers)
        .max_concurrent_connections(limits.connections)
        .shutdown_timeout(SHUTDOWN_SECS)
        .disable_signals();
    let signal = builder.graceful_shutdown_signal();
    let stopping = Arc::new(move || {
        let signal = signal.clone();
        async move { signal.notified().await }.boxed_local()
    });
    let secure = !matches!(speech, Speech::Plain);
    let edge = Edge { app, secure, head_timeout: limits.head_timeout, stopping };
    let builder = match speech {
        Speech::Plain => builder.listen("http", listener, move || edge.h1().tcp()),
        Speech::Tls(tls) => {
            builder.listen("https", listener, move || edge.h1().rustls_0_23(tls.clone()))
        }
        Speech::Either(tls, app) => {
            let plain = Edge { app, secure: false, ..edge.clone() };
            let patience = limits.head_timeout;
            let either = move || {
                let tls = edge.h1().rustls_0_23(tls.clone());
                Either::new(tls, plain.h1().tcp(), patience)
            };
            builder.listen("https", listener, either)
        }
    };
    Ok(run(builder?.run(), address))
}

fn run(server: Server, address: SocketAddr) -> Listening {
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%address, %error, "the listener failed");
        }
    });
    Listening { handle, address }
}

/// Sets what each accepted connection inherits from its listener.
fn prepare(listener: &TcpListener, limits: &Limits) -> std::io::Result<()> {
    // Nagle and delayed acknowledgement together cost small answers 40 ms.
    sockopt::set_tcp_nodelay(listener, true)?;
    // Nothing above the kernel notices a client that reads no more.
    let stall = u32::try_from(limits.stall.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(listener, stall)?;
    Ok(())
}

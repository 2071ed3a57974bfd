//! The listeners: actix at the edge, [`App`] behind it.
//!
//! The only place that touches actix-web, and actix-http below it: over TLS, actix-web offers
//! HTTP/2 to whoever asks, under which requests have no Host that was signed and a stalled answer
//! is not seen by the kernel. So https is HTTP/1.1 on actix-http itself. A request's payload is pumped into the bounded channel
//! of its [`Body`] by the web worker that owns it; the app runs on the pool.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpMessage as _, HttpService, Request};
use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::{Server, ServerHandle, fn_service};
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{StatusCode, Uri};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use bytes::Bytes;
use futures_util::future::Either;
use futures_util::{Stream, StreamExt as _};
use rustix::net::sockopt;
use rustls::ServerConfig;
use tokio::sync::mpsc;

use crate::http::{App, Body, BodyError, Head, Payload, Response};
use crate::pool;

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

/// How long a client may go on sending a body that nobody wants, so that it comes to see the
/// answer and not a connection that was reset under it.
const LINGER: Duration = Duration::from_secs(2);

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
    let address = listener.local_addr()?;
    prepare(&listener, limits)?;
    let server = HttpServer::new(move || {
        let app = Arc::clone(&app);
        actix_web::App::new().default_service(web::to(
            move |request: HttpRequest, payload: web::Payload| {
                let app = Arc::clone(&app);
                async move { answer(app, request, payload).await }
            },
        ))
    })
    .workers(limits.workers)
    .max_connections(limits.connections)
    .client_request_timeout(limits.head_timeout)
    .client_disconnect_timeout(LINGER)
    .shutdown_timeout(SHUTDOWN_SECS)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(run(server, address))
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
    let address = listener.local_addr()?;
    prepare(&listener, limits)?;
    let head_timeout = limits.head_timeout;
    let builder = Server::build();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder
        .workers(limits.workers)
        .max_concurrent_connections(limits.connections)
        .shutdown_timeout(SHUTDOWN_SECS)
        .disable_signals()
        .listen("https", listener, move || {
            let (app, stopping) = (Arc::clone(&app), stopping.clone());
            HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .client_request_timeout(head_timeout)
                .client_disconnect_timeout(LINGER)
                .h1(fn_service(move |mut request: Request| {
                    let app = Arc::clone(&app);
                    async move {
                        let payload = request.take_payload();
                        let head = Head {
                            method: request.method().as_str().to_owned(),
                            peer: request.peer_addr(),
                            ..head_of(request.uri(), request.headers())
                        };
                        Ok::<_, Infallible>(reply(app, head, payload).await)
                    }
                }))
                .rustls_0_23(tls.clone())
        })?
        .run();
    Ok(run(server, address))
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

async fn answer(app: Arc<dyn App>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let head = Head {
        method: request.method().as_str().to_owned(),
        peer: request.peer_addr(),
        ..head_of(request.uri(), request.headers())
    };
    reply(app, head, payload).await
}

async fn reply<P>(app: Arc<dyn App>, head: Head, payload: P) -> HttpResponse
where
    P: Stream<Item = Result<Bytes, PayloadError>>,
{
    let mut payload = std::pin::pin!(payload);
    let is_head = head.method == "HEAD";
    let length = head.header("content-length").and_then(|text| text.parse().ok());
    let bodyless = length.is_none_or(|n| n == 0) && head.header("transfer-encoding").is_none();
    let (feed, body) = Body::fed(if bodyless { Some(0) } else { length });
    let work = pool::run(async move { app.serve(head, body).await });
    let pump = async move {
        while !bodyless && let Some(piece) = payload.next().await {
            let piece = piece.map_err(|broken| BodyError::Broken(broken.to_string()));
            let broken = piece.is_err();
            // A reader that has gone away has seen enough.
            if !feed.send(piece).await || broken {
                break;
            }
        }
        feed.finish();
    };
    let (work, pump) = (std::pin::pin!(work), std::pin::pin!(pump));
    // An answer does not wait for a body that nobody reads any more.
    let response = match futures_util::future::select(work, pump).await {
        Either::Left((response, _)) => response,
        Either::Right(((), work)) => work.await,
    };
    match response {
        Ok(response) => render(response, is_head),
        Err(error) => HttpResponse::InternalServerError().body(error.text().to_owned()),
    }
}

fn head_of(uri: &Uri, headers: &HeaderMap) -> Head {
    Head {
        method: String::new(),
        raw_path: uri.path().to_owned(),
        raw_query: uri.query().unwrap_or_default().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        peer: None,
        request_id: request_id(),
    }
}

/// A new request id, in the shape of a UUID as EC2's are.
pub fn request_id() -> String {
    let mut random = [0u8; 16];
    if let Err(error) = getrandom::fill(&mut random) {
        // Ids repeat then, which harms nothing but the log.
        tracing::warn!(%error, "no random bytes for a request id");
    }
    let text = hex::encode(random);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn render(response: Response, is_head: bool) -> HttpResponse {
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut builder = HttpResponse::build(status);
    let mut stated_length = None;
    for (name, value) in &response.headers {
        if name.eq_ignore_ascii_case("content-length") {
            stated_length = value.parse().ok();
        }
        append(&mut builder, name, value);
    }
    if is_head {
        // Its answer states the length of what a GET would bring, and brings nothing. Not left to
        // actix: when another request waits behind it, actix takes the one for the other.
        let length = match &response.payload {
            Payload::Empty => stated_length.unwrap_or(0),
            Payload::Full(bytes) => bytes.len() as u64,
            Payload::Stream { length, .. } => *length,
        };
        let nothing = futures_util::stream::empty::<std::io::Result<Bytes>>();
        return builder.no_chunking(length).body(BodyStream::new(nothing));
    }
    match response.payload {
        Payload::Empty => builder.finish(),
        Payload::Full(bytes) => builder.body(bytes),
        Payload::Stream { length, pieces } => builder.body(SizedStream::new(length, drain(pieces))),
    }
}

fn append(builder: &mut HttpResponseBuilder, name: &str, value: &str) {
    if name.eq_ignore_ascii_case("content-length") {
        return;
    }
    let name = HeaderName::from_bytes(name.as_bytes());
    // Header values may be any UTF-8 on S3 (x-amz-meta-*); only control bytes are impossible.
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
        builder.append_header((name, value));
    }
}

fn drain(
    pieces: mpsc::Receiver<std::io::Result<Bytes>>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    })
}

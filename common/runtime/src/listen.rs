//! The listeners: actix-web at the edge, [`App`] behind it.
//!
//! The only place that touches actix-web. A request's payload is pumped into the bounded channel
//! of its [`Body`] by the web worker that owns it; the app runs on the pool.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, SizedStream};
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, HttpServer, web};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::Either;
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
    address: std::net::SocketAddr,
}

impl Listening {
    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
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
    let stall = u32::try_from(limits.stall.as_millis()).unwrap_or(u32::MAX);
    let server = HttpServer::new(move || {
        let app = Arc::clone(&app);
        actix_web::App::new().default_service(web::to(
            move |request: HttpRequest, payload: web::Payload| {
                let app = Arc::clone(&app);
                async move { answer(app, request, payload).await }
            },
        ))
    })
    .on_connect(move |connection, _| {
        if let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() {
            // Nagle and delayed acknowledgement together cost small answers 40 ms.
            drop(stream.set_nodelay(true));
            // Nothing above the kernel notices a client that reads no more.
            let set = rustix::net::sockopt::set_tcp_user_timeout(stream, stall);
            tracing::trace!(?set, "a connection is watched for stalling");
        }
    })
    .workers(limits.workers)
    .max_connections(limits.connections)
    .client_request_timeout(limits.head_timeout)
    .client_disconnect_timeout(LINGER)
    // Two listeners that are stopped one after the other stay within a stop's time.
    .shutdown_timeout(4)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%address, %error, "the listener failed");
        }
    });
    Ok(Listening { handle, address })
}

async fn answer(
    app: Arc<dyn App>,
    request: HttpRequest,
    mut payload: web::Payload,
) -> HttpResponse {
    let head = head_of(&request);
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

fn head_of(request: &HttpRequest) -> Head {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    Head {
        method: request.method().as_str().to_owned(),
        raw_path: request.uri().path().to_owned(),
        raw_query: request.uri().query().unwrap_or_default().to_owned(),
        headers,
        peer: request.peer_addr(),
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
) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    })
}

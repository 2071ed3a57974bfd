//! Where HTTP ends: requests of actix-http become [`Head`] and [`Body`], responses become its own.
//!
//! ```text
//!   head ──▶ app.serve ──asks for the body──▶ "go ahead" ──▶ body pumped ──▶ response
//!                  └──────answers without it──────────────────────────────────▲
//! ```
//! The only place that touches actix-http. A request's payload is pumped into the bounded channel
//! of its [`Body`] by the web worker that owns it; the app runs on the pool. A client that waits
//! for a go-ahead (`Expect: 100-continue`) gets it when the app asks for the first piece, so that
//! whoever is refused sends nothing; one that says so and does not wait is served, too.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::h1::{H1Service, UpgradeHandler};
use actix_http::{ConnectionType, HttpMessage as _, HttpService, Request};
use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody, SizedStream};
use actix_web::dev::{Service, ServiceFactory, always_ready};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use common::error::ApiError;
use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;

use crate::http::{App, Body, BodyError, Feed, Head, Payload, Response};
use crate::pool;

/// How long a client may go on sending a body that nobody wants, so that it comes to see the
/// answer and not a connection that was reset under it.
const LINGER: Duration = Duration::from_secs(2);

/// What every connection of a listener needs.
#[derive(Clone)]
pub(crate) struct Edge {
    /// Who answers.
    pub(crate) app: Arc<dyn App>,
    /// Whether the listener is one of https.
    pub(crate) secure: bool,
    /// How long a client may take to send a request's head.
    pub(crate) head_timeout: Duration,
    /// Gives a future that ends when the listener is being stopped.
    pub(crate) stopping: Arc<dyn Fn() -> LocalBoxFuture<'static, ()> + Send + Sync>,
}

impl Edge {
    /// The protocol, over any kind of stream.
    pub(crate) fn h1<T>(&self) -> H1Service<T, Answer, BoxBody, GoAhead, UpgradeHandler> {
        let stopping = Arc::clone(&self.stopping);
        HttpService::build()
            .graceful_shutdown_signal(move || stopping())
            .client_request_timeout(self.head_timeout)
            .client_disconnect_timeout(LINGER)
            .expect(GoAhead(Arc::clone(&self.app), self.secure))
            .h1(Answer(Arc::clone(&self.app), self.secure))
    }
}

type Work = LocalBoxFuture<'static, Result<Response, ApiError>>;

/// A request whose app asked for the body, or whose body came without being asked for.
struct Under {
    work: Work,
    feed: Feed,
    payload: actix_http::Payload,
    /// A piece that was taken already.
    first: Option<Result<Bytes, PayloadError>>,
}

/// Answers a request; whether it came by https.
#[derive(Clone)]
pub(crate) struct Answer(Arc<dyn App>, bool);

impl ServiceFactory<Request> for Answer {
    type Response = HttpResponse;
    type Error = Infallible;
    type Config = ();
    type Service = Self;
    type InitError = ();
    type Future = Ready<Result<Self, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Service<Request> for Answer {
    type Response = HttpResponse;
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<HttpResponse, Infallible>>;

    always_ready!();

    fn call(&self, mut request: Request) -> Self::Future {
        let is_head = request.method() == "HEAD";
        let under = request.extensions_mut().remove::<Under>();
        let under = under.unwrap_or_else(|| {
            let head = head_of(&request, self.1);
            let framing = framing(&head);
            let (feed, body) = Body::fed(framing.length());
            let work = serve(&self.0, head, body);
            let payload = match framing {
                Framing::Nothing => actix_http::Payload::None,
                Framing::Something(_) => request.take_payload(),
            };
            Under { work, feed, payload, first: None }
        });
        async move {
            let Under { work, feed, payload, first } = under;
            // An answer does not wait for a body that nobody reads any more.
            Ok(match select(work, pump(first, payload, feed).boxed_local()).await {
                Either::Left((response, unread)) => unfinished(rendered(response, is_head), unread),
                Either::Right(((), work)) => rendered(work.await, is_head),
            })
        }
        .boxed_local()
    }
}

/// Decides for a client that waits whether its body is wanted.
#[derive(Clone)]
pub(crate) struct GoAhead(Arc<dyn App>, bool);

impl ServiceFactory<Request> for GoAhead {
    type Response = Request;
    type Error = HttpResponse;
    type Config = ();
    type Service = Self;
    type InitError = ();
    type Future = Ready<Result<Self, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Service<Request> for GoAhead {
    type Response = Request;
    type Error = HttpResponse;
    type Future = LocalBoxFuture<'static, Result<Request, HttpResponse>>;

    always_ready!();

    /// Gives the request back when its body is wanted, and as an error the answer if it is not.
    fn call(&self, mut request: Request) -> Self::Future {
        let head = head_of(&request, self.1);
        let Framing::Something(length) = framing(&head) else {
            return ready(Ok(request)).boxed_local();
        };
        let is_head = request.method() == "HEAD";
        let (feed, wanted, body) = Body::held(length);
        let mut work = serve(&self.0, head, body);
        async move {
            let mut payload = request.take_payload();
            let mut first = None;
            // A body that will not be asked for leaves its asker to his answer.
            let asked = async {
                if wanted.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let asked = pin!(asked);
            let came = select(asked, payload.next());
            match select(&mut work, came).await {
                Either::Left((response, came)) => {
                    drop(came);
                    let mut answer = rendered(response, is_head);
                    // What the client does about its body now is not known.
                    answer.head_mut().set_connection_type(ConnectionType::Close);
                    return Err(unfinished(answer, payload));
                }
                Either::Right((Either::Left(((), _)), _)) => {}
                Either::Right((Either::Right((piece, _)), _)) => {
                    feed.unasked();
                    first = piece;
                }
            }
            request.extensions_mut().insert(Under { work, feed, payload, first });
            Ok(request)
        }
        .boxed_local()
    }
}

/// An answer to a request whose body did not come to its end. As long as the rest of it is held,
/// actix sees that the connection is of no more use and closes it after [`LINGER`]; a body in
/// HTTP's chunks it would otherwise read on without end.
fn unfinished(answer: HttpResponse, unread: impl Unpin + 'static) -> HttpResponse {
    answer.map_body(|_, body| BoxBody::new(Unfinished { body, _unread: unread }))
}

struct Unfinished<P> {
    body: BoxBody,
    _unread: P,
}

impl<P: Unpin> MessageBody for Unfinished<P> {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

fn serve(app: &Arc<dyn App>, head: Head, body: Body) -> Work {
    let app = Arc::clone(app);
    pool::run(async move { app.serve(head, body).await }).boxed_local()
}

/// Whether there is a body, and how long it says it is.
enum Framing {
    Nothing,
    Something(Option<u64>),
}

impl Framing {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Nothing => Some(0),
            Self::Something(length) => *length,
        }
    }
}

fn framing(head: &Head) -> Framing {
    let length = head.header("content-length").and_then(|text| text.parse().ok());
    match length.is_none_or(|n| n == 0) && head.header("transfer-encoding").is_none() {
        true => Framing::Nothing,
        false => Framing::Something(length),
    }
}

async fn pump(
    first: Option<Result<Bytes, PayloadError>>,
    payload: impl Stream<Item = Result<Bytes, PayloadError>>,
    feed: Feed,
) {
    let mut pieces = pin!(futures_util::stream::iter(first).chain(payload));
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|broken| BodyError::Broken(broken.to_string()));
        let broken = piece.is_err();
        // A reader that has gone away has seen enough.
        if !feed.send(piece).await || broken {
            break;
        }
    }
    feed.finish();
}

fn head_of(request: &Request, secure: bool) -> Head {
    let headers = request.headers().iter();
    Head {
        method: request.method().as_str().to_owned(),
        raw_path: request.uri().path().to_owned(),
        raw_query: request.uri().query().unwrap_or_default().to_owned(),
        headers: headers.map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        peer: request.peer_addr(),
        secure,
        request_id: request_id(),
    }
}

/// A new request id, in the shape of a UUID as EC2's are.
pub(crate) fn request_id() -> String {
    let mut random = [0u8; 16];
    if let Err(error) = getrandom::fill(&mut random) {
        // Ids repeat then, which harms nothing but the log.
        tracing::warn!(%error, "no random bytes for a request id");
    }
    let text = hex::encode(random);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

fn rendered(response: Result<Response, ApiError>, is_head: bool) -> HttpResponse {
    match response {
        Ok(response) => render(response, is_head),
        Err(error) => HttpResponse::InternalServerError().body(error.text().to_owned()),
    }
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
            Payload::Endless(_) => 0,
        };
        let nothing = futures_util::stream::empty::<std::io::Result<Bytes>>();
        return builder.no_chunking(length).body(BodyStream::new(nothing));
    }
    match response.payload {
        Payload::Empty => builder.finish(),
        Payload::Full(bytes) => builder.body(bytes),
        Payload::Stream { length, pieces } => builder.body(SizedStream::new(length, drain(pieces))),
        Payload::Endless(pieces) => builder.body(BodyStream::new(endless(pieces))),
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

fn endless(pieces: mpsc::Receiver<Bytes>) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (Ok(piece), pieces))
    })
}

fn drain(
    pieces: mpsc::Receiver<std::io::Result<Bytes>>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    futures_util::stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    })
}

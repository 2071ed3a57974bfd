//! One connection of one instance: requests in, answers out, and no more of them than is its share.
//!
//! Nothing here asks anybody: what there is to know of an instance lies in its [`Guest`]. Neither
//! tokens nor what is answered is ever logged.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::{InstanceSpec, MetadataOptions};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::clock::Clock;
use socket2::Socket;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::answer::{Answer, LIFETIME_HEADER, Question, Source, TOKEN_HEADER, answer, refusal};
use super::token::Tokens;
use super::tree::Tree;

const CONNECTIONS: usize = 32;
/// Requests that may come at once, and how many a second are added to them. A whole walk of the
/// tree by cloud-init is about 60.
const BURST: f64 = 400.0;
const RATE: f64 = 100.0;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const HEAD_LIMIT: usize = 16 << 10;
const LIFETIME: HeaderName = HeaderName::from_static(LIFETIME_HEADER);

/// One instance, as its listener knows it.
pub(super) struct Guest {
    pub(super) instance: InstanceId,
    /// The one address that may ask; `None` where nobody else can.
    pub(super) address: Option<Ipv4Addr>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) first: Mutex<Option<Timestamp>>,
    told: Mutex<Arc<Told>>,
    allowance: Mutex<Allowance>,
    tokens: Tokens,
    clock: Clock,
}

/// What an instance is told, and how.
struct Told {
    tree: Tree,
    options: MetadataOptions,
}

impl Told {
    fn of(spec: &InstanceSpec) -> Arc<Self> {
        Arc::new(Self { tree: Tree::of(spec), options: spec.metadata.options })
    }
}

impl Guest {
    pub(super) fn new(
        spec: &InstanceSpec,
        address: Option<Ipv4Addr>,
        tokens: Tokens,
        clock: Clock,
    ) -> Self {
        Self {
            instance: spec.instance.clone(),
            address,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            first: Mutex::new(None),
            told: Mutex::new(Told::of(spec)),
            allowance: Mutex::new(Allowance { left: BURST, at: Instant::now() }),
            tokens,
            clock,
        }
    }

    /// From now on it is told what the wish says now.
    pub(super) fn learn(&self, spec: &InstanceSpec) {
        let told = Told::of(spec);
        *lock(&self.told) = told;
    }

    /// The moment from which a guest knows who it is, said once.
    fn mark_first(&self, now: Timestamp) {
        let mut first = lock(&self.first);
        if first.is_none() {
            *first = Some(now);
            tracing::info!(
                instance = %self.instance, at_ms = now.as_millis(), "first metadata answer"
            );
        }
    }
}

/// Answers on a connection until it ends. `hops` is its socket, where the packets of answers that
/// bear a token can be kept from going far.
pub(super) async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    guest: Arc<Guest>,
    hops: Option<Socket>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(&guest, &request, hops.as_ref());
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LIMIT)
        .max_headers(64)
        .keep_alive(true)
        .serve_connection(TokioIo::new(stream), service);
    // How a guest ends its connection is its own affair.
    drop(connection.await);
}

fn respond(
    guest: &Guest,
    request: &Request<Incoming>,
    hops: Option<&Socket>,
) -> Response<Full<Bytes>> {
    if !lock(&guest.allowance).take(Instant::now()) {
        return render(refusal(503, "Service Unavailable"));
    }
    // A header that is no text is nobody's name, and no token.
    let text = |value: &'_ HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = request.headers();
    let named: Vec<_> = headers.get_all(HOST).iter().map(text).collect();
    let mut hosts: Vec<_> = named.iter().map(String::as_str).collect();
    hosts.extend(request.uri().authority().map(hyper::http::uri::Authority::as_str));
    let (token, lifetime) =
        (headers.get(TOKEN_HEADER).map(text), headers.get(LIFETIME_HEADER).map(text));
    let question = Question {
        method: request.method().as_str(),
        path: request.uri().path(),
        hosts: &hosts,
        host_required: request.version() >= Version::HTTP_11,
        token: token.as_deref(),
        lifetime: lifetime.as_deref(),
        forwarded: headers.contains_key("x-forwarded-for"),
    };
    let (told, now) = (Arc::clone(&lock(&guest.told)), guest.clock.now());
    let source = Source {
        instance: &guest.instance,
        tree: &told.tree,
        options: &told.options,
        tokens: &guest.tokens,
    };
    let answer = answer(source, &question, now);
    match (answer.status, answer.token_for, hops) {
        // It stays so for the rest of the connection: packets may have to be sent again.
        (_, Some(_), Some(socket)) => {
            if let Err(error) = socket.set_ttl_v4(u32::from(told.options.hop_limit)) {
                tracing::warn!(instance = %guest.instance, %error, "no hop limit can be set");
                return render(refusal(500, "Internal Server Error"));
            }
        }
        (200, None, _) => guest.mark_first(now),
        _ => {}
    }
    render(answer)
}

fn render(answer: Answer) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(SERVER, HeaderValue::from_static("Eucalypt"));
    if let Some(allow) = answer.allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if let Some(seconds) = answer.token_for {
        headers.insert(LIFETIME, HeaderValue::from(seconds));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// How many requests an instance has left just now.
struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let gone = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + gone * RATE).min(BURST);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_answered_and_a_flood_is_not() {
        let start = Instant::now();
        let mut allowance = Allowance { left: BURST, at: start };
        let at_once = (0..1000).filter(|_| allowance.take(start)).count();
        assert_eq!(at_once, 400);
        let later = start + Duration::from_millis(505);
        assert_eq!((0..1000).filter(|_| allowance.take(later)).count(), 50);
        let much_later = start + Duration::from_secs(3600);
        assert_eq!((0..1000).filter(|_| allowance.take(much_later)).count(), 400);
    }

    #[test]
    fn what_an_answer_carries_stands_in_its_headers() {
        let odd = Answer { allow: Some("PUT"), ..refusal(405, "Method Not Allowed") };
        assert_eq!(render(odd).headers()[ALLOW], "PUT");
        let token = Answer { token_for: Some(60), ..refusal(200, "OK") };
        assert_eq!(render(token).headers()["X-aws-ec2-metadata-token-ttl-seconds"], "60");
        let busy = render(refusal(503, "Service Unavailable"));
        assert_eq!(busy.headers()[RETRY_AFTER], "1");
    }
}

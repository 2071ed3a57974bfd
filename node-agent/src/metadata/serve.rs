//! Listens for the questions of instances: one socket per tap, bound to it.
//!
//! A socket that is bound to a tap hears that tap alone, so the instance is known before a byte
//! was read; the caller's address must be the instance's beside it. Nothing here asks anybody: an
//! instance's tree was built when it was attached. Each instance has its own small share of
//! connections and requests, so none can keep the others from being answered.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::spec::InstanceSpec;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER, SERVER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use runtime::clock::Clock;
use runtime::pool;
use runtime::shutdown::Shutdown;
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::answer::{ALLOWED, Answer, Question, answer, refusal};
use super::tree::Tree;
use crate::network::METADATA_ADDRESS;

const CONNECTIONS: usize = 32;
/// Requests that may come at once, and how many a second are added to them. A whole walk of the
/// tree by cloud-init is about 60.
const BURST: f64 = 400.0;
const RATE: f64 = 100.0;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);
const HEAD_LIMIT: usize = 16 << 10;

/// Why an instance cannot be told who it is.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Something else on this host has port 80 on all addresses.
    #[error(
        "169.254.169.254:80 on {tap} is taken: another program on this host listens on port 80 of all addresses"
    )]
    Taken {
        /// The tap.
        tap: String,
    },
    /// The socket cannot be had.
    #[error("169.254.169.254:80 on {tap} cannot be listened on: {why}")]
    Socket {
        /// The tap.
        tap: String,
        /// What the system said.
        why: std::io::Error,
    },
}

/// The listeners of all instances of this node. Clones are the same.
#[derive(Clone)]
pub struct Metadata(Arc<Shared>);

struct Shared {
    clock: Clock,
    listeners: Mutex<BTreeMap<InstanceId, Listener>>,
}

struct Listener {
    tap: String,
    guest: Arc<Guest>,
    stop: Shutdown,
    task: JoinHandle<()>,
}

/// One instance, as its listener knows it.
struct Guest {
    instance: InstanceId,
    address: Ipv4Addr,
    tree: Mutex<Arc<Tree>>,
    connections: Arc<Semaphore>,
    allowance: Mutex<Allowance>,
    first: Mutex<Option<Timestamp>>,
    clock: Clock,
}

impl Metadata {
    /// No listener yet.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared { clock, listeners: Mutex::default() }))
    }

    /// Answers an instance on its tap from now on; one that is answered already is answered what
    /// the wish says now. The tap and 169.254.169.254 must be there.
    ///
    /// # Errors
    /// If the socket cannot be had.
    pub fn listen(&self, tap: &str, spec: &InstanceSpec) -> Result<(), ListenError> {
        let tree = Arc::new(Tree::of(spec));
        let mut listeners = lock(&self.0.listeners);
        if let Some(listener) = listeners.get(&spec.instance)
            && listener.tap == tap
            && listener.guest.address == spec.network.address
            && !listener.task.is_finished()
        {
            *lock(&listener.guest.tree) = tree;
            return Ok(());
        }
        if let Some(old) = listeners.remove(&spec.instance) {
            old.end();
        }
        let failed = |why: std::io::Error| match why.kind() {
            std::io::ErrorKind::AddrInUse => ListenError::Taken { tap: tap.to_owned() },
            _ => ListenError::Socket { tap: tap.to_owned(), why },
        };
        let socket = bind(tap, METADATA_ADDRESS).map_err(failed)?;
        let guest = Arc::new(Guest {
            instance: spec.instance.clone(),
            address: spec.network.address,
            tree: Mutex::new(tree),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            allowance: Mutex::new(Allowance { left: BURST, at: Instant::now() }),
            first: Mutex::new(None),
            clock: self.0.clock.clone(),
        });
        let stop = Shutdown::default();
        let task = pool::spawn(accept(socket, Arc::clone(&guest), stop.clone()));
        let listener = Listener { tap: tap.to_owned(), guest, stop, task };
        listeners.insert(spec.instance.clone(), listener);
        Ok(())
    }

    /// Lets an instance that is answered know what the wish says now.
    pub fn refresh(&self, spec: &InstanceSpec) {
        if let Some(listener) = lock(&self.0.listeners).get(&spec.instance) {
            *lock(&listener.guest.tree) = Arc::new(Tree::of(spec));
        }
    }

    /// Answers an instance no more.
    pub fn close(&self, instance: &InstanceId) {
        if let Some(listener) = lock(&self.0.listeners).remove(instance) {
            listener.end();
        }
    }

    /// Answers nobody any more.
    pub fn close_all(&self) {
        for (_, listener) in std::mem::take(&mut *lock(&self.0.listeners)) {
            listener.end();
        }
    }

    /// When each instance was first answered something by this agent.
    pub fn first_answers(&self) -> BTreeMap<InstanceId, Option<Timestamp>> {
        let listeners = lock(&self.0.listeners);
        listeners.iter().map(|(id, listener)| (id.clone(), *lock(&listener.guest.first))).collect()
    }
}

impl Listener {
    fn end(self) {
        self.stop.raise();
        self.task.abort();
    }
}

/// A listening socket that hears one interface alone.
fn bind(tap: &str, address: Ipv4Addr) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // First the interface: an address that every tap's listener has is free on this one.
    socket.bind_device(Some(tap.as_bytes()))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::V4(SocketAddrV4::new(address, 80)).into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

async fn accept(socket: std::net::TcpListener, guest: Arc<Guest>, stop: Shutdown) {
    let listener = match TcpListener::from_std(socket) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(instance = %guest.instance, %error, "metadata cannot be served");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.raised() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A connection that broke before it was taken, or no descriptors for a while.
                tracing::debug!(instance = %guest.instance, %error, "a metadata connection broke");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        if peer.ip() != guest.address {
            tracing::warn!(instance = %guest.instance, %peer, "refusing a foreign address on its tap");
            continue;
        }
        let Ok(permit) = Arc::clone(&guest.connections).try_acquire_owned() else { continue };
        let (guest, stop) = (Arc::clone(&guest), stop.clone());
        pool::spawn(async move {
            let talk = timeout(CONNECTION_TIMEOUT, talk(stream, guest));
            tokio::select! { _ = talk => {}, () = stop.raised() => {} }
            drop(permit);
        });
    }
}

async fn talk(stream: TcpStream, guest: Arc<Guest>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(&guest, &request);
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

fn respond(guest: &Guest, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if !lock(&guest.allowance).take(Instant::now()) {
        return render(refusal(503, "Service Unavailable"));
    }
    let headers = request.headers().get_all(HOST).iter();
    // A host that is no text is nobody's name.
    let mut hosts: Vec<&str> = headers.map(|value| value.to_str().unwrap_or_default()).collect();
    hosts.extend(request.uri().authority().map(hyper::http::uri::Authority::as_str));
    let question = Question {
        method: request.method().as_str(),
        path: request.uri().path(),
        hosts: &hosts,
        host_required: request.version() >= Version::HTTP_11,
    };
    let tree = Arc::clone(&lock(&guest.tree));
    let answer = answer(&tree, &question);
    if answer.status == 200 {
        guest.mark_first();
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
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static(ALLOWED));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

impl Guest {
    /// The moment from which a guest knows who it is, said once.
    fn mark_first(&self) {
        let mut first = lock(&self.first);
        if first.is_none() {
            let now = self.clock.now();
            *first = Some(now);
            tracing::info!(
                instance = %self.instance, at_ms = now.as_millis(), "first metadata answer"
            );
        }
    }
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
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
    fn a_method_that_is_not_served_says_which_are() {
        let response = render(refusal(405, "Method Not Allowed"));
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
    }
}

//! HTTP as our services see it: a request's head, a body that comes in bounded pieces, a response.
//!
//! actix-web's own types may not leave their thread; these may. [`crate::listen`] turns the one
//! into the other at a single place, so that no other code of the house knows a web framework.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::iam::Context;
use common::sign::{self, Headers};
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// Everything of a request but its body. Names of headers are in lower case; path and query are
/// the very bytes that were sent, because signatures are made over them.
#[derive(Debug, Clone)]
pub struct Head {
    /// `GET`, `PUT`…
    pub method: String,
    /// The path as it was sent, still percent-encoded.
    pub raw_path: String,
    /// What followed the `?`, still percent-encoded; empty if nothing did.
    pub raw_query: String,
    /// Headers, names in lower case, values as raw bytes; those of one name in the order they came.
    pub headers: Headers,
    /// Who sent it.
    pub peer: Option<SocketAddr>,
    /// Whether it came by https.
    pub secure: bool,
    /// The id under which it is logged and answered.
    pub request_id: String,
}

impl Head {
    /// The first header of that lower-case name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.text(name)
    }

    /// Where the client found this service: `https://cloud:8775`.
    pub fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.header("host").unwrap_or_default())
    }

    /// What condition keys say of a request that came at this moment.
    pub fn context(&self, now: Timestamp) -> Context {
        Context::new()
            .with("aws:currenttime", now.iso())
            .with("aws:epochtime", now.as_secs().to_string())
            .with("aws:securetransport", self.secure.to_string())
            .with_some("aws:sourceip", self.peer.map(|peer| peer.ip().to_string()))
            .with_some("aws:useragent", self.header("user-agent").map(beginning))
            .with_some("aws:referer", self.header("referer").map(beginning))
    }

    /// The request as a signature is made over it.
    pub fn signed<'a>(&'a self, body: Option<&'a [u8]>) -> sign::Request<'a> {
        let request =
            sign::Request::new(&self.method, &self.raw_path, &self.raw_query, &self.headers);
        match body {
            Some(body) => request.with_body(body),
            None => request,
        }
    }
}

/// How many bytes of a header conditions know.
const KNOWN: usize = 2048;

/// As much of a header as conditions know.
fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(KNOWN)]
}

/// Why a body ended before its end.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The sender went away or broke the framing.
    #[error("the body broke off: {0}")]
    Broken(String),
    /// More bytes came than were allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
}

/// A request's body: pieces through a channel that holds a few of them, so that a slow reader
/// slows its sender down and memory stays bounded.
#[derive(Debug)]
pub struct Body {
    pieces: mpsc::Receiver<Result<Bytes, BodyError>>,
    length: Option<u64>,
    cut: Arc<AtomicBool>,
    /// Tells the sender to go ahead, as long as it may be waiting for that.
    go_ahead: Option<oneshot::Sender<()>>,
    /// Whether the sender did not wait.
    unasked: Arc<AtomicBool>,
}

/// How many pieces wait in a body's channel.
pub const PIECES: usize = 8;

/// How long a body may take that is read as a whole: such bodies are small.
const PATIENCE: Duration = Duration::from_secs(30);

/// The sending side of a request's body. Dropped before [`Feed::finish`], as it is when the
/// connection dies with its request, it leaves a body that is broken and not one that has ended.
pub(crate) struct Feed {
    sender: mpsc::Sender<Result<Bytes, BodyError>>,
    cut: Arc<AtomicBool>,
    unasked: Arc<AtomicBool>,
    finished: bool,
}

impl Feed {
    /// Says that the sender goes ahead without waiting.
    pub(crate) fn unasked(&self) {
        self.unasked.store(true, Ordering::SeqCst);
    }

    /// Hands a piece on as soon as there is room; `false` if nobody reads any more.
    pub(crate) async fn send(&self, piece: Result<Bytes, BodyError>) -> bool {
        self.sender.send(piece).await.is_ok()
    }

    /// Says that this was all.
    pub(crate) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // The channel closes after this: whoever sees its end sees the mark.
        self.cut.store(!self.finished, Ordering::SeqCst);
    }
}

impl Body {
    /// A body that is fed through the returned sender.
    pub fn channel(length: Option<u64>) -> (mpsc::Sender<Result<Bytes, BodyError>>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES);
        let (cut, unasked) = (Arc::default(), Arc::default());
        (sender, Self { pieces, length, cut, go_ahead: None, unasked })
    }

    /// A body that ends only when its feed says so.
    pub(crate) fn fed(length: Option<u64>) -> (Feed, Self) {
        let (sender, body) = Self::channel(length);
        let (cut, unasked) = (Arc::clone(&body.cut), Arc::clone(&body.unasked));
        (Feed { sender, cut, unasked, finished: false }, body)
    }

    /// As [`Body::fed`], for a sender that waits for a go-ahead (`Expect: 100-continue`): it is
    /// given when the first piece is asked for.
    pub(crate) fn held(length: Option<u64>) -> (Feed, oneshot::Receiver<()>, Self) {
        let (feed, body) = Self::fed(length);
        let (go_ahead, wanted) = oneshot::channel();
        (feed, wanted, Self { go_ahead: Some(go_ahead), ..body })
    }

    /// Whether the sender waits to be told to go ahead, which asking for a piece does. Who does
    /// not want the body leaves it alone then: it does not come.
    pub fn is_held(&self) -> bool {
        self.go_ahead.is_some() && !self.unasked.load(Ordering::SeqCst)
    }

    fn ask(&mut self) {
        if let Some(go_ahead) = self.go_ahead.take() {
            // A sender that has gone needs none.
            let _ = go_ahead.send(());
        }
    }

    /// A body that is all there.
    pub fn full(bytes: Bytes) -> Self {
        let (sender, body) = Self::channel(Some(bytes.len() as u64));
        // The channel is new and has room.
        drop(sender.try_send(Ok(bytes)));
        body
    }

    /// What Content-Length said.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        self.ask();
        let piece = self.pieces.recv().await;
        piece.or_else(|| self.broken_end())
    }

    /// The next piece, for a thread that may wait.
    pub fn blocking_next(&mut self) -> Option<Result<Bytes, BodyError>> {
        self.ask();
        let piece = self.pieces.blocking_recv();
        piece.or_else(|| self.broken_end())
    }

    fn broken_end(&self) -> Option<Result<Bytes, BodyError>> {
        let broken = || Err(BodyError::Broken("the connection was lost".to_owned()));
        self.cut.swap(false, Ordering::SeqCst).then(broken)
    }

    /// The whole body, if it is no larger than `limit` bytes and comes within half a minute.
    ///
    /// # Errors
    /// `TooLarge` over the limit, `Broken` if the sender went away or took too long.
    pub async fn read(self, limit: u64) -> Result<Bytes, BodyError> {
        self.read_within(limit, PATIENCE).await
    }

    async fn read_within(self, limit: u64, patience: Duration) -> Result<Bytes, BodyError> {
        let read = tokio::time::timeout(patience, self.read_whole(limit)).await;
        read.unwrap_or_else(|_| {
            Err(BodyError::Broken(format!("it did not end within {patience:?}")))
        })
    }

    async fn read_whole(mut self, limit: u64) -> Result<Bytes, BodyError> {
        if self.length.is_some_and(|length| length > limit) {
            return Err(BodyError::TooLarge(limit));
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await {
            let piece = piece?;
            if (whole.len() + piece.len()) as u64 > limit {
                return Err(BodyError::TooLarge(limit));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }
}

/// The bytes of a response.
#[derive(Debug)]
pub enum Payload {
    /// None.
    Empty,
    /// All at once.
    Full(Bytes),
    /// Pieces through a channel, with their exact total; an `Err` breaks the connection, so that
    /// nobody takes a part for the whole.
    Stream {
        /// How many bytes will come.
        length: u64,
        /// The pieces.
        pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    },
    /// Pieces through a channel, for as long as its other end is held: events of a page.
    Endless(mpsc::Receiver<Bytes>),
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers; Content-Length is set from the payload unless it stands here (HEAD).
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub payload: Payload,
}

impl Response {
    /// A response without bytes.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), payload: Payload::Empty }
    }

    /// A response with a text of the given type.
    pub fn text(status: u16, content_type: &str, text: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, payload: Payload::Full(text.into()) }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// Something that answers requests. It is called on the pool, not on an arbiter.
pub trait App: Send + Sync + 'static {
    /// Answers one request. A body that is not read to its end closes the connection.
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_whose_feed_dies_is_broken_and_not_short() {
        for length in [None, Some(10)] {
            let (feed, body) = Body::fed(length);
            assert!(feed.send(Ok(Bytes::from_static(b"abc"))).await);
            drop(feed);
            assert!(matches!(body.read(100).await, Err(BodyError::Broken(_))));
            let (feed, body) = Body::fed(length);
            assert!(feed.send(Ok(Bytes::from_static(b"abc"))).await);
            feed.finish();
            assert_eq!(body.read(100).await.unwrap(), "abc");
        }
    }

    #[tokio::test]
    async fn a_sender_is_told_to_go_ahead_when_its_body_is_wanted() {
        let (feed, mut wanted, mut body) = Body::held(Some(3));
        assert!(body.is_held() && wanted.try_recv().is_err());
        let sent = async {
            wanted.await.unwrap();
            assert!(feed.send(Ok(Bytes::from_static(b"abc"))).await);
            feed.finish();
        };
        let (piece, ()) = tokio::join!(body.next(), sent);
        assert_eq!(piece.unwrap().unwrap(), "abc");
        assert!(!body.is_held() && body.next().await.is_none());
        let (feed, wanted, body) = Body::held(Some(3));
        feed.unasked();
        assert!(!body.is_held(), "it comes anyway");
        drop(body);
        assert!(wanted.await.is_err(), "nobody will ask");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let (_feed, body) = Body::fed(Some(10));
        let read = body.read_within(100, Duration::from_millis(5)).await;
        assert!(read.unwrap_err().to_string().contains("5ms"));
    }
}

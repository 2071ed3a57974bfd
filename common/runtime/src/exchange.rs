//! One request to another service by HTTP, with bodies that stream both ways.
//!
//! ```text
//!   Body (8 pieces) ──▶ hyper ──▶ the other service ──▶ hyper ──▶ 8 pieces
//! ```
//! For bytes, which no message carries: what is not taken yet at one end is not asked for at the other,
//! so memory stays bounded however large a body is. What is said by it and who may is not known here;
//! messages go by [`crate::transport`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::sign::Headers;
use futures_util::stream::unfold;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::Request;
use hyper::body::Frame;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::mpsc;

use crate::http::{Body, BodyError, PIECES, Payload};
use crate::pool;

/// How long the head of an answer may take, since the last piece of what is sent went out. An answer's
/// body that comes slowly is not waited for here: whoever reads it has a patience of their own.
const PATIENCE: Duration = Duration::from_secs(900);
/// How long an unused connection is kept: shorter than listeners keep theirs.
const IDLE: Duration = Duration::from_secs(3);
/// The largest piece that is read at once.
const PIECE: usize = 64 << 10;

type Sent = UnsyncBoxBody<Bytes, BodyError>;

/// What is sent behind a head.
pub enum Sending {
    /// Nothing.
    Nothing,
    /// All of it, at once.
    Whole(Bytes),
    /// So many bytes, as they come.
    Stream(u64, Body),
}

/// What was answered.
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Headers,
    /// The bytes as they come; an error in the place of one if the other side broke off.
    pub pieces: mpsc::Receiver<std::io::Result<Bytes>>,
}

/// Something that is held as long as bytes go either way, and dropped behind the last of them.
pub type Held = Box<dyn std::any::Any + Send>;

impl Answered {
    /// How many bytes come, if that is said.
    pub fn length(&self) -> Option<u64> {
        self.headers.text("content-length").and_then(|text| text.parse().ok())
    }

    /// The whole body, if it has at most that many bytes.
    ///
    /// # Errors
    /// `Unavailable` if it broke off or is larger.
    pub async fn whole(mut self, most: usize) -> Result<Bytes, ApiError> {
        let mut whole = Vec::new();
        while let Some(piece) = self.pieces.recv().await {
            let piece = piece.map_err(|error| unreachable(&error))?;
            if whole.len() + piece.len() > most {
                return Err(unreachable(&format!("its answer is larger than {most} bytes")));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.into())
    }

    /// The bytes as those of an answer of our own; as an endless one, if it is not known how many
    /// there will be, they cannot be told from a part of them.
    ///
    /// # Errors
    /// `Unavailable` if it is not said how many come.
    pub fn payload(self) -> Result<Payload, ApiError> {
        let length = self.length();
        let length = length.ok_or_else(|| unreachable(&"it does not say how much it sends"))?;
        Ok(Payload::Stream { length, pieces: self.pieces })
    }
}

/// A way to one listener of one other service.
#[derive(Clone)]
pub struct Exchange {
    base: String,
    client: Client<HttpConnector, Sent>,
}

fn unreachable(cause: &dyn std::fmt::Display) -> ApiError {
    let text = "The service that keeps the bytes cannot be reached";
    ApiError::new(ErrorCode::Unavailable, text).because(cause)
}

impl Exchange {
    /// A way to the listener at `base`, `http://HOST:PORT`.
    pub fn new(base: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(PIECE)
            .build(connector);
        Self { base: base.trim_end_matches('/').to_owned(), client }
    }

    /// What a `Host` header has to say.
    pub fn host(&self) -> &str {
        self.base.split_once("://").map_or(self.base.as_str(), |(_, host)| host)
    }

    /// Sends a request; `target` is the path and query as they are signed. What is `held` is dropped when
    /// nothing comes any more.
    ///
    /// # Errors
    /// `Unavailable` if the service cannot be reached or does not answer.
    pub async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &Headers,
        body: Sending,
        held: Option<Held>,
    ) -> Result<Answered, ApiError> {
        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.base));
        for (name, value) in headers.iter() {
            request = request.header(name, value);
        }
        let moved = Arc::new(AtomicBool::new(false));
        let (length, body) = match body {
            Sending::Nothing => (None, Empty::new().map_err(|never| match never {}).boxed_unsync()),
            Sending::Whole(bytes) => {
                let length = Some(bytes.len() as u64);
                (length, Full::new(bytes).map_err(|never| match never {}).boxed_unsync())
            }
            Sending::Stream(length, body) => (Some(length), streamed(body, Arc::clone(&moved))),
        };
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let request = request
            .body(body)
            .map_err(|error| ApiError::internal("The request cannot be written", error))?;
        let client = self.client.clone();
        // Connections are driven by tasks of the runtime that makes them.
        let exchange = async move {
            let answer = answered_within(PATIENCE, client.request(request), &moved).await;
            answer.ok_or_else(|| unreachable(&"it did not answer"))?.map_err(|error| {
                unreachable(&format!("{error}: {:?}", std::error::Error::source(&error)))
            })
        };
        let (head, mut body) = pool::until_dropped(exchange).await??.into_parts();
        let headers =
            head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let (sender, pieces) = mpsc::channel(PIECES);
        pool::spawn(async move {
            let _held = held;
            loop {
                // Nobody takes the rest any more: the connection is given up.
                let frame = tokio::select! {
                    frame = body.frame() => frame,
                    () = sender.closed() => return,
                };
                let piece = match frame {
                    None => return,
                    Some(Err(error)) => Err(std::io::Error::other(error)),
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => Ok(data),
                        Err(_) => continue,
                    },
                };
                let broken = piece.is_err();
                if sender.send(piece).await.is_err() || broken {
                    return;
                }
            }
        });
        Ok(Answered { status: head.status.as_u16(), headers, pieces })
    }
}

/// Waits for an answer, as long as something of what is sent goes out within that time.
async fn answered_within<T>(
    patience: Duration,
    answer: impl Future<Output = T>,
    moved: &AtomicBool,
) -> Option<T> {
    let mut answer = std::pin::pin!(answer);
    loop {
        match tokio::time::timeout(patience, &mut answer).await {
            Ok(answer) => return Some(answer),
            Err(_) if moved.swap(false, Ordering::Relaxed) => {}
            Err(_) => return None,
        }
    }
}

/// A body on its way out; says each time that a piece of it has gone.
fn streamed(body: Body, moved: Arc<AtomicBool>) -> Sent {
    let pieces = unfold((body, moved), |(mut body, moved)| async move {
        let piece = body.next().await?;
        moved.store(true, Ordering::Relaxed);
        Some((piece.map(Frame::data), (body, moved)))
    });
    BodyExt::boxed_unsync(StreamBody::new(pieces))
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use futures_util::future::{join, join3};

    /// A service that reads a request to the end of its body and answers with that.
    async fn echo(listener: TcpListener, length: usize) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        let mut piece = [0; 4096];
        let head = loop {
            let read = stream.read(&mut piece).await.unwrap();
            seen.extend_from_slice(&piece[..read]);
            if let Some(at) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        while seen.len() < head + length {
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0);
            seen.extend_from_slice(&piece[..read]);
        }
        let answer = format!("HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.write_all(&seen[head..]).await.unwrap();
        String::from_utf8(seen[..head].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn bodies_stream_both_ways_and_say_how_long_they_are() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let exchange = Exchange::new(&format!("http://{}/", listener.local_addr().unwrap()));
        let served = echo(listener, 300_000);
        let (sender, body) = Body::channel(Some(300_000));
        let fed = async move {
            for _ in 0..300 {
                sender.send(Ok(Bytes::from(vec![7; 1000]))).await.unwrap();
            }
        };
        let headers: Headers = [("Host", exchange.host()), ("X-B", "c")].into_iter().collect();
        let sending = Sending::Stream(300_000, body);
        let asked = async {
            let answered = exchange.send("PUT", "/a%20b?c", &headers, sending, None).await.unwrap();
            assert_eq!((answered.status, answered.headers.text("x-a")), (200, Some("b")));
            assert_eq!(answered.length(), Some(300_000));
            assert_eq!(answered.whole(300_000).await.unwrap(), vec![7; 300_000]);
        };
        let (head, (), ()) = join3(served, fed, asked).await;
        assert!(head.starts_with("PUT /a%20b?c HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("content-length: 300000\r\n") && !head.contains("chunked"), "{head}");
        assert!(head.contains("x-b: c\r\n") && head.matches("host:").count() == 1, "{head}");
    }

    #[tokio::test]
    async fn a_long_body_takes_its_time_and_a_silent_answer_does_not() {
        let (patience, moved) = (Duration::from_millis(1), AtomicBool::new(false));
        // Each time it is looked at another piece has gone.
        let mut left = 20;
        let slow = std::future::poll_fn(|_| {
            left -= 1;
            moved.store(true, Ordering::Relaxed);
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        assert_eq!(answered_within(patience, slow, &moved).await, Some(()));
        let never = answered_within(patience, std::future::pending::<()>(), &moved);
        assert_eq!(never.await, None);
    }

    #[tokio::test]
    async fn who_is_not_there_is_unavailable_and_what_is_too_much_is_not_kept() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let exchange = Exchange::new(&format!("http://{}", listener.local_addr().unwrap()));
        let served = echo(listener, 2000);
        let whole = Sending::Whole(Bytes::from(vec![7; 2000]));
        let none = Headers::new();
        let (answered, _) = join(exchange.send("POST", "/", &none, whole, None), served).await;
        let kept = answered.unwrap().whole(1999).await;
        assert_eq!(kept.unwrap_err().code(), ErrorCode::Unavailable);
        let gone = exchange.send("GET", "/", &Headers::new(), Sending::Nothing, None).await;
        assert_eq!(gone.err().map(|error| error.code()), Some(ErrorCode::Unavailable));
    }
}

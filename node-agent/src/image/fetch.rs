//! Where an image's bytes come from.
//!
//! [`Fetch`] is all that the cache knows of it: open a URL at an offset, read until it breaks or
//! ends. [`Http`] does it with plain HTTP GET and ranges. Deadlines stand here, retries do not:
//! only the caller knows what it has got already.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{CONTENT_RANGE, RANGE};
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use thiserror::Error;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long the other side may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// Why bytes do not come.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct FetchError {
    /// What happened.
    pub text: String,
    /// Whether it is worth trying again.
    pub retryable: bool,
}

impl FetchError {
    fn passing(text: impl std::fmt::Display) -> Self {
        Self { text: text.to_string(), retryable: true }
    }

    fn lasting(text: impl std::fmt::Display) -> Self {
        Self { text: text.to_string(), retryable: false }
    }
}

/// Bytes on their way.
pub type Flow = BoxStream<'static, Result<Bytes, FetchError>>;

/// A source of bytes.
pub trait Fetch: Send + Sync + 'static {
    /// Opens what is at a URL, from an offset on.
    fn open<'a>(&'a self, url: &'a str, offset: u64) -> BoxFuture<'a, Result<Flow, FetchError>>;
}

/// Fetches over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client<HttpConnector, Empty<Bytes>>,
}

impl Default for Http {
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        // None is kept: one that fell silent meanwhile would cost each further image half a minute,
        // and a new one costs nothing beside an image.
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Self { client }
    }
}

impl Fetch for Http {
    fn open<'a>(&'a self, url: &'a str, offset: u64) -> BoxFuture<'a, Result<Flow, FetchError>> {
        self.get(url, offset).boxed()
    }
}

impl Http {
    async fn get(&self, url: &str, offset: u64) -> Result<Flow, FetchError> {
        let mut request = Request::get(url);
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
        }
        // Said without the URL: whoever has it may read the image.
        let request = request
            .body(Empty::new())
            .map_err(|error| FetchError::lasting(format!("the ticket's URL is no URL: {error}")))?;
        let asked = tokio::time::timeout(SILENCE, self.client.request(request)).await;
        let response = match asked {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(FetchError::passing(chain(&error))),
            Err(_) => return Err(silent()),
        };
        let skip = match response.status() {
            // A server that knows no ranges begins anew each time.
            StatusCode::OK => offset,
            StatusCode::PARTIAL_CONTENT => {
                let range = response.headers().get(CONTENT_RANGE);
                let range = range.and_then(|range| range.to_str().ok()).unwrap_or_default();
                if !range.starts_with(&format!("bytes {offset}-")) {
                    let text = format!("asked from byte {offset} on, got the range '{range}'");
                    return Err(FetchError::lasting(text));
                }
                0
            }
            status => {
                let text = format!("the server answered {status}");
                let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
                return Err(FetchError { text, retryable: passing });
            }
        };
        Ok(flow(response.into_body(), skip))
    }
}

fn flow(body: Incoming, skip: u64) -> Flow {
    stream::unfold(Some((body, skip)), |state| async {
        let (mut body, mut skip) = state?;
        loop {
            let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
                Ok(None) => return None,
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    return Some((Err(FetchError::passing(chain(&error))), None));
                }
                Err(_) => return Some((Err(silent()), None)),
            };
            let Ok(mut data) = frame.into_data() else { continue };
            let unwanted = usize::try_from(skip).unwrap_or(usize::MAX).min(data.len());
            skip -= unwanted as u64;
            let data = data.split_off(unwanted);
            if !data.is_empty() {
                return Some((Ok(data), Some((body, skip))));
            }
        }
    })
    .boxed()
}

fn silent() -> FetchError {
    FetchError::passing(format!("the server was silent for {SILENCE:?}"))
}

/// hyper's errors say little; what lies below says more.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers each connection's one request with the next of these texts and closes.
    async fn served(
        answers: &'static [&'static str],
    ) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/image?secret", listener.local_addr().unwrap());
        let server = runtime::pool::run(async move {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap();
                requests.push(String::from_utf8_lossy(&request[..length]).to_lowercase());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
            requests
        });
        (url, tokio::task::spawn_local(async { server.await.unwrap() }))
    }

    async fn read(http: &Http, url: &str, offset: u64) -> (Vec<u8>, Option<FetchError>) {
        let mut flow = match http.open(url, offset).await {
            Ok(flow) => flow,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let mut bytes = Vec::new();
        while let Some(piece) = flow.next().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(error) => return (bytes, Some(error)),
            }
        }
        (bytes, None)
    }

    #[test]
    fn what_servers_answer_and_what_it_means() {
        const ANSWERS: &[&str] = &[
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789",
            "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 1\r\n\r\n0",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123",
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let (url, server) = served(ANSWERS).await;
            for (offset, bytes, retryable) in [
                (0, &b"0123456789"[..], None),
                (4, b"456789", None),
                (4, b"456789", None),
                (4, b"", Some(false)),
                (0, b"0123", Some(true)),
                (0, b"", Some(false)),
                (0, b"", Some(true)),
            ] {
                // A client of its own for each: the server closes after every answer.
                let (got, error) = read(&Http::default(), &url, offset).await;
                assert_eq!(got, bytes);
                assert_eq!(error.as_ref().map(|error| error.retryable), retryable, "{error:?}");
                assert!(error.is_none_or(|error| !error.text.contains("secret")));
            }
            let requests = server.await.unwrap();
            assert!(!requests[0].contains("range"));
            assert!(requests[1].contains("range: bytes=4-\r\n"), "{}", requests[1]);

            let (_, error) = read(&Http::default(), &url, 0).await;
            assert!(error.unwrap().retryable, "nobody listens any more");
            let (_, error) = read(&Http::default(), "no url", 0).await;
            assert!(!error.unwrap().retryable);
        });
    }
}

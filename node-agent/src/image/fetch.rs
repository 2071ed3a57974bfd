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
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
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
                Ok(Some(Err(error))) => return Some((Err(FetchError::passing(chain(&error))), None)),
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

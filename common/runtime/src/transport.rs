//! Carries messages to another process: JSON over HTTP, signed and dated, each with a deadline.
//!
//! Connections are kept and used again. A message that may be sent twice is tried again, a few
//! times and with pauses, when the other side could not be reached or says that trying again may
//! help; any other failure is the caller's at once.

use std::time::Duration;

use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::wire::{Message, Service};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::clock::Clock;
use crate::envelope::{DATE, NONCE, PeerKey, SIGNATURE, Sealed};
use crate::pool;

/// How long a message may take beyond the time that it asks the other side to wait.
const DEADLINE: Duration = Duration::from_secs(20);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// Replies are small: bytes travel by URL, not in messages.
const REPLY_LIMIT: usize = 64 << 20;

/// A way to one service of one other process.
#[derive(Clone)]
pub struct Transport {
    base: String,
    key: PeerKey,
    clock: Clock,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Transport {
    /// A way to the internal listener at `base`, `http://HOST:PORT`.
    pub fn new(base: &str, key: PeerKey, clock: Clock) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Self { base: base.trim_end_matches('/').to_owned(), key, clock, client }
    }

    /// Sends a message and waits for its reply, at most [`DEADLINE`] longer than `patience`.
    ///
    /// # Errors
    /// What the other side refuses, with its code; `Unavailable` if it cannot be reached.
    pub async fn call<M: Message>(
        &self,
        message: &M,
        patience: Duration,
    ) -> Result<M::Reply, ApiError> {
        let path =
            format!("/peer/{}/{}/{}", <M::Service as Service>::NAME, M::Service::VERSION, M::NAME);
        let body = serde_json::to_vec(message)
            .map_err(|error| ApiError::internal("The message cannot be written", error))?;
        let body = Bytes::from(body);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let tried = self.send_once(&path, body.clone(), DEADLINE + patience).await;
            match tried {
                Ok(reply) => {
                    return serde_json::from_slice(&reply).map_err(|error| {
                        ApiError::internal(
                            format!("The reply to {} is no such reply", M::NAME),
                            error,
                        )
                    });
                }
                Err(error) if M::IDEMPOTENT && error.code().retryable() && attempt < TRIES => {
                    tracing::debug!(message = M::NAME, to = self.base, %error, "trying again");
                    tokio::time::sleep(PAUSE * attempt).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn send_once(
        &self,
        path: &str,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, ApiError> {
        let date = self.clock.now().basic_iso();
        let nonce = crate::listen::request_id();
        let sealed = Sealed { path, date: &date, nonce: &nonce, body: &body };
        let signature = sealed.sign(&self.key);
        let request = Request::post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header(DATE, &date)
            .header(NONCE, &nonce)
            .header(SIGNATURE, signature)
            .body(Full::new(body))
            .map_err(|error| ApiError::internal("The peer's address is no URL", error))?;
        let unreachable = |cause: String| {
            let text = format!("The service at {} cannot be reached", self.base);
            ApiError::new(ErrorCode::Unavailable, text).because(cause)
        };
        let client = self.client.clone();
        // Connections are driven by tasks of the runtime that makes them; the pool outlives
        // whichever arbiter asks.
        let exchange = async move {
            let response = client.request(request).await.map_err(|e| chain(&e))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), REPLY_LIMIT).collect().await;
            let body = body.map_err(|e| chain(e.as_ref()))?.to_bytes();
            Ok::<_, String>((status, body))
        };
        let (status, body) = match pool::run(tokio::time::timeout(deadline, exchange)).await? {
            Ok(Ok(reply)) => reply,
            Ok(Err(cause)) => return Err(unreachable(cause)),
            Err(_) => return Err(unreachable(format!("no answer within {deadline:?}"))),
        };
        if status.is_success() {
            return Ok(body);
        }
        Err(serde_json::from_slice::<ApiError>(&body)
            .unwrap_or_else(|_| unreachable(format!("it answered {status} without saying why"))))
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

//! Carries messages to another process: JSON over HTTP, signed and dated, each with a deadline.
//!
//! Connections are kept and used again. A message that may be sent twice is tried again, a few
//! times and with pauses, when the other side could not be reached or says that trying again may
//! help; any other failure is the caller's at once. All tries together have the one deadline: a
//! service that is too slow does not become faster by being asked three times.

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
use crate::envelope::{DATE, DIGEST, NONCE, PeerKey, SIGNATURE, Sealed, digest_of};
use crate::pool;

/// How long a message may take beyond the time that it asks the other side to wait.
const DEADLINE: Duration = Duration::from_secs(20);
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);
/// How long an unused connection is kept: shorter than listeners keep theirs (5 s), or a message
/// would now and then be sent into one that is just being closed.
const IDLE: Duration = Duration::from_secs(3);
/// Replies are small: bytes travel by URL, not in messages.
const REPLY_LIMIT: usize = 64 << 20;

/// A way to one service of one other process.
#[derive(Clone)]
pub struct Transport {
    base: String,
    key: PeerKey,
    clock: Clock,
    client: Client<HttpConnector, Full<Bytes>>,
    deadline: Duration,
}

impl Transport {
    /// A way to the internal listener at `base`, `http://HOST:PORT`.
    pub fn new(base: &str, key: PeerKey, clock: Clock) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
        let base = base.trim_end_matches('/').to_owned();
        Self { base, key, clock, client, deadline: DEADLINE }
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
        let deadline = self.deadline + patience;
        let tries = self.tries::<M>(&path, Bytes::from(body));
        let reply = tokio::time::timeout(deadline, tries).await;
        let late = |_| Err(self.unreachable(format!("no answer within {deadline:?}")));
        serde_json::from_slice(&reply.unwrap_or_else(late)?).map_err(|error| {
            ApiError::internal(format!("The reply to {} is no such reply", M::NAME), error)
        })
    }

    async fn tries<M: Message>(&self, path: &str, body: Bytes) -> Result<Bytes, ApiError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.send_once(path, body.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(error) if M::IDEMPOTENT && error.code().retryable() && attempt < TRIES => {
                    tracing::debug!(message = M::NAME, to = self.base, %error, "trying again");
                    tokio::time::sleep(PAUSE * attempt).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn unreachable(&self, cause: String) -> ApiError {
        let text = format!("The service at {} cannot be reached", self.base);
        ApiError::new(ErrorCode::Unavailable, text).because(cause)
    }

    async fn send_once(&self, path: &str, body: Bytes) -> Result<Bytes, ApiError> {
        let date = self.clock.now().basic_iso();
        let nonce = crate::edge::request_id();
        let digest = digest_of(&body);
        let sealed = Sealed { path, date: &date, nonce: &nonce, digest: &digest };
        let signature = sealed.sign(&self.key);
        let request = Request::post(format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header(DATE, &date)
            .header(NONCE, &nonce)
            .header(DIGEST, &digest)
            .header(SIGNATURE, signature)
            .body(Full::new(body))
            .map_err(|error| ApiError::internal("The peer's address is no URL", error))?;
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
        let (status, body) =
            pool::until_dropped(exchange).await?.map_err(|cause| self.unreachable(cause))?;
        if status.is_success() {
            return Ok(body);
        }
        Err(serde_json::from_slice::<ApiError>(&body).unwrap_or_else(|_| {
            self.unreachable(format!("it answered {status} without saying why"))
        }))
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

#[cfg(test)]
mod tests {
    use common::wire::identity::FindCertificates;

    use super::*;

    #[tokio::test]
    async fn a_service_that_is_too_slow_is_asked_once() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let mut transport = Transport::new(&url, PeerKey::new([1; 32]), Clock::system());
        transport.deadline = Duration::from_millis(100);
        let ask = FindCertificates { account: "1".into() };
        let error = transport.call(&ask, Duration::ZERO).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(error.source_text().is_some_and(|cause| cause.contains("100ms")), "{error}");
        let (mut only, _) = silent.accept().await.unwrap();
        // Nobody waits for the answer any more either: the connection is given up.
        let mut seen = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut only, &mut seen).await.unwrap();
        let second = tokio::time::timeout(Duration::ZERO, silent.accept()).await;
        assert!(second.is_err(), "asked again");
    }
}

//! Sends parts and manifests to walrus, by ticket, as often as it takes.
//!
//! A piece that comes twice replaces itself, so whatever broke is sent again: a connection that was
//! lost, a walrus that is just being started, one that is busy. Pauses grow to half a minute;
//! after ten minutes without a success it is given up. What walrus refuses for good is told
//! with its code. A ticket that has expired is waited for, because the clc brings another.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::wire::bundling::BundleTicket;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use runtime::clock::Clock;
use tokio::sync::watch;

use super::machine::Failure;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one piece may take: some 10 MiB at a snail's pace.
const ATTEMPT: Duration = Duration::from_secs(120);

/// How long one piece is tried again.
const LONGEST: Duration = Duration::from_secs(600);

/// The first pause before a piece is sent again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// How long an unused connection is kept: shorter than listeners keep theirs (5 s).
const IDLE: Duration = Duration::from_secs(3);

/// The longest answer that is read.
const ANSWER: usize = 64 << 10;

/// Sends by HTTP.
#[derive(Debug, Clone)]
pub struct Post {
    client: Client<HttpConnector, Full<Bytes>>,
    clock: Clock,
}

/// Why one attempt came to nothing.
enum Missed {
    /// Another may succeed; what happened.
    Passing(String),
    /// None will.
    Lasting(Failure),
}

impl Post {
    /// A way to whatever URL a ticket names.
    pub fn new(clock: Clock) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
        Self { client, clock }
    }

    /// Stores a piece (`part/7`, `manifest`) by the newest ticket.
    ///
    /// # Errors
    /// What walrus refuses, with its code, or that it could not be reached.
    pub async fn put(
        &self,
        ticket: &watch::Receiver<BundleTicket>,
        piece: &str,
        bytes: Bytes,
        sha1: [u8; 20],
    ) -> Result<(), Failure> {
        let begun = tokio::time::Instant::now();
        let (mut pause, longest) = PAUSES;
        loop {
            let leave = ticket.borrow().clone();
            let missed = if self.clock.now() >= leave.expires {
                Missed::Passing("the leave to store has expired".to_owned())
            } else {
                let url = format!("{}/{piece}", leave.url);
                let attempt = self.attempt(&url, bytes.clone(), sha1);
                match tokio::time::timeout(ATTEMPT, attempt).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(missed)) => missed,
                    Err(_) => Missed::Passing(format!("no answer within {ATTEMPT:?}")),
                }
            };
            match missed {
                Missed::Lasting(failure) => return Err(failure),
                Missed::Passing(why) if begun.elapsed() >= LONGEST => {
                    let reason = format!("the bundle could not be stored: {why}");
                    return Err(Failure { code: "ServiceUnavailable".to_owned(), reason });
                }
                Missed::Passing(why) => {
                    tracing::warn!(piece, why, "will be sent again");
                    tokio::time::sleep(pause).await;
                    pause = longest.min(pause * 2);
                }
            }
        }
    }

    async fn attempt(&self, url: &str, bytes: Bytes, sha1: [u8; 20]) -> Result<(), Missed> {
        let length = bytes.len();
        // Said without the URL: whoever has it may store.
        let request = Request::put(url)
            .header("content-length", length)
            .header("x-amz-checksum-sha1", BASE64.encode(sha1))
            .body(Full::new(bytes))
            .map_err(|_| Missed::Lasting(Failure::internal("the ticket's URL is no URL")))?;
        let response = self.client.request(request).await;
        let response = response.map_err(|error| Missed::Passing(chain(&error)))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let body = body.map_err(|error| Missed::Passing(error.to_string()))?.to_bytes();
        if status.is_success() {
            return Ok(());
        }
        let Ok(refused) = serde_json::from_slice::<ApiError>(&body) else {
            return Err(Missed::Passing(format!("walrus answered {status}")));
        };
        // The last ones are what walrus says of bytes that broke on their way, and of a ticket that
        // has expired by its clock: another is brought.
        let broken = [
            ErrorCode::BadDigest,
            ErrorCode::IncompleteBody,
            ErrorCode::RequestTimeout,
            ErrorCode::RequestExpired,
        ];
        let (code, reason) = (refused.code(), refused.text().to_owned());
        let again = status.is_server_error() || code.retryable() || broken.contains(&code);
        let code = code.wire().to_owned();
        Err(match again {
            true => Missed::Passing(reason),
            false => Missed::Lasting(Failure { code, reason }),
        })
    }
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

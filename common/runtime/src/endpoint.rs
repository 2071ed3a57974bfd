//! The internal listener: messages of peers, and what an operator looks at.
//!
//! `POST /peer/SERVICE/VERSION/MESSAGE` with a signed body; `GET /healthz`, `/metrics`, `/debug`.
//! Whoever has the key of the peers may ask everything that a service answers there, the secrets of
//! all users included, and neither requests nor answers are encrypted: it belongs to a network of
//! its own. Whatever else a service serves there (walrus: plain
//! images by ticket) is an [`App`] under a path of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::envelope::{DATE, DIGEST, NONCE, PeerKey, SIGNATURE, Sealed, Seen, digest_of};
use crate::http::{App, Body, Head, Response};
use crate::metrics::Metrics;
use crate::peer::Answers;
use crate::roster::Roster;

/// Messages are small: bytes travel by URL.
const MESSAGE_LIMIT: u64 = 8 << 20;

/// What the internal listener serves.
pub struct Endpoint {
    key: PeerKey,
    clock: Clock,
    seen: Seen,
    roster: Roster,
    metrics: Metrics,
    services: BTreeMap<&'static str, Arc<dyn Answers>>,
    apps: Vec<(&'static str, Arc<dyn App>)>,
}

impl Endpoint {
    /// An endpoint that knows no message yet.
    pub fn new(key: PeerKey, clock: Clock, roster: Roster, metrics: Metrics) -> Self {
        let (seen, services, apps) = (Seen::default(), BTreeMap::new(), Vec::new());
        Self { key, clock, seen, roster, metrics, services, apps }
    }

    /// Answers the messages of a service.
    #[must_use]
    pub fn service(mut self, dispatcher: Arc<dyn Answers>) -> Self {
        self.services.insert(dispatcher.service(), dispatcher);
        self
    }

    /// Serves an app below a path, `/images/`.
    #[must_use]
    pub fn app(mut self, prefix: &'static str, app: Arc<dyn App>) -> Self {
        self.apps.push((prefix, app));
        self
    }

    async fn message(&self, head: &Head, body: Body) -> Result<Vec<u8>, ApiError> {
        let unknown = || ApiError::new(ErrorCode::InvalidAction, "There is no such message here");
        let path = head.raw_path.strip_prefix("/peer/").ok_or_else(unknown)?;
        let mut steps = path.splitn(3, '/');
        let (Some(service), Some(version), Some(name)) = (steps.next(), steps.next(), steps.next())
        else {
            return Err(unknown());
        };
        let part = |name: &str| {
            let absent = || {
                ApiError::new(ErrorCode::MissingAuthenticationToken, format!("{name} is missing"))
            };
            head.header(name).ok_or_else(absent)
        };
        let (signature, digest, now) = (part(SIGNATURE)?, part(DIGEST)?, self.clock.now());
        let sealed =
            Sealed { path: &head.raw_path, date: part(DATE)?, nonce: part(NONCE)?, digest };
        sealed.verify(&self.key, signature, now)?;
        let body = body
            .read(MESSAGE_LIMIT)
            .await
            .map_err(|error| ApiError::new(ErrorCode::InvalidParameterValue, error.to_string()))?;
        if digest_of(&body) != digest {
            let text = "The message's body is not the one that was signed";
            return Err(ApiError::new(ErrorCode::AuthFailure, text));
        }
        // Only now: one that broke off on its way may come again.
        self.seen.accept(signature, now)?;
        let answers = self.services.get(service).ok_or_else(unknown)?;
        let spoken: u32 = version.parse().map_err(|_| unknown())?;
        if spoken > answers.version() || spoken + 1 < answers.version() {
            let text = format!(
                "This host speaks version {} of {service}, the caller {spoken}: upgrade the older",
                answers.version()
            );
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
        }
        answers.answer(name, &body).await
    }

    async fn answer(&self, head: Head, body: Body) -> Response {
        for (prefix, app) in &self.apps {
            if head.raw_path.starts_with(prefix) {
                return app.serve(head, body).await;
            }
        }
        match (head.method.as_str(), head.raw_path.as_str()) {
            ("POST", path) if path.starts_with("/peer/") => match self.message(&head, body).await {
                Ok(reply) => Response::text(200, "application/json", reply),
                Err(error) => refusal(&head, &error),
            },
            ("GET", "/healthz") => self.roster.health(),
            ("GET", "/metrics") => {
                Response::text(200, "text/plain; version=0.0.4", self.metrics.render())
            }
            ("GET", "/debug") => Response::text(200, "application/json", self.roster.debug()),
            _ => Response::text(404, "text/plain", "there is nothing here\n"),
        }
    }
}

fn refusal(head: &Head, error: &ApiError) -> Response {
    let status = error.code().status();
    if status >= 500 {
        tracing::warn!(
            path = head.raw_path, %error, cause = error.source_text().unwrap_or_default(),
            "a peer's message failed"
        );
    }
    let body = serde_json::to_vec(error).unwrap_or_default();
    Response::text(status, "application/json", body)
}

impl App for Endpoint {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head, body))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use common::wire::identity::{FindCertificates, Identity};

    use super::*;
    use crate::dispatcher::Dispatcher;
    use crate::http::Payload;

    const PATH: &str = "/peer/identity/1/FindCertificates";

    fn endpoint(key: &PeerKey) -> Endpoint {
        let answers = Dispatcher::<Identity>::new().with(|_: FindCertificates| async {
            Err(ApiError::new(ErrorCode::InvalidArgument, "it was answered"))
        });
        Endpoint::new(key.clone(), Clock::system(), Roster::default(), Metrics::default())
            .service(Arc::new(answers))
    }

    fn head(key: &PeerKey, body: &[u8]) -> Head {
        let (date, digest) = (Clock::system().now().basic_iso(), digest_of(body));
        let signature = Sealed { path: PATH, date: &date, nonce: "n", digest: &digest }.sign(key);
        let headers = [(DATE, date), (NONCE, "n".into()), (DIGEST, digest), (SIGNATURE, signature)];
        Head {
            method: "POST".into(),
            raw_path: PATH.into(),
            raw_query: String::new(),
            headers: headers.into_iter().collect(),
            peer: None,
            secure: false,
            request_id: "r".into(),
        }
    }

    async fn told(endpoint: &Endpoint, head: Head, body: Body) -> ApiError {
        let response = endpoint.serve(head, body).await;
        let Payload::Full(bytes) = response.payload else { panic!("no text") };
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_message_that_was_caught_cannot_be_sent_again() {
        let key = PeerKey::new([5; 32]);
        let (endpoint, body) = (endpoint(&key), Bytes::from_static(b"{\"account\":\"1\"}"));
        let caught = head(&key, &body);
        let first = told(&endpoint, caught.clone(), Body::full(body.clone())).await;
        assert_eq!(first.code(), ErrorCode::InvalidArgument);
        let again = told(&endpoint, caught, Body::full(body)).await;
        assert_eq!(again.code(), ErrorCode::AuthFailure);
        assert!(again.text().contains("before"), "{again}");
    }

    #[tokio::test]
    async fn a_body_that_was_not_signed_is_refused_and_a_strangers_not_even_read() {
        let key = PeerKey::new([5; 32]);
        let other = Body::full(Bytes::from_static(b"{ }"));
        let error = told(&endpoint(&key), head(&key, b"{}"), other).await;
        assert_eq!(error.code(), ErrorCode::AuthFailure);
        // This body never ends.
        let (_sender, body) = Body::channel(None);
        let error = told(&endpoint(&key), head(&PeerKey::new([6; 32]), b"{}"), body).await;
        assert_eq!(error.code(), ErrorCode::AuthFailure);
    }
}

//! The internal listener: messages of peers, and what an operator looks at.
//!
//! `POST /peer/SERVICE/VERSION/MESSAGE` with a signed body; `GET /healthz`, `/metrics`, `/debug`.
//! It never answers a user's credentials; whatever else a service serves there (walrus: plain
//! images by ticket) is an [`App`] under a path of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::envelope::{DATE, NONCE, PeerKey, SIGNATURE, Sealed};
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
    roster: Roster,
    metrics: Metrics,
    services: BTreeMap<&'static str, Arc<dyn Answers>>,
    apps: Vec<(&'static str, Arc<dyn App>)>,
}

impl Endpoint {
    /// An endpoint that knows no message yet.
    pub fn new(key: PeerKey, clock: Clock, roster: Roster, metrics: Metrics) -> Self {
        Self { key, clock, roster, metrics, services: BTreeMap::new(), apps: Vec::new() }
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
        let mut steps = head.raw_path.trim_start_matches("/peer/").splitn(3, '/');
        let (Some(service), Some(version), Some(name)) = (steps.next(), steps.next(), steps.next())
        else {
            return Err(unknown());
        };
        let body = body
            .read(MESSAGE_LIMIT)
            .await
            .map_err(|error| ApiError::new(ErrorCode::InvalidParameterValue, error.to_string()))?;
        let part = |name: &str| {
            let absent = || {
                ApiError::new(ErrorCode::MissingAuthenticationToken, format!("{name} is missing"))
            };
            head.header(name).ok_or_else(absent)
        };
        let sealed =
            Sealed { path: &head.raw_path, date: part(DATE)?, nonce: part(NONCE)?, body: &body };
        sealed.verify(&self.key, part(SIGNATURE)?, self.clock.now())?;
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

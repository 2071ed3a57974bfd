//! The front of a query API: the one way that every EC2 request goes.
//!
//! Body → who signed it → parameters → action → answer → one line in the log. Each step stands at
//! one place; a fault at any of them is told in EC2's shape. The front knows no action.

use std::sync::Arc;
use std::time::Duration;

use common::action::Caller;
use common::dialect::query::Node;
use common::dialect::xml;
use common::error::{ApiError, ErrorCode};
use common::sign::{Claim, SignError};
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::http::{App, Body, BodyError, Head, Response};
use crate::keyring::KeyRing;
use crate::router::{Routed, Router};

/// A query request is no larger than this.
const BODY_LIMIT: u64 = 256 << 10;

/// Where clients of any age send their requests; each also with a slash at its end.
const PATHS: [&str; 3] = ["", "/services/eucalyptus", "/services/compute"];

/// A query API.
pub struct QueryApi {
    router: Router,
    keys: Arc<dyn KeyRing>,
    clock: Clock,
    version: &'static str,
}

impl QueryApi {
    /// An API that answers what stands in the router; `version` is answered to clients that name
    /// none.
    pub fn new(
        router: Router,
        keys: Arc<dyn KeyRing>,
        clock: Clock,
        version: &'static str,
    ) -> Self {
        Self { router, keys, clock, version }
    }

    async fn answer(&self, head: Head, body: Body) -> Response {
        let began = self.clock.now();
        let mut told = Told::default();
        let answered = self.steps(&head, body, &mut told).await;
        let took: Duration = self.clock.now().since(began);
        told.audit(&head, answered.as_ref().err(), took);
        let response = match answered {
            Ok(xml) => Response::text(200, "text/xml;charset=UTF-8", xml),
            Err(error) => {
                let text = xml::ec2_error(&error, &head.request_id);
                Response::text(error.code().status(), "text/xml;charset=UTF-8", text)
            }
        };
        response.with("x-amzn-requestid", &head.request_id)
    }

    async fn steps(&self, head: &Head, body: Body, told: &mut Told) -> Result<String, ApiError> {
        let path = head.raw_path.trim_end_matches('/').to_ascii_lowercase();
        if !PATHS.contains(&path.as_str()) {
            let text = format!("There is no service at {}", head.raw_path);
            return Err(ApiError::new(ErrorCode::MalformedQueryString, text));
        }
        if !matches!(head.method.as_str(), "GET" | "POST") {
            let text = format!("Actions are asked for by GET or POST, not by {}", head.method);
            return Err(ApiError::new(ErrorCode::InvalidAction, text));
        }
        let body = body.read(BODY_LIMIT).await.map_err(|error| match error {
            BodyError::TooLarge(limit) => {
                let text = format!("The request is larger than {limit} bytes");
                ApiError::new(ErrorCode::InvalidParameterValue, text)
            }
            BodyError::Broken(_) => {
                ApiError::new(ErrorCode::InvalidParameterValue, "The request broke off")
                    .because(error)
            }
        })?;

        let request = head.signed(Some(&body));
        let caller = self.who(&request).await?;
        told.caller = Some(caller.clone());

        let pairs = request.parameters();
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let parameters = Node::from_pairs(pairs)?;
        let action = parameters.get("Action").ok_or_else(|| ApiError::missing("Action"))?;
        let action = action.to_owned();
        told.action.clone_from(&action);
        let version = parameters.get("Version").unwrap_or(self.version).to_owned();
        let request_id = head.request_id.clone();
        let routed = Routed { parameters, caller, request_id, version };
        self.router.route(&action, routed).await
    }

    async fn who(&self, request: &common::sign::Request<'_>) -> Result<Caller, ApiError> {
        let claim = Claim::ec2(request).map_err(|error| told_as(&error))?;
        let Some(credential) = self.keys.find(claim.access_key_id()).await? else {
            let text = "The access key ID provided does not exist in our records";
            return Err(ApiError::new(ErrorCode::InvalidClientTokenId, text));
        };
        claim.verify(&credential.secret, self.clock.now()).map_err(|error| told_as(&error))?;
        Ok(credential.caller())
    }
}

/// A refused signature in EC2's codes.
fn told_as(error: &SignError) -> ApiError {
    let code = match error {
        SignError::MissingAuthenticationToken => ErrorCode::MissingAuthenticationToken,
        SignError::IncompleteSignature { .. }
        | SignError::MalformedAuthorization { .. }
        | SignError::InvalidScope { .. }
        | SignError::UnsignedHeader(_)
        | SignError::AbsentSignedHeader(_)
        | SignError::MissingDate(_)
        | SignError::InvalidPayloadHash(_) => ErrorCode::IncompleteSignature,
        SignError::UnsupportedVersion(_)
        | SignError::UnsupportedAlgorithm(_)
        | SignError::InvalidDate { .. } => ErrorCode::InvalidParameterValue,
        SignError::UnsupportedFeature(_) => ErrorCode::UnsupportedOperation,
        SignError::UnsupportedSessionToken => ErrorCode::AuthFailure,
        SignError::PayloadMismatch | SignError::SignatureDoesNotMatch => {
            ErrorCode::SignatureDoesNotMatch
        }
        SignError::RequestTimeTooSkewed { .. }
        | SignError::RequestExpired { .. }
        | SignError::ExpiresTooLate { .. } => ErrorCode::RequestExpired,
    };
    ApiError::new(code, sentence(&error.to_string()))
}

/// Module errors begin in lower case; what a caller reads is a sentence.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// What the audit line says.
#[derive(Default)]
struct Told {
    caller: Option<Caller>,
    action: String,
}

impl Told {
    fn audit(&self, head: &Head, error: Option<&ApiError>, took: Duration) {
        let request_id = &head.request_id;
        let caller = self.caller.as_ref().map(Caller::arn).unwrap_or_default();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let action = &self.action;
        match error {
            None => tracing::info!(request_id, caller, action, ms, code = "ok", "answered"),
            Some(error) => {
                let (code, cause) = (error.code(), error.source_text().unwrap_or_default());
                let text = error.text();
                if code.status() >= 500 {
                    tracing::error!(
                        request_id,
                        caller,
                        action,
                        ms,
                        code = code.wire(),
                        text,
                        cause,
                        "failed"
                    );
                } else {
                    tracing::info!(
                        request_id,
                        caller,
                        action,
                        ms,
                        code = code.wire(),
                        text,
                        cause,
                        "refused"
                    );
                }
            }
        }
    }
}

impl App for QueryApi {
    fn serve(&self, head: Head, body: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head, body))
    }
}

//! The front of the query APIs: the one way that every request to EC2, STS and their like goes.
//!
//! Body → which API → who signed it → parameters → action → was it done already → answer → its record
//! → one line in the log. Each step stands at one place; a fault at any of them is told in the shape of the API
//! that was asked. The front knows no action.

mod inside;

use std::sync::Arc;
use std::time::Duration;

use common::action::{Access, Caller};
use common::dialect::query::Node;
use common::dialect::xml::Shape;
use common::error::{ApiError, ErrorCode};
use common::sign::{Claim, SignError, Verified};
use futures_util::future::BoxFuture;

use crate::auditor::{Auditor, Call, Noting, PlainAuditor, Refusals, unrecorded};
use crate::clock::Clock;
use crate::guard::Guard;
use crate::http::{App, Body, BodyError, Head, Response};
use crate::json;
use crate::keyring::KeyRing;
use crate::pool;
use crate::replay::{DEFAULT_CAPACITY, Refusal, Replays};
use crate::router::{Routed, Router};
use crate::service::QueryService;
use crate::stand_in::{self, StandIn};
use crate::witness::Witness;
pub use inside::Inside;

/// A query request is no larger than this.
const BODY_LIMIT: u64 = 256 << 10;

/// The query APIs behind one listener.
pub struct QueryApi {
    services: Vec<QueryService>,
    keys: Arc<dyn KeyRing>,
    guard: Arc<dyn Guard>,
    clock: Clock,
    version: &'static str,
    replays: Arc<Replays>,
    witness: Option<Arc<dyn Witness>>,
    delegating: Option<(&'static str, Arc<dyn StandIn>)>,
    auditor: Arc<dyn Auditor>,
    refusals: Refusals,
}

impl QueryApi {
    /// An API that answers, as EC2, what stands in the router; `version` is answered to clients
    /// that name none.
    pub fn new(
        router: Router,
        keys: Arc<dyn KeyRing>,
        guard: Arc<dyn Guard>,
        clock: Clock,
        version: &'static str,
    ) -> Self {
        let services = vec![QueryService::ec2(router)];
        let replays = Arc::new(Replays::in_memory(DEFAULT_CAPACITY));
        let (witness, delegating) = (None, None);
        let (auditor, refusals) = (Arc::new(PlainAuditor), Refusals::default());
        Self {
            services,
            keys,
            guard,
            clock,
            version,
            replays,
            witness,
            delegating,
            auditor,
            refusals,
        }
    }

    /// Tells somebody of each use of an access key.
    #[must_use]
    pub fn witnessed(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Heeds `DelegateAccount` in the API that policies call so.
    #[must_use]
    pub fn delegating(self, prefix: &'static str, stand_in: Arc<dyn StandIn>) -> Self {
        Self { delegating: Some((prefix, stand_in)), ..self }
    }

    /// Keeps a record of each call.
    #[must_use]
    pub fn audited(self, auditor: Arc<dyn Auditor>) -> Self {
        Self { auditor, ..self }
    }

    /// Answers another API, too.
    #[must_use]
    pub fn serving(mut self, service: QueryService) -> Self {
        self.services.push(service);
        self
    }

    /// Knows repeated requests by this memory and not by one of its own.
    #[must_use]
    pub fn remembering(self, replays: Arc<Replays>) -> Self {
        Self { replays, ..self }
    }

    /// All actions that it answers: what policies call their API, and their names.
    pub fn actions(&self) -> Vec<(&'static str, &'static str)> {
        let of = |service: &QueryService| {
            let prefix = service.prefix;
            service.router.names().map(|name| (prefix, name)).collect::<Vec<_>>()
        };
        self.services.iter().flat_map(of).collect()
    }

    async fn answer(&self, head: Head, body: Body) -> Response {
        let began = self.clock.now();
        let mut told = Told::default();
        let mut shape = Shape::Ec2;
        let answered = self.steps(&head, body, &mut told, &mut shape).await;
        let answered = self.record(&head, &mut told, answered).await;
        let took: Duration = self.clock.now().since(began);
        told.audit(&head, answered.as_ref().err(), took);
        let response = match answered {
            Ok(text) => Response::text(200, shape.content_type(), text),
            Err(error) => {
                let text = shape.error(&error, &head.request_id);
                Response::text(error.code().status(), shape.content_type(), text)
            }
        };
        response.with("x-amzn-requestid", &head.request_id)
    }

    /// Keeps the record of a call. Whoever proved nothing has few.
    async fn record(
        &self,
        head: &Head,
        told: &mut Told,
        answered: Result<String, ApiError>,
    ) -> Result<String, ApiError> {
        let (now, call) = (self.clock.now(), std::mem::take(&mut told.call));
        let proved = call.caller.is_some();
        let mut event = call.event(head, answered.as_ref().err(), now);
        if !proved {
            let Some(before) = self.refusals.admit(now) else { return answered };
            (event.unrecorded, event.read_only) = (before, true);
        }
        match (self.auditor.keep(event).await, answered) {
            (Err(error), Ok(_)) => Err(unrecorded(&error)),
            (_, answered) => answered,
        }
    }

    async fn steps(
        &self,
        head: &Head,
        body: Body,
        told: &mut Told,
        shape: &mut Shape,
    ) -> Result<String, ApiError> {
        let path = head.raw_path.trim_end_matches('/').to_ascii_lowercase();
        let by_path = self.services.iter().find(|service| service.is_at(&path));
        *shape = by_path.map_or(Shape::Ec2, |service| service.shape);
        if by_path.is_none() && !path.is_empty() {
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
        let target = head.header("x-amz-target").and_then(json::target);
        let pairs = match target {
            Some((_, action)) => {
                *shape = Shape::Json;
                json::pairs(&body, action)?
            }
            None => request.parameters(),
        };
        let claim = Claim::ec2(&request);
        if target.is_some() {
            json::check(&head.method, claim.as_ref().ok())?;
        }
        let scope = claim.as_ref().ok().and_then(Claim::service);
        let by_target = target
            .and_then(|(prefix, _)| self.services.iter().find(|service| service.prefix == prefix));
        let service = by_target.or(by_path).or_else(|| self.meant(&pairs, scope));
        let service = service.ok_or_else(|| {
            ApiError::internal("No service answers here", "the API was made without any")
        })?;
        *shape = if target.is_some() { Shape::Json } else { service.shape };
        let shape = *shape;
        let key = claim.as_ref().ok().map(|claim| claim.access_key_id().to_owned());
        told.call.service = service.prefix;
        told.call.access_key = key.clone().unwrap_or_default();
        let (caller, verified) = self.who(claim, shape).await?;
        let caller = caller.within(&head.context(self.clock.now()));
        told.caller = Some(caller.clone());
        told.call.caller = Some(caller.clone());
        told.call.says(&pairs);
        if let Some((_, action)) = pairs.iter().find(|(name, _)| name == "Action") {
            // Whoever is turned away at the door has asked for something, too.
            told.action.clone_from(action);
            told.call.action.clone_from(action);
        }
        if service.administrators && !caller.administrator {
            let text = format!("{} does not administrate the cloud", caller.arn());
            return Err(ApiError::new(ErrorCode::UnauthorizedOperation, text));
        }
        // Temporary credentials are on nobody's list.
        let lasting = key.filter(|_| !caller.authority.is_temporary());
        if let (Some(witness), Some(key)) = (&self.witness, &lasting) {
            witness.saw(key, service.prefix);
        }

        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let parameters = Node::from_pairs(pairs)?;
        let action = parameters.get("Action").ok_or_else(|| ApiError::missing("Action"))?;
        let action = action.to_owned();
        told.action.clone_from(&action);
        told.call.action.clone_from(&action);
        let caller = match (&self.delegating, parameters.get(stand_in::PARAMETER)) {
            (Some((prefix, stand_in)), Some(account)) if *prefix == service.prefix => {
                stand_in.stand_in(caller, account).await?
            }
            _ => caller,
        };
        let named = parameters.get("ClientToken").is_some_and(|token| !token.is_empty());
        let version = parameters.get("Version").unwrap_or(self.version).to_owned();
        let request_id = head.request_id.clone();
        let noting = Arc::new(Noting::new(Arc::clone(&self.guard)));
        let (prefix, guard) = (service.prefix, Arc::clone(&noting) as Arc<dyn Guard>);
        let routed = Routed { parameters, caller, request_id, version, shape, prefix, guard };
        let access = service.router.access(&action);
        told.call.read_only = matches!(access, None | Some(Access::Read));
        if !told.call.read_only {
            self.auditor.ready()?;
        }
        let done = match access {
            None => Err(service.unknown(&action)),
            Some(Access::Tokened) if named => service.router.route(&action, routed).await,
            Some(Access::Write | Access::Tokened) => {
                self.once(verified, service.router.route(&action, routed)).await
            }
            Some(Access::Read) => service.router.route(&action, routed).await,
        };
        told.call.resources = noting.names();
        if let (Ok(answer), false) = (&done, told.call.read_only) {
            told.call.made(answer);
        }
        done
    }

    /// The service that a request to `/` means: by its version, else by the service that it is
    /// signed for, else the first.
    fn meant(&self, pairs: &[(String, String)], scope: Option<&str>) -> Option<&QueryService> {
        let version = pairs.iter().find(|(name, _)| name == "Version").map(|(_, value)| value);
        let speaks = |service: &&QueryService| {
            version.is_some_and(|version| service.versions.contains(&version.as_str()))
        };
        let signed = |service: &&QueryService| {
            version.is_none() && scope.is_some_and(|scope| service.scopes.contains(&scope))
        };
        let services = || self.services.iter();
        services().find(speaks).or_else(|| services().find(signed)).or_else(|| services().next())
    }

    /// Does what changes something, unless it has been done for this very signature.
    async fn once(
        &self,
        verified: Verified,
        work: impl Future<Output = Result<String, ApiError>>,
    ) -> Result<String, ApiError> {
        let (replays, now) = (Arc::clone(&self.replays), self.clock.now());
        let mark = pool::block(move || replays.admit(&verified, now)).await?;
        let mark = mark.map_err(|refusal| match refusal {
            // SDKs take this code for one to wait at, and sign anew before they try again: two equal
            // changes of one second, whose signatures are equal, too, are both made in the end.
            Refusal::Repeated => ApiError::new(
                ErrorCode::RequestLimitExceeded,
                "A request with this signature was carried out already. To do the same once more, \
                 sign it anew a second later, or give a ClientToken",
            ),
            Refusal::Full => ApiError::new(
                ErrorCode::RequestLimitExceeded,
                "Too many changes were asked for in the last minutes, try again",
            ),
            Refusal::Lost(why) => {
                ApiError::internal("It cannot be noted that this request was carried out", why)
            }
        })?;
        let done = work.await;
        // What was refused has changed nothing and may be asked again as it is.
        let undone = |error: &ApiError| {
            error.code().status() < 500 || error.code() == ErrorCode::RequestLimitExceeded
        };
        if done.as_ref().is_err_and(undone) {
            let replays = Arc::clone(&self.replays);
            pool::block(move || replays.forget(&mark)).await?;
        }
        done
    }

    async fn who(
        &self,
        claim: Result<Claim, SignError>,
        shape: Shape,
    ) -> Result<(Caller, Verified), ApiError> {
        let claim = claim.map_err(|error| told_as(&error, shape))?;
        let found = self.keys.find(claim.access_key_id(), claim.session_token()).await;
        let Some(credential) = found.map_err(|error| of_session(error, shape))? else {
            let text = "The access key ID provided does not exist in our records";
            return Err(ApiError::new(ErrorCode::InvalidClientTokenId, text));
        };
        let verified = claim
            .verify(&credential.secret, self.clock.now())
            .map_err(|error| told_as(&error, shape))?;
        Ok((Caller::from(credential), verified))
    }
}

/// A refused signature in the codes of its API.
fn told_as(error: &SignError, shape: Shape) -> ApiError {
    let code = match error {
        SignError::MissingAuthenticationToken => ErrorCode::MissingAuthenticationToken,
        SignError::IncompleteSignature { .. }
        | SignError::SignedTwice
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
        SignError::InvalidSessionToken { .. } => invalid_token(shape),
        SignError::PayloadMismatch | SignError::SignatureDoesNotMatch => {
            ErrorCode::SignatureDoesNotMatch
        }
        SignError::RequestTimeTooSkewed { .. }
        | SignError::NotYetValid { .. }
        | SignError::RequestExpired { .. }
        | SignError::ExpiresTooLate { .. } => ErrorCode::RequestExpired,
    };
    ApiError::new(code, sentence(&error.to_string()))
}

/// What an API calls a session token that is none.
fn invalid_token(shape: Shape) -> ErrorCode {
    match shape {
        Shape::Ec2 | Shape::Eucalyptus => ErrorCode::AuthFailure,
        Shape::Iam(_) | Shape::Json => ErrorCode::InvalidClientTokenId,
    }
}

/// What the key ring says of a session, in the codes of its API.
fn of_session(error: ApiError, shape: Shape) -> ApiError {
    let code = match (error.code(), shape) {
        (ErrorCode::InvalidToken, _) => invalid_token(shape),
        (ErrorCode::ExpiredToken, Shape::Ec2 | Shape::Eucalyptus) => ErrorCode::RequestExpired,
        _ => return error,
    };
    ApiError::new(code, error.text())
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
    call: Call,
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

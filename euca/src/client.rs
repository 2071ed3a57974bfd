//! The client of the query APIs, typed by the actions themselves: encode, sign, send, decode. What
//! has no type here is asked by its name, and the answer is a tree.
//!
//! A request goes out once; reads, and writes that carry a client token, go out up to three times
//! when the cloud is busy or the connection breaks. A write without a token is repeated only if it
//! certainly never arrived. Every attempt is signed anew, with the time at which it is made and an id
//! of its own: the cloud refuses what changes something and bears a signature that it has seen, and
//! times are signed in whole seconds.

use std::time::Duration;

use common::action::{Access, Action};
use common::dialect::answer::Answer;
use common::dialect::query::encode;
use common::dialect::xml::read_ec2_answer;
use common::sign::{Credentials as Key, Headers, Request, sign_ec2_v4, write_query};
use common::{administration, cloudtrail, ec2, euare, sts};

use crate::clock;
pub use crate::error::ClientError;
pub use crate::http::Trace;
use crate::http::{Exchange, Http, Outgoing, Url};
use crate::trust::Trust;

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret: String,
}

impl Credentials {
    pub(crate) fn key(&self) -> Key<'_> {
        Key { access_key_id: &self.access_key_id, secret: &self.secret }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Credentials({})", self.access_key_id)
    }
}

/// One of the cloud's query APIs, as whoever speaks it has to say.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    version: &'static str,
    scope: &'static str,
}

/// EC2.
pub const EC2: Api = Api { version: ec2::VERSION, scope: "ec2" };
/// IAM.
pub const IAM: Api = Api { version: euare::VERSION, scope: "iam" };
/// STS.
pub const STS: Api = Api { version: sts::VERSION, scope: "sts" };
/// CloudTrail.
pub const TRAIL: Api = Api { version: cloudtrail::VERSION, scope: cloudtrail::PREFIX };
/// Administration of the cloud.
pub const ADMINISTRATION: Api = Api { version: administration::VERSION, scope: "bootstrap" };

/// Speaks to one endpoint with one access key.
#[derive(Clone)]
pub struct Client {
    api: Api,
    token: Option<String>,
    http: Http,
    url: Url,
    region: String,
    credentials: Credentials,
}

impl Client {
    /// Makes a client of the EC2 endpoint at `url`, `http://HOST:PORT/PATH` or the same with https.
    /// `region` goes into the signature's scope.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn new(url: &str, region: &str, credentials: Credentials) -> Result<Self, ClientError> {
        Self::of(EC2, url, region, credentials)
    }

    /// Makes a client of another API's endpoint.
    ///
    /// # Errors
    /// [`ClientError::Url`].
    pub fn of(
        api: Api,
        url: &str,
        region: &str,
        credentials: Credentials,
    ) -> Result<Self, ClientError> {
        let (http, url) = (Http::for_queries(&Trust::default()), Url::parse(url)?);
        Ok(Self { api, token: None, http, url, region: region.to_owned(), credentials })
    }

    /// Sends this session token with each request.
    #[must_use]
    pub fn with_token(self, token: Option<String>) -> Self {
        Self { token, ..self }
    }

    /// Asks at this path of the same host.
    #[must_use]
    pub fn at_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.url.path);
        self
    }

    /// Believes these authorities over https. To be said before anything else.
    #[must_use]
    pub fn trusting(self, trust: &Trust) -> Self {
        Self { http: Http::for_queries(trust), ..self }
    }

    /// Tells `trace` what goes over the wire, except for secrets.
    #[must_use]
    pub fn with_trace(mut self, trace: Trace) -> Self {
        self.http.set_trace(trace);
        self
    }

    /// Waits this long, up to twice as long by chance, before each further attempt; as many waits,
    /// as many further attempts.
    #[must_use]
    pub fn with_waits(mut self, waits: impl Into<Vec<Duration>>) -> Self {
        self.http.set_waits(waits.into());
        self
    }

    /// Has the cloud perform an action.
    ///
    /// # Errors
    /// [`ClientError::Api`] for what the cloud refuses; the others for what keeps the request from
    /// being made, delivered or answered.
    pub fn send<A: Action>(&self, action: &A) -> Result<A::Output, ClientError> {
        let told = |error: &dyn std::fmt::Display| ClientError::Request(error.to_string());
        let own = encode(action).map_err(|error| told(&error))?;
        let repeatable = match A::ACCESS {
            Access::Read => true,
            Access::Write => false,
            Access::Tokened => own.iter().any(|(name, _)| name == "ClientToken"),
        };
        let text = self.query(A::NAME, own, repeatable)?;
        read_ec2_answer(&text)
            .map_err(|error| ClientError::Answer { action: A::NAME, reason: error.to_string() })
    }

    /// Has the cloud perform an action that is asked for by its name, with these parameters, those
    /// that are absent left out; gives what it answers inside its envelope.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn ask(
        &self,
        action: &'static str,
        parameters: &[(&str, Option<&str>)],
    ) -> Result<Answer, ClientError> {
        let given = parameters.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let own = given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let reads =
            ["Get", "List", "Describe", "Lookup"].iter().any(|verb| action.starts_with(verb));
        let text = self.query(action, own, reads)?;
        let answer =
            Answer::read(&text).map_err(|reason| ClientError::Answer { action, reason })?;
        Ok(answer.result())
    }

    fn query(
        &self,
        action: &str,
        own: Vec<(String, String)>,
        repeatable: bool,
    ) -> Result<String, ClientError> {
        let mut pairs = vec![
            ("Action".to_owned(), action.to_owned()),
            ("Version".to_owned(), self.api.version.to_owned()),
        ];
        pairs.extend(own);
        let form = write_query(&pairs);
        self.http.retrying(repeatable, || self.attempt(&form))
    }

    fn attempt(&self, form: &str) -> Result<String, ClientError> {
        let mut headers = vec![
            ("host", self.url.authority.clone()),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8".to_owned()),
        ];
        headers.extend(invocation().map(|id| ("amz-sdk-invocation-id", id)));
        headers.extend(self.token.iter().map(|token| ("x-amz-security-token", token.clone())));
        let signed: Headers = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let request = Request::new("POST", &self.url.path, "", &signed).with_body(form.as_bytes());
        let added = sign_ec2_v4(
            self.credentials.key(),
            &request,
            &self.region,
            self.api.scope,
            clock::now(),
        )
        .map_err(|error| ClientError::Request(error.to_string()))?;
        headers.extend(added);
        let length = u64::try_from(form.len()).unwrap_or(u64::MAX);
        let (url, path) = (&self.url, self.url.path.as_str());
        let exchange = Exchange { method: "POST", url, path, query: "", headers };
        let body = Outgoing { reader: &mut form.as_bytes(), length };
        let answer = self.http.exchange(&exchange, Some(body))?;
        match answer.status().is_success() {
            true => self.http.text(&self.url.authority, answer),
            false => Err(self.http.refusal(&self.url.authority, answer)),
        }
    }
}

/// An id that no other request has; none if there is no randomness, which only matters to two equal
/// requests within one second.
fn invocation() -> Option<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok()?;
    Some(hex::encode(random))
}

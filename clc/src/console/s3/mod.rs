//! S3 as whoever is signed in: requests to walrus, signed like any client's.
//!
//! ```text
//!   page ──▶ Ask ──▶ signed (v4) by a session of the viewer ──▶ walrus' own guard, quotas, lists, record
//!                     │                                                          │
//!                     └ 15 minutes, sealed here, never shown;                    ▼
//!                       it says from where and by what they ask        bytes, or S3's own error
//! ```
//! Nothing is decided here. The session's token says from which address and by which agent the viewer
//! asks ([`Via`]), so conditions of policies and walrus' record see them and not this host. Bytes are
//! not looked at: they stream.

pub(crate) mod answers;
mod deeds;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::audit::event::cut;
use common::error::{ApiError, ErrorCode};
use common::iam::session::{Via, Who};
use common::s3::tree::Element;
use common::s3::{BucketName, INSIDE, ObjectKey};
use common::sign::{
    Credentials, Headers, PayloadCheck, Request, percent_encode, percent_encode_path,
    presign_s3_v4, sign_s3_v4, write_query,
};
use md5::{Digest as _, Md5};
use runtime::exchange::{Answered, Held, Sending};
use sha2::Sha256;

use super::leash;
use super::visit::Visit;
use crate::identity::sessions::{self, Temporary, Wanted};
use deeds::Asked;

/// How long a session is good by which one request is signed.
const LIFE: Duration = Duration::from_secs(900);
/// How much of what a browser calls itself goes along.
const LONGEST_AGENT: usize = 200;
/// The largest document that is read as an answer, and the most elements of it.
const DOCUMENT: (usize, usize) = (8 << 20, 40_000);

/// A request to S3.
pub(crate) struct Ask {
    method: &'static str,
    bucket: Option<String>,
    key: Option<String>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Sending,
    /// Whether bytes of an object go one way or the other.
    bytes: bool,
    /// Whether it is told by somebody else what is done by it and by others.
    untold: bool,
}

impl Ask {
    /// The question for all buckets.
    pub(crate) fn buckets() -> Self {
        Self { bucket: None, ..Self::new("GET", "") }
    }

    /// A request about a bucket.
    pub(crate) fn new(method: &'static str, bucket: &str) -> Self {
        let (query, headers, body) = (Vec::new(), Vec::new(), Sending::Nothing);
        let (bucket, key, bytes) = (Some(bucket.to_owned()), None, false);
        Self { method, bucket, key, query, headers, body, bytes, untold: false }
    }

    /// The same, about an object.
    #[must_use]
    pub(crate) fn key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    /// The same, with a word of the query.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same, with a word of the query if there is a value for it.
    #[must_use]
    pub(crate) fn with_some(self, name: &'static str, value: &str) -> Self {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    /// The same, with a header.
    #[must_use]
    pub(crate) fn saying(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, with a document, whose digest goes with it.
    #[must_use]
    pub(crate) fn document(self, text: String) -> Self {
        use base64::Engine as _;
        let md5 = base64::engine::general_purpose::STANDARD.encode(Md5::digest(text.as_bytes()));
        let sent = Self { body: Sending::Whole(Bytes::from(text)), ..self };
        sent.saying("content-md5", md5).saying("content-type", "application/xml")
    }

    /// The same, with bytes as they come.
    #[must_use]
    pub(crate) fn sending(self, body: Sending) -> Self {
        Self { bytes: matches!(body, Sending::Stream(..)), body, ..self }
    }

    /// The same, as one of several that are told as one ([`Visit::did_s3`]).
    #[must_use]
    pub(crate) fn untold(self) -> Self {
        Self { untold: true, ..self }
    }

    /// The same, for an object's bytes, which are taken as they come.
    #[must_use]
    pub(crate) fn taking(self) -> Self {
        Self { bytes: true, ..self }
    }

    fn path(&self, prefix: &str) -> String {
        let bucket = self.bucket.as_deref().unwrap_or_default();
        let mut path = format!("{prefix}/{}", percent_encode(bucket));
        if let Some(key) = &self.key {
            path.push('/');
            path.push_str(&percent_encode_path(key));
        }
        path
    }
}

impl Visit {
    /// Asks S3 as whoever is signed in; the bytes of the answer are still to come.
    ///
    /// # Errors
    /// What S3 refuses, with its code and sentence; `Unavailable` if walrus cannot be reached.
    pub(crate) async fn s3(&self, ask: Ask) -> Result<Answered, ApiError> {
        // Without its name a request would be about something larger.
        if let Some(bucket) = &ask.bucket {
            bucket.parse::<BucketName>()?;
        }
        if let Some(key) = &ask.key {
            key.parse::<ObjectKey>()?;
        }
        let via = Via {
            source: self.address(),
            agent: cut(&format!("console {}", self.agent()), LONGEST_AGENT),
            secure: self.head.secure,
        };
        let session = self.session(LIFE, Some(via)).await?;
        let way = &self.desk.storage;
        let (path, query) = (ask.path(INSIDE), write_query(&ask.query));
        let mut headers: Headers = ask.headers.iter().map(|(name, value)| (*name, value)).collect();
        headers.add("host", way.host());
        headers.add("x-amz-security-token", &session.token);
        let streams = matches!(ask.body, Sending::Stream(..));
        let payload = match &ask.body {
            Sending::Nothing => PayloadCheck::Sha256(Sha256::digest(b"").into()),
            Sending::Whole(bytes) => PayloadCheck::Sha256(Sha256::digest(bytes).into()),
            Sending::Stream(..) => PayloadCheck::Unsigned,
        };
        let credentials =
            Credentials { access_key_id: &session.access_key, secret: &session.secret };
        let request = Request::new(ask.method, &path, &query, &headers);
        let (region, now) = (&self.desk.people.endpoints.region, self.desk.people.now());
        let added = sign_s3_v4(credentials, &request, region, payload, now)
            .map_err(|error| ApiError::internal("The request cannot be signed", error))?;
        for (name, value) in added {
            headers.add(name, value);
        }
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let deed = deeds::of(&Asked {
            method: ask.method,
            bucket: ask.bucket.as_deref().unwrap_or_default(),
            key: ask.key.as_deref(),
            query: &ask.query,
            headers: &ask.headers,
            body: &ask.body,
        });
        let held = ask.bytes.then(|| self.place()).transpose()?;
        let sending = way.send(ask.method, &target, &headers, ask.body, held);
        let answered = if streams {
            let (desk, viewer) = (Arc::clone(&self.desk), self.viewer()?.clone());
            // What was not read to its end is broken off, and nothing of it is kept.
            tokio::select! {
                answered = sending => answered?,
                () = leash::over(desk, self.head.clone(), viewer) => return Err(gone()),
            }
        } else {
            sending.await?
        };
        if answered.status < 400 {
            if let (Some((action, parameters)), false) = (deed, ask.untold) {
                self.did_s3(action, &parameters)?;
            }
            return Ok(answered);
        }
        Err(refusal(answered).await)
    }

    /// As [`Visit::s3`], for an answer that is a document.
    ///
    /// # Errors
    /// As there; `Unavailable` for a document that is none.
    pub(crate) async fn s3_document(&self, ask: Ask, root: &str) -> Result<Element, ApiError> {
        let document = self.s3(ask).await?.whole(DOCUMENT.0).await?;
        Element::read(&document, root, DOCUMENT).map_err(|error| {
            // What takes long is answered before it is known how it ends.
            told(&document, 500).unwrap_or_else(|| not_understood(&error))
        })
    }

    /// A URL by which whoever has it reads an object for a while, as whoever is signed in may.
    ///
    /// # Errors
    /// If it cannot be signed.
    pub(crate) async fn s3_link(
        &self,
        bucket: &str,
        key: &str,
        life: Duration,
    ) -> Result<String, ApiError> {
        // It speaks for the viewer wherever it is used; how they came here is nothing to do with it.
        let session = self.session(life, None).await?;
        let people = &self.desk.people;
        let base = people.work(|people| people.endpoints.now(&people.records)).await?.walrus;
        let (scheme, rest) = base.split_once("://").unwrap_or(("http", base.as_str()));
        let (host, prefix) = match rest.split_once('/') {
            Some((host, path)) => (host, format!("/{path}")),
            None => (rest, String::new()),
        };
        let path = Ask::new("GET", bucket).key(key).path(&prefix);
        let headers: Headers = [("host", host)].into_iter().collect();
        let own = write_query(&[("X-Amz-Security-Token", &session.token)]);
        let request = Request::new("GET", &path, &own, &headers);
        let credentials =
            Credentials { access_key_id: &session.access_key, secret: &session.secret };
        let query =
            presign_s3_v4(credentials, &request, &people.endpoints.region, life, people.now())
                .map_err(|error| ApiError::internal("The link cannot be signed", error))?;
        Ok(format!("{scheme}://{host}{path}?{query}"))
    }

    /// A place among the bodies that pass through.
    fn place(&self) -> Result<Held, ApiError> {
        let place = self.desk.kept.streams.bodies.take(self.viewer()?)?;
        Ok(Box::new(place))
    }

    async fn session(&self, life: Duration, via: Option<Via>) -> Result<Temporary, ApiError> {
        let viewer = self.viewer()?;
        let principal = viewer.caller.authority.principal();
        let wanted = Wanted {
            account: principal.account.clone(),
            who: Who::User(principal.name.clone()),
            holder: principal.id.clone(),
            life,
            policies: Vec::new(),
            policy_arns: Vec::new(),
            second_factor: viewer.session.second_factor.then_some(viewer.session.begun),
            source_identity: None,
            origin: None,
            via,
        };
        let people = &self.desk.people;
        people.work(move |people| sessions::begin(&people.records, wanted, people.now())).await
    }
}

fn gone() -> ApiError {
    ApiError::new(ErrorCode::AccessDenied, "The session is over: log in again")
}

fn not_understood(cause: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The answer of S3 cannot be understood").because(cause)
}

/// What a document of an error tells.
fn told(document: &[u8], status: u16) -> Option<ApiError> {
    let root = Element::read(document, "Error", DOCUMENT).ok()?;
    let text = |name: &str| root.child(name).map(|child| child.text.trim().to_owned());
    let code = ErrorCode::find(&text("Code")?, status)?;
    Some(ApiError::new(code, text("Message").unwrap_or_default()))
}

/// Why something was refused. Some answers have no document: those to HEAD.
async fn refusal(answered: Answered) -> ApiError {
    let status = answered.status;
    let document = match answered.whole(DOCUMENT.0).await {
        Ok(document) => document,
        Err(error) => return error,
    };
    if let Some(error) = told(&document, status) {
        return error;
    }
    match status {
        403 => ApiError::new(ErrorCode::AccessDenied, "Access Denied"),
        404 => ApiError::new(ErrorCode::NoSuchKey, "The specified key does not exist"),
        412 => ApiError::new(
            ErrorCode::PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold",
        ),
        400..500 => {
            let text = format!("S3 refuses this, with the status {status}");
            ApiError::new(ErrorCode::InvalidRequest, text)
        }
        status => not_understood(&format!("it answers {status}")),
    }
}

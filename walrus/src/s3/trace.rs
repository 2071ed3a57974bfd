//! What is known of a request as it goes along: for its line in the program's log, and for its record.
//!
//! Operations that manage buckets are recorded always, those of data as the configuration says.
//! Nothing that a client sends is recorded but what is named here: the address, the query without
//! its signature, a few headers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use common::action::Caller;
use common::audit::event::{LONGEST_TEXT, MOST_RESOURCES, cut};
use common::audit::{Event, Signed, parameters};
use common::error::ApiError;
use common::iam::session::Via;
use common::s3::routes::{Operation, Route};
use common::s3::{Address, Query};
use common::sign::{Headers, Scheme};
use common::time::Timestamp;
use runtime::audit::AuditLog;
use runtime::auditor::{Auditor as _, Call, Refusals, unrecorded};
use runtime::http::Head;
use serde::{Deserialize, Serialize};

/// What policies call S3.
const SERVICE: &str = "s3";
/// Headers that say what is asked; the others say nothing, or secrets.
const HEADERS: [&str; 6] = [
    "range",
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-metadata-directive",
    "x-amz-storage-class",
];

/// Which operations on objects are recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataEvents {
    /// None.
    #[default]
    None,
    /// Those that change something.
    Write,
    /// All.
    All,
}

/// What an operation finds out only in its body.
#[derive(Clone, Default)]
pub(crate) struct Noted(Arc<Mutex<Finds>>);

#[derive(Default)]
struct Finds {
    keys: Vec<String>,
    acl: Option<String>,
}

impl Noted {
    /// The keys that a document names.
    pub(crate) fn keys<'a>(&self, keys: impl Iterator<Item = &'a str>) {
        let mut finds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        finds.keys.extend(keys.take(MOST_RESOURCES).map(|key| cut(key, 1024)));
    }

    /// The list that a document is.
    pub(crate) fn acl(&self, acl: &str) {
        let mut finds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        finds.acl = Some(acl.to_owned());
    }
}

/// What is known of a request.
#[derive(Default)]
pub(super) struct Trace {
    /// The path, as errors tell it.
    pub(super) resource: Option<String>,
    /// What it names.
    pub(super) address: Option<Address>,
    /// What it asks for, if that is offered.
    pub(super) operation: Option<Operation>,
    /// The same, whether or not it is offered.
    pub(super) route: Option<&'static Route>,
    /// Who asks, once that is sure.
    pub(super) caller: Option<Caller>,
    /// The access key that it names.
    pub(super) access_key: String,
    /// How it is signed.
    pub(super) signed: Option<Signed>,
    /// The source of a copy, `BUCKET/KEY`.
    pub(super) source: Option<String>,
    /// What only the body says.
    pub(super) noted: Noted,
    /// Whether it came where only services of the cloud ask.
    pub(super) inside: bool,
    /// Whose way it came, if a service of the cloud has sent it for somebody.
    pub(super) via: Option<Via>,
}

impl Trace {
    /// The request as its sender has sent it: what a service of the cloud sends for somebody comes
    /// from where they are.
    pub(super) fn seen<'a>(&self, head: &'a Head) -> Cow<'a, Head> {
        let Some(via) = &self.via else { return Cow::Borrowed(head) };
        let mut headers: Headers =
            head.headers.iter().filter(|(name, _)| *name != "user-agent").collect();
        headers.add("user-agent", &via.agent);
        let peer = via.source.parse().ok().map(|address: IpAddr| SocketAddr::new(address, 0));
        Cow::Owned(Head { headers, peer, secure: via.secure, ..head.clone() })
    }

    /// The signature, before it is known whether it is right.
    pub(super) fn claims(&mut self, access_key: &str, scheme: Scheme) {
        access_key.clone_into(&mut self.access_key);
        let (version, method) = match scheme {
            Scheme::QueryV2 | Scheme::HeaderV2 => ("SigV2", "AuthHeader"),
            Scheme::V4 => ("SigV4", "AuthHeader"),
            Scheme::PresignedV2 => ("SigV2", "QueryString"),
            Scheme::PresignedV4 => ("SigV4", "QueryString"),
        };
        self.signed = Some(Signed { version: version.into(), method: method.into() });
    }

    /// The signature of a form.
    pub(super) fn claims_by_form(&mut self, access_key: &str, version4: bool) {
        access_key.clone_into(&mut self.access_key);
        let version = if version4 { "SigV4" } else { "SigV2" };
        self.signed = Some(Signed { version: version.into(), method: "HtmlForm".into() });
    }

    fn action(&self) -> &'static str {
        let offered = self.operation.map(Operation::name);
        offered.or(self.route.map(|route| route.name)).unwrap_or_default()
    }

    fn reads(&self) -> bool {
        match (self.operation, self.route) {
            (Some(operation), _) => operation.reads(),
            (None, Some(route)) => route.reads(),
            (None, None) => true,
        }
    }

    fn is_data(&self) -> bool {
        match (self.operation, self.route) {
            (Some(operation), _) => operation.is_data(),
            (None, Some(route)) => route.is_data(),
            (None, None) => matches!(self.address, Some(Address::Object(..))),
        }
    }

    /// Buckets and objects that it is about, the object first.
    fn resources(&self) -> Vec<String> {
        let finds = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match &self.address {
            None | Some(Address::Service) => return Vec::new(),
            Some(Address::Bucket(bucket) | Address::Object(bucket, _)) => bucket,
        };
        let mut names = Vec::new();
        if let Some(Address::Object(_, key)) = &self.address {
            names.push(format!("arn:aws:s3:::{bucket}/{key}"));
        }
        names.push(format!("arn:aws:s3:::{bucket}"));
        names.extend(self.source.iter().map(|source| format!("arn:aws:s3:::{source}")));
        names.extend(finds.keys.iter().map(|key| format!("arn:aws:s3:::{bucket}/{key}")));
        names
    }

    fn parameters(&self, head: &Head) -> BTreeMap<String, String> {
        // A query that cannot be read is told by the error.
        let query = Query::parse(&head.raw_query).unwrap_or_default();
        let said = query.names().filter(|name| !name.eq_ignore_ascii_case("signature"));
        let said = said.map(|name| (name, query.get(name).unwrap_or_default()));
        let mut kept = parameters::recorded(said);
        for name in HEADERS {
            if let Some(value) = head.header(name) {
                kept.insert(name.to_owned(), cut(value, 4 * LONGEST_TEXT));
            }
        }
        let finds = self.noted.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(acl) = &finds.acl {
            kept.insert("x-amz-acl".to_owned(), acl.clone());
        }
        match &self.address {
            Some(Address::Object(bucket, key)) => {
                kept.insert("bucketName".to_owned(), bucket.to_string());
                kept.insert("key".to_owned(), key.to_string());
            }
            Some(Address::Bucket(bucket)) => {
                kept.insert("bucketName".to_owned(), bucket.to_string());
            }
            Some(Address::Service) | None => {}
        }
        kept
    }
}

/// Keeps the records of requests.
pub(crate) struct Recorder {
    /// Walrus' own log.
    pub(crate) log: AuditLog,
    /// Which operations on objects it has.
    pub(crate) data: DataEvents,
    /// How many of those who prove nothing.
    pub(crate) strangers: Refusals,
}

impl Recorder {
    fn wants(&self, trace: &Trace) -> bool {
        match self.data {
            _ if !trace.is_data() => true,
            DataEvents::None => false,
            DataEvents::Write => !trace.reads(),
            DataEvents::All => true,
        }
    }

    /// Refuses a change before it is begun, if its record could not be kept.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) fn ready(&self, trace: &Trace) -> Result<(), ApiError> {
        if trace.reads() || !self.wants(trace) {
            return Ok(());
        }
        self.log.ready()
    }

    /// Keeps the record of a request that was answered so; that of a change is on disk then.
    ///
    /// # Errors
    /// If something was done that could not be recorded.
    pub(super) async fn keep(
        &self,
        trace: &Trace,
        head: &Head,
        error: Option<&ApiError>,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let stranger = trace.caller.is_none() && error.is_some();
        // A signature that was refused was never asked what it is for.
        let refused = stranger && !trace.access_key.is_empty();
        if !refused && !self.wants(trace) {
            return Ok(());
        }
        let before = match stranger {
            true => self.strangers.admit(at),
            false => Some(0),
        };
        let Some(before) = before else { return Ok(()) };
        let event = Event {
            read_only: stranger || trace.reads(),
            unrecorded: before,
            ..self.call(trace, head).event(&trace.seen(head), error, at)
        };
        match (self.log.keep(event).await, error) {
            (Err(unkept), None) => Err(unrecorded(&unkept)),
            _ => Ok(()),
        }
    }

    fn call(&self, trace: &Trace, head: &Head) -> Call {
        Call {
            service: SERVICE,
            action: trace.action().to_owned(),
            read_only: trace.reads(),
            data: trace.is_data(),
            caller: trace.caller.clone(),
            access_key: trace.access_key.clone(),
            signed: trace.signed.clone(),
            resources: trace.resources(),
            parameters: trace.parameters(head),
        }
    }
}

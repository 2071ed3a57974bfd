//! What the administrator on the clc's own host does, and what people do at the console: recorded as
//! any other call, and told about.
//!
//! The record is made at the one place that all messages of `clc admin` pass, and all of the console.
//! Whoever sends the former can read the peer key; more is not known of them. Of the latter only
//! names are recorded, and who it was that has proven to be somebody; and refusals no more often than
//! those of signatures.

use std::sync::Arc;

use common::audit::event::{LONGEST_TEXT, cut};
use common::audit::{Actor, Event, Failure, parameters};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::wire::admin::Admin;
use common::wire::audit::{AuditPage, LookAudit, VerifyAudit};
use common::wire::people::People;
use futures_util::future::BoxFuture;
use runtime::audit::AuditLog;
use runtime::auditor::{Auditor as _, Refusals, unrecorded};
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Answers;
use runtime::pool;
use serde_json::Value;

use super::Trail;
use super::persons;
use crate::random;
use crate::records::Records;

/// What is recorded of what the console says.
const NAMES: [&str; 14] = [
    "account",
    "buckets.atmost",
    "by.account",
    "by.user",
    "by_mail",
    "bytes.atmost",
    "kind",
    "language",
    "name",
    "objects.atmost",
    "reason",
    "user",
    "whose.account",
    "whose.bucket",
];
/// What the console asks for each page that it shows: whether a session is still good.
const SESSION: &str = "CheckPerson";
/// How many records are told at once, at most.
const MOST: usize = 500;
/// The beginnings of messages that change nothing.
const READS: [&str; 4] = ["Describe", "List", "Look", "Verify"];

/// Administration whose messages are recorded.
pub struct Recorded {
    inner: Arc<dyn Answers>,
    log: AuditLog,
    clock: Clock,
    /// The bound of refusals, of messages that strangers have a part in, and the records that know who
    /// is none.
    strangers: Option<(Refusals, Records)>,
}

impl Recorded {
    /// Records what these answer, and answers what is asked about records.
    pub fn new(inner: Dispatcher<Admin>, trail: &Trail, clock: Clock) -> Self {
        let (looked, verified) = (trail.clone(), trail.clone());
        let inner = inner
            .with(move |ask: LookAudit| {
                let trail = looked.clone();
                async move { look(&trail, ask).await }
            })
            .with(move |_: VerifyAudit| {
                let trail = verified.clone();
                async move { trail.verify().await }
            });
        Self { inner: Arc::new(inner), log: trail.log.clone(), clock, strangers: None }
    }

    /// Records what is answered to the console.
    pub fn console(
        inner: Dispatcher<People>,
        records: &Records,
        log: &AuditLog,
        clock: Clock,
    ) -> Self {
        let strangers = Some((Refusals::default(), records.clone()));
        Self { inner: Arc::new(inner), log: log.clone(), clock, strangers }
    }

    async fn recorded(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, ApiError> {
        let read_only = READS.iter().any(|start| name.starts_with(start));
        if self.strangers.is_some() && name == SESSION {
            return self.inner.answer(name, json).await;
        }
        if !read_only {
            self.log.ready()?;
        }
        let answered = self.inner.answer(name, json).await;
        let mut event = self.event(name, read_only, json, answered.as_ref().err())?;
        if let Some((_, records)) = &self.strangers {
            event.actor = person(records, name, json, &answered).await?;
        }
        if let (Some((strangers, _)), Err(_)) = (&self.strangers, &answered) {
            let Some(before) = strangers.admit(event.at) else { return answered };
            event.unrecorded = before;
        }
        match (self.log.keep(event).await, answered) {
            (Err(error), Ok(_)) => Err(unrecorded(&error)),
            (_, answered) => answered,
        }
    }

    fn event(
        &self,
        name: &str,
        read_only: bool,
        json: &[u8],
        error: Option<&ApiError>,
    ) -> Result<Event, ApiError> {
        let mut pairs = Vec::new();
        if let Ok(value) = serde_json::from_slice(json) {
            flatten("", &value, &mut pairs);
        }
        let console = self.strangers.is_some();
        let said = |wanted: &str| {
            pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        let source = said("address").filter(|_| console).unwrap_or_else(|| "host".to_owned());
        if console {
            pairs.retain(|(name, _)| NAMES.contains(&name.as_str()));
        }
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let parameters = parameters::recorded(pairs);
        let account = AccountId::cloud().to_string();
        Ok(Event {
            at: self.clock.now(),
            request_id: hex::encode(random::bytes::<16>()?),
            service: if console { "console" } else { "clc" }.to_owned(),
            action: name.to_owned(),
            read_only,
            data: false,
            actor: (!console).then(|| Actor {
                arn: format!("arn:aws:iam::{account}:host"),
                account,
                alias: "eucalyptus".to_owned(),
                name: "host".to_owned(),
                id: "host".to_owned(),
                session: None,
            }),
            access_key: String::new(),
            signed: None,
            resources: ["name", "account", "Name", "Image"]
                .iter()
                .find_map(|it| parameters.get(*it))
                .cloned()
                .into_iter()
                .collect(),
            parameters,
            source: cut(&source, LONGEST_TEXT),
            agent: if console { "console" } else { "clc admin" }.to_owned(),
            secure: true,
            failure: error.map(|error| Failure::new(error.code().wire(), error.text())),
            unrecorded: 0,
        })
    }
}

/// Whoever has proven to be somebody with a message of the console.
async fn person(
    records: &Records,
    name: &str,
    json: &[u8],
    answered: &Result<Vec<u8>, ApiError>,
) -> Result<Option<Actor>, ApiError> {
    let Ok(message) = serde_json::from_slice::<Value>(json) else { return Ok(None) };
    let (records, name) = (records.clone(), name.to_owned());
    let answered = answered.as_ref().map_err(ApiError::code).cloned();
    let behind = move || {
        persons::behind(&records, &name, &message, answered.as_deref().map_err(|code| *code))
    };
    pool::block(behind).await?
}

fn flatten(name: &str, value: &Value, to: &mut Vec<(String, String)>) {
    let below = |part: &str| match name {
        "" => part.to_owned(),
        name => format!("{name}.{part}"),
    };
    match value {
        Value::Null => {}
        Value::String(text) => to.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => to.push((name.to_owned(), value.to_string())),
        Value::Array(items) => {
            items.iter().zip(1..).for_each(|(item, n)| flatten(&below(&n.to_string()), item, to));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| flatten(&below(field), value, to));
        }
    }
}

impl Answers for Recorded {
    fn service(&self) -> &'static str {
        self.inner.service()
    }

    fn version(&self) -> u32 {
        self.inner.version()
    }

    fn answer<'a>(
        &'a self,
        name: &'a str,
        json: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ApiError>> {
        Box::pin(self.recorded(name, json))
    }
}

async fn look(trail: &Trail, ask: LookAudit) -> Result<AuditPage, ApiError> {
    if ask.most == 0 || ask.most > MOST {
        let text = format!("most: 1 to {MOST} records are told at once");
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    let page = trail.find(ask.filter, ask.next.as_deref(), ask.most).await?;
    Ok(AuditPage { events: page.events, next: page.next })
}

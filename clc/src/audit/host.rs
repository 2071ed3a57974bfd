//! What the administrator on the clc's own host does: recorded as any other call, and told about.
//!
//! The record is made at the one place that all messages of `clc admin` pass. Whoever sends them can
//! read the peer key; more is not known of them.

use std::sync::Arc;

use common::audit::{Actor, Event, Failure, parameters};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::wire::admin::Admin;
use common::wire::audit::{AuditPage, AuditState, LookAudit, VerifyAudit};
use futures_util::future::BoxFuture;
use runtime::audit::AuditLog;
use runtime::auditor::{Auditor as _, unrecorded};
use runtime::clock::Clock;
use runtime::dispatcher::Dispatcher;
use runtime::peer::Answers;
use serde_json::Value;

use crate::random;

/// What policies would call what is done on the host.
const SERVICE: &str = "clc";
/// How many records are told at once, at most.
const MOST: usize = 500;
/// The beginnings of messages that change nothing.
const READS: [&str; 4] = ["Describe", "List", "Look", "Verify"];

/// Administration whose messages are recorded.
pub struct Recorded {
    inner: Arc<dyn Answers>,
    log: AuditLog,
    clock: Clock,
}

impl Recorded {
    /// Records what these answer, and answers what is asked about records.
    pub fn new(inner: Dispatcher<Admin>, log: &AuditLog, clock: Clock) -> Self {
        let (looked, verified) = (log.clone(), log.clone());
        let inner = inner
            .with(move |ask: LookAudit| {
                let log = looked.clone();
                async move { look(&log, ask).await }
            })
            .with(move |_: VerifyAudit| {
                let log = verified.clone();
                async move { verify(&log).await }
            });
        Self { inner: Arc::new(inner), log: log.clone(), clock }
    }

    async fn recorded(&self, name: &str, json: &[u8]) -> Result<Vec<u8>, ApiError> {
        let read_only = READS.iter().any(|start| name.starts_with(start));
        if !read_only {
            self.log.ready()?;
        }
        let answered = self.inner.answer(name, json).await;
        let event = self.event(name, read_only, json, answered.as_ref().err())?;
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
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let parameters = parameters::recorded(pairs);
        let account = AccountId::cloud().to_string();
        Ok(Event {
            at: self.clock.now(),
            request_id: hex::encode(random::bytes::<16>()?),
            service: SERVICE.to_owned(),
            action: name.to_owned(),
            read_only,
            data: false,
            actor: Some(Actor {
                arn: format!("arn:aws:iam::{account}:host"),
                account,
                alias: "eucalyptus".to_owned(),
                name: "host".to_owned(),
                id: "host".to_owned(),
                session: None,
            }),
            access_key: String::new(),
            resources: parameters.get("name").cloned().into_iter().collect(),
            parameters,
            source: "host".to_owned(),
            agent: "clc admin".to_owned(),
            secure: true,
            failure: error.map(|error| Failure::new(error.code().wire(), error.text())),
            unrecorded: 0,
        })
    }
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

async fn look(log: &AuditLog, ask: LookAudit) -> Result<AuditPage, ApiError> {
    if ask.most == 0 || ask.most > MOST {
        let text = format!("most: 1 to {MOST} records are told at once");
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    let page = log.find(ask.filter, ask.before, ask.most).await?;
    let events = page.events.into_iter().map(|(_, event)| event).collect();
    Ok(AuditPage { events, before: page.before })
}

async fn verify(log: &AuditLog) -> Result<Vec<AuditState>, ApiError> {
    let state = log.verify().await?;
    let (first, name) = (state.behind.n + 1, "clc".to_owned());
    let (last, hash) = (state.head.n, state.head.hash);
    Ok(vec![AuditState { name, first, last, hash, fault: state.fault }])
}

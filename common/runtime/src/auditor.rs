//! Who is told of each call, after the answer is known and before it is sent; and what a front
//! gathers on the way there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::action::Caller;
use common::audit::event::{LONGEST_TEXT, MOST_RESOURCES, cut};
use common::audit::{Actor, Event, Failure, Signed, parameters};
use common::error::{ApiError, ErrorCode};
use common::iam::{Resource, Subject};
use common::time::Timestamp;
use futures_util::future::BoxFuture;

use crate::guard::Guard;
use crate::http::Head;

/// Keeps records of calls.
pub trait Auditor: Send + Sync + 'static {
    /// Refuses a change before it is begun.
    ///
    /// # Errors
    /// If its record could not be kept.
    fn ready(&self) -> Result<(), ApiError>;

    /// Keeps a record. When this is done, that of a change is on disk.
    ///
    /// # Errors
    /// If it could not be kept.
    fn keep(&self, event: Event) -> BoxFuture<'_, Result<(), ApiError>>;
}

/// An auditor that keeps nothing but a line in the program's own log.
pub struct PlainAuditor;

impl Auditor for PlainAuditor {
    fn ready(&self) -> Result<(), ApiError> {
        Ok(())
    }

    fn keep(&self, event: Event) -> BoxFuture<'_, Result<(), ApiError>> {
        tracing::debug!(request_id = event.request_id, action = event.action, "audited");
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A guard that notes what it was asked about.
pub(crate) struct Noting {
    guard: Arc<dyn Guard>,
    noted: Mutex<Vec<String>>,
}

impl Noting {
    pub(crate) fn new(guard: Arc<dyn Guard>) -> Self {
        Self { guard, noted: Mutex::default() }
    }

    fn note(&self, names: Vec<String>) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_RESOURCES.saturating_sub(noted.len());
        noted.extend(names.into_iter().take(room));
    }

    /// The names of what the request was about, as they were before it was done.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *noted)
    }
}

impl Guard for Noting {
    fn demand<'a>(
        &'a self,
        caller: &'a Caller,
        action: &'a str,
        subject: Subject,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async move {
            let resources: Vec<_> =
                subject.resources.iter().take(MOST_RESOURCES).cloned().collect();
            let mut names = self.guard.names(caller, resources).await?;
            names.retain(|name| !name.ends_with('*'));
            self.note(names);
            self.guard.demand(caller, action, subject).await
        })
    }

    fn names<'a>(
        &'a self,
        caller: &'a Caller,
        resources: Vec<Resource>,
    ) -> BoxFuture<'a, Result<Vec<String>, ApiError>> {
        self.guard.names(caller, resources)
    }
}

/// What is known of a call, as it goes along.
#[derive(Default)]
pub struct Call {
    /// What policies call the API.
    pub service: &'static str,
    /// The action; empty if it is none of the API's.
    pub action: String,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it is about bytes of an object.
    pub data: bool,
    /// Who asks, once that is sure.
    pub caller: Option<Caller>,
    /// The access key that the request names.
    pub access_key: String,
    /// How the request is signed, if that is worth telling.
    pub signed: Option<Signed>,
    /// What it is about.
    pub resources: Vec<String>,
    /// What the request says.
    pub parameters: BTreeMap<String, String>,
}

impl Call {
    /// The record of the call, after it was answered.
    pub fn event(self, head: &Head, error: Option<&ApiError>, at: Timestamp) -> Event {
        let mut resources = self.resources;
        let mut seen = std::collections::BTreeSet::new();
        resources.retain(|it| seen.insert(it.clone()));
        resources.truncate(MOST_RESOURCES);
        Event {
            at,
            request_id: head.request_id.clone(),
            service: self.service.to_owned(),
            action: cut(&self.action, LONGEST_TEXT),
            read_only: self.read_only,
            data: self.data,
            actor: self.caller.as_ref().map(Actor::of),
            access_key: cut(&self.access_key, LONGEST_TEXT),
            signed: self.signed,
            resources: resources.iter().map(|it| cut(it, 2048)).collect(),
            parameters: self.parameters,
            source: head.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            agent: cut(head.header("user-agent").unwrap_or_default(), LONGEST_TEXT),
            secure: head.secure,
            failure: error.map(|error| Failure::new(error.code().wire(), error.text())),
            unrecorded: 0,
        }
    }

    /// Notes what a query says.
    pub fn says(&mut self, pairs: &[(String, String)]) {
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.parameters = parameters::recorded(pairs);
    }

    /// Notes what an answer says that was made or changed: ids, which are no secrets.
    pub fn made(&mut self, answer: &str) {
        const IDS: [&str; 14] = [
            "instanceId",
            "imageId",
            "keyName",
            "keyPairId",
            "bundleId",
            "reservationId",
            "associationId",
            "Arn",
            "UserName",
            "GroupName",
            "RoleName",
            "AccessKeyId",
            "CertificateId",
            "PolicyName",
        ];
        for id in IDS {
            let (open, close) = (format!("<{id}>"), format!("</{id}>"));
            for part in answer.split(open.as_str()).skip(1).take(MOST_RESOURCES) {
                if let Some((text, _)) = part.split_once(close.as_str())
                    && !text.is_empty()
                    && !text.contains('<')
                {
                    self.resources.push(text.to_owned());
                }
            }
        }
    }
}

/// Bounds how many records those get who prove nothing: a burst, then one now and then; the next
/// record tells how many have none.
pub struct Refusals {
    state: Mutex<(u64, Option<Timestamp>, u64)>,
}

/// How many at once.
const BURST: u64 = 100;
/// How often one more.
const EVERY: Duration = Duration::from_secs(10);

impl Default for Refusals {
    fn default() -> Self {
        Self { state: Mutex::new((BURST, None, 0)) }
    }
}

impl Refusals {
    /// Whether one may be recorded now, and how many before it were not.
    pub fn admit(&self, now: Timestamp) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since, missed) = &mut *state;
        let begun = *since.get_or_insert(now);
        let gained = now.since(begun).as_secs() / EVERY.as_secs();
        if gained > 0 {
            *left = left.saturating_add(gained).min(BURST);
            *since = Some(now);
        }
        if *left == 0 {
            *missed += 1;
            return None;
        }
        *left -= 1;
        Some(std::mem::take(missed))
    }
}

/// What a client is told whose change was made, but could not be recorded.
pub fn unrecorded(error: &ApiError) -> ApiError {
    let text = "The request may have been carried out, but it could not be recorded";
    ApiError::new(ErrorCode::InternalError, text).because(error.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_recorded_in_a_burst_and_then_now_and_then() {
        let refusals = Refusals::default();
        let now = Timestamp::from_secs(1_800_000_000);
        for _ in 0..BURST {
            assert_eq!(refusals.admit(now), Some(0));
        }
        assert_eq!((refusals.admit(now), refusals.admit(now)), (None, None));
        let later = now.plus(EVERY);
        assert_eq!(refusals.admit(later), Some(2));
        assert_eq!(refusals.admit(later), None);
    }

    #[test]
    fn answers_tell_ids_and_nothing_else() {
        let mut call = Call::default();
        call.made(
            "<a><AccessKeyId>AKI1</AccessKeyId><SecretAccessKey>marked</SecretAccessKey>\
             <Arn>arn:1</Arn><keyMaterial>marked</keyMaterial><instanceId>i-1</instanceId></a>",
        );
        assert_eq!(call.resources, ["i-1", "arn:1", "AKI1"]);
    }
}

//! Sessions: begun at sign-in, asked about at each request, over in many ways.
//!
//! ```text
//!   sign-in ──▶ session ──▶ signed out, or revoked by its user
//!               │    ▲  └──▶ idle too long, or too old                      (settings)
//!               ├used┤  └──▶ another password, user or account disabled or gone
//!               └────┘ proven again: under another id
//! ```
//! The id is 32 random bytes, told to the browser alone; the record knows its SHA-256. Each use looks
//! whether the user may still go on, so whoever is disabled is out with the next request. Over sessions
//! are removed when they are met, and by a sweep. All of it blocks.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::audit::event::{LONGEST_TEXT, cut};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::Person;
use futures_util::future::BoxFuture;
use runtime::reconcile::{Pass, Reconciler};
use sha2::{Digest as _, Sha256};

use crate::people::{People, logging_in};
use crate::random;
use crate::records::{ConsoleSession, Records};
use crate::settings;

/// How many sessions a user has at most; the one that was used least lately ends for a new one.
const MOST: usize = 20;
/// How long a use of a session is not written down again.
const REST: Duration = Duration::from_secs(60);
/// How often old sessions are looked for.
pub(crate) const SWEEP: Duration = Duration::from_secs(300);

/// Somebody who has just proven who they are.
pub(crate) struct Entering {
    /// Who.
    pub(crate) person: Person,
    /// Whether they have to set another password before anything else.
    pub(crate) must_change: bool,
    /// Whether they showed a second factor.
    pub(crate) second_factor: bool,
    /// From which address.
    pub(crate) address: String,
    /// What their browser calls itself.
    pub(crate) agent: String,
}

/// A session that is good, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Good {
    /// The session.
    pub(crate) session: ConsoleSession,
    /// Who.
    pub(crate) person: Person,
}

fn digest(id: &str) -> String {
    hex::encode(Sha256::digest(id.as_bytes()))
}

/// 32 random bytes as a cookie has them.
///
/// # Errors
/// If the system has no random bytes.
pub(crate) fn random_id() -> Result<String, ApiError> {
    Ok(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?))
}

/// Whether a text could be a random id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Begins a session, and gives its id.
///
/// # Errors
/// If it cannot be recorded.
pub(crate) fn begin(people: &People, who: Entering) -> Result<String, ApiError> {
    let (records, now, id) = (&people.records, people.now(), random_id()?);
    let Entering { person, must_change, second_factor, address, agent } = who;
    let session = ConsoleSession {
        digest: digest(&id),
        account: person.account,
        user: person.user,
        password_set: person.password_set,
        begun: now,
        seen: now,
        address,
        agent: cut(&agent, LONGEST_TEXT),
        second_factor,
        must_change,
        proven: Some(now),
    };
    let mut before = list(records, &session.account, &session.user)?;
    before.sort_by_key(|it| it.seen);
    let surplus = (before.len() + 1).saturating_sub(MOST);
    for old in before.into_iter().take(surplus) {
        end(records, &old)?;
    }
    store::transact(&*records.engine, |batch| {
        let key = session.key_of_user();
        batch.insert(&session)?.point(&records.console_sessions_of, &key, &session.digest);
        Ok::<_, ApiError>(())
    })?;
    Ok(id)
}

/// Whether a session's user has proven lately who they are.
///
/// # Errors
/// If the store fails.
pub(crate) fn is_proven(people: &People, session: &ConsoleSession) -> Result<bool, ApiError> {
    let now = people.now();
    let minutes = settings::number(&people.records, settings::REAUTHENTICATE_MINUTES)?;
    let span = Duration::from_secs(u64::try_from(minutes).unwrap_or(0).saturating_mul(60));
    // What seems to be of the time to come was before the clock was set back.
    let proven = session.proven();
    Ok(proven <= now && now.since(proven) < span)
}

/// Goes on under another id for somebody who has just proven again who they are: whoever knew the old
/// one knows nothing any more. When it began stays, and so does when it ends.
///
/// # Errors
/// `AccessDenied` if the session is over meanwhile; if it cannot be recorded.
pub(crate) fn renew(
    people: &People,
    session: &ConsoleSession,
    second_factor: bool,
) -> Result<(String, ConsoleSession), ApiError> {
    let (records, now, id) = (&people.records, people.now(), random_id()?);
    let (renewed, _) = store::transact(&*records.engine, |batch| {
        let seen = records.console_sessions.get(&session.digest)?.ok_or_else(|| {
            ApiError::new(ErrorCode::AccessDenied, "The session is over: log in again")
        })?;
        let mut renewed = seen.record.clone();
        (renewed.digest, renewed.seen, renewed.proven) = (digest(&id), now, Some(now));
        renewed.second_factor |= second_factor;
        batch.remove(&seen).unpoint(&records.console_sessions_of, &seen.key_of_user());
        let key = renewed.key_of_user();
        batch.insert(&renewed)?.point(&records.console_sessions_of, &key, &renewed.digest);
        Ok::<_, ApiError>(renewed)
    })?;
    Ok((id, renewed))
}

/// Whether a session is neither idle nor old.
fn is_fresh(records: &Records, session: &ConsoleSession, now: Timestamp) -> Result<bool, ApiError> {
    let span = |name, unit: u64| {
        let number = u64::try_from(settings::number(records, name)?).unwrap_or(u64::MAX);
        Ok::<_, ApiError>(Duration::from_secs(number.saturating_mul(unit)))
    };
    let idle = span(settings::SESSION_IDLE_MINUTES, 60)?;
    let whole = span(settings::SESSION_HOURS, 3600)?;
    Ok(now.since(session.seen) <= idle && now.since(session.begun) <= whole)
}

/// Whether whoever has a session may go on; nobody if it is over.
///
/// # Errors
/// If the store fails.
pub(crate) fn check(people: &People, session: &ConsoleSession) -> Result<Option<Person>, ApiError> {
    if !is_fresh(&people.records, session, people.now())? {
        return Ok(None);
    }
    match logging_in::check(people, &session.asks()) {
        Ok(person) => Ok(Some(person)),
        Err(error) if error.code() == ErrorCode::AccessDenied => Ok(None),
        Err(error) => Err(error),
    }
}

/// The session of an id, if it is good; notes that it is used.
///
/// # Errors
/// If the store fails.
pub(crate) fn find(people: &People, id: &str) -> Result<Option<Good>, ApiError> {
    used(people, &digest(id))
}

/// The session of a digest, if it is good; notes that it is used.
///
/// # Errors
/// If the store fails.
pub(crate) fn used(people: &People, digest: &str) -> Result<Option<Good>, ApiError> {
    let (records, now) = (&people.records, people.now());
    let Some(mut seen) = records.console_sessions.get(digest)? else { return Ok(None) };
    let Some(person) = check(people, &seen)? else {
        end(records, &seen)?;
        return Ok(None);
    };
    if now.since(seen.seen) >= REST {
        seen.record.seen = now;
        let session = seen.record.clone();
        // Another request of the same session may have noted it, or ended it, meanwhile.
        match records.console_sessions.replace(seen) {
            Ok(_) | Err(store::StoreError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        return Ok(Some(Good { session, person }));
    }
    Ok(Some(Good { session: seen.record, person }))
}

/// A user's sessions, those that were used last first.
///
/// # Errors
/// If the store fails.
pub(crate) fn list(
    records: &Records,
    account: &AccountId,
    user: &str,
) -> Result<Vec<ConsoleSession>, ApiError> {
    let mut found = Vec::new();
    let prefix = ConsoleSession::prefix_of(account, user);
    for row in records.console_sessions_of.rows(&prefix, None, 64) {
        if let Some(seen) = records.console_sessions.get(&row?.value)? {
            found.push(seen.record);
        }
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.seen));
    Ok(found)
}

/// Ends a session. One that is over already stays so.
///
/// # Errors
/// If the store fails.
pub(crate) fn end(records: &Records, session: &ConsoleSession) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        if let Some(seen) = records.console_sessions.get(&session.digest)? {
            batch.remove(&seen);
        }
        batch.unpoint(&records.console_sessions_of, &session.key_of_user());
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Removes sessions that are over, whether anybody comes back to them or not.
pub(crate) struct Sweep {
    /// The people whose they are.
    pub(crate) people: People,
}

impl Reconciler for Sweep {
    fn name(&self) -> &str {
        "console sessions"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        Box::pin(self.people.work(|people| {
            let mut pass = Pass::default();
            for seen in people.records.console_sessions.all("") {
                let session = seen?.record;
                pass.looked += 1;
                if check(people, &session)?.is_none() {
                    end(&people.records, &session)?;
                    pass.steps += 1;
                }
            }
            Ok(pass)
        }))
    }
}

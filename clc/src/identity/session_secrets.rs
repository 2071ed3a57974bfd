//! The secrets behind temporary credentials: a new one each day, the old ones as long as a session
//! can last that was sealed by them.
//!
//! ```text
//!   made ── an hour, in which walrus hears of it ──▶ seals what begins ── a day ──▶ seals nothing
//!                                                                                       │
//!                    gone ◀── the longest session, and an hour for clocks that were set ┘
//! ```
//! Whoever learns a secret can make sessions of anybody's; with this they can for two days.

use std::time::Duration;

use common::error::ApiError;
use common::iam::EntityName;
use common::sts::sessions::LONGEST_OF_USER;
use common::time::Timestamp;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::reconcile::{Pass, Reconciler};
use store::{Batch, Seen};

use crate::random;
use crate::records::{Records, SessionSecret, Touched};

/// How often there is a new one.
pub const EVERY: Duration = Duration::from_secs(24 * 3600);
/// How long it is known to everybody before anything is sealed by it.
pub const AHEAD: Duration = Duration::from_secs(3600);
/// How long it is kept beyond the longest session.
const SLACK: Duration = Duration::from_secs(3600);
/// The longest session.
const LONGEST: Duration = Duration::from_secs(LONGEST_OF_USER.unsigned_abs());

/// Makes secrets and removes those that nothing is sealed by any more.
pub struct SessionSecrets {
    /// What lasts.
    pub records: Records,
    /// The time.
    pub clock: Clock,
}

impl Reconciler for SessionSecrets {
    fn name(&self) -> &str {
        "session secrets"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        let now = self.clock.now();
        Box::pin(self.records.work(move |records| rotate(records, now)))
    }
}

/// Adds to a batch: a new secret.
///
/// # Errors
/// If the system has no random bytes, or the store fails.
pub fn make(batch: &mut Batch, touched: &mut Touched, now: Timestamp) -> Result<(), ApiError> {
    let id = format!("{:08x}", u32::from_be_bytes(random::bytes()?));
    let secret = SessionSecret { id, key: random::bytes::<32>()?.to_vec(), created: now };
    batch.insert(&secret)?;
    touched.note(EntityName::SessionKey(secret.id));
    Ok(())
}

/// The secret with which sessions are sealed that begin now: the newest of those that are long
/// enough known; while there is none, the oldest. Blocks.
///
/// # Errors
/// If the store fails.
pub fn sealing(records: &Records, now: Timestamp) -> Result<Option<SessionSecret>, ApiError> {
    let mut all = by_age(records)?;
    let known = all.iter().rposition(|secret| secret.created.plus(AHEAD) <= now);
    let place = known.unwrap_or(0);
    Ok((place < all.len()).then(|| all.swap_remove(place).record))
}

/// All secrets, the oldest first.
fn by_age(records: &Records) -> Result<Vec<Seen<SessionSecret>>, ApiError> {
    let mut all = records.session_secrets.all("").collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(all)
}

fn count(secrets: usize) -> u64 {
    u64::try_from(secrets).unwrap_or(u64::MAX)
}

fn rotate(records: &Records, now: Timestamp) -> Result<Pass, ApiError> {
    let due = |all: &[Seen<SessionSecret>]| {
        all.last().is_none_or(|newest| now.since(newest.created) >= EVERY)
    };
    // Those whose successor has sealed everything for longer than a session lasts.
    let over = |all: &[Seen<SessionSecret>]| {
        let followed = all.iter().zip(all.iter().skip(1));
        followed.take_while(|(_, next)| now.since(next.created) > AHEAD + LONGEST + SLACK).count()
    };
    let all = by_age(records)?;
    let mut pass = Pass { looked: count(all.len()), ..Pass::default() };
    if !due(&all) && over(&all) == 0 {
        return Ok(pass);
    }
    pass.steps = records.change_identity(|batch, touched| {
        let all = by_age(records)?;
        let over = over(&all);
        for secret in &all[..over] {
            batch.remove(secret);
            touched.note(EntityName::SessionKey(secret.id.clone()));
        }
        if due(&all) {
            make(batch, touched, now)?;
        }
        Ok(count(over) + u64::from(due(&all)))
    })?;
    tracing::info!("the secrets of temporary credentials were looked after");
    Ok(pass)
}

#[cfg(test)]
mod tests {
    use common::iam::session::{Session, Who};
    use store::EngineConfig;

    use super::*;
    use crate::identity::sessions::{self, Wanted};

    const HOUR: Duration = Duration::from_secs(3600);

    fn wanted(life: Duration) -> Wanted {
        Wanted {
            account: "123456789012".parse().unwrap(),
            who: Who::User("taro".into()),
            holder: String::new(),
            life,
            policies: Vec::new(),
            policy_arns: Vec::new(),
            second_factor: None,
            source_identity: None,
            origin: None,
            via: None,
        }
    }

    #[test]
    fn every_session_finds_its_secret_and_secrets_do_not_stay() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let mut now = Timestamp::from_secs(1_800_000_000);
        rotate(&records, now).unwrap();
        let (mut tokens, mut used) = (Vec::new(), std::collections::BTreeSet::new());
        for hour in 0..240 {
            rotate(&records, now).unwrap();
            assert_eq!(rotate(&records, now).unwrap().steps, 0, "hour {hour}");
            let made = sessions::begin(&records, wanted(LONGEST), now).unwrap();
            let key = Session::key_of(&made.token).unwrap().to_owned();
            let secret = records.session_secrets.get(&key).unwrap().unwrap();
            // Walrus has had an hour to hear of it, but at the very beginning.
            assert!(hour < 24 || now.since(secret.created) >= AHEAD, "hour {hour}");
            assert!(now.since(secret.created) <= EVERY + AHEAD + HOUR, "hour {hour}");
            used.insert(key);
            tokens.push((made.expires, made.token));
            for (expires, token) in tokens.iter().filter(|(expires, _)| *expires > now) {
                let key = Session::key_of(token).unwrap();
                let secret = records.session_secrets.get(key).unwrap();
                let secret = secret.unwrap_or_else(|| panic!("hour {hour}: {expires:?}"));
                assert!(Session::open(token, &secret.key).is_ok());
            }
            assert!(by_age(&records).unwrap().len() <= 4, "hour {hour}");
            now = now.plus(HOUR);
        }
        assert_eq!(used.len(), 10);
    }

    #[test]
    fn a_clock_that_was_set_takes_no_session_its_secret() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let now = Timestamp::from_secs(1_800_000_000);
        rotate(&records, now).unwrap();
        // Far behind what is on record, nothing is made and nothing goes.
        let before = now.minus(EVERY * 30);
        assert_eq!(rotate(&records, before).unwrap().steps, 0);
        assert!(sealing(&records, before).unwrap().is_some());
        // A cloud that was off for a month: its one secret is followed, and goes only then.
        let late = now.plus(EVERY * 30);
        let old = sealing(&records, late).unwrap().unwrap().id;
        assert_eq!(rotate(&records, late).unwrap().steps, 1);
        assert_eq!(sealing(&records, late).unwrap().unwrap().id, old);
        assert_ne!(sealing(&records, late.plus(AHEAD)).unwrap().unwrap().id, old);
        assert!(records.session_secrets.get(&old).unwrap().is_some());
        let after = late.plus(AHEAD + LONGEST + SLACK);
        rotate(&records, after).unwrap();
        assert!(records.session_secrets.get(&old).unwrap().is_some());
        rotate(&records, after.plus(HOUR)).unwrap();
        assert!(records.session_secrets.get(&old).unwrap().is_none());
    }

    #[test]
    fn walrus_hears_of_each() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        records.begin_epoch().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let rows = || records.feed.scan("", store::After::Start, 100).unwrap().len();
        rotate(&records, now).unwrap();
        assert_eq!(rows(), 1);
        rotate(&records, now.plus(EVERY)).unwrap();
        assert_eq!(rows(), 2);
        let gone = now.plus(EVERY * 4);
        rotate(&records, gone).unwrap();
        // Each of the three is one row: two that are there, one that is told to be gone.
        assert_eq!((rows(), by_age(&records).unwrap().len()), (3, 2));
    }
}

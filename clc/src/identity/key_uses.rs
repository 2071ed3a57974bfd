//! When access keys were used last: noted in memory at each request, written down now and then.
//!
//! ```text
//!   request ──note──▶ memory ──pass, once a minute──▶ record, at most once in five minutes a key
//! ```
//! Noting costs a request no disk and waits for nothing; what a crash loses are minutes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::iam::session::TEMPORARY;
use common::time::Timestamp;
use common::wire::identity::KeyUse as Told;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::reconcile::{Pass, Reconciler};
use runtime::witness::Witness;

use crate::records::{KeyUse, Records};

/// How often what was noted is looked at.
pub const PERIOD: Duration = Duration::from_secs(60);
/// How long a key's use is not written again.
const REST: Duration = Duration::from_secs(5 * 60);
/// How many keys are noted; the uses of others are written when there is room again.
const MOST: usize = 100_000;
/// How many keys one commit is about.
const PORTION: usize = 256;

struct Noted {
    service: String,
    at: Timestamp,
    /// Whether there is news since it was written.
    fresh: bool,
    written: Option<Timestamp>,
}

/// The last uses of keys. Cheap to clone.
#[derive(Clone)]
pub struct KeyUses {
    clock: Clock,
    noted: Arc<Mutex<HashMap<String, Noted>>>,
}

impl KeyUses {
    /// Nothing is noted yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, noted: Arc::default() }
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<String, Noted>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a use. Temporary keys are in no listing, so theirs are not noted.
    pub fn note(&self, key: &str, service: &str, at: Timestamp) {
        if key.starts_with(TEMPORARY) {
            return;
        }
        let mut noted = self.noted();
        if let Some(before) = noted.get_mut(key) {
            if at >= before.at {
                before.at = at;
                before.fresh = true;
                if before.service != service {
                    service.clone_into(&mut before.service);
                }
            }
        } else if noted.len() < MOST {
            let first = Noted { service: service.to_owned(), at, fresh: true, written: None };
            noted.insert(key.to_owned(), first);
        }
    }

    /// Notes what another service tells; its clock may be ahead, but nothing was used in the future.
    pub fn told(&self, uses: &[Told]) {
        let now = self.clock.now();
        uses.iter().for_each(|it| self.note(&it.id, &it.service, it.at.min(now)));
    }

    /// The last use of a key, written down or not. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub fn last(&self, records: &Records, key: &str) -> Result<Option<KeyUse>, ApiError> {
        let written = records.key_uses.get(key)?.map(|seen| seen.record);
        let noted = self.noted();
        let noted = noted.get(key).map(|it| KeyUse {
            key: key.to_owned(),
            service: it.service.clone(),
            at: it.at,
        });
        Ok(written.into_iter().chain(noted).max_by_key(|it| it.at))
    }

    /// Takes what is to be written, and forgets what was written and is used no more.
    fn due(&self) -> Vec<KeyUse> {
        let now = self.clock.now();
        let rested = |it: &Noted| it.written.is_none_or(|then| now.since(then) >= REST);
        let mut due = Vec::new();
        self.noted().retain(|key, it| {
            if !rested(it) {
                return true;
            }
            if !it.fresh {
                return false;
            }
            (it.fresh, it.written) = (false, Some(now));
            due.push(KeyUse { key: key.clone(), service: it.service.clone(), at: it.at });
            true
        });
        due
    }

    /// Says that uses could not be written, so that the next pass tries again.
    fn undone(&self, uses: &[KeyUse]) {
        let mut noted = self.noted();
        for it in uses {
            if let Some(noted) = noted.get_mut(&it.key) {
                (noted.fresh, noted.written) = (true, None);
            }
        }
    }

    fn write(&self, records: &Records) -> Result<Pass, ApiError> {
        let due = self.due();
        let count = |uses: &[KeyUse]| u64::try_from(uses.len()).unwrap_or(u64::MAX);
        let pass = Pass { looked: count(&due), steps: count(&due), unsettled: 0 };
        for (at, portion) in due.chunks(PORTION).enumerate() {
            let written = store::transact(&*records.engine, |batch| {
                for it in portion {
                    // A key that was removed meanwhile leaves nothing behind.
                    let Some(key) = records.access_keys.get(&it.key)? else { continue };
                    match records.key_uses.get(&it.key)? {
                        Some(seen) if seen.at >= it.at => {}
                        Some(mut seen) => {
                            seen.record = it.clone();
                            batch.hold(&key).replace(&seen)?;
                        }
                        None => {
                            batch.hold(&key).insert(it)?;
                        }
                    }
                }
                Ok::<_, ApiError>(())
            });
            if let Err(error) = written {
                self.undone(due.get(at * PORTION..).unwrap_or_default());
                return Err(error);
            }
        }
        Ok(pass)
    }
}

impl Witness for KeyUses {
    fn saw(&self, key: &str, service: &'static str) {
        self.note(key, service, self.clock.now());
    }
}

/// Writes down the last uses of keys.
pub struct KeyUseWriter {
    /// What was noted.
    pub uses: KeyUses,
    /// What lasts.
    pub records: Records,
}

impl Reconciler for KeyUseWriter {
    fn name(&self) -> &str {
        "last uses of keys"
    }

    fn pass(&self) -> BoxFuture<'_, Result<Pass, ApiError>> {
        let uses = self.uses.clone();
        Box::pin(self.records.work(move |records| uses.write(records)))
    }
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;
    use crate::records::AccessKey;

    #[test]
    fn a_use_is_known_at_once_and_written_now_and_then() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let key = AccessKey {
            id: "AKI1".into(),
            secret: "s".into(),
            account: "123456789012".parse().unwrap(),
            user: "u".into(),
            created: Timestamp::EPOCH,
            active: true,
            holder: String::new(),
        };
        records.access_keys.insert(key).unwrap();
        let clock = Clock::manual(Timestamp::from_secs(1_000_000));
        let uses = KeyUses::new(clock.clone());
        let last = |key: &str| uses.last(&records, key).unwrap().map(|it| it.service);
        let on_record = || records.key_uses.get("AKI1").unwrap().map(|it| it.record.service);
        let pass = || uses.write(&records).unwrap().steps;
        assert_eq!(last("AKI1"), None);
        for (key, service) in [("AKI1", "ec2"), ("ASIA1", "ec2"), ("AKI2", "iam")] {
            uses.saw(key, service);
        }
        assert_eq!((last("AKI1").as_deref(), last("ASIA1")), (Some("ec2"), None));
        assert_eq!((pass(), on_record().as_deref()), (2, Some("ec2")));
        // Nobody's key leaves nothing.
        assert!(records.key_uses.get("AKI2").unwrap().is_none());
        clock.advance(Duration::from_secs(60));
        uses.saw("AKI1", "sts");
        assert_eq!((pass(), on_record().as_deref()), (0, Some("ec2")));
        assert_eq!(last("AKI1").as_deref(), Some("sts"));
        clock.advance(REST);
        assert_eq!((pass(), on_record().as_deref()), (1, Some("sts")));
        // What is told late changes nothing, what is told of the future is of now.
        let told = |at: Timestamp| Told { id: "AKI1".into(), service: "s3".into(), at };
        uses.told(&[told(Timestamp::from_secs(5))]);
        assert_eq!(last("AKI1").as_deref(), Some("sts"));
        uses.told(&[told(Timestamp::from_secs(5_000_000))]);
        let noted = uses.last(&records, "AKI1").unwrap().unwrap();
        assert_eq!((noted.service.as_str(), noted.at), ("s3", clock.now()));
        clock.advance(REST * 2);
        assert_eq!(pass(), 1);
        clock.advance(REST * 2);
        assert_eq!(pass(), 0);
        assert!(uses.noted().is_empty());
    }
}

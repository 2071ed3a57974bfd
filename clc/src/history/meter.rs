//! Adds up what accounts use, a day at a time, from when their instances began and ceased to run.
//!
//! ```text
//!   instance: runs, since ──▶ integrate (added up until … now, a little behind it) ──▶ usage-day rows
//!                                                                 one commit with ──▶ usage-metered
//! ```
//! It takes the moments that the records have, not samples, so a run between two passes counts by the
//! millisecond, and what is added up is so once: the rows and the mark of how far they reach are one
//! commit. It stays a minute behind, for what is being committed just now. An instance that ended stays
//! on record until it has been added up. A clock that is set back adds nothing until it has caught up
//! with what was added up; if it is set back far, the mark follows it. Storage has no moments, it is
//! looked at every ten minutes, and a time of which nothing is known is not counted.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use common::error::ApiError;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::quota::Used;
use store::{Batch, StoreError};

use crate::records::{Instance, Metered, Records, SeenState, StoredUse, TypeUse, UsageDay};

/// How far behind the clock it stays.
pub(super) const BEHIND: Duration = Duration::from_secs(60);
/// By how much a clock is set back far.
const FAR: Duration = Duration::from_secs(3600);
/// For how long a look at storage holds at most.
const HOLDS: Duration = Duration::from_secs(900);
/// A day.
const DAY_MS: i64 = 86_400_000;

/// What accounts have stored.
pub(super) type Stored = BTreeMap<AccountId, Used>;

/// The midnight before a moment.
fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(DAY_MS) * DAY_MS)
}

/// The day of a moment, `2026-11-23`.
pub(super) fn day(at: Timestamp) -> String {
    at.iso().get(..10).unwrap_or_default().to_owned()
}

/// The days of a time, each with the part of it that is in the time.
fn days(from: Timestamp, until: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let begin = at;
        let end = until.min(midnight(begin).plus(Duration::from_millis(86_400_000)));
        at = end;
        (begin < until).then_some((begin, end))
    })
}

/// What instances used from a moment to another, by day, account and type.
fn integrate<'a>(
    instances: impl Iterator<Item = &'a Instance>,
    from: Timestamp,
    until: Timestamp,
) -> BTreeMap<(String, AccountId), BTreeMap<String, TypeUse>> {
    let mut all: BTreeMap<_, BTreeMap<String, TypeUse>> = BTreeMap::new();
    for it in instances {
        let ended = it.seen == SeenState::Terminated;
        if it.launched >= until || (ended && it.since < from && it.launched < from) {
            continue;
        }
        for (begin, end) in days(from, until) {
            let launched = it.launched >= begin && it.launched < end;
            let first = begin == midnight(begin);
            let there = it.launched < begin && !(ended && it.since <= begin);
            let ran_ms = it.ran_within(begin, end);
            let used = TypeUse {
                there: u64::from(launched || (first && there)),
                launched: u64::from(launched),
                ran_ms,
                cpu_ms: ran_ms.saturating_mul(u64::from(it.cpus)),
                mib_ms: ran_ms.saturating_mul(it.memory_mib),
            };
            if used != TypeUse::default() {
                let types = all.entry((day(begin), it.account.clone())).or_default();
                types.entry(it.instance_type.clone()).or_default().add(&used);
            }
        }
    }
    all
}

/// Until when use has been added up; `None` before the first time.
///
/// # Errors
/// If the store fails.
pub fn upto(records: &Records) -> Result<Option<Timestamp>, StoreError> {
    Ok(records.metered.get(Metered::KEY)?.map(|seen| seen.upto))
}

/// Adds up what has not been yet: use of instances, and of storage if it was looked at just now.
/// Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn add_up(
    records: &Records,
    instances: &[Instance],
    stored: Option<&Stored>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let until = now.minus(BEHIND);
    let Some(mut mark) = records.metered.get(Metered::KEY)? else {
        // What was before the first time is not known.
        let first = Metered { upto: until, stored: stored.map(|_| now) };
        records.metered.insert(first)?;
        return Ok(());
    };
    if mark.upto.since(until) > FAR {
        tracing::warn!(
            upto = mark.upto.iso(),
            "the clock was set back: use is added up from now on"
        );
        mark.record.upto = until;
    }
    let from = mark.upto;
    let mut rows = BTreeMap::new();
    for ((day, account), types) in integrate(instances.iter(), from, until) {
        let it = row(records, &mut rows, &day, &account)?;
        for (name, used) in types {
            it.types.entry(name).or_default().add(&used);
        }
    }
    if let Some(stored) = stored {
        let span = mark.stored.map_or(Duration::ZERO, |last| now.since(last).min(HOLDS));
        for (account, used) in stored.iter().filter(|(_, used)| **used != Used::default()) {
            let it = &mut row(records, &mut rows, &day(now), account)?.stored;
            let kib = used.bytes.saturating_add(used.uploading).div_ceil(1024);
            it.known_s = it.known_s.saturating_add(span.as_secs());
            it.kib_s = it.kib_s.saturating_add(kib.saturating_mul(span.as_secs()));
            (it.bytes, it.objects) = (used.bytes.saturating_add(used.uploading), used.objects);
            it.buckets = used.buckets;
        }
        mark.record.stored = Some(now);
    }
    mark.record.upto = from.max(until);
    let mut batch = Batch::new();
    batch.replace(&mark)?;
    for entry in rows.into_values() {
        match entry {
            Kept::Old(seen) => drop(batch.replace(&seen)?),
            Kept::New(day) => drop(batch.insert(&day)?),
        }
    }
    batch.commit(&*records.engine)?;
    Ok(())
}

/// A row that is there already, or is not.
enum Kept {
    Old(store::Seen<UsageDay>),
    New(UsageDay),
}

impl Kept {
    fn day(&mut self) -> &mut UsageDay {
        match self {
            Self::Old(seen) => &mut seen.record,
            Self::New(day) => day,
        }
    }
}

/// The row of an account's day, to be added to.
fn row<'a>(
    records: &Records,
    rows: &'a mut BTreeMap<String, Kept>,
    day: &str,
    account: &AccountId,
) -> Result<&'a mut UsageDay, StoreError> {
    let place = match rows.entry(format!("{day}/{account}")) {
        Entry::Occupied(there) => return Ok(there.into_mut().day()),
        Entry::Vacant(place) => place,
    };
    let kept = match records.usage_days.get(place.key())? {
        Some(seen) => Kept::Old(seen),
        None => {
            let known = records.accounts.get(account.as_str())?;
            Kept::New(UsageDay {
                day: day.to_owned(),
                account: account.clone(),
                alias: known.map_or_else(String::new, |seen| seen.record.alias),
                types: BTreeMap::new(),
                stored: StoredUse::default(),
            })
        }
    };
    Ok(place.insert(kept).day())
}

/// Removes days that are older than reports reach. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn forget(records: &Records, before: Timestamp) -> Result<(), StoreError> {
    let oldest = day(before);
    for seen in records.usage_days.all("") {
        let seen = seen?;
        // They lie in the order of their days.
        if seen.day >= oldest {
            break;
        }
        let mut batch = Batch::new();
        batch.remove(&seen);
        batch.commit(&*records.engine)?;
    }
    Ok(())
}

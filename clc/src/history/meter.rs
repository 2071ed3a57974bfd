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
pub fn day(at: Timestamp) -> String {
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

/// The names of the days from one to another, both included, three years of them at most; none, if
/// these are no days.
pub(super) fn named_days(from: &str, until: &str) -> Vec<String> {
    let begin = |text: &str| Timestamp::parse_iso(&format!("{text}T00:00:00Z"));
    let (Ok(from), Ok(until)) = (begin(from), begin(until)) else { return Vec::new() };
    let behind = until.plus(Duration::from_secs(86_400));
    days(from, behind).map(|(begin, _)| day(begin)).take(3 * 366).collect()
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
    let mut mark = match records.metered.get(Metered::KEY)? {
        Some(mark) => mark,
        // It begins with the day: of days before it nothing is told.
        None => records.metered.insert(Metered { upto: midnight(until), stored: None })?,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use store::EngineConfig;

    use super::*;
    use crate::history::report::between;
    use crate::reconcile::step::tests::sample;
    use crate::records::Wanted;

    /// 2026-11-23T00:00:00Z.
    const DAY: i64 = 1_795_392_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(DAY + seconds)
    }

    fn records() -> Records {
        Records::new(store::open(&EngineConfig::memory()).unwrap())
    }

    fn account(number: u8) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    fn launched(whose: u8, kind: &str, when: i64) -> Instance {
        let mut it = sample(Wanted::Running, SeenState::Pending);
        it.account = account(whose);
        it.instance_type = kind.to_owned();
        (it.cpus, it.memory_mib) = (2, 512);
        (it.launched, it.since) = (at(when), at(when));
        it.runs.clear();
        it
    }

    fn pass(records: &Records, instances: &[Instance], when: i64) {
        add_up(records, instances, None, at(when).plus(BEHIND)).unwrap();
    }

    fn used(records: &Records, from: i64, until: i64) -> BTreeMap<AccountId, TypeUse> {
        let all = between(records, None, &day(at(from)), &day(at(until))).unwrap();
        all.into_iter().map(|it| (it.account.clone(), it.instances())).collect()
    }

    #[test]
    fn a_life_is_added_up_to_the_millisecond_however_often_it_is_looked_at() {
        const HOUR: i64 = 3600;
        for passes in [vec![40 * HOUR], vec![HOUR, 40 * HOUR], (1..=400).map(|n| n * 360).collect()]
        {
            let records = records();
            pass(&records, &[], 0);
            let mut it = launched(1, "m1.small", HOUR);
            // It runs, is stopped between two looks, runs again over midnight, and ends.
            for when in passes {
                let mut now = it.clone();
                for (begin, state) in [
                    (HOUR + 100, SeenState::Running),
                    (HOUR + 200, SeenState::Stopping),
                    (HOUR + 210, SeenState::Stopped),
                    (20 * HOUR, SeenState::Pending),
                    (20 * HOUR + 7, SeenState::Running),
                    (30 * HOUR + 7, SeenState::ShuttingDown),
                    (30 * HOUR + 9, SeenState::Terminated),
                ] {
                    if begin <= when {
                        now.see(state, at(begin));
                    }
                }
                let there = HOUR <= when;
                pass(&records, if there { std::slice::from_ref(&now) } else { &[] }, when);
            }
            it.see(SeenState::Running, at(0));
            let all = used(&records, 0, 40 * HOUR);
            let sum = all[&account(1)];
            let ran = (100 + 10 * 3600) * 1000;
            assert_eq!((sum.there, sum.launched, sum.ran_ms), (1, 1, ran));
            assert_eq!((sum.cpu_ms, sum.mib_ms), (2 * ran, 512 * ran));
            let next = used(&records, 24 * HOUR, 40 * HOUR)[&account(1)];
            assert_eq!((next.there, next.launched, next.ran_ms), (1, 0, (6 * 3600 + 7) * 1000));
        }
    }

    #[test]
    fn the_sum_over_accounts_is_the_whole_whatever_the_lives() {
        // A generator of its own, so that a failure can be had again.
        let mut state = 42u64;
        let mut draw = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % most
        };
        let records = records();
        let mut lives = Vec::new();
        let mut whole = TypeUse::default();
        for n in 0..200u64 {
            let mut when = i64::try_from(draw(3 * 86_400)).unwrap();
            let kind = if n % 3 == 0 { "m1.small" } else { "c1.medium" };
            let mut it = launched(u8::try_from(n % 7).unwrap(), kind, when);
            (whole.there, whole.launched) = (whole.there + 1, whole.launched + 1);
            for turn in 0..draw(9) {
                let span = i64::try_from(draw(20_000)).unwrap();
                if turn % 2 == 0 {
                    it.see(SeenState::Running, at(when));
                    let ran = u64::try_from(span).unwrap() * 1000;
                    whole.ran_ms += ran;
                    whole.cpu_ms += ran * 2;
                    whole.mib_ms += ran * 512;
                } else {
                    it.see(SeenState::Stopped, at(when));
                }
                when += span;
            }
            it.see(SeenState::Terminated, at(when));
            lives.push(it);
        }
        pass(&records, &[], 0);
        let last = lives.iter().map(|it| it.since).max().unwrap();
        let mut when = 0;
        while at(when) <= last {
            when += i64::try_from(1 + draw(9000)).unwrap();
            // What has not been launched yet is not there.
            let now: Vec<_> = lives.iter().filter(|it| it.launched <= at(when)).cloned().collect();
            pass(&records, &now, when);
        }
        let mut sum = TypeUse::default();
        used(&records, 0, when).values().for_each(|it| sum.add(it));
        assert_eq!(sum, whole);
        let own = between(&records, Some(&account(3)), &day(at(0)), &day(at(when))).unwrap();
        assert_eq!(own[0].instances(), used(&records, 0, when)[&account(3)]);
    }

    #[test]
    fn a_clock_that_is_set_back_counts_nothing_twice() {
        let records = records();
        let mut it = launched(1, "m1.small", 0);
        it.see(SeenState::Running, at(0));
        let look = |when| pass(&records, std::slice::from_ref(&it), when);
        look(3600);
        look(1800);
        look(3600);
        look(7200);
        assert_eq!(used(&records, 0, 0)[&account(1)].ran_ms, 7200 * 1000);
        // Set back by more than an hour it goes on from there.
        look(0);
        assert_eq!(upto(&records).unwrap(), Some(at(0)));
    }

    #[test]
    fn storage_is_counted_while_it_is_known_and_old_days_go() {
        let records = records();
        let stored = |bytes| {
            let used = Used { bytes, objects: 3, buckets: 1, ..Used::default() };
            Stored::from([(account(1), used), (account(2), Used::default())])
        };
        let look = |bytes, when| add_up(&records, &[], Some(&stored(bytes)), at(when)).unwrap();
        look(1 << 20, 600);
        look(1 << 20, 1200);
        look(2 << 20, 1800);
        look(2 << 20, 10 * 3600);
        let all = between(&records, None, &day(at(0)), &day(at(0))).unwrap();
        assert_eq!(all.len(), 1, "who has nothing has no row");
        let it = all[0].stored;
        // Ten minutes with a MiB, ten with two, and no more than the quarter of an hour that a look
        // holds.
        assert_eq!(it.kib_s, 600 * 1024 + 600 * 2048 + 900 * 2048);
        assert_eq!((it.bytes, it.objects, it.buckets), (2 << 20, 3, 1));
        forget(&records, at(86_400)).unwrap();
        assert!(between(&records, None, "2000-01-01", "2100-01-01").unwrap().is_empty());
    }
}

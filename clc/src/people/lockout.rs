//! How long nobody may try again after wrong passwords: for a name from one address, for a name
//! from wherever, and for an address. What it counts is on record, so that no restart forgives it.
//!
//! ```text
//!   wrong, wrong, … free tries …, wrong ──▶ wait 15 s ── wrong ──▶ 30 s ── … ──▶ an hour at most
//!   right, or a day without a try ──▶ forgotten
//! ```
//!
//! A try is counted before it is looked at and taken back if it was right, so tries that come
//! together are counted one by one. A name is counted whether there is such a user or not, so what is
//! told of a name tells nothing. Names and addresses fall into a bounded number of slots by a hash
//! whose key is the cloud's secret: whatever strangers try, they fill no more rows than there are,
//! and nobody can choose a name that shares a slot with another's. Who is forgiven takes along no
//! failures but those of that name.
//!
//! From one address a name is closed after few tries; for everybody only after many. An address from
//! which its user has logged in lately is not everybody: neither what others tried with the name nor what
//! they tried from the address holds the user up there. And a new password opens the name again: so a
//! stranger cannot keep a user out.

use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::{Batch, Seen, StoreError};

use super::origin;
use crate::random;
use crate::records::people::FAILURES_KEY;
use crate::records::{Failures, FailuresKey, Records};

/// After which time without a try all is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
/// For how long an address from which somebody logged in is theirs.
const FAMILIAR: Duration = Duration::from_secs(30 * 24 * 3600);
/// The first wait.
const FIRST: Duration = Duration::from_secs(15);
/// The longest.
const LONGEST: Duration = Duration::from_secs(3600);
/// How many bits of a hash name a slot.
const BITS: u32 = 18;
/// Whose the failures of a slot are into which several fell.
const SEVERAL: &str = "several";

/// Whom a try is counted against.
#[derive(Debug, Clone)]
pub struct Tried {
    name: String,
    from: Whence,
}

/// Where a try came from.
#[derive(Debug, Clone)]
enum Whence {
    /// An address, as it is counted.
    Address(String),
    /// A request that was signed with a key of that user.
    Signed,
    /// The same, and it is a code that is tried.
    Code,
}

/// A place where failures are counted.
struct Slot {
    kind: char,
    key: String,
    /// Whose they are: a hash of all that the slot's number is cut from.
    who: String,
    free: u32,
}

/// A slot and the failures in it, as they count now.
type Filled = (Slot, Option<Seen<Failures>>);

/// A try that was counted, and what stood there before it.
pub struct Counted(Vec<(String, Option<Failures>)>);

impl Tried {
    /// A try of that user of that account, from that address.
    pub fn new(account: &str, user: &str, address: &str) -> Self {
        Self { name: name(account, user), from: Whence::Address(origin::of(address)) }
    }

    /// A try in a request that was signed by that very user: it is counted by itself, so whoever has
    /// got hold of the key closes nothing else.
    pub fn signed(account: &str, user: &str) -> Self {
        Self { name: name(account, user), from: Whence::Signed }
    }

    /// A code of a user's second factor, tried by whoever signs with a key of theirs: nobody else
    /// can shut them out, so it is counted from wherever it comes.
    pub fn code(account: &AccountId, user: &str) -> Self {
        Self { name: name(account.as_str(), user), from: Whence::Code }
    }

    fn slots(&self, key: &[u8]) -> Vec<Slot> {
        let slot = |kind, text: &str, free| Slot::new(key, kind, text, free);
        match &self.from {
            Whence::Signed => vec![slot('s', &self.name, 5)],
            Whence::Code => vec![slot('m', &self.name, 5)],
            Whence::Address(from) => vec![
                slot('b', &format!("{}\n{from}", self.name), 5),
                slot('n', &self.name, 50),
                slot('a', from, 100),
            ],
        }
    }

    /// Where it is remembered that the user logged in from the address.
    fn familiar(&self, key: &[u8]) -> Option<Slot> {
        let Whence::Address(from) = &self.from else { return None };
        Some(Slot::new(key, 'k', &format!("{}\n{from}", self.name), 0))
    }

    /// Where it is remembered when the name was opened.
    fn opened(&self, key: &[u8]) -> Slot {
        Slot::new(key, 'o', &self.name, 0)
    }
}

fn name(account: &str, user: &str) -> String {
    format!("{}/{}", account.to_ascii_lowercase(), user.to_ascii_lowercase())
}

impl Slot {
    fn new(key: &[u8], kind: char, text: &str, free: u32) -> Self {
        // A MAC takes keys of any length.
        let hash = match Hmac::<Sha256>::new_from_slice(key) {
            Ok(mac) => mac.chain_update(format!("{kind}\n{text}")).finalize().into_bytes(),
            Err(_) => Default::default(),
        };
        let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> (32 - BITS);
        Self { kind, key: format!("{kind}{number:05x}"), who: hex::encode(hash), free }
    }
}

/// The cloud's secret behind the slots, made when it is first wanted. Blocks.
fn key(records: &Records) -> Result<Vec<u8>, ApiError> {
    if let Some(seen) = records.failures_key.get(FAILURES_KEY)? {
        return Ok(seen.record.key);
    }
    let key = random::bytes::<32>()?.to_vec();
    match records.failures_key.insert(FailuresKey { key: key.clone() }) {
        Ok(_) => Ok(key),
        Err(StoreError::Conflict { .. }) => {
            let seen = records.failures_key.get(FAILURES_KEY)?;
            Ok(seen.map_or(key, |seen| seen.record.key))
        }
        Err(error) => Err(error.into()),
    }
}

/// How long nobody may try after so many failures, of which so many are free.
pub fn wait(count: u32, free: u32) -> Duration {
    let Some(beyond) = count.checked_sub(free) else { return Duration::ZERO };
    match 1u32.checked_shl(beyond) {
        Some(factor) => FIRST.saturating_mul(factor).min(LONGEST),
        None => LONGEST,
    }
}

/// The failures of a slot as they count now. Those that seem to be of the time to come were counted
/// before the clock was set back: they are of now.
fn counted(
    records: &Records,
    slot: &Slot,
    opened: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Seen<Failures>>, ApiError> {
    let seen = records.failures.get(&slot.key)?;
    Ok(seen.map(|mut seen| {
        let own = seen.who == slot.who && slot.kind != 'a';
        let before = own && opened.is_some_and(|opened| opened <= now && seen.last < opened);
        // What an earlier version counted bears no name and counts no more.
        if before || seen.who.is_empty() || now.since(seen.last) >= FORGOTTEN {
            seen.record.count = 0;
            seen.record.who.clone_from(&slot.who);
        }
        seen.record.last = seen.last.min(now);
        seen
    }))
}

/// How long a try has to wait that comes too soon after others, and how its slots stand. Blocks.
fn stands(
    records: &Records,
    key: &[u8],
    tried: &Tried,
    now: Timestamp,
) -> Result<(Duration, Vec<Filled>), ApiError> {
    let noted = |slot: Slot| {
        let seen = records.failures.get(&slot.key)?.filter(|seen| seen.who == slot.who);
        Ok::<_, ApiError>(seen.map(|seen| seen.last))
    };
    let opened = noted(tried.opened(key))?;
    let familiar = match tried.familiar(key) {
        Some(slot) => noted(slot)?.is_some_and(|last| now.since(last) < FAMILIAR),
        None => false,
    };
    let (mut longest, mut all) = (Duration::ZERO, Vec::new());
    for slot in tried.slots(key) {
        let seen = counted(records, &slot, opened, now)?;
        if let Some(was) = seen.as_ref().filter(|_| !(familiar && matches!(slot.kind, 'n' | 'a'))) {
            let until = was.last.plus(wait(was.count, slot.free));
            longest = longest.max(until.since(now));
        }
        all.push((slot, seen));
    }
    Ok((longest, all))
}

/// How many seconds a try has to wait that comes too soon after others. Blocks.
///
/// # Errors
/// If the store fails.
pub fn closed(records: &Records, tried: &Tried, now: Timestamp) -> Result<Option<u64>, ApiError> {
    let (wait, _) = stands(records, &key(records)?, tried, now)?;
    Ok((!wait.is_zero()).then(|| wait.as_secs() + 1))
}

/// Adds to a batch: a failure. Blocks.
///
/// # Errors
/// If the store fails.
pub fn count(
    records: &Records,
    batch: &mut Batch,
    tried: &Tried,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (_, slots) = stands(records, &key(records)?, tried, now)?;
    add(batch, slots, now).map(drop)
}

fn add(batch: &mut Batch, slots: Vec<Filled>, now: Timestamp) -> Result<Counted, ApiError> {
    let mut before = Vec::new();
    for (slot, seen) in slots {
        let was = seen.as_ref().map(|seen| seen.record.clone());
        match seen {
            Some(mut seen) => {
                let it = &mut seen.record;
                (it.count, it.last) = (it.count.saturating_add(1), now);
                if it.who != slot.who {
                    SEVERAL.clone_into(&mut it.who);
                }
                batch.replace(&seen)?;
            }
            None => {
                let (slot, who) = (slot.key.clone(), slot.who.clone());
                batch.insert(&Failures { slot, who, count: 1, last: now })?;
            }
        }
        before.push((slot.key, was));
    }
    Ok(Counted(before))
}

/// Refuses a try that comes too soon after others, and counts one that does not as a failure until
/// it is [taken back](take_back) or turns out to be [right]. Blocks.
///
/// # Errors
/// `RequestLimitExceeded` says how long to wait.
pub fn begin(records: &Records, tried: &Tried, now: Timestamp) -> Result<Counted, ApiError> {
    let key = key(records)?;
    let (begun, _) = store::transact(&*records.engine, |batch| {
        let (wait, slots) = stands(records, &key, tried, now)?;
        if wait.is_zero() {
            return Ok::<_, ApiError>(Ok(add(batch, slots, now)?));
        }
        // A clock that was set back is made good, so that the wait begins now and ends.
        for (slot, seen) in slots {
            let ahead = records.failures.get(&slot.key)?.is_some_and(|seen| seen.last > now);
            if let Some(seen) = seen.filter(|_| ahead) {
                batch.replace(&seen)?;
            }
        }
        Ok(Err(wait))
    })?;
    begun.map_err(|wait| {
        let seconds = wait.as_secs() + 1;
        let text = format!("Too many wrong passwords: try again in {seconds} seconds");
        ApiError::new(ErrorCode::RequestLimitExceeded, text)
    })
}

/// A try was none: the password was right, or nobody looked at it. What was counted before stays.
/// Blocks.
///
/// # Errors
/// If the store fails.
pub fn take_back(records: &Records, counted: &Counted) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        for (slot, before) in &counted.0 {
            uncount(records, batch, slot, before.as_ref())?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

fn uncount(
    records: &Records,
    batch: &mut Batch,
    slot: &str,
    before: Option<&Failures>,
) -> Result<(), ApiError> {
    let Some(mut seen) = records.failures.get(slot)? else { return Ok(()) };
    match before {
        // Nobody has tried since.
        Some(before) if seen.count == before.count.saturating_add(1) => {
            seen.record = before.clone();
            batch.replace(&seen)?;
        }
        None if seen.count == 1 => {
            batch.remove(&seen);
        }
        _ => {
            seen.record.count = seen.count.saturating_sub(1);
            batch.replace(&seen)?;
        }
    }
    Ok(())
}

/// Adds to a batch: whoever knew the password is forgiven their tries, but not those of others from
/// the same address, and the address is theirs for a while. Blocks.
///
/// # Errors
/// If the store fails.
pub fn right(
    records: &Records,
    batch: &mut Batch,
    tried: &Tried,
    counted: &Counted,
    now: Timestamp,
) -> Result<(), ApiError> {
    let key = key(records)?;
    for (slot, (_, before)) in tried.slots(&key).iter().zip(&counted.0) {
        if !clear(records, batch, slot)? {
            uncount(records, batch, &slot.key, before.as_ref())?;
        }
    }
    match tried.familiar(&key) {
        Some(slot) => remember(records, batch, slot, now),
        None => Ok(()),
    }
}

/// Adds to a batch: somebody who was right is forgiven their tries. Blocks.
///
/// # Errors
/// If the store fails.
pub fn forgive(records: &Records, batch: &mut Batch, tried: &Tried) -> Result<(), ApiError> {
    for slot in tried.slots(&key(records)?) {
        clear(records, batch, &slot)?;
    }
    Ok(())
}

/// Empties a slot of a name, if nobody else's failures are in it.
fn clear(records: &Records, batch: &mut Batch, slot: &Slot) -> Result<bool, ApiError> {
    let own = records.failures.get(&slot.key)?.filter(|seen| seen.who == slot.who);
    let Some(seen) = own.filter(|_| slot.kind != 'a') else { return Ok(false) };
    batch.remove(&seen);
    Ok(true)
}

/// Adds to a batch: a name is open again, from wherever, because it has another password. Blocks.
///
/// # Errors
/// If the store fails.
pub fn open(
    records: &Records,
    batch: &mut Batch,
    account: &str,
    user: &str,
    now: Timestamp,
) -> Result<(), ApiError> {
    let slot = Tried::signed(account, user).opened(&key(records)?);
    remember(records, batch, slot, now)
}

/// Notes in a slot when something was.
fn remember(
    records: &Records,
    batch: &mut Batch,
    slot: Slot,
    now: Timestamp,
) -> Result<(), ApiError> {
    match records.failures.get(&slot.key)? {
        Some(mut seen) => {
            (seen.record.who, seen.record.last) = (slot.who, now);
            batch.replace(&seen)?;
        }
        None => {
            let (slot, who) = (slot.key, slot.who);
            batch.insert(&Failures { slot, who, count: 0, last: now })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn records() -> Records {
        Records::new(store::open(&EngineConfig::memory()).unwrap())
    }

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn fails(records: &Records, tried: &Tried, times: u32) {
        for _ in 0..times {
            begin(records, tried, NOW).unwrap();
        }
    }

    fn right(records: &Records, tried: &Tried, now: Timestamp) {
        let counted = begin(records, tried, now).unwrap();
        let mut batch = Batch::new();
        super::right(records, &mut batch, tried, &counted, now).unwrap();
        batch.commit(&*records.engine).unwrap();
    }

    fn from(address: &str) -> Tried {
        Tried::new("taro", "admin", address)
    }

    #[test]
    fn waits_double_up_to_an_hour() {
        let seconds = |count| wait(count, 5).as_secs();
        let told: Vec<_> = [0, 4, 5, 6, 7, 12, 13, 40, u32::MAX].map(seconds).to_vec();
        assert_eq!(told, [0, 0, 15, 30, 60, 1920, 3600, 3600, 3600]);
    }

    #[test]
    fn a_name_is_closed_for_one_address_before_it_is_for_all() {
        let records = records();
        let near = Tried::new("Taro", "ADMIN", "192.0.2.1");
        fails(&records, &near, 5);
        let told = begin(&records, &near, NOW).err().unwrap();
        assert_eq!(told.code(), ErrorCode::RequestLimitExceeded);
        assert!(told.text().contains("16 seconds"), "{told}");
        right(&records, &from("192.0.2.2"), NOW);
        assert!(begin(&records, &near, NOW).is_err(), "that is another address");
        for number in 0..10 {
            fails(&records, &from(&format!("198.51.100.{number}")), 5);
        }
        assert!(begin(&records, &from("192.0.2.3"), NOW).is_err());
        begin(&records, &near, after(15)).unwrap();
        begin(&records, &from("192.0.2.3"), after(100_000)).unwrap();
    }

    #[test]
    fn a_stranger_keeps_nobody_out() {
        let records = records();
        let home = from("2001:db8:1:2::1");
        right(&records, &home, NOW);
        for number in 0..10 {
            fails(&records, &from(&format!("198.51.100.{number}")), 5);
        }
        assert!(begin(&records, &from("192.0.2.1"), NOW).is_err());
        // Whoever has logged in lately from there does again, and is bounded like anybody else.
        right(&records, &from("2001:db8:1:2::2"), NOW);
        for number in 0..10 {
            fails(&records, &from(&format!("198.51.101.{number}")), 5);
        }
        fails(&records, &home, 5);
        assert!(begin(&records, &home, NOW).is_err());
        // Another password opens the name to all.
        let mut batch = Batch::new();
        open(&records, &mut batch, "TARO", "admin", after(1)).unwrap();
        batch.commit(&*records.engine).unwrap();
        for tried in [&home, &from("198.51.101.1"), &from("192.0.2.1")] {
            begin(&records, tried, after(1)).unwrap();
        }
    }

    #[test]
    fn a_stranger_behind_the_same_address_keeps_nobody_out() {
        let records = records();
        let home = from("192.0.2.1");
        right(&records, &home, NOW);
        for number in 0..20 {
            fails(&records, &Tried::new(&format!("u{number}"), "admin", "192.0.2.1"), 5);
        }
        let unknown = Tried::new("jiro", "admin", "192.0.2.1");
        assert!(begin(&records, &unknown, NOW).is_err(), "the address is closed");
        right(&records, &home, NOW);
        // The name itself is as closed there as anywhere.
        fails(&records, &home, 5);
        assert!(begin(&records, &home, NOW).is_err());
    }

    #[test]
    fn whoever_signs_closes_nothing_but_that() {
        let records = records();
        let signed = Tried::signed("taro", "admin");
        fails(&records, &signed, 5);
        assert!(begin(&records, &signed, NOW).is_err());
        begin(&records, &from("192.0.2.1"), NOW).unwrap();
        begin(&records, &Tried::signed("jiro", "admin"), NOW).unwrap();
        for number in 0..30 {
            fails(&records, &Tried::signed("taro", &format!("u{number}")), 5);
        }
        begin(&records, &Tried::signed("jiro", "admin"), NOW).unwrap();
    }

    #[test]
    fn a_try_that_was_right_or_none_leaves_all_as_it_was() {
        let records = records();
        let tried = from("192.0.2.1");
        fails(&records, &tried, 5);
        let late = after(15);
        for _ in 0..3 {
            // Each at once after the other: no wait has begun anew.
            let counted = begin(&records, &tried, late).unwrap();
            assert!(begin(&records, &tried, late).is_err(), "they are counted while they go on");
            take_back(&records, &counted).unwrap();
        }
        let first = from("192.0.2.77");
        let counted = begin(&records, &first, late).unwrap();
        take_back(&records, &counted).unwrap();
        let key = key(&records).unwrap();
        let own = first.slots(&key).remove(0);
        assert!(records.failures.get(&own.key).unwrap().is_none());
    }

    #[test]
    fn nobody_wipes_the_failures_of_another() {
        let records = records();
        let key = key(&records).unwrap();
        let victim = from("192.0.2.1");
        let slot = victim.slots(&key).remove(1);
        fails(&records, &victim, 4);
        // As if another name fell into the same slot: it is forgiven its own try.
        let mut seen = records.failures.get(&slot.key).unwrap().unwrap();
        seen.record.who = "another".into();
        records.failures.replace(seen).unwrap();
        right(&records, &from("192.0.2.9"), NOW);
        assert_eq!(records.failures.get(&slot.key).unwrap().unwrap().count, 4);
        // Which slot a name falls into is the cloud's secret.
        assert_ne!(victim.slots(&[1; 32])[1].key, victim.slots(&[2; 32])[1].key);
    }

    #[test]
    fn a_clock_that_was_set_back_shuts_nobody_out() {
        let records = records();
        let (few, many) = (from("192.0.2.1"), Tried::new("jiro", "admin", "192.0.2.2"));
        fails(&records, &few, 2);
        fails(&records, &many, 5);
        let back = Timestamp::from_secs(1_000_000 - 36_000);
        begin(&records, &few, back).unwrap();
        assert!(begin(&records, &many, back).is_err());
        begin(&records, &many, back.plus(Duration::from_secs(15))).unwrap();
    }

    #[test]
    fn what_an_earlier_version_counted_counts_no_more() {
        let records = records();
        let tried = from("192.0.2.1");
        let slot = tried.slots(&key(&records).unwrap()).remove(0).key;
        let old = serde_json::json!({"slot": slot, "count": 60, "last": NOW});
        records.failures.insert(serde_json::from_value(old).unwrap()).unwrap();
        fails(&records, &tried, 5);
        assert!(begin(&records, &tried, NOW).is_err());
    }

    #[test]
    fn slots_are_bounded_in_number() {
        let slots: std::collections::BTreeSet<_> =
            (0..100_000).map(|number| Slot::new(b"x", 'n', &number.to_string(), 5).key).collect();
        assert!(slots.iter().all(|slot| slot.len() == 6));
        assert!(slots.len() < 100_000 && slots.len() <= 1 << BITS);
    }
}

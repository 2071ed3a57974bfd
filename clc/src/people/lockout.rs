//! How long nobody may try again after wrong passwords: for a name from one address, for a name
//! from wherever, and for an address. The rule is pure; what it counts is on record, so that no
//! restart forgives it.
//!
//! ```text
//!   wrong, wrong, … free tries …, wrong ──▶ wait 15 s ── wrong ──▶ 30 s ── … ──▶ an hour at most
//!   right, or a day without a try ──▶ forgotten
//! ```
//!
//! A name is counted whether there is such a user or not, so what is told of a name tells nothing.
//! Names and addresses fall into a bounded number of slots by their hash: whatever strangers try,
//! they fill no more rows than there are. From one address a name is closed after few tries; for
//! everybody only after many, so that a stranger cannot easily shut a user out.

use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;
use sha2::{Digest as _, Sha256};
use store::Batch;

use crate::records::{Failures, Records};

/// After which time without a try all is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
/// The first wait.
const FIRST: Duration = Duration::from_secs(15);
/// The longest.
const LONGEST: Duration = Duration::from_secs(3600);
/// How many bits of a hash name a slot.
const BITS: u32 = 18;

/// Whom a try is counted against.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Slots with the tries that are free in each, and whether being right forgives them.
    slots: Vec<(String, u32, bool)>,
}

impl Tried {
    /// A try of that user of that account, from that address.
    pub fn new(account: &str, user: &str, address: &str) -> Self {
        let name = format!("{}/{}", account.to_ascii_lowercase(), user.to_ascii_lowercase());
        Self {
            slots: vec![
                (slot("b", &format!("{name}\n{address}")), 5, true),
                (slot("n", &name), 50, true),
                (slot("a", address), 100, false),
            ],
        }
    }

    /// A code of a user's second factor, tried by whoever signs with a key of theirs: nobody else
    /// can shut them out, so it is counted from wherever it comes.
    pub fn code(account: &AccountId, user: &str) -> Self {
        let name = format!("{account}/{}", user.to_ascii_lowercase());
        Self { slots: vec![(slot("m", &name), 5, true)] }
    }
}

fn slot(kind: &str, text: &str) -> String {
    let hash = Sha256::digest(format!("{kind}\n{text}"));
    let number = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) >> (32 - BITS);
    format!("{kind}{number:05x}")
}

/// How long nobody may try after so many failures, of which so many are free.
pub fn wait(count: u32, free: u32) -> Duration {
    let Some(beyond) = count.checked_sub(free) else { return Duration::ZERO };
    match 1u32.checked_shl(beyond) {
        Some(factor) => FIRST.saturating_mul(factor).min(LONGEST),
        None => LONGEST,
    }
}

/// How many seconds a try has to wait that comes too soon after others. Blocks.
///
/// # Errors
/// If the store fails.
pub fn closed(records: &Records, tried: &Tried, now: Timestamp) -> Result<Option<u64>, ApiError> {
    let mut longest = Duration::ZERO;
    for (slot, free, _) in &tried.slots {
        if let Some(failures) = records.failures.get(slot)? {
            let until = failures.last.plus(wait(failures.count, *free));
            if now.since(failures.last) < FORGOTTEN && until > now {
                longest = longest.max(until.since(now));
            }
        }
    }
    Ok((!longest.is_zero()).then(|| longest.as_secs() + 1))
}

/// Refuses a try that comes too soon after others. Blocks.
///
/// # Errors
/// `RequestLimitExceeded` says how long to wait.
pub fn admit(records: &Records, tried: &Tried, now: Timestamp) -> Result<(), ApiError> {
    let Some(seconds) = closed(records, tried, now)? else { return Ok(()) };
    let text = format!("Too many wrong passwords: try again in {seconds} seconds");
    Err(ApiError::new(ErrorCode::RequestLimitExceeded, text))
}

/// Counts a failure. Blocks.
///
/// # Errors
/// If the store fails.
pub fn failed(records: &Records, tried: &Tried, now: Timestamp) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| count(records, batch, tried, now))?;
    Ok(())
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
    for (slot, ..) in &tried.slots {
        match records.failures.get(slot)? {
            Some(mut seen) => {
                let forgotten = now.since(seen.last) >= FORGOTTEN;
                seen.record.count = if forgotten { 1 } else { seen.count.saturating_add(1) };
                seen.record.last = now;
                batch.replace(&seen)?;
            }
            None => {
                batch.insert(&Failures { slot: slot.clone(), count: 1, last: now })?;
            }
        }
    }
    Ok(())
}

/// Adds to a batch: whoever knew the password is forgiven their tries, but not those of others from
/// the same address. Blocks.
///
/// # Errors
/// If the store fails.
pub fn forgive(records: &Records, batch: &mut Batch, tried: &Tried) -> Result<(), ApiError> {
    for (slot, ..) in tried.slots.iter().filter(|(.., forgiven)| *forgiven) {
        if let Some(seen) = records.failures.get(slot)? {
            batch.remove(&seen);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let seconds = |count| wait(count, 5).as_secs();
        let told: Vec<_> = [0, 4, 5, 6, 7, 12, 13, 40, u32::MAX].map(seconds).to_vec();
        assert_eq!(told, [0, 0, 15, 30, 60, 1920, 3600, 3600, 3600]);
    }

    #[test]
    fn a_name_is_closed_for_one_address_before_it_is_for_all() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let now = Timestamp::from_secs(1_000_000);
        let (near, far) = (Tried::new("Taro", "admin", "1"), Tried::new("taro", "ADMIN", "2"));
        for _ in 0..4 {
            admit(&records, &near, now).unwrap();
            failed(&records, &near, now).unwrap();
        }
        admit(&records, &near, now).unwrap();
        failed(&records, &near, now).unwrap();
        let told = admit(&records, &near, now).unwrap_err();
        assert_eq!(told.code(), ErrorCode::RequestLimitExceeded);
        assert!(told.text().contains("16 seconds"), "{told}");
        admit(&records, &far, now).unwrap();
        admit(&records, &near, now.plus(Duration::from_secs(16))).unwrap();
        for _ in 0..45 {
            failed(&records, &far, now).unwrap();
        }
        let other = Tried::new("taro", "admin", "3");
        assert!(admit(&records, &other, now).is_err());
        let mut batch = Batch::new();
        forgive(&records, &mut batch, &other).unwrap();
        batch.commit(&*records.engine).unwrap();
        admit(&records, &other, now).unwrap();
        assert!(admit(&records, &far, now.plus(Duration::from_secs(100_000))).is_ok());
    }

    #[test]
    fn slots_are_bounded_in_number() {
        let slots: std::collections::BTreeSet<_> =
            (0..100_000).map(|number| slot("n", &number.to_string())).collect();
        assert!(slots.iter().all(|slot| slot.len() == 6));
        assert!(slots.len() < 100_000 && slots.len() <= 1 << BITS);
    }
}

//! Codes of a second factor: RFC 6238 with SHA-1, six digits, thirty seconds. Pure.

use common::time::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

/// How long a code is shown, seconds.
const STEP: u64 = 30;
/// How many steps a device's clock may be off.
const DRIFT: u64 = 1;
/// How many steps an hour has.
const HOUR: u64 = 120;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step of time of a moment.
pub fn step(now: Timestamp) -> u64 {
    u64::try_from(now.as_secs()).unwrap_or_default() / STEP
}

/// The latest step whose code is taken at a moment, of a device that is ahead by so many steps.
pub fn newest(now: Timestamp, ahead: i64) -> u64 {
    step(now).saturating_add_signed(ahead) + DRIFT
}

/// What a device with that secret shows at that step.
pub fn code(secret: &[u8], step: u64) -> String {
    // A MAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let sum = mac.finalize().into_bytes();
    let at = usize::from(sum[19] & 15);
    let word = u32::from_be_bytes([sum[at] & 0x7f, sum[at + 1], sum[at + 2], sum[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// The step at which a device has shown this code, if that is now or nearly so by its clock, which is
/// `ahead` by so many steps, and later than the step whose code was taken last.
pub fn shown_at(
    secret: &[u8],
    shown: &str,
    now: Timestamp,
    (used, ahead): (u64, i64),
) -> Option<u64> {
    let now = step(now).saturating_add_signed(ahead);
    let mut found = None;
    for step in now.saturating_sub(DRIFT)..=now + DRIFT {
        // All are compared, so that it takes as long whichever it is.
        let same = bool::from(code(secret, step).as_bytes().ct_eq(shown.as_bytes()));
        if same && step > used && found.is_none() {
            found = Some(step);
        }
    }
    found
}

/// Two codes in a row, as a device shows them when it is first tried: the step of the second.
pub fn in_a_row(secret: &[u8], first: &str, second: &str, now: Timestamp) -> Option<u64> {
    // Between reading two codes and typing them more time passes.
    let now = step(now);
    find_row(secret, (first, second), now.saturating_sub(4)..=now + DRIFT)
}

/// The same of a device whose clock is an hour wrong at most, but later than the step whose code was
/// taken last.
pub fn resynced(
    secret: &[u8],
    first: &str,
    second: &str,
    now: Timestamp,
    used: u64,
) -> Option<(u64, i64)> {
    let now = step(now);
    let steps = now.saturating_sub(HOUR).max(used + 1)..=now + HOUR;
    let shown = find_row(secret, (first, second), steps)?;
    let ahead = i64::try_from(shown).ok()?.checked_sub(i64::try_from(now).ok()?)?;
    // Reading and typing takes time, too: that is no wrong clock.
    Some((shown, if (-2..=1).contains(&ahead) { 0 } else { ahead }))
}

fn find_row(
    secret: &[u8],
    (first, second): (&str, &str),
    mut steps: std::ops::RangeInclusive<u64>,
) -> Option<u64> {
    steps.find_map(|step| {
        let one = code(secret, step).as_bytes().ct_eq(first.as_bytes());
        let two = code(secret, step + 1).as_bytes().ct_eq(second.as_bytes());
        bool::from(one & two).then_some(step + 1)
    })
}

/// A secret as devices read it: base32 without padding.
pub fn base32(secret: &[u8]) -> String {
    let mut text = String::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in secret {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B, and the last six of its eight digits.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(SECRET, step(Timestamp::from_secs(seconds))), expected, "{seconds}");
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (bytes, text) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_code_is_good_once_and_for_a_while() {
        let now = Timestamp::from_secs(1_234_567_890);
        let at = step(now);
        let shown = |step| code(SECRET, step);
        for (offset, taken) in [(-2i64, false), (-1, true), (0, true), (1, true), (2, false)] {
            let shown = shown(at.saturating_add_signed(offset));
            let found = shown_at(SECRET, &shown, now, (0, 0));
            assert_eq!(found, taken.then(|| at.saturating_add_signed(offset)), "{offset}");
        }
        assert_eq!(shown_at(SECRET, &shown(at), now, (at, 0)), None);
        assert_eq!(shown_at(SECRET, &shown(at + 1), now, (at, 0)), Some(at + 1));
        assert_eq!(shown_at(SECRET, "", now, (0, 0)), None);
        assert_eq!(in_a_row(SECRET, &shown(at - 1), &shown(at), now), Some(at));
        assert_eq!(in_a_row(SECRET, &shown(at), &shown(at), now), None);
        assert_eq!(in_a_row(SECRET, &shown(at - 9), &shown(at - 8), now), None);
    }
    #[test]
    fn a_clock_that_is_wrong_is_taken_as_it_is() {
        let now = Timestamp::from_secs(1_234_567_890);
        let at = step(now);
        let shown = |ahead: i64| code(SECRET, at.saturating_add_signed(ahead));
        for (ahead, expected) in [
            (0, Some(0)),
            (-2, Some(0)),
            (1, Some(0)),
            (-3, Some(-3)),
            (2, Some(2)),
            (60, Some(60)),
            (-118, Some(-118)),
            (-200, None),
            (200, None),
        ] {
            let found = resynced(SECRET, &shown(ahead - 1), &shown(ahead), now, 0);
            let step = at.saturating_add_signed(ahead);
            assert_eq!(found, expected.map(|ahead| (step, ahead)), "{ahead}");
            let Some(taken) = expected else { continue };
            let next = shown_at(SECRET, &shown(ahead + 1), now, (step, taken));
            let reachable = ahead + 1 - taken <= 1;
            assert_eq!(next.is_some(), reachable, "{ahead}");
        }
        assert_eq!(resynced(SECRET, &shown(0), &shown(0), now, 0), None);
        // What was taken is not taken again, whatever the clock was.
        assert_eq!(resynced(SECRET, &shown(-10), &shown(-9), now, at), None);
        assert_eq!(shown_at(SECRET, &shown(0), now, (0, 60)), None);
    }
}

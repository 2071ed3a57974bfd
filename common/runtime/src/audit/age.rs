//! How old what is in the log is, told by the log itself and not by the clock alone. Pure.
//!
//! A clock may be years ahead for a moment, at a start without a battery or by a wrong command. What
//! counts of a pause between records is a day and of a segment two, whatever the clock says: so a
//! clock that jumps makes the log older by a few days, and removes nothing that is not nearly due.

use std::time::Duration;

use common::time::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When the first and the last record of a segment were written.
pub(super) type Span = (Option<Timestamp>, Option<Timestamp>);

/// How many of the oldest segments hold nothing that is not older than `kept`. The last is the one
/// that is written to.
pub(super) fn too_old(spans: &[Span], now: Timestamp, kept: Duration) -> usize {
    let (mut age, mut begun) = (Duration::ZERO, now);
    for (place, (from, to)) in spans.iter().enumerate().rev() {
        let (Some(from), Some(to)) = (*from, *to) else { continue };
        age += begun.since(to).min(DAY);
        if age > kept {
            return place + 1;
        }
        age += to.since(from).min(DAY * 2);
        begun = from;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + hours * 3600)
    }

    fn span(from: i64, to: i64) -> Span {
        (Some(at(from)), Some(at(to)))
    }

    #[test]
    fn what_is_older_than_it_is_kept() {
        let days: Vec<Span> = (0..10).map(|day| span(day * 24, day * 24 + 23)).collect();
        let old = |kept: u32| too_old(&days, at(239), DAY * kept);
        assert_eq!([old(3), old(8), old(9), old(90)], [6, 1, 0, 0]);
        assert_eq!(too_old(&[], at(0), DAY), 0);
        assert_eq!(too_old(&[(None, None)], at(0), DAY), 0);
    }

    #[test]
    fn a_clock_that_runs_ahead_removes_nothing() {
        let years = 9 * 365 * 24;
        let mut spans: Vec<Span> = (0..10).map(|day| span(day * 24, day * 24 + 23)).collect();
        assert_eq!(too_old(&spans, at(years), DAY * 12), 0);
        // Records of then, in the same segment and in one of their own; started twice.
        spans.push(span(240, years));
        spans.push(span(years, years + 1));
        assert_eq!(too_old(&spans, at(years + 2), DAY * 14), 0);
        // It was set back, and time goes on.
        spans.push(span(241, 242));
        assert_eq!(too_old(&spans, at(243), DAY * 14), 0);
        spans.extend((11..26).map(|day| span(day * 24, day * 24 + 23)));
        assert_eq!(too_old(&spans, at(26 * 24), DAY * 14), 14);
    }
}

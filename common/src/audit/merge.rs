//! One look-up over several logs: the newest first, page by page, without a gap and without a record
//! twice.
//!
//! ```text
//!   clc: changes ─┐                                  ┌─ events, by time
//!   clc: reads   ─┤   a piece of each, from its      │
//!   s3:  changes ─┼──  place down  ───────▶ merge ───┤
//!   s3:  reads   ─┘                                  └─ a place in each, as one token
//! ```
//! Each log is in the order in which it was written, and of what stands foremost in them the latest
//! comes first. A log that has more than its piece holds ends the page when the piece is used up,
//! because what it has next is not known.

use serde::{Deserialize, Serialize};

use super::event::Event;

/// Where a look-up stands in one log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// At its newest record.
    Top,
    /// Only records with numbers below this one are left.
    Below(u64),
    /// Nothing is left.
    #[default]
    End,
}

/// What one log has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Records with their numbers, the newest first.
    pub records: Vec<(u64, Event)>,
    /// Where there may be more.
    pub next: Place,
}

/// The latest events of all pieces, `most` of them at most, and where the look-up stands in each log
/// then.
pub fn merge(pieces: Vec<Piece>, most: usize) -> (Vec<Event>, Vec<Place>) {
    let mut places: Vec<Place> = Vec::with_capacity(pieces.len());
    let mut left = Vec::with_capacity(pieces.len());
    for Piece { records, next } in pieces {
        // What is written from now on is none of the pages that follow.
        places.push(records.first().map_or(next, |(n, _)| Place::Below(n.saturating_add(1))));
        left.push((records.into_iter().peekable(), next));
    }
    let mut events = Vec::new();
    while events.len() < most {
        let foremost = left.iter_mut().enumerate();
        let mut latest = None;
        let mut unknown = false;
        for (log, (records, next)) in foremost {
            match records.peek() {
                Some((_, event)) if latest.is_none_or(|(at, _)| event.at > at) => {
                    latest = Some((event.at, log));
                }
                Some(_) => {}
                None => unknown |= *next != Place::End,
            }
        }
        let Some((_, log)) = latest.filter(|_| !unknown) else { break };
        let (records, next) = &mut left[log];
        if let Some((n, event)) = records.next() {
            events.push(event);
            places[log] = if records.peek().is_some() { Place::Below(n) } else { *next };
        }
    }
    (events, places)
}

/// The places as one text; none if nothing is left anywhere.
pub fn token(places: &[Place]) -> Option<String> {
    let text = |place: &Place| match place {
        Place::Top => "t".to_owned(),
        Place::Below(n) => n.to_string(),
        Place::End => "e".to_owned(),
    };
    let more = places.iter().any(|place| *place != Place::End);
    more.then(|| places.iter().map(text).collect::<Vec<_>>().join("."))
}

/// The places that a text tells, if it is one that was given out for so many logs.
pub fn places<const LOGS: usize>(token: &str) -> Option<[Place; LOGS]> {
    let place = |text: &str| match text {
        "t" => Some(Place::Top),
        "e" => Some(Place::End),
        number => {
            let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            number.parse().ok().filter(|_| digits).map(Place::Below)
        }
    };
    let places: Option<Vec<Place>> = token.split('.').map(place).collect();
    places?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::event::sample;
    use super::*;

    /// A log whose records have these times, oldest first.
    fn piece(times: &[i64], place: Place, most: usize) -> Piece {
        let all = times.iter().zip(1..).map(|(at, n)| (n, sample(*at)));
        let below = |n: u64| match place {
            Place::Top => true,
            Place::Below(before) => n < before,
            Place::End => false,
        };
        let mut records: Vec<_> = all.filter(|(n, _)| below(*n)).collect();
        records.reverse();
        let more = records.len() > most;
        records.truncate(most);
        let next = records.last().filter(|_| more).map_or(Place::End, |(n, _)| Place::Below(*n));
        Piece { records, next }
    }

    #[test]
    fn pages_of_any_size_tell_all_once_and_by_time() {
        let logs: [&[i64]; 3] = [&[1, 4, 5, 9, 12], &[2, 3, 6, 7, 8, 10], &[]];
        for (most, held) in [(1, 1), (2, 1), (3, 3), (4, 2), (50, 50)] {
            let mut places = [Place::Top; 3];
            let mut seen = Vec::new();
            for _ in 0..40 {
                let pieces = logs.iter().zip(places).map(|(log, at)| piece(log, at, held));
                let (events, next) = merge(pieces.collect(), most);
                seen.extend(events.iter().map(|it| it.request_id.clone()));
                let Some(text) = token(&next) else { break };
                places = super::places(&text).unwrap();
            }
            let expected: Vec<_> =
                [12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1].iter().map(|n| format!("r-{n}")).collect();
            assert_eq!(seen, expected, "{most} of {held}");
        }
    }

    #[test]
    fn what_is_written_between_two_pages_is_on_none_of_them() {
        let (events, next) = merge(vec![piece(&[5], Place::Top, 9), piece(&[1], Place::Top, 9)], 1);
        assert_eq!(events[0].request_id, "r-5");
        assert_eq!(next, [Place::End, Place::Below(2)]);
        // Nothing is left in a log that could not look far enough, and yet the page ends there.
        let blind = Piece { records: Vec::new(), next: Place::Below(7) };
        let (events, next) = merge(vec![piece(&[5], Place::Top, 9), blind], 9);
        assert_eq!((events.len(), next), (0, vec![Place::Below(2), Place::Below(7)]));
    }

    #[test]
    fn tokens_are_those_that_were_given_out() {
        let all = [Place::Top, Place::Below(17), Place::End];
        assert_eq!(token(&all).unwrap(), "t.17.e");
        assert_eq!(places("t.17.e"), Some(all));
        assert_eq!(token(&[Place::End, Place::End]), None);
        for bad in
            ["", "t", "t.17", "t.17.e.e", "t.+1.e", "t..e", "t.x.e", "t.99999999999999999999.e"]
        {
            assert_eq!(places::<3>(bad), None, "{bad}");
        }
    }
}

//! Lines of the log and the chain that they make: written, read, verified.
//!
//! A line is the SHA-256 of its JSON in hex, a space, the JSON, a line feed. The JSON holds the
//! number of the record and the hash of the one before it. So a line whose bytes were changed does
//! not fit its own hash; one that was replaced as a whole does not fit the next; one that is missing
//! leaves a gap in the numbers; and a log whose end was cut off ends before its head.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::event::Event;
use crate::time::Timestamp;

/// How long a hash is as text.
const HASH: usize = 64;

/// What stands before the first record of all.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A call.
    Event(Box<Event>),
    /// The log was opened: by a start of the service.
    Opened {
        /// When.
        at: Timestamp,
        /// How many bytes of a torn last line were cut off.
        torn: u64,
        /// How many records are missing that were there when the service ended.
        missing: u64,
    },
    /// Whole segments were removed, because they were old or too much.
    Dropped {
        /// When.
        at: Timestamp,
        /// The last record that was removed.
        last: u64,
        /// Its hash: the first one that is left holds it, too.
        hash: String,
    },
    /// Records could not be written.
    Lost {
        /// When they could be again.
        at: Timestamp,
        /// How many.
        records: u64,
    },
    /// The end of a segment.
    Sealed {
        /// When.
        at: Timestamp,
        /// How many records it has before this one.
        records: u64,
    },
}

impl Content {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Event(event) => event.at,
            Self::Opened { at, .. }
            | Self::Dropped { at, .. }
            | Self::Lost { at, .. }
            | Self::Sealed { at, .. } => *at,
        }
    }
}

/// A record in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number; the first is 1.
    pub n: u64,
    /// The hash of the one before it.
    pub before: String,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

/// The end of a chain: what its last record is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last record; 0 if there is none.
    pub n: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { n: 0, hash: NOTHING.to_owned() }
    }
}

impl Head {
    /// Writes the next record as a line, whose end is the head from then on.
    ///
    /// # Errors
    /// If the content cannot be written as JSON.
    pub fn append(&mut self, content: Content, line: &mut String) -> Result<(), serde_json::Error> {
        let record = Record { n: self.n + 1, before: self.hash.clone(), content };
        let json = serde_json::to_string(&record)?;
        let hash = digest(&json);
        line.reserve(HASH + json.len() + 2);
        line.push_str(&hash);
        line.push(' ');
        line.push_str(&json);
        line.push('\n');
        *self = Self { n: record.n, hash };
        Ok(())
    }
}

fn digest(json: &str) -> String {
    hex::encode(Sha256::digest(json.as_bytes()))
}

/// What is wrong with a log, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A line is none of ours, or its bytes were changed.
    #[error("record {n} was changed: {why}")]
    Changed {
        /// Which record it has to be.
        n: u64,
        /// What does not fit.
        why: &'static str,
    },
    /// A record is not where it belongs.
    #[error("record {wanted} is missing: record {found} stands in its place")]
    Missing {
        /// Which.
        wanted: u64,
        /// What stands there.
        found: u64,
    },
    /// A line fits itself and not the one before it.
    #[error("record {0} was replaced: the one behind it knows another")]
    Replaced(u64),
    /// The log ends too early.
    #[error("record {0} is missing: the log was cut off before it")]
    CutOff(u64),
    /// The removal of old segments is recorded otherwise, or not at all.
    #[error("records up to {0} were removed, and the log does not say so")]
    Unsaid(u64),
}

/// Reads a line without its line feed.
///
/// # Errors
/// Names the record that it should be if it is not as it was written.
pub fn read(line: &str, n: u64) -> Result<(Record, String), Fault> {
    let changed = |why| Fault::Changed { n, why };
    let (hash, json) = line.split_once(' ').ok_or(changed("the line has no hash"))?;
    if digest(json) != hash {
        return Err(changed("its bytes do not fit its hash"));
    }
    let record = serde_json::from_str(json).map_err(|_| changed("it is no record"))?;
    Ok((record, hash.to_owned()))
}

/// Follows a chain, line by line.
#[derive(Debug, Clone)]
pub struct Walk {
    head: Head,
    begun: Head,
    said: Option<Head>,
}

impl Walk {
    /// Begins behind that record, which is [`Head::default`] unless segments were removed.
    pub fn behind(anchor: Head) -> Self {
        Self { begun: anchor.clone(), head: anchor, said: None }
    }

    /// The last record that was met.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes the next line, without its line feed.
    ///
    /// # Errors
    /// The first fault.
    pub fn step(&mut self, line: &str) -> Result<Record, Fault> {
        let wanted = self.head.n + 1;
        let (record, hash) = read(line, wanted)?;
        if record.n != wanted {
            return Err(Fault::Missing { wanted, found: record.n });
        }
        if record.before != self.head.hash {
            return Err(match self.head.n == self.begun.n {
                true => Fault::Unsaid(self.begun.n),
                false => Fault::Replaced(self.head.n),
            });
        }
        match &record.content {
            Content::Dropped { last, hash, .. } => {
                self.said = Some(Head { n: *last, hash: hash.clone() });
            }
            // The service knew more when it ended than it found when it began.
            Content::Opened { missing, .. } if *missing > 0 => return Err(Fault::CutOff(wanted)),
            _ => {}
        }
        self.head = Head { n: wanted, hash };
        Ok(record)
    }

    /// Ends, at the head that is known from elsewhere if it is.
    ///
    /// # Errors
    /// If records are missing at the end, or were removed at the beginning unsaid.
    pub fn end(&self, known: Option<&Head>) -> Result<(), Fault> {
        // The last removal that is recorded may be about to happen: it never says too little.
        let said = self.said.as_ref();
        if self.begun.n > 0
            && !said.is_some_and(|said| said.n > self.begun.n || *said == self.begun)
        {
            return Err(Fault::Unsaid(self.begun.n));
        }
        let Some(known) = known else { return Ok(()) };
        if known.n > self.head.n {
            return Err(Fault::CutOff(self.head.n + 1));
        }
        if known.n == self.head.n && known.hash != self.head.hash {
            return Err(Fault::Replaced(known.n));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::sample;
    use super::*;

    fn lines(count: i64) -> (Vec<String>, Head) {
        let mut head = Head::default();
        let mut text = String::new();
        for n in 1..=count {
            head.append(Content::Event(Box::new(sample(n))), &mut text).unwrap();
        }
        (text.lines().map(str::to_owned).collect(), head)
    }

    fn verify<S: AsRef<str>>(lines: &[S], known: &Head) -> Result<(), Fault> {
        let mut walk = Walk::behind(Head::default());
        for line in lines {
            walk.step(line.as_ref())?;
        }
        walk.end(Some(known))
    }

    #[test]
    fn any_byte_that_was_changed_names_its_record() {
        let (lines, head) = lines(4);
        assert_eq!(verify(&lines, &head), Ok(()));
        for at in 0..lines.len() {
            for place in 0..lines[at].len() {
                let mut bytes = lines[at].clone().into_bytes();
                bytes[place] ^= 1;
                let Ok(text) = String::from_utf8(bytes) else { continue };
                let mut changed = lines.clone();
                changed[at] = text;
                let fault = verify(&changed, &head).unwrap_err();
                let n = u64::try_from(at).unwrap() + 1;
                assert!(matches!(fault, Fault::Changed { n: named, .. } if named == n), "{fault}");
            }
        }
    }

    #[test]
    fn what_is_missing_moved_or_forged_is_named() {
        let (lines, head) = lines(5);
        for gone in 0..5 {
            let mut left = lines.clone();
            left.remove(gone);
            let n = u64::try_from(gone).unwrap() + 1;
            let expected =
                if n == 5 { Fault::CutOff(5) } else { Fault::Missing { wanted: n, found: n + 1 } };
            assert_eq!(verify(&left, &head), Err(expected));
        }
        let mut moved = lines.clone();
        moved.swap(1, 3);
        assert_eq!(verify(&moved, &head), Err(Fault::Missing { wanted: 2, found: 4 }));
        assert_eq!(verify(&lines[..2], &head), Err(Fault::CutOff(3)));
        let mut twice = lines.clone();
        twice.insert(2, lines[1].clone());
        assert_eq!(verify(&twice, &head), Err(Fault::Missing { wanted: 3, found: 2 }));
        // A record written anew with all that belongs to it: the next one knows better.
        for n in 1..=5 {
            let mut forged = lines.clone();
            let mut text = String::new();
            let before = serde_json::from_str::<Record>(&lines[n - 1][HASH + 1..]).unwrap().before;
            let mut at = Head { n: u64::try_from(n).unwrap() - 1, hash: before };
            at.append(Content::Event(Box::new(sample(99))), &mut text).unwrap();
            forged[n - 1] = text.trim_end().to_owned();
            assert_eq!(verify(&forged, &head), Err(Fault::Replaced(u64::try_from(n).unwrap())));
        }
    }

    #[test]
    fn a_removed_beginning_is_right_only_if_the_log_says_so() {
        let (mut lines, mut head) = lines(3);
        let (_, third) = read(&lines[2], 3).unwrap();
        let anchor = Head { n: 3, hash: third };
        let at = Timestamp::EPOCH;
        let mut text = String::new();
        let sample = Content::Event(Box::new(sample(4)));
        head.append(sample, &mut text).unwrap();
        let said = Content::Dropped { at, last: 3, hash: anchor.hash.clone() };
        head.append(said, &mut text).unwrap();
        lines.extend(text.lines().map(str::to_owned));
        let walk = |from: &Head, lines: &[String]| {
            let mut walk = Walk::behind(from.clone());
            for line in lines {
                walk.step(line)?;
            }
            walk.end(None)
        };
        assert_eq!(walk(&Head::default(), &lines), Ok(()));
        assert_eq!(walk(&anchor, &lines[3..]), Ok(()));
        assert_eq!(walk(&anchor, &lines[3..4]), Err(Fault::Unsaid(3)));
        let forged = Head { n: 3, hash: NOTHING.to_owned() };
        assert_eq!(walk(&forged, &lines[3..]), Err(Fault::Unsaid(3)));
        assert_eq!(
            walk(&Head::default(), &lines[3..]),
            Err(Fault::Missing { wanted: 1, found: 4 })
        );
    }
}

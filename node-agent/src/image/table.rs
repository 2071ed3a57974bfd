//! Which images are here, which are coming, and which must go: pure.
//!
//! ```text
//!              want: room is made and reserved            landed
//!   (absent) ──────────────────────────────────► Coming ─────────► Here
//!      ▲                                            │                │
//!      │◄───────────── landed with an error ────────┘                │
//!      └◄──────────── evicted: nobody holds it, longest unused ──────┘
//! ```
//!
//! Invariants:
//! - each image is in one state, and the bytes of all of them are at most the limit; only images
//!   found at the start may be more, and then only those that are held;
//! - room is reserved before anything is fetched; an image with a holder is never evicted;
//! - a flight serves everybody who came while it flew, and a failed one leaves nothing behind.
//!
//! Holders are named, not counted: a machine that asks twice holds once, and one `release` of its
//! name gives back all it held. `W` is whoever waits; the table only hands it back.

use std::collections::{BTreeMap, BTreeSet};

use common::id::InstanceId;
use thiserror::Error;

/// Why an image cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImageError {
    /// The name is no SHA-256.
    #[error("'{0}' is no SHA-256 in lower-case hex")]
    Name(String),
    /// It is here with another size than the wish says.
    #[error("image {sha256} has {actual} bytes and not {wanted}")]
    Size {
        /// Which.
        sha256: String,
        /// What the wish says.
        wanted: u64,
        /// What it is.
        actual: u64,
    },
    /// It would not fit even alone.
    #[error(
        "image {sha256} of {size} bytes is larger than the node's image cache of {limit} bytes"
    )]
    TooLarge {
        /// Which.
        sha256: String,
        /// Its size.
        size: u64,
        /// The cache's limit.
        limit: u64,
    },
    /// Images in use leave no room for it now.
    #[error(
        "the node's image cache has no room for image {sha256} of {size} bytes just now: \
             images in use hold {held} of {limit} bytes"
    )]
    NoRoom {
        /// Which.
        sha256: String,
        /// Its size.
        size: u64,
        /// Bytes that cannot be evicted.
        held: u64,
        /// The cache's limit.
        limit: u64,
    },
    /// It is not here and no ticket says where it can be had.
    #[error("image {0} is not on this node and came without a ticket")]
    NoTicket(String),
    /// It could not be fetched; the text says why.
    #[error("image {sha256} could not be fetched: {why}")]
    Fetch {
        /// Which.
        sha256: String,
        /// Why.
        why: String,
    },
    /// The cache's files cannot be used.
    #[error("the node's image cache: {0}")]
    Files(String),
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<W> {
    /// Remove this image's file.
    Evict(String),
    /// Fetch this image and say `landed`.
    Fetch(String),
    /// Answer one who waits.
    Wake(W, Result<(), ImageError>),
}

#[derive(Debug)]
struct Entry<W> {
    size: u64,
    used: u64,
    holders: BTreeSet<InstanceId>,
    /// Whoever waits; `None` when the image is here.
    coming: Option<Vec<W>>,
}

/// All images of one node.
#[derive(Debug)]
pub struct Table<W> {
    limit: u64,
    uses: u64,
    entries: BTreeMap<String, Entry<W>>,
}

impl<W> Table<W> {
    /// An empty table that keeps at most so many bytes.
    pub fn new(limit: u64) -> Self {
        Self { limit, uses: 0, entries: BTreeMap::new() }
    }

    /// Takes in an image that was found at the start; the first one counts as longest unused.
    pub fn found(&mut self, sha256: &str, size: u64, holders: BTreeSet<InstanceId>) {
        self.uses += 1;
        let entry = Entry { size, used: self.uses, holders, coming: None };
        self.entries.insert(sha256.to_owned(), entry);
    }

    /// Removes what is too much, for a limit that was lowered while the agent was away.
    pub fn shrink(&mut self) -> Vec<Effect<W>> {
        let over = self.bytes().saturating_sub(self.limit);
        self.evictable(over).into_iter().map(|sha256| self.evict(sha256)).collect()
    }

    /// A machine wants an image and holds it from now on; `waiter` is woken when it is here.
    pub fn want(
        &mut self,
        sha256: &str,
        size: u64,
        holder: &InstanceId,
        waiter: W,
    ) -> Vec<Effect<W>> {
        self.uses += 1;
        if let Some(entry) = self.entries.get_mut(sha256) {
            if entry.size != size {
                let (sha256, actual) = (sha256.to_owned(), entry.size);
                let error = ImageError::Size { sha256, wanted: size, actual };
                return vec![Effect::Wake(waiter, Err(error))];
            }
            entry.used = self.uses;
            entry.holders.insert(holder.clone());
            return match &mut entry.coming {
                Some(waiters) => {
                    waiters.push(waiter);
                    vec![]
                }
                None => vec![Effect::Wake(waiter, Ok(()))],
            };
        }
        let (evicted, refused) = match self.make_room(sha256, size) {
            Ok(evicted) => (evicted, None),
            Err(error) => (vec![], Some(error)),
        };
        let mut effects: Vec<_> = evicted.into_iter().map(|other| self.evict(other)).collect();
        match refused {
            Some(error) => effects.push(Effect::Wake(waiter, Err(error))),
            None => {
                let holders = BTreeSet::from([holder.clone()]);
                let coming = Some(vec![waiter]);
                let entry = Entry { size, used: self.uses, holders, coming };
                self.entries.insert(sha256.to_owned(), entry);
                effects.push(Effect::Fetch(sha256.to_owned()));
            }
        }
        effects
    }

    /// A flight has ended.
    pub fn landed(&mut self, sha256: &str, result: Result<(), ImageError>) -> Vec<Effect<W>> {
        let Some(entry) = self.entries.get_mut(sha256) else { return vec![] };
        let waiters = entry.coming.take().unwrap_or_default();
        if result.is_err() {
            self.entries.remove(sha256);
        }
        waiters.into_iter().map(|waiter| Effect::Wake(waiter, result.clone())).collect()
    }

    /// A machine needs nothing any more.
    pub fn release(&mut self, holder: &InstanceId) {
        for entry in self.entries.values_mut() {
            entry.holders.remove(holder);
        }
    }

    /// Bytes of all images, here or coming.
    pub fn bytes(&self) -> u64 {
        self.entries.values().map(|entry| entry.size).sum()
    }

    fn make_room(&self, sha256: &str, size: u64) -> Result<Vec<String>, ImageError> {
        let (sha256, limit) = (sha256.to_owned(), self.limit);
        if size > limit {
            return Err(ImageError::TooLarge { sha256, size, limit });
        }
        let held: u64 =
            self.entries.values().filter(|entry| !entry.evictable()).map(|entry| entry.size).sum();
        if held.saturating_add(size) > limit {
            return Err(ImageError::NoRoom { sha256, size, held, limit });
        }
        Ok(self.evictable(self.bytes().saturating_add(size).saturating_sub(limit)))
    }

    /// The longest unused images that together have so many bytes, or all that can go.
    fn evictable(&self, needed: u64) -> Vec<String> {
        let mut idle: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.evictable()).collect();
        idle.sort_by_key(|(_, entry)| entry.used);
        let mut freed = 0;
        let enough = idle.into_iter().take_while(|(_, entry)| {
            let short = freed < needed;
            freed += entry.size;
            short
        });
        enough.map(|(sha256, _)| sha256.clone()).collect()
    }

    fn evict(&mut self, sha256: String) -> Effect<W> {
        self.entries.remove(&sha256);
        Effect::Evict(sha256)
    }
}

impl<W> Entry<W> {
    fn evictable(&self) -> bool {
        self.coming.is_none() && self.holders.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> InstanceId {
        InstanceId::from_random(number.to_be_bytes())
    }

    fn evict(name: &str) -> Effect<u32> {
        Effect::Evict(name.to_owned())
    }

    fn fetch(name: &str) -> Effect<u32> {
        Effect::Fetch(name.to_owned())
    }

    fn wake(waiter: u32) -> Effect<u32> {
        Effect::Wake(waiter, Ok(()))
    }

    /// A table of limit 100 with idle images of 40, 30 and 20 bytes, used in this order.
    fn idle() -> Table<u32> {
        let mut table = Table::new(100);
        for (name, size) in [("forty", 40), ("thirty", 30), ("twenty", 20)] {
            table.found(name, size, BTreeSet::new());
        }
        table
    }

    #[test]
    fn many_who_want_one_image_wait_for_one_flight() {
        let mut table = Table::new(100);
        assert_eq!(table.want("a", 60, &id(1), 1), [fetch("a")]);
        assert_eq!(table.want("a", 60, &id(2), 2), []);
        assert_eq!(table.want("a", 60, &id(2), 3), []);
        assert_eq!(table.landed("a", Ok(())), [wake(1), wake(2), wake(3)]);
        assert_eq!(table.want("a", 60, &id(3), 4), [wake(4)]);
        assert_eq!(table.bytes(), 60);
    }

    #[test]
    fn a_failed_flight_tells_everybody_and_leaves_nothing() {
        let mut table = Table::new(100);
        table.want("a", 60, &id(1), 1);
        table.want("a", 60, &id(2), 2);
        let error = ImageError::Fetch { sha256: "a".to_owned(), why: "x".to_owned() };
        let woken = table.landed("a", Err(error.clone()));
        assert_eq!(woken, [Effect::Wake(1, Err(error.clone())), Effect::Wake(2, Err(error))]);
        assert_eq!(table.bytes(), 0);
        assert_eq!(table.want("a", 60, &id(1), 3), [fetch("a")]);
    }

    #[test]
    fn the_longest_unused_go_first_and_no_more_than_needed() {
        let mut table = idle();
        assert_eq!(table.want("new", 10, &id(1), 1), [fetch("new")], "it just fits");
        let mut table = idle();
        assert_eq!(table.want("new", 11, &id(1), 1), [evict("forty"), fetch("new")]);
        let mut table = idle();
        table.want("forty", 40, &id(1), 1);
        table.release(&id(1));
        assert_eq!(
            table.want("new", 60, &id(1), 2),
            [evict("thirty"), evict("twenty"), fetch("new")],
            "use makes young",
        );
        assert_eq!(table.bytes(), 100);
    }

    #[test]
    fn what_is_held_or_coming_is_never_evicted() {
        let mut table = idle();
        table.want("forty", 40, &id(1), 1);
        table.want("coming", 10, &id(2), 2);
        table.release(&id(2));
        let refused = table.want("new", 51, &id(3), 3);
        let sha256 = "new".to_owned();
        let error = ImageError::NoRoom { sha256, size: 51, held: 50, limit: 100 };
        assert_eq!(refused, [Effect::Wake(3, Err(error))], "and nothing is evicted in vain");
        assert_eq!(
            table.want("new", 50, &id(3), 4),
            [evict("thirty"), evict("twenty"), fetch("new")],
        );
    }

    #[test]
    fn a_machine_holds_once_however_often_it_asks() {
        let mut table = idle();
        table.want("forty", 40, &id(1), 1);
        table.want("forty", 40, &id(1), 2);
        table.want("forty", 40, &id(2), 3);
        table.release(&id(1));
        assert!(matches!(table.want("new", 90, &id(3), 4)[..], [Effect::Wake(4, Err(_))]));
        table.release(&id(2));
        table.release(&id(2));
        assert_eq!(
            table.want("new", 90, &id(3), 5),
            [evict("thirty"), evict("twenty"), evict("forty"), fetch("new")],
        );
    }

    #[test]
    fn what_can_never_be_had_is_refused_clearly() {
        let mut table = idle();
        let Effect::Wake(1, Err(error)) = table.want("big", 101, &id(1), 1).remove(0) else {
            panic!("not refused")
        };
        assert_eq!(
            error.to_string(),
            "image big of 101 bytes is larger than the node's image cache of 100 bytes"
        );
        let Effect::Wake(2, Err(error)) = table.want("forty", 41, &id(1), 2).remove(0) else {
            panic!("not refused")
        };
        assert_eq!(error.to_string(), "image forty has 40 bytes and not 41");
        assert_eq!(table.bytes(), 90);
        assert_eq!(table.want("big", u64::MAX, &id(1), 3).len(), 1, "no overflow");
    }

    #[test]
    fn a_lower_limit_removes_what_nobody_holds() {
        let mut table = idle();
        table.limit = 60;
        assert_eq!(table.shrink(), [evict("forty")]);
        let mut table = idle();
        table.limit = 10;
        table.want("twenty", 20, &id(1), 1);
        assert_eq!(table.shrink(), [evict("forty"), evict("thirty")]);
        assert_eq!(table.shrink(), []);
        assert_eq!(table.bytes(), 20);
    }
}

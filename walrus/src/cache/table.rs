//! Which images are there, which are on their way, and which must go: pure decisions.
//!
//! ```text
//!             want                room and a free flight         landed
//!   Absent ───────▶ Queued{bytes} ─────────────────▶ Flying{bytes} ─────▶ Here{bytes, pins}
//!     ▲                │ forgotten, limit lowered       │ failed            │ evicted, forgotten
//!     └────────────────┴──────────────┬─────────────────┴───────────────────┘
//!                                     ▼
//!          Failed{reason}, kept only if nobody was waiting; taken by the next who asks, and
//!                          dropped when the bundle is found good
//! ```
//! Invariants, whatever is called:
//! - each image is in exactly one state;
//! - Σ bytes of Here + Σ bytes of Flying ≤ limit, but for images that are pinned or were in flight
//!   when the limit was lowered;
//! - a pinned image is never evicted; of the others the least recently used goes first;
//! - one that somebody was told of who is going to read it makes no room for others until he has
//!   begun, or was given a moment to: or else many who want many images in a small cache would evict
//!   each from the other, and none would ever be read;
//! - an image larger than the limit is refused at once;
//! - at most `flights` fly; the queue is served in its order, so that a large image is not starved
//!   by small ones;
//! - everybody who waits for an image hears how its flight ended, once.
//!
//! Nothing here touches a file or a clock: what is to be done comes back as [`Effect`]s.

use std::collections::BTreeMap;

/// The key of an image: SHA-256 of its manifest's bytes, lower-case hex.
pub(crate) type Key = String;

/// How a wish ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The image is there.
    Here,
    /// It cannot be had.
    Failed(Failure),
}

/// Why an image cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A sentence.
    pub(crate) reason: String,
    /// Whether asking again may help.
    pub(crate) retryable: bool,
}

/// Somebody who waits. One who has given up need not be told.
pub(crate) trait Waiter {
    /// Whether anybody still listens.
    fn listens(&self) -> bool;

    /// Whether it is going to read the image.
    fn reads(&self) -> bool;
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect<W> {
    /// Remove this image's file.
    Remove(Key),
    /// Begin to unpack this image.
    Start(Key),
    /// Tell these how their wish ended.
    Tell(Vec<W>, Outcome),
    /// Say in some seconds that the time has lapsed for those to begin who were told of this image
    /// at this moment.
    Hold(Key, u64),
    /// Throw away what was prepared for unpacking this image.
    Discard(Key),
}

#[derive(Debug, Clone)]
enum Slot<W> {
    Queued { bytes: u64, order: u64, waiters: Vec<W> },
    Flying { bytes: u64, waiters: Vec<W>, unwanted: bool },
    Here { bytes: u64, used: u64, hits: u64, pins: u64, holds: Holds, unwanted: bool },
    Failed(Failure),
}

impl<W> Slot<W> {
    /// An image that is there, and that nobody reads yet.
    fn new(bytes: u64, used: u64, holds: Holds) -> Self {
        Self::Here { bytes, used, hits: 0, pins: 0, holds, unwanted: false }
    }
}

/// How many of those who were told of an image have not begun to read it, by the moment of telling.
type Holds = BTreeMap<u64, usize>;

/// How many unheard failures are kept at most.
const UNHEARD: usize = 1024;

/// The table.
#[derive(Debug, Clone)]
pub(crate) struct Table<W> {
    limit: u64,
    flights: usize,
    slots: BTreeMap<Key, Slot<W>>,
    /// Counts what happens; orders uses and the queue.
    moment: u64,
    hits: u64,
    misses: u64,
    evictions: u64,
}

/// Sums over a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reserved: u64,
    pub(crate) images: u64,
    pub(crate) flights: u64,
    pub(crate) queued: u64,
    pub(crate) pins: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
}

/// Why an image is not removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// There is none.
    Absent,
    /// Somebody reads it, or is about to.
    Read,
    /// It is being unpacked, or waits for its turn.
    UnderWay,
}

/// Where an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Place {
    #[default]
    Queued,
    Flying,
    Here,
    Leaving,
}

/// An image, for whoever looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) bytes: u64,
    pub(crate) place: Place,
    pub(crate) hits: u64,
    pub(crate) pins: u64,
    pub(crate) expected: u64,
    pub(crate) waiting: u64,
}

impl<W: Waiter> Table<W> {
    /// An empty table with a limit in bytes, and how many images may be unpacked at once.
    pub(crate) fn new(limit: u64, flights: usize) -> Self {
        Self {
            limit,
            flights: flights.max(1),
            slots: BTreeMap::new(),
            moment: 0,
            hits: 0,
            misses: 0,
            evictions: 0,
        }
    }

    /// Takes in an image found on disk; the least recently used first.
    pub(crate) fn found(&mut self, key: Key, bytes: u64) {
        let used = self.next_moment();
        self.slots.insert(key, Slot::new(bytes, used, Holds::new()));
    }

    /// Evicts what does not fit, after all was taken in.
    pub(crate) fn settle_found(&mut self) -> Vec<Effect<W>> {
        let mut effects = Vec::new();
        self.settle(&mut effects);
        effects
    }

    /// Somebody wants an image of that many bytes.
    pub(crate) fn want(&mut self, key: &str, bytes: u64, waiter: W) -> Vec<Effect<W>> {
        let moment = self.next_moment();
        let mut effects = Vec::new();
        // Those who come again and again to what is there must not keep out those who wait.
        let queue = self.slots.values().any(|slot| matches!(slot, Slot::Queued { .. }));
        match self.slots.get_mut(key) {
            Some(Slot::Here { used, hits, unwanted, holds, .. }) => {
                (*used, *unwanted) = (moment, false);
                *hits += 1;
                self.hits += 1;
                if !queue && waiter.listens() && waiter.reads() {
                    holds.insert(moment, 1);
                    effects.push(Effect::Hold(key.to_owned(), moment));
                }
                effects.push(Effect::Tell(vec![waiter], Outcome::Here));
            }
            Some(Slot::Queued { waiters, .. }) => join(waiters, waiter),
            Some(Slot::Flying { waiters, unwanted, .. }) => {
                *unwanted = false;
                join(waiters, waiter);
            }
            Some(Slot::Failed(failure)) => {
                let outcome = Outcome::Failed(failure.clone());
                self.slots.remove(key);
                effects.push(Effect::Tell(vec![waiter], outcome));
                effects.push(Effect::Discard(key.to_owned()));
            }
            None => {
                self.misses += 1;
                if bytes > self.limit {
                    effects.push(Effect::Tell(vec![waiter], self.too_large(bytes)));
                    effects.push(Effect::Discard(key.to_owned()));
                    return effects;
                }
                let queued = Slot::Queued { bytes, order: moment, waiters: vec![waiter] };
                self.slots.insert(key.to_owned(), queued);
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// Whether a wish for this image would need work that nobody has begun or prepared.
    pub(crate) fn is_absent(&self, key: &str) -> bool {
        matches!(self.slots.get(key), None | Some(Slot::Failed(_)))
    }

    /// A flight has landed: its file is complete and on disk.
    pub(crate) fn landed(&mut self, key: &str) -> Vec<Effect<W>> {
        let used = self.next_moment();
        let mut effects = Vec::new();
        if let Some((bytes, waiters, unwanted)) = self.take_flight(key) {
            if bytes > self.limit {
                effects.push(Effect::Remove(key.to_owned()));
                effects.push(Effect::Tell(waiters, self.too_large(bytes)));
            } else if unwanted {
                effects.push(Effect::Remove(key.to_owned()));
                let reason = "the image was withdrawn while it was being unpacked".to_owned();
                let failure = Failure { reason, retryable: true };
                effects.push(Effect::Tell(waiters, Outcome::Failed(failure)));
            } else {
                let reads = |waiter: &&W| waiter.listens() && waiter.reads();
                let readers = waiters.iter().filter(reads).count();
                let mut holds = Holds::new();
                if readers > 0 {
                    holds.insert(used, readers);
                    effects.push(Effect::Hold(key.to_owned(), used));
                }
                self.slots.insert(key.to_owned(), Slot::new(bytes, used, holds));
                effects.push(Effect::Tell(waiters, Outcome::Here));
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// A flight has failed and left nothing behind.
    pub(crate) fn failed(&mut self, key: &str, failure: Failure) -> Vec<Effect<W>> {
        let mut effects = Vec::new();
        if let Some((_, waiters, unwanted)) = self.take_flight(key) {
            let waiters: Vec<W> = waiters.into_iter().filter(Waiter::listens).collect();
            let unheard = self.slots.values().filter(|s| matches!(s, Slot::Failed(_))).count();
            if waiters.is_empty() && !unwanted && unheard < UNHEARD {
                // Whoever asks in intervals would otherwise never hear of it and start anew.
                self.slots.insert(key.to_owned(), Slot::Failed(failure));
            } else {
                effects.push(Effect::Tell(waiters, Outcome::Failed(failure)));
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// Somebody begins to read the image. `false`: it is not there.
    pub(crate) fn pin(&mut self, key: &str) -> bool {
        let moment = self.next_moment();
        match self.slots.get_mut(key) {
            Some(Slot::Here { used, pins, holds, unwanted: false, .. }) => {
                *used = moment;
                *pins += 1;
                // Whoever begins is taken for one of those who have waited longest.
                if let Some(mut first) = holds.first_entry() {
                    *first.get_mut() -= 1;
                    if *first.get() == 0 {
                        first.remove();
                    }
                }
                true
            }
            _ => false,
        }
    }

    /// Somebody who pinned the image has read it.
    pub(crate) fn unpin(&mut self, key: &str) -> Vec<Effect<W>> {
        let mut effects = Vec::new();
        if let Some(Slot::Here { pins, unwanted, .. }) = self.slots.get_mut(key) {
            *pins = pins.saturating_sub(1);
            if *pins == 0 && *unwanted {
                self.slots.remove(key);
                effects.push(Effect::Remove(key.to_owned()));
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// The time is over for which an image was kept for those who were told of it at a moment.
    pub(crate) fn lapsed(&mut self, key: &str, moment: u64) -> Vec<Effect<W>> {
        if let Some(Slot::Here { holds, .. }) = self.slots.get_mut(key) {
            holds.remove(&moment);
        }
        let mut effects = Vec::new();
        self.settle(&mut effects);
        effects
    }

    /// The image is not needed any more: it goes when nobody reads it.
    pub(crate) fn forget(&mut self, key: &str) -> Vec<Effect<W>> {
        let mut effects = Vec::new();
        match self.slots.get_mut(key) {
            Some(Slot::Here { pins, unwanted, .. }) if *pins > 0 => *unwanted = true,
            Some(Slot::Flying { unwanted, .. }) => *unwanted = true,
            Some(Slot::Here { .. }) => {
                self.slots.remove(key);
                effects.push(Effect::Remove(key.to_owned()));
            }
            Some(Slot::Queued { .. } | Slot::Failed(_)) => {
                if let Some(Slot::Queued { waiters, .. }) = self.slots.remove(key) {
                    let reason = "the image was withdrawn before it was unpacked".to_owned();
                    let failure = Failure { reason, retryable: true };
                    effects.push(Effect::Tell(waiters, Outcome::Failed(failure)));
                }
                effects.push(Effect::Discard(key.to_owned()));
            }
            None => {}
        }
        self.settle(&mut effects);
        effects
    }

    /// The image's bundle was found good: an earlier failure that nobody heard counts no more.
    pub(crate) fn found_good(&mut self, key: &str) {
        if matches!(self.slots.get(key), Some(Slot::Failed(_))) {
            self.slots.remove(key);
        }
    }

    /// The limit becomes another one; what does not fit goes at once.
    pub(crate) fn set_limit(&mut self, limit: u64) -> Vec<Effect<W>> {
        self.limit = limit;
        let mut effects = Vec::new();
        let hopeless: Vec<Key> = self
            .slots
            .iter()
            .filter(|(_, slot)| matches!(slot, Slot::Queued { bytes, .. } if *bytes > limit))
            .map(|(key, _)| key.clone())
            .collect();
        for key in hopeless {
            if let Some(Slot::Queued { bytes, waiters, .. }) = self.slots.remove(&key) {
                effects.push(Effect::Tell(waiters, self.too_large(bytes)));
                effects.push(Effect::Discard(key));
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// Somebody wants an image removed that is there and that nobody uses.
    ///
    /// # Errors
    /// If it is not there, or somebody uses it.
    pub(crate) fn evict_one(&mut self, key: &str) -> Result<Vec<Effect<W>>, Kept> {
        match self.slots.get(key) {
            Some(Slot::Here { pins: 0, holds, .. }) if holds.is_empty() => {}
            Some(Slot::Here { .. }) => return Err(Kept::Read),
            Some(Slot::Queued { .. } | Slot::Flying { .. }) => return Err(Kept::UnderWay),
            Some(Slot::Failed(_)) | None => return Err(Kept::Absent),
        }
        self.slots.remove(key);
        self.evictions += 1;
        let mut effects = vec![Effect::Remove(key.to_owned())];
        self.settle(&mut effects);
        Ok(effects)
    }

    /// Where each image stands that is there or on its way, by key.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let listening = |waiters: &[W]| waiters.iter().filter(|it| it.listens()).count() as u64;
        let entry = |(key, slot): (&Key, &Slot<W>)| {
            let entry = Entry { key: key.clone(), ..Entry::default() };
            Some(match slot {
                Slot::Queued { bytes, waiters, .. } => {
                    Entry { bytes: *bytes, waiting: listening(waiters), ..entry }
                }
                Slot::Flying { bytes, waiters, .. } => {
                    let place = Place::Flying;
                    Entry { bytes: *bytes, place, waiting: listening(waiters), ..entry }
                }
                Slot::Here { bytes, hits, pins, holds, unwanted, .. } => {
                    let expected = holds.values().map(|count| *count as u64).sum();
                    let place = if *unwanted { Place::Leaving } else { Place::Here };
                    Entry { bytes: *bytes, place, hits: *hits, pins: *pins, expected, ..entry }
                }
                Slot::Failed(_) => return None,
            })
        };
        self.slots.iter().filter_map(entry).collect()
    }

    /// The sums.
    pub(crate) fn figures(&self) -> Figures {
        let mut figures = Figures {
            limit: self.limit,
            hits: self.hits,
            misses: self.misses,
            evictions: self.evictions,
            ..Figures::default()
        };
        for slot in self.slots.values() {
            match slot {
                Slot::Here { bytes, pins, .. } => {
                    figures.used = figures.used.saturating_add(*bytes);
                    figures.images += 1;
                    figures.pins = figures.pins.saturating_add(*pins);
                }
                Slot::Flying { bytes, .. } => {
                    figures.reserved = figures.reserved.saturating_add(*bytes);
                    figures.flights += 1;
                }
                Slot::Queued { .. } => figures.queued += 1,
                Slot::Failed(_) => {}
            }
        }
        figures
    }

    /// Takes an image out of flight; whatever else it may be stays what it is.
    fn take_flight(&mut self, key: &str) -> Option<(u64, Vec<W>, bool)> {
        if !matches!(self.slots.get(key), Some(Slot::Flying { .. })) {
            return None;
        }
        match self.slots.remove(key) {
            Some(Slot::Flying { bytes, waiters, unwanted }) => Some((bytes, waiters, unwanted)),
            _ => None,
        }
    }

    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    fn too_large(&self, bytes: u64) -> Outcome {
        let reason = format!(
            "the image of {bytes} bytes is larger than the {} bytes reserved for unbundling images",
            self.limit
        );
        Outcome::Failed(Failure { reason, retryable: false })
    }

    /// Bytes of images that are there or in flight.
    fn taken(&self) -> u64 {
        let figures = self.figures();
        figures.used.saturating_add(figures.reserved)
    }

    /// Evicts what is over the limit and starts what has waited longest, as far as there is room.
    fn settle(&mut self, effects: &mut Vec<Effect<W>>) {
        while self.taken() > self.limit && self.evict(effects, Held::Goes) {}
        loop {
            let flying = self.slots.values().filter(|s| matches!(s, Slot::Flying { .. })).count();
            if flying >= self.flights {
                return;
            }
            let queued = self.slots.iter().filter_map(|(key, slot)| match slot {
                Slot::Queued { bytes, order, .. } => Some((*order, key.clone(), *bytes)),
                _ => None,
            });
            let Some((_, key, bytes)) = queued.min() else { return };
            let staying = self.taken() - self.evictable();
            if staying.saturating_add(bytes) > self.limit {
                return;
            }
            while self.taken().saturating_add(bytes) > self.limit
                && self.evict(effects, Held::Stays)
            {}
            if let Some(Slot::Queued { bytes, waiters, .. }) = self.slots.remove(&key) {
                let flying = Slot::Flying { bytes, waiters, unwanted: false };
                self.slots.insert(key.clone(), flying);
                effects.push(Effect::Start(key));
            }
        }
    }

    fn evictable(&self) -> u64 {
        let idle = self.slots.values().map(|slot| match slot {
            Slot::Here { bytes, pins: 0, holds, .. } if holds.is_empty() => *bytes,
            _ => 0,
        });
        idle.fold(0, u64::saturating_add)
    }

    /// Removes the least recently used image that nobody reads; `false` if there is none.
    fn evict(&mut self, effects: &mut Vec<Effect<W>>, held: Held) -> bool {
        let idle = self.slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Here { used, pins: 0, holds, .. } => {
                (holds.is_empty() || held == Held::Goes).then(|| (*used, key.clone()))
            }
            _ => None,
        });
        let Some((_, key)) = idle.min() else { return false };
        self.slots.remove(&key);
        self.evictions += 1;
        effects.push(Effect::Remove(key));
        true
    }
}

/// What is done with an image that is kept for whoever was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// It makes no room for others.
    Stays,
    /// It goes like any other: the limit was lowered.
    Goes,
}

/// One more waits; those who have given up are not kept, however often somebody asks.
fn join<W: Waiter>(waiters: &mut Vec<W>, waiter: W) {
    waiters.retain(Waiter::listens);
    waiters.push(waiter);
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

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
    /// Throw away what was prepared for unpacking this image.
    Discard(Key),
}

#[derive(Debug)]
enum Slot<W> {
    Queued { bytes: u64, order: u64, waiters: Vec<W> },
    Flying { bytes: u64, waiters: Vec<W>, unwanted: bool },
    Here { bytes: u64, used: u64, pins: u64, unwanted: bool },
    Failed(Failure),
}

/// How many unheard failures are kept at most.
const UNHEARD: usize = 1024;

/// The table.
#[derive(Debug)]
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
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evictions: u64,
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
        self.slots.insert(key, Slot::Here { bytes, used, pins: 0, unwanted: false });
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
        match self.slots.get_mut(key) {
            Some(Slot::Here { used, unwanted, .. }) => {
                (*used, *unwanted) = (moment, false);
                self.hits += 1;
                effects.push(Effect::Tell(vec![waiter], Outcome::Here));
            }
            Some(Slot::Queued { waiters, .. }) => waiters.push(waiter),
            Some(Slot::Flying { waiters, unwanted, .. }) => {
                *unwanted = false;
                waiters.push(waiter);
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
                let here = Slot::Here { bytes, used, pins: 0, unwanted: false };
                self.slots.insert(key.to_owned(), here);
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
            Some(Slot::Here { used, pins, unwanted: false, .. }) => {
                *used = moment;
                *pins += 1;
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
                Slot::Here { bytes, .. } => {
                    figures.used = figures.used.saturating_add(*bytes);
                    figures.images += 1;
                }
                Slot::Flying { bytes, .. } => {
                    figures.reserved = figures.reserved.saturating_add(*bytes);
                    figures.flights += 1;
                }
                Slot::Queued { .. } | Slot::Failed(_) => {}
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
        while self.taken() > self.limit && self.evict(effects) {}
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
            let pinned_or_flying = self.taken() - self.evictable();
            if pinned_or_flying.saturating_add(bytes) > self.limit {
                return;
            }
            while self.taken().saturating_add(bytes) > self.limit && self.evict(effects) {}
            if let Some(Slot::Queued { bytes, waiters, .. }) = self.slots.remove(&key) {
                let flying = Slot::Flying { bytes, waiters, unwanted: false };
                self.slots.insert(key.clone(), flying);
                effects.push(Effect::Start(key));
            }
        }
    }

    fn evictable(&self) -> u64 {
        let idle = self.slots.values().map(|slot| match slot {
            Slot::Here { bytes, pins: 0, .. } => *bytes,
            _ => 0,
        });
        idle.fold(0, u64::saturating_add)
    }

    /// Removes the least recently used image that nobody reads; `false` if there is none.
    fn evict(&mut self, effects: &mut Vec<Effect<W>>) -> bool {
        let idle = self.slots.iter().filter_map(|(key, slot)| match slot {
            Slot::Here { used, pins: 0, .. } => Some((*used, key.clone())),
            _ => None,
        });
        let Some((_, key)) = idle.min() else { return false };
        self.slots.remove(&key);
        self.evictions += 1;
        effects.push(Effect::Remove(key));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A waiter by number; odd ones have given up.
    impl Waiter for u32 {
        fn listens(&self) -> bool {
            self.is_multiple_of(2)
        }
    }

    type Effects = Vec<Effect<u32>>;

    fn table(limit: u64) -> Table<u32> {
        Table::new(limit, 2)
    }

    fn start(key: &str) -> Effect<u32> {
        Effect::Start(key.into())
    }

    fn remove(key: &str) -> Effect<u32> {
        Effect::Remove(key.into())
    }

    fn here(waiters: &[u32]) -> Effect<u32> {
        Effect::Tell(waiters.to_vec(), Outcome::Here)
    }

    fn broken() -> Failure {
        Failure { reason: "part x.part.1 is damaged".into(), retryable: false }
    }

    /// Wants an image and lands it.
    fn fill(table: &mut Table<u32>, key: &str, bytes: u64) -> Effects {
        let mut effects = table.want(key, bytes, 0);
        effects.extend(table.landed(key));
        effects
    }

    #[test]
    fn many_wishes_are_one_flight_and_all_hear_of_it() {
        let mut table = table(100);
        assert_eq!(table.want("a", 60, 2), [start("a")]);
        assert_eq!(table.want("a", 60, 4), []);
        assert_eq!(table.want("a", 60, 6), []);
        assert_eq!(table.landed("a"), [here(&[2, 4, 6])]);
        assert_eq!(table.want("a", 60, 8), [here(&[8])]);
        let figures = table.figures();
        assert_eq!((figures.misses, figures.hits, figures.used, figures.images), (1, 1, 60, 1));
    }

    #[test]
    fn room_is_reserved_before_the_work_starts() {
        let mut table = table(100);
        assert_eq!(table.want("a", 60, 2), [start("a")]);
        assert_eq!(table.figures().reserved, 60);
        assert_eq!(table.want("b", 60, 4), [], "waits: both would not fit");
        assert_eq!(table.landed("a"), [here(&[2]), remove("a"), start("b")]);
        assert_eq!(table.figures().reserved, 60);
    }

    #[test]
    fn a_hit_counts_as_a_use_and_the_least_recently_used_goes() {
        let mut table = table(100);
        for key in ["a", "b", "c"] {
            fill(&mut table, key, 30);
        }
        table.want("a", 30, 2);
        assert!(table.pin("b"));
        assert_eq!(table.unpin("b"), []);
        assert_eq!(table.want("d", 30, 4), [remove("c"), start("d")]);
        assert_eq!(table.landed("d"), [here(&[4])]);
        assert_eq!(table.want("e", 30, 6), [remove("a"), start("e")]);
    }

    #[test]
    fn no_more_is_evicted_than_is_needed() {
        let mut table = table(100);
        fill(&mut table, "a", 10);
        fill(&mut table, "b", 40);
        fill(&mut table, "c", 40);
        assert_eq!(table.want("d", 20, 2), [remove("a"), start("d")]);
        assert_eq!(table.figures().evictions, 1);
    }

    #[test]
    fn one_that_is_read_stays_and_whoever_needs_its_room_waits_for_the_reader() {
        let mut table = table(100);
        fill(&mut table, "a", 80);
        assert!(table.pin("a") && table.pin("a"));
        assert_eq!(table.want("b", 50, 2), []);
        assert_eq!(table.unpin("a"), []);
        assert_eq!(table.unpin("a"), [remove("a"), start("b")]);
        assert!(!table.pin("a"));
    }

    #[test]
    fn an_image_larger_than_the_limit_is_refused_at_once() {
        let mut table = table(100);
        fill(&mut table, "a", 80);
        let effects = table.want("b", 101, 2);
        let [Effect::Tell(waiters, Outcome::Failed(failure)), Effect::Discard(_)] = &effects[..]
        else {
            panic!("{effects:?}");
        };
        assert_eq!(waiters, &[2]);
        assert!(failure.reason.contains("101 bytes is larger than the 100 bytes"));
        assert_eq!(table.figures().used, 80, "and nothing is evicted for it");
        assert!(table.is_absent("b"));
    }

    #[test]
    fn a_failed_flight_clears_itself_and_its_waiters_hear_at_once() {
        let mut table = table(100);
        table.want("a", 60, 2);
        table.want("a", 60, 4);
        let told = Effect::Tell(vec![2, 4], Outcome::Failed(broken()));
        assert_eq!(table.failed("a", broken()), [told]);
        assert_eq!(table.figures().reserved, 0);
        assert_eq!(table.want("a", 60, 6), [start("a")], "the next wish starts anew");
        assert_eq!(table.landed("a"), [here(&[6])]);
        assert_eq!(table.forget("a"), [remove("a")]);
    }

    #[test]
    fn a_failure_that_nobody_heard_is_told_once() {
        let mut table = table(100);
        table.want("a", 60, 1);
        assert_eq!(table.failed("a", broken()), []);
        assert!(table.is_absent("a"));
        let told = Effect::Tell(vec![2], Outcome::Failed(broken()));
        assert_eq!(table.want("a", 60, 2), [told, Effect::Discard("a".into())]);
        assert_eq!(table.want("a", 60, 4), [start("a")]);
    }

    #[test]
    fn a_bundle_found_good_clears_an_old_failure_and_nothing_else() {
        let mut table = table(100);
        table.want("a", 60, 1);
        table.failed("a", broken());
        table.found_good("a");
        assert_eq!(table.want("a", 60, 2), [start("a")]);
        table.found_good("a");
        assert_eq!(table.landed("a"), [here(&[2])], "a flight goes on");
        table.found_good("a");
        assert_eq!(table.want("a", 60, 4), [here(&[4])], "an image stays");
        table.found_good("absent");
        assert!(table.is_absent("absent"));
    }

    #[test]
    fn a_withdrawn_image_may_be_asked_for_again() {
        let mut table = table(100);
        table.want("flying", 60, 2);
        table.want("queued", 60, 4);
        let queued = table.forget("queued");
        assert_eq!(table.forget("flying"), []);
        let flown = table.landed("flying");
        for (effects, waiter) in [(queued, 4), (flown, 2)] {
            let told = effects.iter().any(|effect| {
                matches!(effect, Effect::Tell(waiters, Outcome::Failed(failure))
                    if waiters == &[waiter] && failure.retryable)
            });
            assert!(told, "{effects:?}");
        }
    }

    #[test]
    fn a_failed_flight_makes_room_for_the_next() {
        let mut table = table(100);
        table.want("a", 80, 2);
        table.want("b", 80, 4);
        let told = Effect::Tell(vec![2], Outcome::Failed(broken()));
        assert_eq!(table.failed("a", broken()), [told, start("b")]);
    }

    #[test]
    fn a_thousand_different_images_pass_through_one_after_another() {
        let mut table = table(100);
        for n in 0..1000 {
            let key = format!("k{n}");
            let effects = fill(&mut table, &key, 60);
            assert!(effects.contains(&start(&key)) && effects.contains(&here(&[0])), "{n}");
        }
        assert_eq!((table.figures().images, table.figures().evictions), (1, 999));
    }

    #[test]
    fn flights_are_bounded_and_the_queue_keeps_its_order() {
        let mut table = table(100);
        assert_eq!(table.want("a", 10, 2), [start("a")]);
        assert_eq!(table.want("b", 10, 2), [start("b")]);
        assert_eq!(table.want("z", 10, 2), []);
        assert_eq!(table.want("c", 10, 2), []);
        assert_eq!(table.landed("b"), [here(&[2]), start("z")]);
        assert_eq!(table.failed("a", broken()).pop(), Some(start("c")));
    }

    #[test]
    fn a_lower_limit_evicts_at_once() {
        let mut table = table(100);
        for key in ["a", "b", "c"] {
            fill(&mut table, key, 30);
        }
        table.pin("a");
        assert_eq!(table.set_limit(60), [remove("b")]);
        assert_eq!(table.set_limit(20), [remove("c")], "what is read stays until it is read");
        assert_eq!(table.unpin("a"), [remove("a")]);
        assert_eq!(table.figures().used, 0);
    }

    #[test]
    fn a_lower_limit_ends_hopeless_wishes() {
        let mut table = table(100);
        table.want("a", 90, 2);
        table.want("b", 50, 4);
        let effects = table.set_limit(40);
        let refused =
            |e: &Effect<u32>| matches!(e, Effect::Tell(w, Outcome::Failed(_)) if w == &[4]);
        assert!(effects.iter().any(refused), "{effects:?}");
        let effects = table.landed("a");
        assert_eq!(effects[0], remove("a"));
        assert!(matches!(&effects[1], Effect::Tell(w, Outcome::Failed(_)) if w == &[2]));
        assert_eq!(table.figures(), Figures { limit: 40, misses: 2, ..Figures::default() });
    }

    #[test]
    fn forgetting_waits_for_readers_and_flights() {
        let mut table = table(100);
        fill(&mut table, "a", 30);
        table.pin("a");
        assert_eq!(table.forget("a"), []);
        assert!(!table.pin("a"), "nobody new reads what is going");
        assert_eq!(table.unpin("a"), [remove("a")]);

        table.want("b", 30, 1);
        assert_eq!(table.forget("b"), []);
        assert_eq!(table.landed("b")[0], remove("b"));

        table.want("c", 30, 1);
        table.forget("c");
        table.want("c", 30, 2);
        assert_eq!(table.landed("c"), [here(&[1, 2])], "wanted again meanwhile");

        assert_eq!(table.forget("absent"), []);
    }

    #[test]
    fn what_was_found_on_disk_is_fitted_into_the_limit() {
        let mut table = table(100);
        for key in ["old", "middle", "new"] {
            table.found(key.into(), 40);
        }
        assert_eq!(table.settle_found(), [remove("old")]);
        assert_eq!(table.want("new", 40, 2), [here(&[2])]);
    }

    #[test]
    fn the_invariants_hold_whatever_is_called() {
        let mut table = table(100);
        let mut pinned: BTreeMap<String, u64> = BTreeMap::new();
        let mut chance: u64 = 7;
        let mut next = |below: u64| {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % below
        };
        for step in 0..20_000_u32 {
            let key = format!("k{}", next(12));
            let bytes = 5 + key.len() as u64 * 7 + (key.as_bytes()[1] as u64 % 5) * 10;
            let effects = match next(8) {
                0..=2 => table.want(&key, bytes, step),
                3 | 4 => table.landed(&key),
                5 => table.failed(&key, broken()),
                6 if pinned.values().sum::<u64>() < 2 && table.pin(&key) => {
                    *pinned.entry(key).or_default() += 1;
                    Vec::new()
                }
                7 => match pinned.get_mut(&key) {
                    Some(pins) if *pins > 0 => {
                        *pins -= 1;
                        table.unpin(&key)
                    }
                    _ if step % 10 == 0 => table.forget(&key),
                    _ => Vec::new(),
                },
                _ => Vec::new(),
            };
            for effect in effects {
                if let Effect::Remove(key) = effect {
                    assert_eq!(pinned.get(&key).copied().unwrap_or(0), 0, "{key} was being read");
                }
            }
            let figures = table.figures();
            assert!(figures.used + figures.reserved <= 100, "{figures:?}");
            assert!(figures.flights <= 2);
        }
        assert!(table.figures().evictions > 100, "the test has met the interesting cases");
    }
}

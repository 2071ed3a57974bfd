//! The table against a model of the world around it: every state that a small table can get into,
//! and long random runs of a crowd on a larger one.
//!
//! The model knows what the actor and the disk would know: which files there are, which flights
//! run, who reads what, and who waits. Every effect is done to it, and must be one that can be done.
//! What is required, by name:
//!
//! - **within the limit**: images that are there and those in flight take no more than the limit,
//!   but for pinned ones and ones in flight when it was lowered;
//! - **one flight a key**: no image is unpacked twice at the same time, and never more at once than
//!   may fly;
//! - **answered once**: whoever waits is told exactly once how it ended, and told that an image is
//!   there only if it is;
//! - **pins hold**: the file of an image that is read is not removed, and one that somebody was told
//!   of and will read is removed only for a lower limit or because it was withdrawn;
//! - **all that fits lands**: when readers go and flights end well, everybody who waits for an image
//!   that fits is told that it is there;
//! - **the book is true**: the table's figures are those of the model.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::*;

/// A waiter by number; those who have given up know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guest {
    number: u32,
    listens: bool,
    reads: bool,
}

impl Waiter for Guest {
    fn listens(&self) -> bool {
        self.listens
    }

    fn reads(&self) -> bool {
        self.reads
    }
}

/// What can happen.
#[derive(Debug, Clone, Copy)]
enum Event {
    Want { key: usize, listens: bool, reads: bool },
    Land(usize),
    Fail(usize),
    Pin(usize),
    Unpin(usize),
    Lapse(usize),
    Forget(usize),
    FoundGood(usize),
    Limit(u64),
}

#[derive(Debug, Clone)]
struct World {
    table: Table<Guest>,
    sizes: Vec<u64>,
    limit: u64,
    at_once: usize,
    files: BTreeSet<usize>,
    flying: BTreeSet<usize>,
    pins: BTreeMap<usize, u64>,
    /// Of which images it has to be said that the time of a moment has lapsed.
    holds: BTreeSet<(usize, u64)>,
    waiting: BTreeMap<u32, usize>,
    next: u32,
    /// Who was told that it is there, and who that it cannot be had.
    told: (u64, u64),
}

/// One less of something.
fn take(counts: &mut BTreeMap<usize, u64>, key: usize) {
    let count = counts.get_mut(&key).expect("it was asked whether it can");
    *count -= 1;
    if *count == 0 {
        counts.remove(&key);
    }
}

fn name(key: usize) -> String {
    format!("{key:02}")
}

impl World {
    fn new(sizes: &[u64], limit: u64, at_once: usize) -> Self {
        Self {
            table: Table::new(limit, at_once),
            sizes: sizes.to_vec(),
            limit,
            at_once,
            files: BTreeSet::new(),
            flying: BTreeSet::new(),
            pins: BTreeMap::new(),
            holds: BTreeSet::new(),
            waiting: BTreeMap::new(),
            next: 0,
            told: (0, 0),
        }
    }

    /// Whether something can happen at all in the world as it is.
    fn can(&self, event: Event) -> bool {
        match event {
            Event::Want { .. } | Event::Forget(_) | Event::FoundGood(_) => true,
            Event::Land(key) | Event::Fail(key) => self.flying.contains(&key),
            Event::Pin(key) => self.files.contains(&key),
            Event::Unpin(key) => self.pins.contains_key(&key),
            Event::Lapse(key) => self.held(key).is_some(),
            Event::Limit(limit) => limit != self.limit,
        }
    }

    /// The first moment of which it has to be said for this image that its time has lapsed.
    fn held(&self, key: usize) -> Option<u64> {
        self.holds.range((key, 0)..=(key, u64::MAX)).next().map(|(_, moment)| *moment)
    }

    /// Forgets the moments that make no difference any more: all have begun, or the image has gone.
    fn forget_what_has_begun(&mut self) {
        let slots = &self.table.slots;
        self.holds.retain(|(key, moment)| match slots.get(&name(*key)) {
            Some(Slot::Here { holds, .. }) => holds.contains_key(moment),
            _ => false,
        });
    }

    /// Whether an image goes because it is not needed any more.
    fn is_withdrawn(&self, key: usize) -> bool {
        match self.table.slots.get(&name(key)) {
            Some(Slot::Here { unwanted, .. } | Slot::Flying { unwanted, .. }) => *unwanted,
            _ => false,
        }
    }

    fn happens(&mut self, event: Event) {
        let mut withdrawn: BTreeSet<usize> =
            (0..self.sizes.len()).filter(|key| self.is_withdrawn(*key)).collect();
        if let Event::Forget(key) = event {
            withdrawn.insert(key);
        }
        let effects = match event {
            Event::Want { key, listens, reads } => {
                let guest = Guest { number: self.next, listens, reads };
                self.next += 1;
                if listens {
                    self.waiting.insert(guest.number, key);
                }
                self.table.want(&name(key), self.sizes[key], guest)
            }
            Event::Land(key) => {
                self.flying.remove(&key);
                self.files.insert(key);
                self.table.landed(&name(key))
            }
            Event::Fail(key) => {
                self.flying.remove(&key);
                let failure = Failure { reason: "damaged".into(), retryable: false };
                self.table.failed(&name(key), failure)
            }
            Event::Pin(key) => {
                if self.table.pin(&name(key)) {
                    *self.pins.entry(key).or_default() += 1;
                }
                Vec::new()
            }
            Event::Unpin(key) => {
                take(&mut self.pins, key);
                self.table.unpin(&name(key))
            }
            Event::Lapse(key) => {
                let moment = self.held(key).expect("it was asked whether it can");
                self.holds.remove(&(key, moment));
                self.table.lapsed(&name(key), moment)
            }
            Event::Forget(key) => self.table.forget(&name(key)),
            Event::FoundGood(key) => {
                self.table.found_good(&name(key));
                Vec::new()
            }
            Event::Limit(limit) => {
                self.limit = limit;
                self.table.set_limit(limit)
            }
        };
        self.run(effects, &withdrawn);
        self.forget_what_has_begun();
        self.check();
    }

    fn run(&mut self, effects: Vec<Effect<Guest>>, withdrawn: &BTreeSet<usize>) {
        for effect in effects {
            match effect {
                Effect::Remove(key) => {
                    let key = key.parse().unwrap();
                    assert!(!self.pins.contains_key(&key), "pins hold: {key} was being read");
                    let may_go = self.taken() > self.limit || withdrawn.contains(&key);
                    assert!(may_go || self.held(key).is_none(), "pins hold: {key} will be read");
                    assert!(self.files.remove(&key), "the book is true: no file of {key}");
                }
                Effect::Start(key) => {
                    let key: usize = key.parse().unwrap();
                    assert!(!self.files.contains(&key), "one flight a key: {key} is there");
                    assert!(self.flying.insert(key), "one flight a key: {key} flies already");
                    assert!(self.flying.len() <= self.at_once, "one flight a key: too many");
                }
                Effect::Hold(key, moment) => {
                    let new = self.holds.insert((key.parse().unwrap(), moment));
                    assert!(new, "the book is true: one moment for two holds");
                }
                Effect::Tell(guests, outcome) => {
                    for guest in guests.into_iter().filter(|guest| guest.listens) {
                        let key = self.waiting.remove(&guest.number);
                        let key = key.expect("answered once: nobody of that number waits");
                        match outcome {
                            Outcome::Here => {
                                assert!(self.files.contains(&key), "answered once: no {key}");
                                self.told.0 += 1;
                            }
                            Outcome::Failed(_) => self.told.1 += 1,
                        }
                    }
                }
                Effect::Discard(key) => {
                    let key = key.parse().unwrap();
                    assert!(!self.flying.contains(&key), "what a flight needs was thrown away");
                }
            }
        }
    }

    fn bytes_of(&self, keys: &BTreeSet<usize>) -> u64 {
        keys.iter().map(|key| self.sizes[*key]).sum()
    }

    fn taken(&self) -> u64 {
        self.bytes_of(&self.files) + self.bytes_of(&self.flying)
    }

    fn check(&self) {
        let figures = self.table.figures();
        let (used, reserved) = (self.bytes_of(&self.files), self.bytes_of(&self.flying));
        let pins: u64 = self.pins.values().sum();
        assert_eq!((figures.used, figures.reserved), (used, reserved), "the book is true");
        assert_eq!((figures.images, figures.pins), (self.files.len() as u64, pins));
        assert_eq!((figures.flights, figures.limit), (self.flying.len() as u64, self.limit));
        if used + reserved > self.limit {
            let idle = self.files.iter().find(|key| !self.pins.contains_key(key));
            assert_eq!(idle, None, "within the limit: an image that nobody reads is kept above it");
        }
        for key in self.waiting.values() {
            let slot = self.table.slots.get(&name(*key));
            let on_its_way = matches!(slot, Some(Slot::Queued { .. } | Slot::Flying { .. }));
            assert!(on_its_way, "answered once: a guest waits for {key}, which is {slot:?}");
        }
    }

    /// Lets readers go, time lapse and flights end well, and looks that nobody is left over.
    fn comes_to_an_end(mut self) {
        while let Some(key) = self.pins.keys().next().copied() {
            self.happens(Event::Unpin(key));
        }
        while let Some((key, _)) = self.holds.first().copied() {
            self.happens(Event::Lapse(key));
        }
        let expected: u64 = self.waiting.values().fold(0, |sum, key| {
            sum + u64::from(self.sizes[*key] <= self.limit && !self.is_withdrawn(*key))
        });
        let before = self.told.0;
        while let Some(key) = self.flying.first().copied() {
            self.happens(Event::Land(key));
            while let Some((key, _)) = self.holds.first().copied() {
                self.happens(Event::Lapse(key));
            }
        }
        assert!(self.waiting.is_empty(), "all that fits lands: {:?} wait on", self.waiting);
        assert_eq!(self.told.0 - before, expected, "all that fits lands");
        assert_eq!(self.table.figures().queued, 0, "all that fits lands: something is queued");
    }

    /// The state without what makes no difference: numbers of guests, and moments but for their
    /// order.
    fn essence(&self) -> String {
        let mut moments = BTreeSet::new();
        for slot in self.table.slots.values() {
            match slot {
                Slot::Queued { order, .. } => drop(moments.insert(*order)),
                Slot::Here { used, holds, .. } => {
                    moments.insert(*used);
                    moments.extend(holds.keys());
                }
                Slot::Flying { .. } | Slot::Failed(_) => {}
            }
        }
        let rank = |moment: &u64| moments.range(..moment).count();
        let listen = |guests: &[Guest]| {
            let of = |reads| guests.iter().filter(|it| it.listens && it.reads == reads).count();
            format!("{}+{}", of(true), of(false))
        };
        let mut text = format!("{} ", self.limit);
        for (key, slot) in &self.table.slots {
            text += &match slot {
                Slot::Queued { order, waiters, .. } => {
                    format!("{key}q{}w{} ", rank(order), listen(waiters))
                }
                Slot::Flying { waiters, unwanted, .. } => {
                    format!("{key}f{}{} ", listen(waiters), u8::from(*unwanted))
                }
                Slot::Here { used, pins, holds, unwanted, .. } => {
                    let held: Vec<_> = holds.iter().map(|(at, of)| (rank(at), of)).collect();
                    format!("{key}h{}p{pins}o{held:?}{} ", rank(used), u8::from(*unwanted))
                }
                Slot::Failed(_) => format!("{key}x "),
            };
        }
        text
    }
}

/// All that can happen to so many images, with these limits.
fn events(keys: usize, limits: &[u64]) -> Vec<Event> {
    let of_key = |key| {
        [
            Event::Want { key, listens: true, reads: true },
            Event::Want { key, listens: true, reads: false },
            Event::Want { key, listens: false, reads: true },
            Event::Land(key),
            Event::Fail(key),
            Event::Pin(key),
            Event::Unpin(key),
            Event::Lapse(key),
            Event::Forget(key),
            Event::FoundGood(key),
        ]
    };
    let limits = limits.iter().map(|limit| Event::Limit(*limit));
    (0..keys).flat_map(of_key).chain(limits).collect()
}

/// Visits every state that can be reached, with at most so many guests and readers of an image;
/// gives how many there are.
fn explore(sizes: &[u64], limits: &[u64], at_once: usize) -> usize {
    let events = events(sizes.len(), limits);
    let first = World::new(sizes, limits[0], at_once);
    let mut seen = HashSet::from([first.essence()]);
    let mut todo = VecDeque::from([first]);
    while let Some(world) = todo.pop_front() {
        world.clone().comes_to_an_end();
        for event in &events {
            let bounded = match *event {
                Event::Want { key, listens: true, reads } => {
                    let waits = world.waiting.values().any(|it| *it == key);
                    let held = reads && world.held(key).is_some();
                    !waits && !held
                }
                Event::Pin(key) => !world.pins.contains_key(&key),
                _ => true,
            };
            if !bounded || !world.can(*event) {
                continue;
            }
            let mut next = world.clone();
            next.happens(*event);
            if seen.insert(next.essence()) {
                todo.push_back(next);
            }
        }
    }
    seen.len()
}

#[test]
fn the_invariants_hold_in_every_state_of_a_small_table() {
    // Two fit beside each other or none beside the largest; one limit lets only the smallest in,
    // one nothing at all.
    let states = explore(&[2, 2, 3], &[5, 2, 1], 2);
    assert!(states > 1000, "only {states} states were met");
    let states = explore(&[1, 1, 1], &[2, 1], 1);
    assert!(states > 500, "only {states} states were met");
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn a_crowd_for_twenty_images_in_a_cache_for_five_is_served() {
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let sizes: Vec<u64> = (0..20).map(|_| 8 + dice.below(5) as u64).collect();
        let limits = [50, 50, 50, 30, 20];
        let mut world = World::new(&sizes, limits[0], 2);
        for _ in 0..20_000 {
            let key = dice.below(20);
            let event = match dice.below(100) {
                // At most fifty wait.
                0..=39 if world.waiting.len() < 50 => {
                    Event::Want { key, listens: dice.below(10) > 0, reads: dice.below(3) > 0 }
                }
                0..=64 => match world.flying.iter().nth(dice.below(2)) {
                    Some(flying) if dice.below(20) == 0 => Event::Fail(*flying),
                    Some(flying) => Event::Land(*flying),
                    None => continue,
                },
                65..=78 if world.pins.len() < 3 => Event::Pin(key),
                65..=95 => match world.pins.keys().next() {
                    Some(pinned) => Event::Unpin(*pinned),
                    None => continue,
                },
                96 => Event::Forget(key),
                97 => match world.holds.iter().nth(dice.below(2)) {
                    Some((held, _)) => Event::Lapse(*held),
                    None => continue,
                },
                98 => Event::FoundGood(key),
                _ => Event::Limit(limits[dice.below(limits.len())]),
            };
            if world.can(event) {
                world.happens(event);
            }
        }
        let figures = world.table.figures();
        assert!(figures.evictions > 100 && figures.hits > 100, "{figures:?}");
        assert!(world.told.0 > 1000 && world.told.1 > 100, "{:?}", world.told);
        world.comes_to_an_end();
    }
}

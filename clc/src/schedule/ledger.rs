//! The book of promised capacity: what each node has in all, and who holds how much of it.
//!
//! A seat is held from the moment a launch is being placed until its instance is known to be
//! gone, whatever the node says meanwhile; so a node that cannot be asked is never promised
//! twice. Addresses belong to seats; one that was given back rests a while before the next gets
//! it, so that nobody's late packets reach a stranger. Pure: time comes as an argument.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use common::id::InstanceId;
use common::time::Timestamp;
use common::wire::node::{Capacity, Subnet};

/// How long an address rests before it is given away again.
pub const REST: Duration = Duration::from_secs(60);

/// How lately a node must have answered to be given new instances.
pub const LATELY: Duration = Duration::from_secs(20);

/// What one instance needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in MiB.
    pub disk_mib: u64,
}

impl Demand {
    /// What is left of it when its machine is off.
    #[must_use]
    pub fn parked(self) -> Self {
        Self { cpus: 0, memory_mib: 0, ..self }
    }
}

/// What one instance holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// How much.
    pub demand: Demand,
    /// Its address.
    pub address: Ipv4Addr,
}

/// What a node can still take, and can take in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The node.
    pub node: String,
    /// Its zone.
    pub zone: String,
    /// What is not promised.
    pub free: Capacity,
    /// Addresses that are neither held nor resting.
    pub addresses: u64,
    /// What it has in all.
    pub total: Capacity,
    /// When it last answered.
    pub answered: Timestamp,
    /// Whether an administrator has closed it to new instances.
    pub closed: bool,
}

impl Room {
    /// How many instances of this demand still fit.
    pub fn fits(&self, demand: Demand) -> u64 {
        fits(self.free, demand).min(self.addresses)
    }

    /// How many would fit if it were empty.
    pub fn holds(&self, demand: Demand) -> u64 {
        fits(self.total, demand)
    }

    /// Whether it may be given instances.
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.closed && now.since(self.answered) <= LATELY
    }
}

fn fits(room: Capacity, demand: Demand) -> u64 {
    u64::from(room.cpus / demand.cpus.max(1))
        .min(room.memory_mib / demand.memory_mib.max(1))
        .min(room.disk_mib / demand.disk_mib.max(1))
}

#[derive(Debug, Default)]
struct Page {
    zone: String,
    closed: bool,
    seen: Option<(Capacity, Subnet, Timestamp)>,
    seats: BTreeMap<InstanceId, Seat>,
    resting: BTreeMap<Ipv4Addr, Timestamp>,
}

/// The book.
#[derive(Debug, Default)]
pub struct Ledger {
    pages: BTreeMap<String, Page>,
}

impl Ledger {
    /// A book with a page for each node, by name and zone; nothing is known of them yet.
    pub fn new(nodes: impl IntoIterator<Item = (String, String)>) -> Self {
        let page = |(name, zone)| (name, Page { zone, ..Page::default() });
        Self { pages: nodes.into_iter().map(page).collect() }
    }

    /// Notes what a node has in all.
    pub fn saw(&mut self, node: &str, capacity: Capacity, subnet: Subnet, now: Timestamp) {
        if let Some(page) = self.pages.get_mut(node) {
            page.seen = Some((capacity, subnet, now));
        }
    }

    /// Closes a node to new instances, or opens it again; what has its seat there keeps it.
    pub fn close(&mut self, node: &str, closed: bool) {
        if let Some(page) = self.pages.get_mut(node) {
            page.closed = closed;
        }
    }

    /// Enters a seat that is on record; a node that is no longer configured has no page.
    pub fn restore(&mut self, node: &str, instance: InstanceId, seat: Seat) {
        if let Some(page) = self.pages.get_mut(node) {
            page.seats.insert(instance, seat);
        }
    }

    /// Lets an address rest that was given back at that time.
    pub fn rest(&mut self, node: &str, address: Ipv4Addr, since: Timestamp) {
        if let Some(page) = self.pages.get_mut(node) {
            page.resting.insert(address, since.plus(REST));
        }
    }

    /// Gives an instance a seat on a node, if there is one.
    pub fn take(
        &mut self,
        node: &str,
        instance: &InstanceId,
        demand: Demand,
        now: Timestamp,
    ) -> Option<Ipv4Addr> {
        let page = self.pages.get_mut(node)?;
        page.resting.retain(|_, until| *until > now);
        let (capacity, subnet, _) = page.seen?;
        if fits(page.free(capacity), demand) == 0 {
            return None;
        }
        let held: BTreeSet<_> = page.seats.values().map(|seat| seat.address).collect();
        let address = subnet
            .usable()
            .find(|address| !held.contains(address) && !page.resting.contains_key(address))?;
        page.seats.insert(instance.clone(), Seat { demand, address });
        Some(address)
    }

    /// Leaves an instance of its seat only what one that is off holds: its disk and its address.
    pub fn park(&mut self, instance: &InstanceId) {
        for page in self.pages.values_mut() {
            if let Some(seat) = page.seats.get_mut(instance) {
                seat.demand = seat.demand.parked();
            }
        }
    }

    /// Gives an instance that was parked its whole seat again, if there is room on its node. Says
    /// whether there is.
    pub fn resume(&mut self, node: &str, instance: &InstanceId, demand: Demand) -> bool {
        let Some(page) = self.pages.get_mut(node) else { return false };
        let (Some((capacity, ..)), Some(mut seat)) = (page.seen, page.seats.remove(instance))
        else {
            return false;
        };
        let room = fits(page.free(capacity), demand) > 0;
        if room {
            seat.demand = demand;
        }
        page.seats.insert(instance.clone(), seat);
        room
    }

    /// Takes an instance's seat back; its address rests.
    pub fn release(&mut self, instance: &InstanceId, now: Timestamp) {
        for page in self.pages.values_mut() {
            if let Some(seat) = page.seats.remove(instance) {
                page.resting.insert(seat.address, now.plus(REST));
            }
        }
    }

    /// What each node that has ever answered can still take.
    pub fn rooms(&self, now: Timestamp) -> Vec<Room> {
        let room = |(node, page): (&String, &Page)| {
            let (total, subnet, answered) = page.seen?;
            let resting = page.resting.values().filter(|until| **until > now).count();
            let addresses = u64::from(u32::from(subnet.broadcast()) - u32::from(subnet.network))
                .saturating_sub(2)
                .saturating_sub((page.seats.len() + resting) as u64);
            Some(Room {
                node: node.clone(),
                zone: page.zone.clone(),
                free: page.free(total),
                addresses,
                total,
                answered,
                closed: page.closed,
            })
        };
        self.pages.iter().filter_map(room).collect()
    }

    /// How many seats are held.
    pub fn seats(&self) -> usize {
        self.pages.values().map(|page| page.seats.len()).sum()
    }
}

impl Page {
    fn free(&self, total: Capacity) -> Capacity {
        let mut free = total;
        for Seat { demand, .. } in self.seats.values() {
            free.cpus = free.cpus.saturating_sub(demand.cpus);
            free.memory_mib = free.memory_mib.saturating_sub(demand.memory_mib);
            free.disk_mib = free.disk_mib.saturating_sub(demand.disk_mib);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: Capacity = Capacity { cpus: 4, memory_mib: 1024, disk_mib: 10_000 };
    const SMALL: Demand = Demand { cpus: 1, memory_mib: 128, disk_mib: 2048 };

    fn id(n: u8) -> InstanceId {
        InstanceId::from_random([0, 0, 0, n])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn book(prefix: u8) -> Ledger {
        let mut book = Ledger::new([("a".to_owned(), "z".to_owned())]);
        let network = Ipv4Addr::new(10, 0, 0, 0);
        book.saw("a", CAPACITY, Subnet { network, prefix }, at(0));
        book
    }

    #[test]
    fn the_scarcest_thing_decides() {
        let room = &book(24).rooms(at(0))[0];
        assert_eq!((room.fits(SMALL), room.holds(SMALL)), (4, 4));
        let wide = Demand { disk_mib: 6000, ..SMALL };
        assert_eq!(room.fits(wide), 1);
        assert_eq!(room.fits(Demand { memory_mib: 2000, ..SMALL }), 0);
        // A /29 has six hosts, one of them the router.
        assert_eq!(book(29).rooms(at(0))[0].addresses, 5);
    }

    #[test]
    fn seats_are_never_promised_twice() {
        let mut book = book(24);
        let given: BTreeSet<_> =
            (0..9).filter_map(|n| book.take("a", &id(n), SMALL, at(0))).collect();
        assert_eq!(given.len(), 4);
        assert_eq!(book.seats(), 4);
        assert_eq!(book.rooms(at(0))[0].fits(SMALL), 0);
        book.release(&id(0), at(1));
        book.release(&id(0), at(1));
        assert_eq!(book.rooms(at(1))[0].fits(SMALL), 1);
        assert_eq!(book.take("b", &id(9), SMALL, at(1)), None);
    }

    #[test]
    fn a_parked_instance_keeps_its_disk_and_address_and_resumes_if_there_is_room() {
        let mut book = book(24);
        let address = book.take("a", &id(1), SMALL, at(0)).unwrap();
        book.park(&id(1));
        book.park(&id(1));
        let free = book.rooms(at(0))[0].free;
        assert_eq!((free.cpus, free.memory_mib, free.disk_mib), (4, 1024, 10_000 - 2048));
        assert!(
            (2..6)
                .all(|n| book.take("a", &id(n), Demand { disk_mib: 1, ..SMALL }, at(0)).is_some())
        );
        assert!(!book.resume("a", &id(1), SMALL), "four processors are taken");
        assert_eq!(book.rooms(at(0))[0].free.disk_mib, 10_000 - 2048 - 4);
        book.release(&id(2), at(0));
        assert!(book.resume("a", &id(1), SMALL));
        assert!(book.resume("a", &id(1), SMALL), "what it holds already is its own");
        assert_eq!(book.rooms(at(0))[0].free.cpus, 0);
        assert_ne!(book.take("a", &id(9), SMALL, at(0)), Some(address));
        assert!(!book.resume("b", &id(1), SMALL));
        assert!(!book.resume("a", &id(8), SMALL));
    }

    #[test]
    fn an_address_rests_before_it_is_given_away_again() {
        let mut book = book(29);
        let tiny = Demand { cpus: 0, memory_mib: 1, disk_mib: 1 };
        let first = book.take("a", &id(1), tiny, at(0)).unwrap();
        assert_eq!(first, Ipv4Addr::new(10, 0, 0, 2));
        book.release(&id(1), at(10));
        let second = book.take("a", &id(2), tiny, at(11)).unwrap();
        assert_ne!(first, second);
        assert_eq!(book.rooms(at(11))[0].addresses, 3);
        assert_eq!(book.take("a", &id(3), tiny, at(71)), Some(first));
    }

    #[test]
    fn a_node_that_has_been_silent_is_closed() {
        let book = book(24);
        assert!(book.rooms(at(20))[0].is_open(at(20)));
        assert!(!book.rooms(at(21))[0].is_open(at(21)));
        let never = Ledger::new([("a".to_owned(), "z".to_owned())]);
        assert!(never.rooms(at(0)).is_empty());
    }

    #[test]
    fn a_node_that_was_closed_keeps_its_seats_and_is_opened_again() {
        let mut book = book(24);
        book.take("a", &id(1), SMALL, at(0)).unwrap();
        book.close("a", true);
        book.close("unknown", true);
        let room = &book.rooms(at(1))[0];
        assert!(!room.is_open(at(1)) && room.fits(SMALL) == 3);
        book.park(&id(1));
        assert!(book.resume("a", &id(1), SMALL), "what is there may be started");
        book.close("a", false);
        assert!(book.rooms(at(1))[0].is_open(at(1)));
    }

    #[test]
    fn what_is_on_record_is_entered_as_it_was() {
        let mut book = book(29);
        let address = Ipv4Addr::new(10, 0, 0, 2);
        book.restore("a", id(1), Seat { demand: SMALL, address });
        book.restore("gone", id(2), Seat { demand: SMALL, address });
        book.rest("a", Ipv4Addr::new(10, 0, 0, 3), at(0));
        assert_eq!(book.take("a", &id(3), SMALL, at(1)), Some(Ipv4Addr::new(10, 0, 0, 4)));
    }
}

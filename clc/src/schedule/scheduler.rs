//! The actor that keeps the ledger: placements are made one after the other here, so that two
//! launches never get the same seat.
//!
//! A placement is a [`Ticket`]: whoever drops it without settling it gives the seats back, be it
//! by an error or a panic. What is settled is on record, and is released when its instance has
//! gone.

use std::net::Ipv4Addr;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message};
use common::error::{ApiError, ErrorCode};
use common::id::InstanceId;
use common::wire::node::{Capacity, Subnet};
use runtime::clock::Clock;
use runtime::pool;
use tokio::sync::watch;

use super::ledger::{Demand, Ledger, Room};
use super::policy::{self, Shortage};

/// The seats of the cloud.
pub struct Scheduler {
    ledger: Ledger,
    clock: Clock,
    rooms: watch::Sender<Arc<Vec<Room>>>,
}

impl Scheduler {
    /// Starts the actor over a ledger that holds what is on record.
    pub fn start(ledger: Ledger, clock: Clock) -> (Addr<Self>, watch::Receiver<Arc<Vec<Room>>>) {
        let (rooms, seen) = watch::channel(Arc::new(ledger.rooms(clock.now())));
        (Actor::start(Self { ledger, clock, rooms }), seen)
    }

    fn publish(&self) {
        self.rooms.send_replace(Arc::new(self.ledger.rooms(self.clock.now())));
    }
}

impl Actor for Scheduler {
    type Context = Context<Self>;
}

/// Find seats for as many of these instances as there is room for.
#[derive(Debug)]
pub struct Place {
    /// The zone; any of `zones` if absent.
    pub zone: Option<String>,
    /// The zones that whoever asks may use; any if absent.
    pub zones: Option<Vec<String>>,
    /// What each needs.
    pub demand: Demand,
    /// How few will do.
    pub min: usize,
    /// The instances.
    pub instances: Vec<InstanceId>,
}

impl Message for Place {
    type Result = Result<Vec<Placed>, Shortage>;
}

/// A seat that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Who got it.
    pub instance: InstanceId,
    /// The node.
    pub node: String,
    /// The node's zone.
    pub zone: String,
    /// The address.
    pub address: Ipv4Addr,
}

impl Handler<Place> for Scheduler {
    type Result = Result<Vec<Placed>, Shortage>;

    fn handle(&mut self, wish: Place, _: &mut Context<Self>) -> Self::Result {
        let now = self.clock.now();
        let rooms = self.ledger.rooms(now);
        let open: Vec<_> = rooms
            .iter()
            .filter(|room| room.is_open(now))
            .filter(|room| wish.zone.as_ref().is_none_or(|zone| *zone == room.zone))
            .filter(|room| wish.zones.as_ref().is_none_or(|zones| zones.contains(&room.zone)))
            .collect();
        let count = wish.instances.len();
        let nodes = policy::spread(open.iter().copied(), wish.demand, wish.min, count)?;
        let mut placed = Vec::with_capacity(nodes.len());
        for (instance, node) in wish.instances.into_iter().zip(nodes) {
            // The policy counted this very ledger, so the seat is there.
            let Some(address) = self.ledger.take(node, &instance, wish.demand, now) else {
                continue;
            };
            let zone = open.iter().find(|room| room.node == node);
            let zone = zone.map(|room| room.zone.clone()).unwrap_or_default();
            placed.push(Placed { instance, node: node.to_owned(), zone, address });
        }
        self.publish();
        Ok(placed)
    }
}

/// These instances are gone, or never came to be.
#[derive(Debug)]
pub struct Release(pub Vec<InstanceId>);

impl Message for Release {
    type Result = ();
}

impl Handler<Release> for Scheduler {
    type Result = ();

    fn handle(&mut self, release: Release, _: &mut Context<Self>) {
        let now = self.clock.now();
        for instance in &release.0 {
            self.ledger.release(instance, now);
        }
        self.publish();
    }
}

/// These instances are off: what they do not need then is anybody's.
#[derive(Debug)]
pub struct Park(pub Vec<InstanceId>);

impl Message for Park {
    type Result = ();
}

impl Handler<Park> for Scheduler {
    type Result = ();

    fn handle(&mut self, park: Park, _: &mut Context<Self>) {
        for instance in &park.0 {
            self.ledger.park(instance);
        }
        self.publish();
    }
}

/// These instances, which are off, shall run: each on its node, all of them or none.
#[derive(Debug)]
pub struct Resume(pub Vec<(String, InstanceId, Demand)>);

impl Message for Resume {
    /// The first for which there is no room.
    type Result = Result<(), InstanceId>;
}

impl Handler<Resume> for Scheduler {
    type Result = Result<(), InstanceId>;

    fn handle(&mut self, resume: Resume, _: &mut Context<Self>) -> Self::Result {
        let mut resumed = Vec::new();
        for (node, instance, demand) in resume.0 {
            if !self.ledger.resume(&node, &instance, demand) {
                for done in &resumed {
                    self.ledger.park(done);
                }
                self.publish();
                return Err(instance);
            }
            resumed.push(instance);
        }
        self.publish();
        Ok(())
    }
}

/// A node shall get no new instances, or get some again.
#[derive(Debug)]
pub struct Close {
    /// The node.
    pub node: String,
    /// Whether it is closed.
    pub closed: bool,
}

impl Message for Close {
    type Result = ();
}

impl Handler<Close> for Scheduler {
    type Result = ();

    fn handle(&mut self, close: Close, _: &mut Context<Self>) {
        self.ledger.close(&close.node, close.closed);
        self.publish();
    }
}

/// A node answered, and said this of itself.
#[derive(Debug)]
pub struct Saw {
    /// The node.
    pub node: String,
    /// What it has in all.
    pub capacity: Capacity,
    /// Where its addresses come from.
    pub subnet: Subnet,
}

impl Message for Saw {
    type Result = ();
}

impl Handler<Saw> for Scheduler {
    type Result = ();

    fn handle(&mut self, saw: Saw, _: &mut Context<Self>) {
        self.ledger.saw(&saw.node, saw.capacity, saw.subnet, self.clock.now());
        self.publish();
    }
}

/// Seats that are held until this is dropped or settled.
#[derive(Debug)]
pub struct Ticket {
    scheduler: Addr<Scheduler>,
    placed: Vec<Placed>,
    settled: bool,
}

impl Ticket {
    /// Asks for seats.
    ///
    /// # Errors
    /// `InsufficientInstanceCapacity` with the numbers, if there is too little room.
    pub async fn take(scheduler: &Addr<Scheduler>, wish: Place) -> Result<Self, ApiError> {
        let zone = wish.zone.clone();
        let placed = scheduler.send(wish).await.map_err(|gone| {
            ApiError::new(ErrorCode::Unavailable, "The service is stopping").because(gone)
        })?;
        let placed = placed.map_err(|Shortage { needed, free }| {
            let place = zone.map_or_else(|| "the cloud".to_owned(), |z| format!("the zone {z}"));
            let text = format!(
                "There is not enough room: {needed} instances of this type are needed, {place} \
                 has room for {free}"
            );
            ApiError::new(ErrorCode::InsufficientInstanceCapacity, text)
        })?;
        Ok(Self { scheduler: scheduler.clone(), placed, settled: false })
    }

    /// The seats.
    pub fn placed(&self) -> &[Placed] {
        &self.placed
    }

    /// The seats are on record: they stay.
    pub fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.settled || self.placed.is_empty() {
            return;
        }
        let instances = self.placed.drain(..).map(|placed| placed.instance).collect();
        let scheduler = self.scheduler.clone();
        pool::spawn(async move {
            // A scheduler that is gone has no seats to give back.
            let _ = scheduler.send(Release(instances)).await;
        });
    }
}

//! Regions and availability zones: DescribeRegions, DescribeAvailabilityZones.

use std::sync::Arc;

use common::ec2::zones::{
    AvailabilityZone, AvailabilityZones, DescribeAvailabilityZones, DescribeRegions, Message,
    Region, Regions,
};
use common::error::{ApiError, ErrorCode};
use runtime::actor::{Answer, Scene};
use runtime::clock::Clock;
use tokio::sync::watch;

use super::filters::{Field, Filters};
use super::types::{self, InstanceType, Types};
use crate::cluster::Cluster;
use crate::identity::credentials::Endpoints;
use crate::people::groups;
use crate::records::Records;
use crate::schedule::ledger::Room;

/// What the actions on regions and zones work with.
pub struct Zones {
    /// The records, for who may use which.
    pub records: Records,
    /// The region's name.
    pub region: String,
    /// Where the APIs of the region are.
    pub endpoints: Endpoints,
    /// The nodes, and with them the zones.
    pub cluster: Cluster,
    /// What is free on each.
    pub rooms: watch::Receiver<Arc<Vec<Room>>>,
    /// The time.
    pub clock: Clock,
}

const REGION_FILTERS: &[Field<Region>] = &[
    ("endpoint", |it| vec![it.region_endpoint.clone()]),
    ("region-name", |it| vec![it.region_name.clone()]),
];

impl Answer<Zones> for DescribeRegions {
    async fn answer(self, scene: &Scene<Zones>) -> Result<Regions, ApiError> {
        let filters = Filters::new(&self.filter, REGION_FILTERS)?;
        if let Some(name) = self.region_name.iter().find(|name| **name != scene.region) {
            return Err(ApiError::invalid("RegionName", format!("there is no region '{name}'")));
        }
        let endpoints = scene.endpoints.clone();
        let endpoints = scene.records.work(move |records| endpoints.now(records)).await?;
        let region = Region { region_name: scene.region.clone(), region_endpoint: endpoints.ec2() };
        let regions = Some(region).filter(|region| filters.admit(region));
        Ok(Regions { region_info: regions.into_iter().collect() })
    }
}

const ZONE_FILTERS: &[Field<AvailabilityZone>] = &[
    ("message", |it| it.message_set.item.iter().map(|m| m.message.clone()).collect()),
    ("region-name", |it| vec![it.region_name.clone()]),
    ("state", |it| vec![it.zone_state.clone()]),
    ("zone-name", |it| vec![it.zone_name.clone()]),
];

impl Answer<Zones> for DescribeAvailabilityZones {
    async fn answer(self, scene: &Scene<Zones>) -> Result<AvailabilityZones, ApiError> {
        let filters = Filters::new(&self.filter, ZONE_FILTERS)?;
        let verbose = self.zone_name.iter().any(|name| name == "verbose");
        if verbose && !scene.caller.administrator {
            let text = "Only administrators of the cloud see its capacity (verbose)";
            return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
        }
        let asked: Vec<_> = self.zone_name.iter().filter(|name| *name != "verbose").collect();
        // A zone that the account's groups may not use is none for it.
        let (account, all) = (scene.caller.account.clone(), scene.names());
        let permitted = move |records: &Records| groups::permitted(records, &account, &all);
        let names = scene.records.work(permitted).await?;
        let types = scene.records.work(types::now).await?;
        if let Some(name) = asked.iter().find(|name| !names.contains(name)) {
            let why = format!("there is no availability zone '{name}'");
            return Err(ApiError::invalid("ZoneName", why));
        }
        let mut shown = Vec::new();
        for name in names.iter().filter(|name| asked.is_empty() || asked.contains(name)) {
            let zone = scene.zone(name);
            if filters.admit(&zone) {
                shown.push(zone);
                if verbose {
                    shown.extend(scene.capacity(name, &types));
                }
            }
        }
        Ok(AvailabilityZones { availability_zone_info: shown.into() })
    }
}

impl Zones {
    /// The zones there are, by name.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.cluster.members().map(|member| member.zone.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn row(&self, name: impl Into<String>, state: impl Into<String>) -> AvailabilityZone {
        AvailabilityZone {
            zone_name: name.into(),
            zone_state: state.into(),
            region_name: self.region.clone(),
            message_set: Vec::new().into(),
        }
    }

    /// A zone is available if one of its nodes answered lately; those that did not are named.
    fn zone(&self, name: &str) -> AvailabilityZone {
        let now = self.clock.now();
        let nodes = self.cluster.members().filter(|member| member.zone == name);
        let (here, away): (Vec<_>, Vec<_>) =
            nodes.partition(|member| member.sighting().is_reachable(now));
        let mut zone = self.row(name, if here.is_empty() { "unavailable" } else { "available" });
        let told = |name: &str| Message { message: format!("The node {name} does not answer") };
        zone.message_set = away.iter().map(|member| told(&member.name)).collect();
        zone
    }

    /// How many instances of a type fit into a zone now, and how many if it is empty.
    pub fn room(&self, zone: &str, kind: InstanceType) -> (u64, u64) {
        let (now, demand) = (self.clock.now(), kind.demand());
        let rooms = self.rooms.borrow().clone();
        let open = rooms.iter().filter(|room| room.zone == zone && room.is_open(now));
        open.fold((0, 0), |(free, most), room| {
            (free + room.fits(demand), most + room.holds(demand))
        })
    }

    /// The lines of capacity as 2.0 wrote them: how many of each type are free, and fit at all.
    fn capacity(&self, zone: &str, types: &Types) -> Vec<AvailabilityZone> {
        let mut rows = vec![self.row("|- vm types", "free / max   cpu   ram  disk")];
        for kind in *types {
            let (free, most) = self.room(zone, kind);
            let figures = format!(
                "{free:04} / {most:04}  {:>2}   {:>4}  {:>4}",
                kind.cpus, kind.memory_mib, kind.disk_gib
            );
            rows.push(self.row(format!("|- {}", kind.name), figures));
        }
        rows
    }
}

//! The table of actions: which actor answers what. One line an action.

use actix::Addr;
use common::ec2::images::{DeregisterImage, DescribeImages, RegisterImage};
use common::ec2::instances::{
    DescribeInstances, GetConsoleOutput, RunInstances, TerminateInstances,
};
use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs};
use common::ec2::metadata_options::ModifyInstanceMetadataOptions;
use common::ec2::zones::{DescribeAvailabilityZones, DescribeRegions};
use runtime::actor::ServiceActor;
use runtime::router::Router;

use crate::ec2::images::Images;
use crate::ec2::instances::Instances;
use crate::ec2::keys::Keys;
use crate::ec2::zones::Zones;

/// The actors that answer actions, one a family: slow images cannot starve instances.
pub struct Actors {
    /// Of images.
    pub images: Addr<ServiceActor<Images>>,
    /// Of instances.
    pub instances: Addr<ServiceActor<Instances>>,
    /// Of key pairs.
    pub keys: Addr<ServiceActor<Keys>>,
    /// Of regions and zones.
    pub zones: Addr<ServiceActor<Zones>>,
}

/// The table.
pub fn router(actors: &Actors) -> Router {
    Router::new()
        .on::<CreateKeyPair, _>(&actors.keys)
        .on::<DeleteKeyPair, _>(&actors.keys)
        .on::<DeregisterImage, _>(&actors.images)
        .on::<DescribeAvailabilityZones, _>(&actors.zones)
        .on::<DescribeImages, _>(&actors.images)
        .on::<DescribeInstances, _>(&actors.instances)
        .on::<DescribeKeyPairs, _>(&actors.keys)
        .on::<DescribeRegions, _>(&actors.zones)
        .on::<GetConsoleOutput, _>(&actors.instances)
        .on::<ModifyInstanceMetadataOptions, _>(&actors.instances)
        .on::<RegisterImage, _>(&actors.images)
        .on::<RunInstances, _>(&actors.instances)
        .on::<TerminateInstances, _>(&actors.instances)
}

//! The table of actions: which actor answers what. One line an action.

use actix::Addr;
use common::ec2::account::DescribeAccountAttributes;
use common::ec2::addresses::DescribeAddresses;
use common::ec2::attributes::{
    DescribeInstanceAttribute, ModifyInstanceAttribute, ResetInstanceAttribute,
};
use common::ec2::bundle_tasks::{BundleInstance, CancelBundleTask, DescribeBundleTasks};
use common::ec2::create_image::CreateImage;
use common::ec2::image_attributes::{
    DescribeImageAttribute, ModifyImageAttribute, ResetImageAttribute,
};
use common::ec2::images::{DeregisterImage, DescribeImages, RegisterImage};
use common::ec2::import_image::{CancelImportTask, DescribeImportImageTasks, ImportImage};
use common::ec2::instance_profiles::{
    AssociateIamInstanceProfile, DescribeIamInstanceProfileAssociations,
    DisassociateIamInstanceProfile, ReplaceIamInstanceProfileAssociation,
};
use common::ec2::instance_types::{DescribeInstanceTypeOfferings, DescribeInstanceTypes};
use common::ec2::instances::{
    DescribeInstances, GetConsoleOutput, RunInstances, TerminateInstances,
};
use common::ec2::keys::{CreateKeyPair, DeleteKeyPair, DescribeKeyPairs, ImportKeyPair};
use common::ec2::metadata_options::ModifyInstanceMetadataOptions;
use common::ec2::power::{RebootInstances, StartInstances, StopInstances};
use common::ec2::status::DescribeInstanceStatus;
use common::ec2::tags::{CreateTags, DeleteTags, DescribeTags};
use common::ec2::zones::{DescribeAvailabilityZones, DescribeRegions};
use runtime::actor::ServiceActor;
use runtime::router::Router;

use crate::ec2::bundles::Bundles;
use crate::ec2::images::Images;
use crate::ec2::instances::Instances;
use crate::ec2::keys::Keys;
use crate::ec2::tags::Tagger;
use crate::ec2::zones::Zones;

/// The actors that answer actions, one a family: slow images cannot starve instances.
pub struct Actors {
    /// Of instances being saved.
    pub bundles: Addr<ServiceActor<Bundles>>,
    /// Of images.
    pub images: Addr<ServiceActor<Images>>,
    /// Of instances.
    pub instances: Addr<ServiceActor<Instances>>,
    /// Of key pairs.
    pub keys: Addr<ServiceActor<Keys>>,
    /// Of tags.
    pub tags: Addr<ServiceActor<Tagger>>,
    /// Of regions and zones.
    pub zones: Addr<ServiceActor<Zones>>,
}

/// The table.
pub fn router(actors: &Actors) -> Router {
    Router::new()
        .on::<AssociateIamInstanceProfile, _>(&actors.instances)
        .on::<BundleInstance, _>(&actors.bundles)
        .on::<CancelBundleTask, _>(&actors.bundles)
        .on::<CancelImportTask, _>(&actors.images)
        .on::<CreateImage, _>(&actors.bundles)
        .on::<CreateKeyPair, _>(&actors.keys)
        .on::<CreateTags, _>(&actors.tags)
        .on::<DeleteKeyPair, _>(&actors.keys)
        .on::<DeleteTags, _>(&actors.tags)
        .on::<DeregisterImage, _>(&actors.images)
        .on::<DescribeAccountAttributes, _>(&actors.zones)
        .on::<DescribeAddresses, _>(&actors.zones)
        .on::<DescribeAvailabilityZones, _>(&actors.zones)
        .on::<DescribeBundleTasks, _>(&actors.bundles)
        .on::<DescribeIamInstanceProfileAssociations, _>(&actors.instances)
        .on::<DescribeImageAttribute, _>(&actors.images)
        .on::<DescribeImages, _>(&actors.images)
        .on::<DescribeImportImageTasks, _>(&actors.images)
        .on::<DescribeInstanceAttribute, _>(&actors.instances)
        .on::<DescribeInstanceStatus, _>(&actors.instances)
        .on::<DescribeInstanceTypeOfferings, _>(&actors.zones)
        .on::<DescribeInstanceTypes, _>(&actors.zones)
        .on::<DescribeInstances, _>(&actors.instances)
        .on::<DescribeKeyPairs, _>(&actors.keys)
        .on::<DescribeRegions, _>(&actors.zones)
        .on::<DescribeTags, _>(&actors.tags)
        .on::<DisassociateIamInstanceProfile, _>(&actors.instances)
        .on::<GetConsoleOutput, _>(&actors.instances)
        .on::<ImportImage, _>(&actors.images)
        .on::<ImportKeyPair, _>(&actors.keys)
        .on::<ModifyImageAttribute, _>(&actors.images)
        .on::<ModifyInstanceMetadataOptions, _>(&actors.instances)
        .on::<ModifyInstanceAttribute, _>(&actors.instances)
        .on::<RebootInstances, _>(&actors.instances)
        .on::<RegisterImage, _>(&actors.images)
        .on::<ReplaceIamInstanceProfileAssociation, _>(&actors.instances)
        .on::<ResetImageAttribute, _>(&actors.images)
        .on::<ResetInstanceAttribute, _>(&actors.instances)
        .on::<RunInstances, _>(&actors.instances)
        .on::<StartInstances, _>(&actors.instances)
        .on::<StopInstances, _>(&actors.instances)
        .on::<TerminateInstances, _>(&actors.instances)
}

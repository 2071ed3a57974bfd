//! What a launch can be made of: types and how many of each fit, key pairs, zones, kernels, profiles, and
//! how many instances one may have. What somebody may not see is left out; they can launch without it.

use common::ec2::images::{DescribeImages, Image};
use common::ec2::instance_types::{DescribeInstanceTypes, TypeDetails};
use common::ec2::instances::DescribeInstances;
use common::ec2::keys::DescribeKeyPairs;
use common::ec2::types::Filter;
use common::ec2::zones::DescribeAvailabilityZones;
use common::error::{ApiError, ErrorCode};
use common::euare::instance_profiles::ListInstanceProfiles;

use crate::console::text::Words;
use crate::console::texts::launch as say;
use crate::console::visit::Visit;

/// How many instances are counted.
const COUNTED: u32 = 1000;
/// How many kernels and ramdisks are offered.
const OFFERED: u32 = 1000;

/// A value and what it is called.
pub(super) type Choice = (String, String);

/// What can be chosen.
pub(super) struct Choices {
    /// The image.
    pub(super) image: Image,
    /// The types.
    pub(super) types: Vec<TypeDetails>,
    /// The key pairs, by name.
    pub(super) keys: Vec<String>,
    /// The zones.
    pub(super) zones: Vec<Choice>,
    /// The kernels.
    pub(super) kernels: Vec<Choice>,
    /// The ramdisks.
    pub(super) ramdisks: Vec<Choice>,
    /// The instance profiles, by name.
    pub(super) profiles: Vec<String>,
    /// How many instances there are, and how many there may be; not if counting them would take long.
    pub(super) quota: Option<(usize, u64)>,
}

/// The image of a launch.
///
/// # Errors
/// If it does not exist for whoever asks.
pub(super) async fn image(visit: &Visit, id: &str) -> Result<Image, ApiError> {
    let ask = DescribeImages { image_id: vec![id.to_owned()], ..DescribeImages::default() };
    let found = visit.call(ask).await?.images_set.item.into_iter().next();
    found.ok_or_else(|| {
        let text = format!("The image id '[{id}]' does not exist");
        ApiError::new(ErrorCode::InvalidAmiIdNotFound, text)
    })
}

/// The types, with how many of each fit for those who may know.
///
/// # Errors
/// Whatever the list is refused with.
pub(super) async fn types(visit: &Visit) -> Result<Vec<TypeDetails>, ApiError> {
    let availability = visit.viewer()?.caller.administrator;
    let ask = DescribeInstanceTypes { availability, ..DescribeInstanceTypes::default() };
    Ok(visit.call(ask).await?.instance_type_details.item)
}

/// How many of a type fit now, everywhere together, if that may be known.
pub(super) fn fits(kind: &TypeDetails) -> Option<u64> {
    let zones = &kind.availability.item;
    (!zones.is_empty()).then(|| zones.iter().map(|zone| zone.available).sum())
}

impl Choices {
    /// All of them, for a launch of an image.
    ///
    /// # Errors
    /// If the image or the types cannot be had.
    pub(super) async fn of(visit: &Visit, id: &str) -> Result<Self, ApiError> {
        let image = image(visit, id).await?;
        let boots = image.virtualization_type == "paravirtual";
        let (kernels, ramdisks) = match boots {
            true => (boots_of(visit, "kernel").await, boots_of(visit, "ramdisk").await),
            false => Default::default(),
        };
        let keys = visit.call(DescribeKeyPairs::default()).await;
        let keys = keys.map(|found| found.key_set.item).unwrap_or_default();
        let ask = ListInstanceProfiles { path_prefix: None, marker: None, max_items: Some(1000) };
        let profiles = visit.call(ask).await.map(|found| found.instance_profiles.member);
        Ok(Self {
            types: types(visit).await?,
            keys: keys.into_iter().map(|key| key.key_name).collect(),
            zones: zones(visit).await,
            kernels,
            ramdisks,
            profiles: profiles
                .unwrap_or_default()
                .into_iter()
                .map(|profile| profile.instance_profile_name)
                .collect(),
            quota: quota(visit).await?,
            image,
        })
    }
}

async fn zones(visit: &Visit) -> Vec<Choice> {
    let found = visit.call(DescribeAvailabilityZones::default()).await;
    let zones = found.map(|found| found.availability_zone_info.item).unwrap_or_default();
    let named = |words: Words, name: String, state: &str| match state {
        "available" => (name.clone(), name),
        _ => (name.clone(), words.fill(say::ZONE_AWAY, &[("zone", &name)])),
    };
    zones.into_iter().map(|zone| named(visit.words, zone.zone_name, &zone.zone_state)).collect()
}

/// The kernels, or ramdisks, that one may use.
pub(super) async fn boots_of(visit: &Visit, kind: &str) -> Vec<Choice> {
    let of_kind = Filter { name: "image-type".to_owned(), value: vec![kind.to_owned()] };
    let usable = Filter {
        name: "state".to_owned(),
        value: vec!["available".to_owned(), "pending".to_owned()],
    };
    let ask = DescribeImages {
        filter: vec![of_kind, usable],
        max_results: Some(OFFERED),
        ..DescribeImages::default()
    };
    let found = visit.call(ask).await.map(|found| found.images_set.item).unwrap_or_default();
    let named = |it: Image| {
        let id = it.image_id.to_string();
        let name = it.name.filter(|name| !name.is_empty());
        let name = name.map_or_else(|| id.clone(), |name| format!("{id}: {name}"));
        (id, name)
    };
    found.into_iter().map(named).collect()
}

async fn quota(visit: &Visit) -> Result<Option<(usize, u64)>, ApiError> {
    let look = visit.look(false)?;
    let Some(most) = look.limit("ec2:RunInstances", "ec2:quota-vminstancenumber") else {
        return Ok(None);
    };
    let ask = DescribeInstances { max_results: Some(COUNTED), ..DescribeInstances::default() };
    let Ok(found) = look.call(ask).await else { return Ok(None) };
    if found.next_token.is_some() {
        return Ok(None);
    }
    let instances = found.reservation_set.item.into_iter().flat_map(|it| it.instances_set.item);
    let there = instances.filter(|it| it.instance_state.name != "terminated").count();
    Ok(Some((there, most)))
}

//! What a launch is made of: which image, kernel, ramdisk and key pair; and its records.
//!
//! Kernel: the request's, else the image's, else the cloud's default, else an error. Ramdisk: the
//! request's; the image's and the default only if the request names no kernel, because a ramdisk
//! belongs to its kernel; none is fine. A whole disk boots by itself and gets neither; of an image
//! that is still being read through nobody knows, and the default is what it gets if it needs one.

use common::action::Caller;
use common::ec2::instances::RunInstances;
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind, InstanceId, ReservationId};
use common::time::Timestamp;
use common::user_data::UserData;
use common::wire::spec::{MetadataOptions, OnShutdown, PublicKey};
use store::{Batch, Seen};

use super::images::visible;
use super::types::InstanceType;
use super::{devices, ids, instance_profiles, tagging};
use crate::records::{
    Image, ImageState, Instance, InstanceProfile, KeyPair, Launch, MappedDisk, Records,
    ResourceKind, SeenState, TagMap, Wanted,
};
use crate::schedule::scheduler::Placed;
use crate::settings::{self, DEFAULT_KERNEL, DEFAULT_RAMDISK};
use crate::{quota, random};

/// A request that passed what can be checked without records.
#[derive(Clone)]
pub struct Asked {
    /// The request itself.
    pub request: RunInstances,
    /// Who asks.
    pub caller: Caller,
    /// The type it names.
    pub kind: InstanceType,
    /// Tags of the instances.
    pub tags: TagMap,
    /// What the instances are given along.
    pub user_data: Option<UserData>,
    /// What happens when a guest switches its machine off.
    pub on_shutdown: OnShutdown,
    /// A hash over what makes two launches the same.
    pub parameters: String,
    /// When it was asked.
    pub now: Timestamp,
}

/// What a launch is made of, as it was read.
pub struct Plan {
    /// The machine image.
    pub image: Seen<Image>,
    /// The kernel; none for a disk that boots by itself.
    pub kernel: Option<Seen<Image>>,
    /// The ramdisk.
    pub ramdisk: Option<Seen<Image>>,
    /// Whether kernel and ramdisk go if the image turns out to boot by itself.
    pub default_boot: bool,
    /// The key pair.
    pub key: Option<Seen<KeyPair>>,
    /// Virtual names and devices of its instances.
    pub mapping: Vec<(String, String)>,
    /// The disks that its instances have beside their root.
    pub disks: Vec<MappedDisk>,
    /// The instance profile.
    pub profile: Option<Seen<InstanceProfile>>,
}

/// Finds what a launch is made of. Blocks.
///
/// # Errors
/// Names what is not there, cannot be used, or does not fit.
pub fn plan(records: &Records, asked: &Asked) -> Result<Plan, ApiError> {
    let Asked { request: asked, caller, kind, .. } = asked;
    let image = usable(records, &asked.image_id, ImageKind::Machine, caller)?;
    let disk = kind.disk_gib << 30;
    if image.size > disk {
        let text = format!(
            "The image {} has {} MiB, the disk of an instance of type {} only {} MiB",
            image.id,
            image.size.div_ceil(1 << 20),
            kind.name,
            disk >> 20
        );
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    let devices = devices::read(&asked.block_device_mapping)?;
    let mut mapping = image.mapping.clone();
    devices::merge(&mut mapping, &devices, &image.root_device)?;
    let disks = devices::disks(&mapping, &devices, *kind, image.size)?;
    let (kernel, ramdisk, default_boot) = boot(records, asked, &image, caller)?;
    let key = match &asked.key_name {
        None => None,
        Some(name) => {
            let seen = records.key_pairs.get(&KeyPair::key_of(&caller.account, name))?;
            Some(seen.ok_or_else(|| super::keys::no_key(name))?)
        }
    };
    let profile = match &asked.iam_instance_profile {
        None => None,
        Some(name) => Some(instance_profiles::given(records, caller, &caller.account, name)?),
    };
    Ok(Plan { image, kernel, ramdisk, default_boot, key, mapping, disks, profile })
}

/// Kernel, ramdisk, and whether both are only the default for an image that nobody knows yet.
type Boot = (Option<Seen<Image>>, Option<Seen<Image>>, bool);

fn boot(
    records: &Records,
    asked: &RunInstances,
    image: &Image,
    caller: &Caller,
) -> Result<Boot, ApiError> {
    let boots_itself = image.boots_itself();
    if boots_itself == Some(true) {
        let given = [("KernelId", &asked.kernel_id), ("RamdiskId", &asked.ramdisk_id)];
        if let Some((name, _)) = given.iter().find(|(_, given)| given.is_some()) {
            let text = format!("The image {} boots by itself: it takes no {name}", image.id);
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
        return Ok((None, None, false));
    }
    let of_image = |id: &Option<ImageId>| id.as_ref().map(ToString::to_string);
    let default = |setting| Ok::<_, ApiError>(of_image(&settings::image(records, setting)?));
    let kernel = match asked.kernel_id.clone().or_else(|| of_image(&image.kernel)) {
        Some(id) => Some(id),
        None => default(DEFAULT_KERNEL)?,
    };
    let default_boot = boots_itself.is_none() && asked.kernel_id.is_none();
    let Some(kernel) = kernel else {
        if default_boot {
            return Ok((None, None, true));
        }
        return Err(ApiError::new(ErrorCode::MissingParameter, image.no_kernel()));
    };
    let ramdisk = match (&asked.ramdisk_id, &asked.kernel_id, of_image(&image.ramdisk)) {
        (Some(id), ..) => Some(id.clone()),
        (None, Some(_), _) => None,
        (None, None, Some(id)) => Some(id),
        (None, None, None) => default(DEFAULT_RAMDISK)?,
    };
    let kernel = usable(records, &kernel, ImageKind::Kernel, caller)?;
    let ramdisk = match ramdisk {
        Some(id) => Some(usable(records, &id, ImageKind::Ramdisk, caller)?),
        None => None,
    };
    Ok((Some(kernel), ramdisk, default_boot))
}

/// An image of the wanted kind that the caller may run and that has not failed. Blocks.
///
/// # Errors
/// Names it, and says what is wrong with it.
pub fn usable(
    records: &Records,
    id: &str,
    kind: ImageKind,
    caller: &Caller,
) -> Result<Seen<Image>, ApiError> {
    let id = ids::image(id)?;
    let image = visible(records, &id, &caller.account, caller.administrator)?;
    if image.kind() != kind {
        let what = match kind {
            ImageKind::Machine => "a machine image",
            ImageKind::Kernel => "a kernel",
            ImageKind::Ramdisk => "a ramdisk",
        };
        return Err(ApiError::new(
            ErrorCode::InvalidParameterValue,
            format!("The image {id} is not {what}"),
        ));
    }
    if let ImageState::Failed { reason, .. } = &image.state {
        let text = format!("The image {id} cannot be used: {reason}");
        return Err(ApiError::new(ErrorCode::InvalidAmiIdUnavailable, text));
    }
    Ok(image)
}

/// Adds a launch's records to a batch and answers its instances. Blocks.
///
/// # Errors
/// If a record cannot be written.
pub fn record(
    records: &Records,
    batch: &mut Batch,
    asked: &Asked,
    plan: &Plan,
    placed: &[Placed],
) -> Result<Vec<Instance>, ApiError> {
    let Asked { request: asked, caller, kind, tags, user_data, on_shutdown, parameters, now } =
        asked;
    let now = *now;
    let reservation = ReservationId::from_random(random::bytes()?);
    let groups = vec!["default".to_owned()];
    let mut options = MetadataOptions::default();
    asked.metadata_options.apply("MetadataOptions.", &mut options)?;
    records.hold_open(batch, &caller.account)?;
    // What the launch is made of must still be there when it is committed.
    batch.hold(&plan.image);
    if let Some(kernel) = &plan.kernel {
        batch.hold(kernel);
    }
    if let Some(ramdisk) = &plan.ramdisk {
        batch.hold(ramdisk);
    }
    if let Some(key) = &plan.key {
        batch.hold(key);
    }
    if let Some(profile) = &plan.profile {
        batch.hold(profile);
    }
    let image = &plan.image.record;
    let demand = kind.demand();
    quota::instances::admit_launch(records, batch, caller, demand, placed.len())?;
    let mut made = Vec::with_capacity(placed.len());
    for (index, seat) in (0..).zip(placed) {
        let instance = Instance {
            id: seat.instance.clone(),
            reservation: reservation.clone(),
            index,
            account: caller.account.clone(),
            wanted: Wanted::Running,
            seen: SeenState::Pending,
            since: now,
            reason: None,
            generation: 1,
            node: seat.node.clone(),
            zone: seat.zone.clone(),
            told: false,
            missing_since: None,
            address: seat.address,
            mac: mac(&seat.instance),
            image: image.id.clone(),
            kernel: plan.kernel.as_ref().map(|kernel| kernel.id.clone()),
            ramdisk: plan.ramdisk.as_ref().map(|ramdisk| ramdisk.id.clone()),
            product_codes: image.product_codes.clone(),
            root_device: image.root_device.clone(),
            architecture: image.architecture.clone(),
            instance_type: kind.name.to_owned(),
            cpus: demand.cpus,
            memory_mib: demand.memory_mib,
            disk_mib: demand.disk_mib,
            disks: plan.disks.clone(),
            mapping: Some(plan.mapping.clone()),
            key: plan
                .key
                .as_ref()
                .map(|key| PublicKey { name: key.name.clone(), openssh: key.openssh.clone() }),
            groups: groups.clone(),
            launched: now,
            started: None,
            client_token: asked.client_token.clone(),
            transition: None,
            ran: false,
            forced: false,
            reboots: 0,
            on_shutdown: *on_shutdown,
            protected: asked.disable_api_termination == Some(true),
            user_data: user_data.clone(),
            images: Vec::new(),
            default_boot: plan.default_boot,
            options,
            maker: quota::maker(caller),
            profile: match &plan.profile {
                Some(profile) => Some(instance_profiles::association(profile, now)?),
                None => None,
            },
            profile_revision: u64::from(plan.profile.is_some()),
            runs: Vec::new(),
        };
        batch.insert(&instance)?;
        records.point(batch, &instance);
        let what = (ResourceKind::Instance, instance.id.as_str());
        tagging::tag_new(records, batch, &instance.account, what, tags)?;
        made.push(instance);
    }
    if let Some(token) = &asked.client_token {
        batch.insert(&Launch {
            account: caller.account.clone(),
            token: token.clone(),
            parameters: parameters.clone(),
            reservation,
            instances: made.iter().map(|it| it.id.clone()).collect(),
            groups,
            at: now,
        })?;
    }
    Ok(made)
}

/// The card's address: `d0:0d` and the first four bytes of the instance's id.
fn mac(instance: &InstanceId) -> String {
    let digits = instance.as_str().trim_start_matches(InstanceId::PREFIX);
    let mut mac = "d0:0d".to_owned();
    for at in [0, 2, 4, 6] {
        mac.push(':');
        mac.push_str(digits.get(at..at + 2).unwrap_or("00"));
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_has_its_address_from_the_id() {
        let id: InstanceId = "i-0123abcd".parse().unwrap();
        assert_eq!(mac(&id), "d0:0d:01:23:ab:cd");
        let long: InstanceId = "i-0123abcd456789ef0".parse().unwrap();
        assert_eq!(mac(&long), "d0:0d:01:23:ab:cd");
    }
}

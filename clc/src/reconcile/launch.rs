//! Telling a node to run an instance: its images, the whole wish, and where the bytes are.

use common::error::ApiError;
use common::id::{AccountId, ImageId};
use common::time::Timestamp;
use common::wire::node::Run;
use common::wire::role::InstanceRole;
use common::wire::spec::{
    BlankDisk, BootSpec, DiskSpec, ImageRef, InstanceSpec, MetadataSpec, NetworkSpec,
};
use common::wire::walrus::{ImageTicket, Layout, WantedImage};
use store::StoreError;

use super::plain::PlainImages;
use super::roles::{self, Plan};
use crate::records::{Image, ImageState, Instance, MappedDisk, Reason, Records};

/// What a launch needs, or why it does not go on.
pub enum Ready {
    /// Everything is there.
    Go(Box<Run>),
    /// An image is not there yet; somebody wakes the reconciler when it is. What is in the way,
    /// if it is more than time.
    Wait(Option<String>),
    /// It cannot be run, ever.
    Never(Reason),
}

/// Gets an instance's images and writes its wish.
///
/// # Errors
/// If walrus cannot be reached or the store fails; another try may help.
pub async fn prepare(
    records: &Records,
    plain: &PlainImages,
    region: &str,
    instance: &Instance,
    now: Timestamp,
) -> Result<Ready, ApiError> {
    let mut ids = vec![instance.image.clone()];
    ids.extend(instance.kernel.iter().chain(&instance.ramdisk).cloned());
    let found = records
        .work(move |records| {
            let mut found = Vec::new();
            for id in ids {
                found.push((records.images.get(id.as_str())?.map(|seen| seen.record), id));
            }
            Ok(found)
        })
        .await?;
    // One that ran has its images on its node, whatever became of them elsewhere since.
    let kept = |id: &ImageId| match instance.ran {
        true => instance.images.iter().find(|kept| kept.image == *id).cloned(),
        false => None,
    };
    let mut refs = Vec::new();
    let mut tickets: Vec<ImageTicket> = Vec::new();
    let mut machine = None;
    let mut boots_itself = instance.kernel.is_none();
    for (image, id) in found {
        // The first is the root's. Of the others a disk that boots by itself needs none.
        if boots_itself && !refs.is_empty() {
            break;
        }
        machine.get_or_insert_with(|| image.clone());
        let asked = ask(plain, image, &id, instance).await;
        match (asked, kept(&id)) {
            (Ok(Asked::Ready(ticket)), _) => {
                if instance.default_boot && refs.is_empty() {
                    boots_itself = ticket.layout == Layout::Disk;
                    if !boots_itself && instance.kernel.is_none() {
                        let text =
                            machine.iter().flatten().map(Image::no_kernel).collect::<String>();
                        return Ok(Ready::Never(Reason::new("Client.MissingParameter", text)));
                    }
                }
                refs.push(ImageRef { image: id, sha256: ticket.sha256.clone(), size: ticket.size });
                if tickets.iter().all(|other| other.sha256 != ticket.sha256) {
                    tickets.push(ticket);
                }
            }
            (_, Some(kept)) => refs.push(kept),
            (Ok(Asked::Not(ready)), None) => return Ok(ready),
            (Err(error), None) => return Err(error),
        }
    }
    let mut refs = refs.into_iter();
    let Some(root) = refs.next() else { return Ok(Ready::Wait(None)) };
    let boot = match boots_itself {
        true => BootSpec { kernel: None, ramdisk: None },
        false => BootSpec { kernel: refs.next(), ramdisk: refs.next() },
    };
    if boots_itself && instance.kernel.is_some() {
        drop_kernel(records, instance).await?;
    }
    let mut spec = spec(instance, machine.flatten().as_ref(), region, root, boot);
    if roles::concerns(instance) {
        let instance = instance.clone();
        let role = records
            .work(move |records| Plan::of(records, &instance)?.deliver(records, &instance, now));
        spec.metadata.role = role.await?;
    }
    Ok(Ready::Go(Box::new(Run { spec, tickets })))
}

/// The default was not needed: what is shown of an instance is what it boots.
async fn drop_kernel(records: &Records, instance: &Instance) -> Result<(), ApiError> {
    let id = instance.id.clone();
    let dropped = records.work(move |records| {
        records.instances.update(id.as_str(), |it| {
            (it.kernel, it.ramdisk) = (None, None);
            Ok::<_, StoreError>(())
        })?;
        Ok(())
    });
    dropped.await
}

/// Where one image of a launch stands.
enum Asked {
    Ready(ImageTicket),
    Not(Ready),
}

async fn ask(
    plain: &PlainImages,
    image: Option<Image>,
    id: &ImageId,
    instance: &Instance,
) -> Result<Asked, ApiError> {
    let now = |reason: &str| format!("The image {id} cannot be had just now: {reason}");
    let pending = image.as_ref().map(|image| image.bundle.clone());
    let image = match usable(image, id, instance) {
        Ok(Some(image)) => image,
        Ok(None) => {
            let trouble = pending.and_then(|bundle| plain.trouble(&bundle));
            return Ok(Asked::Not(Ready::Wait(trouble.map(|reason| now(&reason)))));
        }
        Err(reason) => return Ok(Asked::Not(Ready::Never(reason))),
    };
    Ok(match plain.want(&image.bundle, instance.launch_time(), true).await? {
        WantedImage::Ready(ticket) => Asked::Ready(ticket),
        WantedImage::Unpacking { .. } => Asked::Not(Ready::Wait(None)),
        WantedImage::Failed { retryable: true, reason } => {
            tracing::warn!(image = %id, reason, "the image cannot be had just now");
            Asked::Not(Ready::Wait(Some(now(&reason))))
        }
        WantedImage::Failed { retryable: false, reason } => {
            Asked::Not(Ready::Never(broken(id, &reason)))
        }
    })
}

/// An image that can be asked for; `None` while it is not known to be whole. Whose launch waited
/// for an image may have lost the leave to run it; what was once told to a node is not asked again.
fn usable(
    image: Option<Image>,
    id: &ImageId,
    instance: &Instance,
) -> Result<Option<Image>, Reason> {
    let gone = || {
        let text = format!("The image {id} was deregistered before it could be used");
        Reason::new("Client.InvalidImage", text)
    };
    let image = image.ok_or_else(gone)?;
    let is_cloud = instance.account == AccountId::cloud();
    if !instance.told && !image.may_run(&instance.account, is_cloud) {
        let text = format!("The image {id} was withdrawn from the account before it could be used");
        return Err(Reason::new("Client.InvalidImage", text));
    }
    match &image.state {
        ImageState::Pending => Ok(None),
        ImageState::Available { .. } | ImageState::Deregistered { sha256: Some(_) } => {
            Ok(Some(image))
        }
        ImageState::Failed { reason, .. } => Err(broken(id, reason)),
        ImageState::Deregistered { sha256: None } => Err(gone()),
    }
}

fn broken(id: &ImageId, why: &str) -> Reason {
    Reason::new("Client.InvalidImage", format!("The image {id} cannot be used: {why}"))
}

fn spec(
    instance: &Instance,
    image: Option<&Image>,
    region: &str,
    root: ImageRef,
    boot: BootSpec,
) -> InstanceSpec {
    let named = |image: &Option<ImageRef>| image.as_ref().map(|image| image.image.clone());
    let (kernel, ramdisk) = (named(&boot.kernel), named(&boot.ramdisk));
    let size = (instance.root_mib() << 20).max(root.size);
    let disk = |it: &MappedDisk| BlankDisk { purpose: it.purpose, size: it.mib << 20 };
    InstanceSpec {
        instance: instance.id.clone(),
        generation: instance.generation,
        account: instance.account.clone(),
        cpus: instance.cpus,
        memory_mib: instance.memory_mib,
        root: DiskSpec { image: root, size },
        disks: instance.disks.iter().map(disk).collect(),
        boot,
        network: NetworkSpec { mac: instance.mac.clone(), address: instance.address },
        metadata: MetadataSpec {
            image: instance.image.clone(),
            manifest_path: image.map(|image| image.bundle.location.clone()).unwrap_or_default(),
            kernel,
            ramdisk,
            ancestors: image.map(|image| image.ancestors.clone()).unwrap_or_default(),
            product_codes: instance.product_codes.clone(),
            reservation: instance.reservation.clone(),
            launch_index: instance.index,
            instance_type: instance.instance_type.clone(),
            zone: instance.zone.clone(),
            region: region.to_owned(),
            key: instance.key.clone(),
            security_groups: instance.groups.clone(),
            launched: instance.launch_time(),
            user_data: instance.user_data.clone(),
            options: instance.options,
            role: InstanceRole::default(),
        },
        power: instance.power(),
    }
}

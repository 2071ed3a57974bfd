//! DescribeImages: what a caller may see, narrowed by ids, owners, executors and filters.

use common::action::Caller;
use common::ec2::images::{DescribeImages, Image as View, Images as Views, StateReason};
use common::error::ApiError;
use common::id::{AccountId, ImageId, ImageKind};
use runtime::actor::{Answer, Scene};

use super::filters::{Field, Filters};
use super::ids;
use super::images::{Images, visible};
use crate::records::{Image, ImageState, Records};

const FILTERS: &[Field<Image>] = &[
    ("architecture", |it| vec![it.architecture.clone()]),
    ("creation-date", |it| vec![it.created.iso()]),
    ("description", |it| it.description.iter().cloned().collect()),
    ("hypervisor", |_| vec!["kvm".to_owned()]),
    ("image-id", |it| vec![it.id.to_string()]),
    ("image-type", |it| vec![kind(it.kind()).to_owned()]),
    ("is-public", |it| vec![it.public.to_string()]),
    ("kernel-id", |it| it.kernel.iter().map(ToString::to_string).collect()),
    ("manifest-location", |it| vec![it.bundle.location.clone()]),
    ("name", |it| vec![it.name.clone()]),
    ("owner-alias", |it| vec![it.owner_alias.clone()]),
    ("owner-id", |it| vec![it.account.to_string()]),
    ("platform", |it| it.windows.then(|| "windows".to_owned()).into_iter().collect()),
    ("product-code", |it| it.product_codes.clone()),
    ("ramdisk-id", |it| it.ramdisk.iter().map(ToString::to_string).collect()),
    ("root-device-name", |it| vec![it.root_device.clone()]),
    ("root-device-type", |_| vec!["instance-store".to_owned()]),
    ("state", |it| vec![state(it).to_owned()]),
    ("virtualization-type", |it| vec![it.virtualization().to_owned()]),
];

impl Answer<Images> for DescribeImages {
    async fn answer(self, scene: &Scene<Images>) -> Result<Views, ApiError> {
        let caller = scene.caller.clone();
        let found = scene.records.work(move |records| find(records, &self, &caller)).await?;
        Ok(Views { images_set: found.iter().map(view).collect() })
    }
}

fn find(
    records: &Records,
    asked: &DescribeImages,
    caller: &Caller,
) -> Result<Vec<Image>, ApiError> {
    let filters = Filters::new(&asked.filter, FILTERS)?;
    // The one id `verbose` shows an administrator everything, as in later versions of 2.0's line.
    let verbose =
        caller.administrator && matches!(asked.image_id.as_slice(), [id] if id == "verbose");
    let ids: Vec<ImageId> = if verbose {
        Vec::new()
    } else {
        asked.image_id.iter().map(|text| ids::image(text)).collect::<Result<_, _>>()?
    };
    let mut found = Vec::new();
    if ids.is_empty() {
        for seen in records.images.all("") {
            let image = seen?.record;
            let seen_by_all = image.may_run(&caller.account, verbose);
            if image.is_registered() && seen_by_all {
                found.push(image);
            }
        }
    } else {
        for id in &ids {
            found.push(visible(records, id, &caller.account, caller.administrator)?.record);
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
    }
    found.retain(|image| owned(asked, caller, image) && executable(asked, caller, image));
    found.retain(|image| filters.admit(image));
    Ok(found)
}

fn owned(asked: &DescribeImages, caller: &Caller, image: &Image) -> bool {
    let is = |owner: &String| match owner.as_str() {
        "self" => image.account == caller.account,
        text => text.parse::<AccountId>().is_ok_and(|account| account == image.account),
    };
    asked.owner.is_empty() || asked.owner.iter().any(is)
}

fn executable(asked: &DescribeImages, caller: &Caller, image: &Image) -> bool {
    let may = |who: &String| match who.as_str() {
        "all" => image.public,
        // `self` means: by leave given to the account itself, which its owner has of course.
        "self" => image.account == caller.account,
        text => text
            .parse::<AccountId>()
            .is_ok_and(|account| image.account == account && account == caller.account),
    };
    asked.executable_by.is_empty() || asked.executable_by.iter().any(may)
}

fn kind(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Machine => "machine",
        ImageKind::Kernel => "kernel",
        ImageKind::Ramdisk => "ramdisk",
    }
}

fn state(image: &Image) -> &'static str {
    match image.state {
        ImageState::Pending => "pending",
        ImageState::Available { .. } => "available",
        ImageState::Failed { .. } => "failed",
        ImageState::Deregistered { .. } => "deregistered",
    }
}

fn view(image: &Image) -> View {
    let state_reason = match &image.state {
        ImageState::Failed { reason } => {
            Some(StateReason { code: "Client.InvalidManifest".to_owned(), message: reason.clone() })
        }
        ImageState::Pending | ImageState::Available { .. } | ImageState::Deregistered { .. } => {
            None
        }
    };
    View {
        image_id: image.id.clone(),
        image_location: image.bundle.location.clone(),
        image_state: state(image).to_owned(),
        image_owner_id: image.account.to_string(),
        image_owner_alias: Some(image.owner_alias.clone()),
        is_public: image.public,
        architecture: image.architecture.clone(),
        image_type: kind(image.kind()).to_owned(),
        kernel_id: image.kernel.as_ref().map(ToString::to_string),
        ramdisk_id: image.ramdisk.as_ref().map(ToString::to_string),
        platform: image.windows.then(|| "windows".to_owned()),
        state_reason,
        name: Some(image.name.clone()),
        description: image.description.clone(),
        root_device_type: "instance-store".to_owned(),
        root_device_name: Some(image.root_device.clone()),
        block_device_mapping: Default::default(),
        virtualization_type: image.virtualization().to_owned(),
        hypervisor: "kvm".to_owned(),
        creation_date: Some(image.created.iso()),
    }
}

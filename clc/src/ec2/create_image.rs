//! CreateImage: an instance's disk becomes an image, in one call. Task and image are committed
//! together; the image is pending until its bundle is stored, checked and read through, and failed
//! if the task fails. It lies in a bucket of the caller that a setting names, under the image's id.

use std::collections::BTreeSet;

use common::action::Caller;
use common::ec2::create_image::CreateImage;
use common::ec2::images::RegisteredImage;
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind, InstanceId};
use common::s3::{BucketName, CannedAcl, Owner};
use common::time::Timestamp;
use common::wire::bundling::{BundlePlace, Quiesce};
use common::wire::walrus::BundleRef;
use runtime::actor::{Handle, Scene};
use store::Batch;

use super::bundles::{Bundles, Wish, inherited, savable};
use super::devices::{self, Device};
use super::register::{check_description, check_name, public_at_first};
use super::{ids, tagging};
use crate::records::{
    BundleTask, Draft, Image, ImageState, Instance, Records, ResourceKind, TagMap,
};
use crate::settings;
use crate::{quota, random};

/// An image that can be made.
pub struct Creation {
    instance: InstanceId,
    name: String,
    description: Option<String>,
    devices: Vec<Device>,
    tags: TagMap,
    image: ImageId,
    wish: Wish,
    /// Its bucket is none that its account had before, and is to be kept.
    moved: bool,
}

impl Handle<Bundles> for CreateImage {
    type Checked = Creation;

    async fn check(self, scene: &Scene<Bundles>) -> Result<Creation, ApiError> {
        let instance = ids::instance(&self.instance_id)?;
        let name = self.name.clone().ok_or_else(|| ApiError::missing("Name"))?;
        check_name(&name)?;
        check_description(self.description.as_deref())?;
        let devices = devices::read(&self.block_device_mapping)?;
        let tags = tagging::specified(&self.tag_specification, ResourceKind::Image)?;
        let image = ImageId::from_random(ImageKind::Machine, random::bytes()?);
        let quiesce = match self.no_reboot {
            Some(true) => Quiesce::Live,
            Some(false) | None => Quiesce::Restart,
        };
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let found = scene.records.work(move |records| {
            let bucket = settings::image_bucket(records, &caller.account)?;
            let wish = Wish {
                account: caller.account.clone(),
                owner: Owner { account: caller.account.clone(), alias: caller.alias.clone() },
                place: BundlePlace::new(bucket, image.as_str())?,
                acl: CannedAcl::AwsExecRead,
                quiesce,
            };
            let description = self.description;
            let new =
                Creation { instance, name, description, devices, tags, image, wish, moved: false };
            quota::images::admit(records, None, &caller)?;
            both(records, &new, &caller, now)?;
            Ok(new)
        });
        let new = found.await?;
        match scene.may_store(&new.wish).await {
            Ok(()) => Ok(new),
            // Names of buckets belong to whoever takes them first.
            Err(error) if error.code() == ErrorCode::AccessDenied => elsewhere(new, scene).await,
            Err(error) => Err(error),
        }
    }

    async fn act(new: Creation, scene: &Scene<Bundles>) -> Result<RegisteredImage, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let made = scene.records.work(move |records| record(records, &new, &caller, now));
        let (image_id, node) = made.await?;
        scene.wakers.bundles(&node);
        Ok(RegisteredImage { image_id })
    }
}

/// The same in a bucket that is nobody's yet.
async fn elsewhere(mut new: Creation, scene: &Scene<Bundles>) -> Result<Creation, ApiError> {
    let (taken, account) = (new.wish.place.bucket.clone(), new.wish.account.clone());
    let denied = |bucket: &BucketName| {
        let text = format!(
            "The bucket '{bucket}', into which the setting {} has images put, belongs to another \
             account",
            settings::IMAGE_BUCKET
        );
        ApiError::new(ErrorCode::OperationNotPermitted, text)
    };
    let other = scene.records.work(move |records| settings::other_image_bucket(records, &account));
    let other = match other.await {
        Ok(other) => other,
        // There is no room for more in the name that the setting gives.
        Err(error) if !error.code().retryable() => return Err(denied(&taken)),
        Err(error) => return Err(error),
    };
    new.wish.place = BundlePlace::new(other, new.image.as_str())?;
    new.moved = true;
    match scene.may_store(&new.wish).await {
        Err(error) if error.code() == ErrorCode::AccessDenied => {
            Err(denied(&new.wish.place.bucket))
        }
        stored => stored.map(|()| new),
    }
}

fn record(
    records: &Records,
    new: &Creation,
    caller: &Caller,
    now: Timestamp,
) -> Result<(ImageId, String), ApiError> {
    let (made, _) = store::transact(&*records.engine, |batch| {
        records.hold_open(batch, &caller.account)?;
        records.hold_open(batch, &new.wish.account)?;
        quota::images::admit(records, Some(batch), caller)?;
        let (task, image) = both(records, new, caller, now)?;
        // What it boots must still be there when this is committed.
        hold(records, batch, &image, caller)?;
        if new.moved {
            let bucket = &new.wish.place.bucket;
            settings::keep_image_bucket(records, batch, &new.wish.account, bucket)?;
        }
        records.add_bundle_task(batch, &task)?;
        batch.insert(&image)?;
        let what = (ResourceKind::Image, image.id.as_str());
        tagging::tag_new(records, batch, &image.account, what, &new.tags)?;
        let name = Image::name_key(&image.account, &image.name);
        batch.claim(&records.image_names, &name, image.id.as_str());
        records.list(batch, None, &image);
        Ok::<_, ApiError>((image.id, task.node))
    })?;
    Ok(made)
}

/// The task and the image, as they would be committed now.
fn both(
    records: &Records,
    new: &Creation,
    caller: &Caller,
    now: Timestamp,
) -> Result<(BundleTask, Image), ApiError> {
    let instance = savable(records, &new.instance, caller)?;
    let mut draft = inherited(records, &instance)?;
    for boots in [&draft.kernel, &draft.ramdisk].into_iter().flatten() {
        booted(records, boots, caller)?;
    }
    devices::merge(&mut draft.mappings, &new.devices, &instance.root_device)?;
    let key = Image::name_key(&caller.account, &new.name);
    if records.image_names.get(&key)?.is_some() {
        let text = format!("The name '{}' is in use by another of your images", new.name);
        return Err(ApiError::new(ErrorCode::InvalidAmiNameDuplicate, text));
    }
    let mut task = new.wish.task(&instance, draft, now)?;
    task.image = Some(new.image.clone());
    let image = image(records, new, caller, &instance, &task)?;
    Ok((task, image))
}

fn image(
    records: &Records,
    new: &Creation,
    caller: &Caller,
    instance: &Instance,
    task: &BundleTask,
) -> Result<Image, ApiError> {
    let Draft { architecture, kernel, ramdisk, mappings, product_codes, ancestors } =
        task.draft.clone();
    let source = records.images.get(instance.image.as_str())?;
    Ok(Image {
        id: new.image.clone(),
        account: caller.account.clone(),
        owner_alias: caller.alias.clone(),
        bundle: BundleRef {
            location: task.place.location(),
            // Not known before it is stored; nobody asks for it while it is being saved.
            manifest_sha256: String::new(),
        },
        name: new.name.clone(),
        description: new.description.clone(),
        architecture,
        // A disk that boots by itself goes on to do so.
        hvm: kernel.is_none().then_some(true),
        kernel,
        ramdisk,
        root_device: instance.root_device.clone(),
        mapping: mappings,
        product_codes,
        ancestors,
        windows: source.is_some_and(|image| image.windows),
        size: instance.root_mib() << 20,
        public: public_at_first(records, ImageKind::Machine)?,
        allowed: BTreeSet::new(),
        state: ImageState::Pending,
        created: task.started,
        layout: None,
        saving: Some(task.id.clone()),
        importing: None,
        maker: quota::maker(caller),
    })
}

/// The kernel or ramdisk that an instance boots, if an image of the caller may name it still: as
/// for an image that is registered. Blocks.
fn booted(
    records: &Records,
    id: &ImageId,
    caller: &Caller,
) -> Result<store::Seen<Image>, ApiError> {
    let seen = records.images.get(id.as_str())?;
    let usable = |image: &store::Seen<Image>| {
        image.is_registered() && image.may_run(&caller.account, caller.administrator)
    };
    seen.filter(usable).ok_or_else(|| {
        let text = format!(
            "The instance boots '[{id}]', which is not registered any more, or not for this \
             account: no image can"
        );
        ApiError::new(ErrorCode::InvalidAmiIdNotFound, text)
    })
}

fn hold(
    records: &Records,
    batch: &mut Batch,
    image: &Image,
    caller: &Caller,
) -> Result<(), ApiError> {
    for id in [&image.kernel, &image.ramdisk].into_iter().flatten() {
        batch.hold(&booted(records, id, caller)?);
    }
    Ok(())
}

//! ImportImage: a disk that lies in S3 becomes an image. Walrus looks at the disk before anything is
//! recorded; task and image are committed together, and the image is pending until its bundle is made,
//! checked and read through. The bundle lies where CreateImage puts its own.

use std::collections::BTreeSet;

use common::action::Caller;
use common::ec2::import_image::{DiskContainer, ImportImage, ImportImageTask};
use common::error::{ApiError, ErrorCode};
use common::id::{BundleTaskId, ImageId, ImageKind, ImportTaskId};
use common::s3::{CannedAcl, Owner};
use common::time::Timestamp;
use common::wire::bundling::{BundlePlace, OpenBundle};
use common::wire::importing::{CheckDisk, CheckedDisk};
use common::wire::walrus::{BundleRef, Layout};
use runtime::actor::{Handle, Scene};
use sha2::{Digest as _, Sha256};
use store::{After, Batch};

use super::images::Images;
use super::import_tasks::view;
use super::register::{check_description, check_name, named, public_at_first};
use crate::records::{Image, ImageState, ImportStage, ImportTask, Records};
use crate::settings;
use crate::{quota, random};

/// The root device of an image for which none is named.
const ROOT_DEVICE: &str = "/dev/sda1";
/// How many imports of an account may be under way.
const MOST: usize = 20;
/// How long a token may be.
const LONGEST_TOKEN: usize = 64;

/// What the check found.
pub enum Checked {
    /// The token was used before, for the same: this is what it made.
    Known(Box<ImportTask>),
    /// An import that can be made.
    New(Box<Import>),
}

/// An import that can be made.
#[derive(Clone)]
pub struct Import {
    asked: ImportImage,
    container: DiskContainer,
    disk: CheckedDisk,
    place: BundlePlace,
    /// Its bucket is none that its account had before, and is to be kept.
    moved: bool,
    image: ImageId,
    task: ImportTaskId,
    work: BundleTaskId,
}

impl Handle<Images> for ImportImage {
    type Checked = Checked;

    async fn check(self, scene: &Scene<Images>) -> Result<Checked, ApiError> {
        let (container, bucket, key) = understand(&self)?;
        let (caller, asked) = (scene.caller.clone(), self.clone());
        let known = scene.records.work(move |records| known(records, &asked, &caller)).await?;
        if let Some(task) = known {
            return Ok(Checked::Known(Box::new(task)));
        }
        let caller = scene.caller.clone();
        let look = CheckDisk {
            bucket,
            key,
            account: caller.account.clone(),
            administrator: caller.administrator,
        };
        let disk = scene.walrus.call(look).await?;
        let image = ImageId::from_random(ImageKind::Machine, random::bytes()?);
        let task = ImportTaskId::from_random(random::bytes()?);
        let work = BundleTaskId::from_random(random::bytes()?);
        let now = scene.clock.now();
        let found = scene.records.work(move |records| {
            quota::images::admit(records, None, &caller)?;
            let bucket = settings::image_bucket(records, &caller.account)?;
            let place = BundlePlace::new(bucket, image.as_str())?;
            let new =
                Import { asked: self, container, disk, place, moved: false, image, task, work };
            both(records, &new, &caller, now)?;
            Ok(new)
        });
        Ok(Checked::New(Box::new(placed(found.await?, scene).await?)))
    }

    async fn act(checked: Checked, scene: &Scene<Images>) -> Result<ImportImageTask, ApiError> {
        let new = match checked {
            Checked::Known(task) => return Ok(view(&task, None)),
            Checked::New(new) => new,
        };
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let task = scene.records.work(move |records| record(records, &new, &caller, now)).await?;
        scene.wakers.imports.wake();
        Ok(view(&task, None))
    }
}

/// What can be refused without asking anybody; the disk's container, its bucket and key.
fn understand(asked: &ImportImage) -> Result<(DiskContainer, String, String), ApiError> {
    let unsupported = [
        ("Encrypted", asked.encrypted == Some(true)),
        ("Hypervisor", asked.hypervisor.is_some()),
        ("KmsKeyId", asked.kms_key_id.is_some()),
        ("LicenseType", asked.license_type.is_some()),
        ("LicenseSpecifications", !asked.license_specifications.is_empty()),
        ("RoleName", asked.role_name.is_some()),
        ("UsageOperation", asked.usage_operation.is_some()),
        ("TagSpecification", !asked.tag_specification.is_empty()),
    ];
    if let Some((name, _)) = unsupported.into_iter().find(|(_, given)| *given) {
        let text = format!("The parameter {name} is not supported");
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
    }
    let only = |name: &str, value: &Option<String>, known: &[&str]| match value.as_deref() {
        Some(value) if !known.iter().any(|it| it.eq_ignore_ascii_case(value)) => {
            let why = format!("'{value}' is not {}", known.join(" or "));
            Err(ApiError::invalid(name, why))
        }
        _ => Ok(()),
    };
    only("Platform", &asked.platform, &["Linux"])?;
    only("BootMode", &asked.boot_mode, &["legacy-bios"])?;
    only("Architecture", &asked.architecture, &["i386", "x86_64"])?;
    if let Some(name) = &asked.name {
        check_name(name)?;
    }
    check_description(asked.description.as_deref())?;
    if asked.client_token.as_ref().is_some_and(|token| token.len() > LONGEST_TOKEN) {
        let why = format!("it has more than {LONGEST_TOKEN} characters");
        return Err(ApiError::invalid("ClientToken", why));
    }
    let container = match asked.disk_container.as_slice() {
        [one] => one.clone(),
        [] => return Err(ApiError::missing("DiskContainer.1")),
        _ => return Err(ApiError::invalid("DiskContainer", "an image has one disk")),
    };
    if container.snapshot_id.is_some() {
        let text = "The parameter DiskContainer.1.SnapshotId is not supported";
        return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
    }
    if container.format.is_none() {
        return Err(ApiError::missing("DiskContainer.1.Format"));
    }
    only("DiskContainer.1.Format", &container.format, &["raw"])?;
    check_description(container.description.as_deref())?;
    if let Some(device) = &container.device_name
        && !(device.starts_with("/dev/") && device.len() < 32 && device.is_ascii())
    {
        let why = format!("'{device}' is no device");
        return Err(ApiError::invalid("DiskContainer.1.DeviceName", why));
    }
    if container.user_bucket.is_some() && container.url.is_some() {
        let text = "A disk is named by UserBucket or by Url, not by both";
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    if let Some(bucket) = &container.user_bucket {
        let missing = [
            ("DiskContainer.1.UserBucket.S3Bucket", bucket.bucket.is_none()),
            ("DiskContainer.1.UserBucket.S3Key", bucket.key.is_none()),
        ];
        if let Some((name, _)) = missing.into_iter().find(|(_, missing)| *missing) {
            return Err(ApiError::missing(name));
        }
    }
    let location = match (container.location(), &container.url) {
        (Some(location), _) => location,
        (None, Some(_)) => {
            let why = "only disks in S3 can be imported: s3://BUCKET/KEY";
            return Err(ApiError::invalid("DiskContainer.1.Url", why));
        }
        (None, None) => return Err(ApiError::missing("DiskContainer.1.UserBucket")),
    };
    let (bucket, key) = location.split_once('/').unwrap_or((&location, ""));
    if key.is_empty() {
        return Err(ApiError::invalid("DiskContainer.1.Url", "it is s3://BUCKET/KEY of a disk"));
    }
    let (bucket, key) = (bucket.to_owned(), key.to_owned());
    Ok((container, bucket, key))
}

/// What is asked, as far as two requests with one token must agree.
fn digest(asked: &ImportImage) -> Result<String, ApiError> {
    let json = serde_json::to_vec(asked)
        .map_err(|error| ApiError::internal("The request cannot be compared", error))?;
    Ok(hex::encode(Sha256::digest(json)))
}

/// The task that the same request has made before, by its token. Blocks.
fn known(
    records: &Records,
    asked: &ImportImage,
    caller: &Caller,
) -> Result<Option<ImportTask>, ApiError> {
    let Some(token) = &asked.client_token else { return Ok(None) };
    let row = records.import_tokens.get(&ImportTask::token_key(&caller.account, token))?;
    let Some(row) = row else { return Ok(None) };
    let Some(task) = records.imports.get(&row.value)? else { return Ok(None) };
    if task.token.as_ref().is_some_and(|(_, known)| digest(asked).is_ok_and(|it| it == *known)) {
        return Ok(Some(task.record));
    }
    let text = format!("The client token '{token}' was used before, for another request");
    Err(ApiError::new(ErrorCode::IdempotentParameterMismatch, text))
}

/// Asks walrus whether the bundle may go there; finds another bucket if that one is another's.
async fn placed(mut new: Import, scene: &Scene<Images>) -> Result<Import, ApiError> {
    match may_store(&new, scene).await {
        Ok(()) => return Ok(new),
        // Names of buckets belong to whoever takes them first.
        Err(error) if error.code() == ErrorCode::AccessDenied => {}
        Err(error) => return Err(error),
    }
    let account = scene.caller.account.clone();
    let other = move |records: &Records| settings::other_image_bucket(records, &account);
    new.place = BundlePlace::new(scene.records.work(other).await?, new.image.as_str())?;
    new.moved = true;
    may_store(&new, scene).await.map(|()| new)
}

async fn may_store(new: &Import, scene: &Scene<Images>) -> Result<(), ApiError> {
    let (account, alias) = (scene.caller.account.clone(), scene.caller.alias.clone());
    let ask = OpenBundle {
        task: new.work.clone(),
        account: account.clone(),
        owner: Owner { account, alias },
        place: new.place.clone(),
        acl: CannedAcl::AwsExecRead,
        rehearsal: true,
    };
    scene.walrus.call(ask).await.map(drop)
}

fn record(
    records: &Records,
    new: &Import,
    caller: &Caller,
    now: Timestamp,
) -> Result<ImportTask, ApiError> {
    let (task, _) = store::transact(&*records.engine, |batch| {
        if let Some(task) = known(records, &new.asked, caller)? {
            return Ok(task);
        }
        records.hold_open(batch, &caller.account)?;
        quota::images::admit(records, Some(batch), caller)?;
        let (task, image) = both(records, new, caller, now)?;
        hold(records, batch, &image)?;
        if new.moved {
            let bucket = &new.place.bucket;
            settings::keep_image_bucket(records, batch, &caller.account, bucket)?;
        }
        records.add_import(batch, &task)?;
        batch.insert(&image)?;
        let name = Image::name_key(&image.account, &image.name);
        batch.claim(&records.image_names, &name, image.id.as_str());
        records.list(batch, None, &image);
        Ok::<_, ApiError>(task)
    })?;
    Ok(task)
}

/// What it boots must still be there when this is committed.
fn hold(records: &Records, batch: &mut Batch, image: &Image) -> Result<(), ApiError> {
    for id in [&image.kernel, &image.ramdisk].into_iter().flatten() {
        if let Some(seen) = records.images.get(id.as_str())? {
            batch.hold(&seen);
        }
    }
    Ok(())
}

/// The task and the image, as they would be committed now. Blocks.
fn both(
    records: &Records,
    new: &Import,
    caller: &Caller,
    now: Timestamp,
) -> Result<(ImportTask, Image), ApiError> {
    let asked = &new.asked;
    let boots_itself = new.disk.layout == Layout::Disk;
    if boots_itself && (asked.kernel_id.is_some() || asked.ramdisk_id.is_some()) {
        let text = "The disk has a partition table and boots by itself: it takes neither KernelId \
                    nor RamdiskId";
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    let boots = |id: &Option<String>, kind| named(records, caller, id.as_deref(), None, kind);
    let kernel = boots(&asked.kernel_id, ImageKind::Kernel)?;
    let ramdisk = boots(&asked.ramdisk_id, ImageKind::Ramdisk)?;
    let name = asked.name.clone().unwrap_or_else(|| new.task.to_string());
    if records.image_names.get(&Image::name_key(&caller.account, &name))?.is_some() {
        let text = format!("The name '{name}' is in use by another of your images");
        return Err(ApiError::new(ErrorCode::InvalidAmiNameDuplicate, text));
    }
    under_way(records, caller)?;
    let architecture = asked.architecture.as_deref().unwrap_or("x86_64").to_ascii_lowercase();
    let token = match &asked.client_token {
        Some(token) => Some((token.clone(), digest(asked)?)),
        None => None,
    };
    let root_device = new.container.device_name.clone();
    let task = ImportTask {
        id: new.task.clone(),
        account: caller.account.clone(),
        owner: Owner { account: caller.account.clone(), alias: caller.alias.clone() },
        task: new.work.clone(),
        disk: new.disk.disk.clone(),
        note: new.container.description.clone(),
        place: new.place.clone(),
        image: new.image.clone(),
        architecture: architecture.clone(),
        description: asked.description.clone(),
        kernel: kernel.clone(),
        ramdisk: ramdisk.clone(),
        root_device: root_device.clone(),
        token,
        stage: ImportStage::Pending,
        end: None,
        error: None,
        leftovers: false,
        disk_goes: asked.delete_source == Some(true),
        started: now,
        updated: now,
    };
    let image = Image {
        id: new.image.clone(),
        account: caller.account.clone(),
        owner_alias: caller.alias.clone(),
        bundle: BundleRef {
            location: new.place.location(),
            // Not known before it is stored; nobody asks for it while it is being made.
            manifest_sha256: String::new(),
        },
        name,
        description: asked.description.clone(),
        architecture,
        hvm: boots_itself.then_some(true),
        kernel,
        ramdisk,
        root_device: root_device.unwrap_or_else(|| ROOT_DEVICE.to_owned()),
        mapping: Vec::new(),
        product_codes: Vec::new(),
        ancestors: Vec::new(),
        windows: false,
        size: new.disk.disk.size,
        public: public_at_first(records, ImageKind::Machine)?,
        allowed: BTreeSet::new(),
        state: ImageState::Pending,
        created: now,
        layout: None,
        saving: Some(new.work.clone()),
        importing: Some(new.task.clone()),
        maker: quota::maker(caller),
    };
    Ok((task, image))
}

/// Refuses one more than an account may have under way. Blocks.
fn under_way(records: &Records, caller: &Caller) -> Result<(), ApiError> {
    let prefix = format!("{}/", caller.account);
    let mut count = 0;
    for row in records.imports_of.scan(&prefix, After::Start, usize::MAX)? {
        let seen = records.imports.get(&row.value)?;
        count += usize::from(seen.is_some_and(|task| !task.is_over()));
    }
    if count >= MOST {
        let text = format!("An account has at most {MOST} imports under way");
        return Err(ApiError::new(ErrorCode::ResourceLimitExceeded, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use common::ec2::import_image::UserBucket;

    use super::*;

    fn asked() -> ImportImage {
        let bucket = UserBucket { bucket: Some("disks".into()), key: Some("a/server.img".into()) };
        ImportImage {
            disk_container: vec![DiskContainer {
                format: Some("RAW".into()),
                user_bucket: Some(bucket),
                ..DiskContainer::default()
            }],
            ..ImportImage::default()
        }
    }

    #[test]
    fn what_cannot_be_heeded_is_refused_by_name() {
        let (_, bucket, key) = understand(&asked()).unwrap();
        assert_eq!((bucket.as_str(), key.as_str()), ("disks", "a/server.img"));
        let some = || Some("x".to_owned());
        let disk = |change: fn(&mut DiskContainer)| {
            let mut it = asked();
            change(&mut it.disk_container[0]);
            it
        };
        for (request, named) in [
            (ImportImage { role_name: some(), ..asked() }, "RoleName"),
            (ImportImage { encrypted: Some(true), ..asked() }, "Encrypted"),
            (ImportImage { platform: Some("Windows".into()), ..asked() }, "Platform"),
            (ImportImage { boot_mode: Some("uefi".into()), ..asked() }, "BootMode"),
            (ImportImage { architecture: Some("arm64".into()), ..asked() }, "Architecture"),
            (ImportImage { name: some(), ..asked() }, "Name"),
            (ImportImage { disk_container: Vec::new(), ..asked() }, "DiskContainer.1"),
            (ImportImage { client_token: Some("x".repeat(65)), ..asked() }, "ClientToken"),
            (disk(|it| it.format = None), "DiskContainer.1.Format"),
            (disk(|it| it.format = Some("vmdk".into())), "DiskContainer.1.Format"),
            (disk(|it| it.snapshot_id = Some("snap-1".into())), "DiskContainer.1.SnapshotId"),
            (disk(|it| it.device_name = Some("sda".into())), "DiskContainer.1.DeviceName"),
            (disk(|it| it.url = Some("s3://a/b".into())), "Url"),
            (disk(|it| it.user_bucket = None), "DiskContainer.1.UserBucket"),
            (disk(|it| it.user_bucket = Some(UserBucket::default())), "S3Bucket"),
        ] {
            let error = understand(&request).unwrap_err();
            assert!(error.text().contains(named), "{named}: {}", error.text());
        }
        let by_url = |url: &'static str| {
            let mut it = disk(|it| it.user_bucket = None);
            it.disk_container[0].url = Some(url.to_owned());
            understand(&it).map(|(_, bucket, key)| (bucket, key))
        };
        assert_eq!(by_url("s3://b/k/l").unwrap(), ("b".to_owned(), "k/l".to_owned()));
        assert!(by_url("https://example.com/x").is_err() && by_url("s3://b").is_err());
    }
}

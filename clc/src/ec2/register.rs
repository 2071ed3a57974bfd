//! RegisterImage: tells the truth. Walrus checks the bundle before anything is recorded; what is
//! recorded is pending until its parts have been read through.

use common::action::Caller;
use common::ec2::images::{RegisterImage, RegisteredImage};
use common::error::{ApiError, ErrorCode};
use common::id::{ImageId, ImageKind};
use common::time::Timestamp;
use common::wire::walrus::{CheckBundle, CheckedBundle};
use runtime::actor::{Handle, Scene};

use super::images::Images;
use super::{devices, tagging};
use crate::records::{Image, ImageState, Records, ResourceKind, TagMap};
use crate::settings;
use crate::{quota, random};

/// How many characters a description has at most.
pub const MOST_DESCRIPTION: usize = 255;

/// A registration whose bundle was found whole.
pub struct Registration {
    asked: RegisterImage,
    tags: TagMap,
    bundle: CheckedBundle,
}

impl Handle<Images> for RegisterImage {
    type Checked = Registration;

    async fn check(self, scene: &Scene<Images>) -> Result<Registration, ApiError> {
        let caller = scene.caller.clone();
        let location = self.location()?;
        let tags = tagging::specified(&self.tag_specification, ResourceKind::Image)?;
        let allow_unsigned =
            scene.records.work(|records| settings::get(records, settings::ALLOW_UNSIGNED)).await?;
        let check = CheckBundle {
            location,
            account: caller.account.clone(),
            administrator: caller.administrator,
            allow_unsigned: allow_unsigned == "true",
        };
        let bundle = scene.walrus.call(check).await?;
        may_register(bundle.kind, &caller)?;
        let now = scene.clock.now();
        scene
            .records
            .work(move |records| {
                quota::images::admit(records, None, &caller)?;
                image(records, &self, &caller, &bundle, now)?;
                Ok(Registration { asked: self, tags, bundle })
            })
            .await
    }

    async fn act(new: Registration, scene: &Scene<Images>) -> Result<RegisteredImage, ApiError> {
        let (caller, now) = (scene.caller.clone(), scene.clock.now());
        let id = scene.records.work(move |records| record(records, &new, &caller, now)).await?;
        scene.wakers.images.wake();
        Ok(RegisteredImage { image_id: id })
    }
}

trait Located {
    fn location(&self) -> Result<String, ApiError>;
}

impl Located for RegisterImage {
    /// What can be refused without asking anybody; answers the location.
    fn location(&self) -> Result<String, ApiError> {
        let location =
            self.image_location.as_deref().ok_or_else(|| ApiError::missing("ImageLocation"))?;
        let location = location.trim_start_matches('/');
        if !matches!(location.split_once('/'), Some((bucket, key)) if !bucket.is_empty() && !key.is_empty())
        {
            return Err(ApiError::invalid("ImageLocation", "it is BUCKET/KEY of a manifest"));
        }
        if let Some(name) = &self.name {
            check_name(name)?;
        }
        check_description(self.description.as_deref())?;
        if let Some(kind) = &self.architecture
            && !matches!(kind.as_str(), "i386" | "x86_64")
        {
            let why = format!("'{kind}' is neither i386 nor x86_64");
            return Err(ApiError::invalid("Architecture", why));
        }
        devices::read(&self.block_device_mapping)?;
        match self.virtualization_type.as_deref() {
            None | Some("paravirtual") => Ok(location.to_owned()),
            Some("hvm") if self.kernel_id.is_none() && self.ramdisk_id.is_none() => {
                Ok(location.to_owned())
            }
            Some("hvm") => {
                let text = "An image with VirtualizationType hvm boots by itself: it takes neither \
                            KernelId nor RamdiskId";
                Err(ApiError::new(ErrorCode::InvalidParameterCombination, text))
            }
            Some(other) => {
                let why = format!("'{other}' is neither paravirtual nor hvm");
                Err(ApiError::invalid("VirtualizationType", why))
            }
        }
    }
}

/// EC2's rule for descriptions.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn check_description(text: Option<&str>) -> Result<(), ApiError> {
    if text.is_some_and(|text| text.chars().count() > MOST_DESCRIPTION) {
        let why = format!("it has more than {MOST_DESCRIPTION} characters");
        return Err(ApiError::invalid("Description", why));
    }
    Ok(())
}

/// EC2's rule for the names of images.
///
/// # Errors
/// `InvalidAMIName.Malformed`.
pub fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    let plain = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if (3..=128).contains(&length) && name.chars().all(plain) {
        return Ok(());
    }
    let text = format!(
        "Invalid value for Name: '{name}' must have 3 to 128 characters, each a letter, a digit or \
         one of ( ) [ ] . / - ' @ _ and blank"
    );
    Err(ApiError::new(ErrorCode::InvalidAmiNameMalformed, text))
}

/// A name for an image whose registration gives none, as those of 2.0's clients: its location,
/// with what no name may hold replaced. `taken` says which are in use.
fn default_name(
    location: &str,
    mut taken: impl FnMut(&str) -> Result<bool, ApiError>,
) -> Result<String, ApiError> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "./-@_".contains(c) { c } else { '-' };
    let base: String = location.chars().map(plain).take(120).collect();
    let base = format!("{base:-<3}");
    let mut name = base.clone();
    for number in 2..10_000 {
        if !taken(&name)? {
            return Ok(name);
        }
        name = format!("{base}-{number}");
    }
    Err(ApiError::new(
        ErrorCode::InvalidAmiNameDuplicate,
        format!("Too many images were registered from {location}: give this one a Name"),
    ))
}

fn may_register(kind: ImageKind, caller: &Caller) -> Result<(), ApiError> {
    let what = match kind {
        ImageKind::Machine => return Ok(()),
        _ if caller.administrator => return Ok(()),
        ImageKind::Kernel => "kernel",
        ImageKind::Ramdisk => "ramdisk",
    };
    let text = format!("Only administrators can register {what} images");
    Err(ApiError::new(ErrorCode::OperationNotPermitted, text))
}

/// The kernel or ramdisk that the request or else the manifest names; it must be registered, and
/// whoever names it must be able to run it.
pub(super) fn named(
    records: &Records,
    caller: &Caller,
    asked: Option<&str>,
    manifest: Option<&str>,
    kind: ImageKind,
) -> Result<Option<ImageId>, ApiError> {
    let Some(text) = asked.or(manifest).filter(|text| !text.is_empty()) else { return Ok(None) };
    let what = if kind == ImageKind::Kernel { "kernel" } else { "ramdisk" };
    let absent = || {
        let text = format!("The {what} '[{text}]' that the image names does not exist");
        ApiError::new(ErrorCode::InvalidAmiIdNotFound, text)
    };
    let id: ImageId = match text.parse() {
        Ok(id) => id,
        // What a manifest from another cloud names is not malformed, it is just not here.
        Err(_) if asked.is_none() => return Err(absent()),
        Err(_) => return super::ids::image(text).map(Some),
    };
    let seen = records.images.get(id.as_str())?;
    let usable = |image: &Image| {
        image.kind() == kind
            && image.may_run(&caller.account, caller.administrator)
            && matches!(image.state, ImageState::Pending | ImageState::Available { .. })
    };
    match seen {
        Some(image) if usable(&image) => Ok(Some(id)),
        _ => Err(absent()),
    }
}

fn record(
    records: &Records,
    new: &Registration,
    caller: &Caller,
    now: Timestamp,
) -> Result<ImageId, ApiError> {
    let (id, _) = store::transact(&*records.engine, |batch| {
        records.hold_open(batch, &caller.account)?;
        quota::images::admit(records, Some(batch), caller)?;
        let image = image(records, &new.asked, caller, &new.bundle, now)?;
        for (named, kind) in
            [(&image.kernel, ImageKind::Kernel), (&image.ramdisk, ImageKind::Ramdisk)]
        {
            // What it names must still be there when this is committed.
            if let Some(named) = named
                && let Some(seen) = records.images.get(named.as_str())?
                && seen.kind() == kind
            {
                batch.hold(&seen);
            }
        }
        batch.insert(&image)?;
        let what = (ResourceKind::Image, image.id.as_str());
        tagging::tag_new(records, batch, &image.account, what, &new.tags)?;
        let name = Image::name_key(&image.account, &image.name);
        batch.claim(&records.image_names, &name, image.id.as_str());
        records.list(batch, None, &image);
        if let Some(setting) = settings::default_of(image.kind())
            && settings::get(records, setting)?.is_empty()
        {
            settings::put(records, batch, setting, image.id.as_str())?;
        }
        Ok::<_, ApiError>(image.id)
    })?;
    Ok(id)
}

fn image(
    records: &Records,
    asked: &RegisterImage,
    caller: &Caller,
    checked: &CheckedBundle,
    now: Timestamp,
) -> Result<Image, ApiError> {
    let is_machine = checked.kind == ImageKind::Machine;
    let asked_kind = asked.virtualization_type.as_deref().filter(|_| is_machine);
    let hvm = asked_kind.map(|kind| kind == "hvm");
    let boots = |asked: &Option<String>, manifest: &Option<String>, kind| {
        // What a manifest names beside a disk that shall boot by itself is not heeded.
        if is_machine && hvm != Some(true) {
            named(records, caller, asked.as_deref(), manifest.as_deref(), kind)
        } else {
            Ok(None)
        }
    };
    let kernel = boots(&asked.kernel_id, &checked.kernel_id, ImageKind::Kernel)?;
    let ramdisk = boots(&asked.ramdisk_id, &checked.ramdisk_id, ImageKind::Ramdisk)?;
    let taken = |name: &str| {
        let key = Image::name_key(&caller.account, name);
        Ok::<_, ApiError>(records.image_names.get(&key)?.is_some())
    };
    let name = match &asked.name {
        Some(name) if taken(name)? => {
            let text = format!("The name '{name}' is in use by another of your images");
            return Err(ApiError::new(ErrorCode::InvalidAmiNameDuplicate, text));
        }
        Some(name) => name.clone(),
        None => default_name(&checked.bundle.location, taken)?,
    };
    let root = checked.block_device_mapping.iter().find(|(name, _)| name == "root");
    let root = root.map_or("/dev/sda1", |(_, device)| device.as_str());
    let root_device = asked.root_device_name.clone().unwrap_or_else(|| root.to_owned());
    if !is_machine && !asked.block_device_mapping.is_empty() {
        let text = "Only machine images have block devices: BlockDeviceMapping cannot be given \
                    with a kernel or ramdisk";
        return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
    }
    let mut mapping = devices::of_manifest(&checked.block_device_mapping);
    devices::merge(&mut mapping, &devices::read(&asked.block_device_mapping)?, &root_device)?;
    Ok(Image {
        id: ImageId::from_random(checked.kind, random::bytes()?),
        account: caller.account.clone(),
        owner_alias: caller.alias.clone(),
        bundle: checked.bundle.clone(),
        name,
        description: asked.description.clone(),
        architecture: asked.architecture.clone().unwrap_or_else(|| checked.architecture.clone()),
        kernel,
        ramdisk,
        root_device,
        mapping,
        product_codes: checked.product_codes.clone(),
        ancestors: checked.ancestors.iter().filter_map(|text| text.parse().ok()).collect(),
        windows: checked.windows,
        size: checked.size,
        public: public_at_first(records, checked.kind)?,
        allowed: Default::default(),
        state: ImageState::Pending,
        created: now,
        layout: None,
        hvm,
        saving: None,
        importing: None,
        maker: quota::maker(caller),
    })
}

/// Whether everybody may run an image right after its registration: every kernel and ramdisk, and
/// machine images if the cloud's setting says so. Blocks.
///
/// # Errors
/// If the store fails.
pub fn public_at_first(records: &Records, kind: ImageKind) -> Result<bool, ApiError> {
    Ok(kind != ImageKind::Machine
        || settings::get(records, settings::IMAGE_VISIBILITY)? == "public")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_follow_the_rule() {
        for good in ["abc", "a (b) [c] ./-'@_", &"n".repeat(128)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", &"n".repeat(129), "a:b", "a\nb", "日本語"] {
            let error = check_name(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidAmiNameMalformed, "{bad}");
        }
    }

    #[test]
    fn a_name_is_made_of_the_location() {
        let free = |_: &str| Ok(false);
        assert_eq!(default_name("b/k.manifest.xml", free).unwrap(), "b/k.manifest.xml");
        assert_eq!(default_name("b/日 x", free).unwrap(), "b/--x");
        assert!(check_name(&default_name(&"x/".repeat(900), free).unwrap()).is_ok());
        let taken = |name: &str| Ok(!name.ends_with("-3"));
        assert_eq!(default_name("b/k", taken).unwrap(), "b/k-3");
        assert!(default_name("b/k", |_| Ok(true)).is_err());
    }
}

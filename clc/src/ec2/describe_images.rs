//! DescribeImages: what a caller may see, narrowed by ids, owners, executors and filters.

use common::action::Caller;
use common::ec2::images::{
    DescribeImages, Image as View, Images as Views, MappedDevice, StateReason,
};
use common::ec2::types::ProductCode;
use common::error::ApiError;
use common::id::{AccountId, ImageId};
use runtime::actor::{Answer, Scene};

use super::filters::Filters;
use super::image_filters::{FILTERS, Shown, kind, reason, state};
use super::image_listing::{Row, everybodys, seen_by};
use super::images::{Images, visible};
use super::paging::{Asked, Page};
use super::{ids, tagging};
use crate::records::{EVERYBODY, Image, Records};

impl Answer<Images> for DescribeImages {
    async fn answer(self, scene: &Scene<Images>) -> Result<Views, ApiError> {
        let caller = scene.caller.clone();
        let under_way = scene.plain.under_way().await;
        let plain = scene.plain.clone();
        let why = move |image: &Image| {
            let bundle = &image.bundle;
            let under_way = under_way.get(&bundle.manifest_sha256);
            reason(image, under_way, || plain.trouble(bundle))
        };
        let (found, next_token) =
            scene.records.work(move |records| find(records, &self, &caller, why)).await?;
        Ok(Views { images_set: found.iter().map(view).collect(), next_token })
    }
}

fn find(
    records: &Records,
    asked: &DescribeImages,
    caller: &Caller,
    why: impl Fn(&Image) -> Option<(String, String)>,
) -> Result<(Vec<Shown>, Option<String>), ApiError> {
    let filters = Filters::tagged(&asked.filter, FILTERS, |it: &Shown| it.tags.clone())?;
    // The one id `verbose` shows an administrator everything, as in later versions of 2.0's line.
    let verbose =
        caller.administrator && matches!(asked.image_id.as_slice(), [id] if id == "verbose");
    let ids: Vec<ImageId> = if verbose {
        Vec::new()
    } else {
        asked.image_id.iter().map(|text| ids::image(text)).collect::<Result<_, _>>()?
    };
    let listing = (
        "DescribeImages",
        &caller.account,
        verbose,
        (&asked.owner, &asked.executable_by, &asked.filter),
    );
    let paging = Asked {
        max_results: asked.max_results,
        next_token: asked.next_token.as_deref(),
        named_by: (!ids.is_empty()).then_some("ImageId"),
    };
    let page = Page::new(&listing, paging)?;
    let admitted = |image: Image| {
        if !owned(asked, caller, &image) || !executable(asked, caller, &image) {
            return Ok(None);
        }
        let tags = records.tags_on(&caller.account, image.id.as_str())?;
        let reason = why(&image);
        let shown = Shown { image, tags, reason };
        Ok::<_, ApiError>(filters.admit(&shown).then_some(shown))
    };
    if ids.is_empty() {
        let rows: Box<dyn Iterator<Item = Row>> = match verbose {
            true => Box::new(everybodys(records, &page)),
            false => Box::new(seen_by(records, &page, &[caller.account.as_str(), EVERYBODY])),
        };
        return page.fill(rows.filter_map(|row| match row {
            Ok((key, image)) => admitted(image).map(|it| it.map(|it| (key, it))).transpose(),
            Err(error) => Some(Err(error)),
        }));
    }
    let mut found = Vec::new();
    for id in &ids {
        found.push(visible(records, id, &caller.account, caller.administrator)?.record);
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    let found = found.into_iter().filter_map(|image| admitted(image).transpose());
    Ok((found.collect::<Result<_, _>>()?, None))
}

/// Whether an image is of an account that is asked for: by number, by name, or the caller's own.
/// EC2's own sellers (`amazon`, `aws-marketplace`) are accounts that are not here.
fn owned(asked: &DescribeImages, caller: &Caller, image: &Image) -> bool {
    let is = |owner: &String| match owner.as_str() {
        "self" => image.account == caller.account,
        text => match text.parse::<AccountId>() {
            Ok(account) => account == image.account,
            Err(_) => text == image.owner_alias,
        },
    };
    asked.owner.is_empty() || asked.owner.iter().any(is)
}

/// Whether somebody who is asked for may run an image. With whom others share theirs is told to
/// nobody.
fn executable(asked: &DescribeImages, caller: &Caller, image: &Image) -> bool {
    let may = |who: &String| match who.as_str() {
        "all" => image.public,
        // Leave given to the account itself; its owner has it of course, and clients of 2010 see
        // their own images by this.
        "self" => image.is_given_to(&caller.account),
        text => text.parse::<AccountId>().is_ok_and(|account| match account == caller.account {
            true => image.is_given_to(&account),
            false => image.allowed.contains(&account) && caller.may_change(&image.account),
        }),
    };
    asked.executable_by.is_empty() || asked.executable_by.iter().any(may)
}

fn view(it: &Shown) -> View {
    let image = &it.image;
    let state_reason = it
        .reason
        .as_ref()
        .map(|(code, text)| StateReason { code: code.clone(), message: text.clone() });
    let device = |(name, device): &(String, String)| MappedDevice {
        device_name: device.clone(),
        virtual_name: Some(name.clone()),
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
        block_device_mapping: image.devices().map(device).collect(),
        image_size: Some(image.size),
        virtualization_type: image.virtualization().to_owned(),
        hypervisor: "kvm".to_owned(),
        creation_date: Some(image.created.iso()),
        product_codes: image
            .product_codes
            .iter()
            .map(|code| ProductCode { product_code: code.clone() })
            .collect(),
        tag_set: tagging::shown(&it.tags),
    }
}

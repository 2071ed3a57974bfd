//! What images can be filtered by: all that EC2 documents. What no image has here (snapshots
//! under its devices, a marketplace) has no value, and nothing passes.

use common::id::ImageKind;
use common::wire::upkeep::Unpacking;

use super::filters::Field;
use crate::records::{Image, ImageState, TagMap};

/// An image and the tags that the caller's account wrote on it.
pub struct Shown {
    /// The record.
    pub image: Image,
    /// The tags.
    pub tags: TagMap,
    /// Why it is in the state it is in, if that needs saying: code and sentence.
    pub reason: Option<(String, String)>,
}

/// The code of the reason why an image failed, if nothing else is on record.
const FAILED: &str = "Client.InvalidManifest";
/// The code of the reason why an image is not there yet.
const PENDING: &str = "pending";

/// Why an image is in the state it is in: what is wrong with one that has failed, and how far one
/// is that is being unpacked, or what was in its way the last time.
pub fn reason(
    image: &Image,
    under_way: Option<&Unpacking>,
    trouble: impl FnOnce() -> Option<String>,
) -> Option<(String, String)> {
    if let (ImageState::Pending, Some(task)) = (&image.state, &image.saving) {
        if let Some(import) = &image.importing {
            let text = format!("Its disk is being imported by the task {import}");
            return Some((PENDING.to_owned(), text));
        }
        return Some((
            PENDING.to_owned(),
            format!("Its instance is being saved by the bundle task {task}"),
        ));
    }
    match &image.state {
        ImageState::Available { .. } | ImageState::Deregistered { .. } => None,
        ImageState::Failed { reason, code } => {
            Some((code.clone().unwrap_or_else(|| FAILED.to_owned()), reason.clone()))
        }
        ImageState::Pending => Some((
            PENDING.to_owned(),
            match under_way {
                Some(it) if it.waiting => "It waits to be unpacked".to_owned(),
                Some(it) => {
                    format!("It is being unpacked, {}% are done", percent(it.done, it.total))
                }
                None => match trouble() {
                    Some(why) => format!("It could not be unpacked and is tried again: {why}"),
                    None => "It is to be unpacked".to_owned(),
                },
            },
        )),
    }
}

/// How much of an image is unpacked, in percent, by the sentence that [`reason`] has for it.
pub fn unpacked(reason: &str) -> Option<u8> {
    let told = reason.strip_prefix("It is being unpacked, ")?.strip_suffix("% are done")?;
    told.parse().ok().filter(|percent| *percent <= 100)
}

/// Never 100 before the end: the last bytes are followed by the checks that count.
fn percent(done: u64, total: u64) -> u128 {
    let parts = u128::from(done) * 100 / u128::from(total.max(1));
    parts.min(99)
}

/// The table.
pub const FILTERS: &[Field<Shown>] = &[
    ("architecture", |it| vec![it.image.architecture.clone()]),
    ("block-device-mapping.delete-on-termination", |_| Vec::new()),
    ("block-device-mapping.device-name", |it| {
        it.image.devices().map(|(_, device)| device.clone()).collect()
    }),
    ("block-device-mapping.encrypted", |_| Vec::new()),
    ("block-device-mapping.snapshot-id", |_| Vec::new()),
    ("block-device-mapping.volume-size", |_| Vec::new()),
    ("block-device-mapping.volume-type", |_| Vec::new()),
    ("creation-date", |it| vec![it.image.created.iso()]),
    ("description", |it| it.image.description.iter().cloned().collect()),
    ("ena-support", |_| vec!["false".to_owned()]),
    ("free-tier-eligible", |_| vec!["false".to_owned()]),
    ("hypervisor", |_| vec!["kvm".to_owned()]),
    ("image-id", |it| vec![it.image.id.to_string()]),
    ("image-type", |it| vec![kind(it.image.kind()).to_owned()]),
    ("is-public", |it| vec![it.image.public.to_string()]),
    ("kernel-id", |it| it.image.kernel.iter().map(ToString::to_string).collect()),
    ("manifest-location", |it| vec![it.image.bundle.location.clone()]),
    ("name", |it| vec![it.image.name.clone()]),
    ("owner-alias", |it| vec![it.image.owner_alias.clone()]),
    ("owner-id", |it| vec![it.image.account.to_string()]),
    ("platform", |it| it.image.windows.then(|| "windows".to_owned()).into_iter().collect()),
    ("product-code", |it| it.image.product_codes.clone()),
    ("product-code.type", |_| Vec::new()),
    ("ramdisk-id", |it| it.image.ramdisk.iter().map(ToString::to_string).collect()),
    ("root-device-name", |it| vec![it.image.root_device.clone()]),
    ("root-device-type", |_| vec!["instance-store".to_owned()]),
    ("source-image-id", |_| Vec::new()),
    ("source-image-region", |_| Vec::new()),
    ("source-instance-id", |_| Vec::new()),
    ("sriov-net-support", |_| Vec::new()),
    ("state", |it| vec![state(&it.image).to_owned()]),
    ("state-reason-code", |it| it.reason.iter().map(|(code, _)| code.clone()).collect()),
    ("state-reason-message", |it| it.reason.iter().map(|(_, text)| text.clone()).collect()),
    ("virtualization-type", |it| vec![it.image.virtualization().to_owned()]),
];

/// EC2's name for a kind of image.
pub fn kind(kind: ImageKind) -> &'static str {
    match kind {
        ImageKind::Machine => "machine",
        ImageKind::Kernel => "kernel",
        ImageKind::Ramdisk => "ramdisk",
    }
}

/// EC2's name for where an image stands.
pub fn state(image: &Image) -> &'static str {
    match image.state {
        ImageState::Pending => "pending",
        ImageState::Available { .. } => "available",
        ImageState::Failed { .. } => "failed",
        ImageState::Deregistered { .. } => "deregistered",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_an_image_is_can_be_read_out_of_its_reason() {
        for (text, percent) in [
            ("It is being unpacked, 37% are done", Some(37)),
            ("It is being unpacked, 370% are done", None),
            ("It is being unpacked, x% are done", None),
            ("It waits to be unpacked", None),
        ] {
            assert_eq!(unpacked(text), percent, "{text}");
        }
    }
}

//! An instance saved and registered as an image, in one call.

use serde::{Deserialize, Serialize};

use super::images::{BlockDevice, RegisteredImage};
use super::subjects;
use super::tags::TagSpecification;
use crate::actions;
use crate::iam::Resource;

/// Saves an instance's disk and registers it as an image. Answered when both are on record; the
/// image is `pending` until it has been stored and read through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateImage {
    /// Which.
    pub instance_id: String,
    /// The image's name, 3 to 128 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// A sentence about it, at most 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the guest runs on while its disk is saved. If not, which is the default, it is shut
    /// down for that and started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_reboot: Option<bool>,
    /// Devices that the image shall name beside, or instead of, those of the instance's image.
    #[serde(default)]
    pub block_device_mapping: Vec<BlockDevice>,
    /// Its tags from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
}

actions! {
    CreateImage => RegisteredImage, Write, |it| {
        let tags = TagSpecification::said(&it.tag_specification);
        let made = subjects::image_named("*");
        let [instance] = [&it.instance_id].map(|id| Resource::Ec2("instance", id.to_ascii_lowercase()));
        let subject = subjects::new_image(tags.clone()).and(instance);
        subjects::with_tags(subject, made, "CreateImage", &tags)
    };
}

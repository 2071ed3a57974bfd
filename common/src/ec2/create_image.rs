//! An instance saved and registered as an image, in one call.

use serde::{Deserialize, Serialize};

use super::images::RegisteredImage;
use super::tags::TagSpecification;
use crate::actions;

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
    pub block_device_mapping: Vec<NamedDevice>,
    /// Its tags from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
}

/// A device that an image names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedDevice {
    /// `/dev/sdb`.
    #[serde(default)]
    pub device_name: Option<String>,
    /// `ephemeral0`, `swap`…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_name: Option<String>,
    /// There shall be nothing at that device.
    #[serde(default, rename(serialize = "NoDevice", deserialize = "NoDevice?"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_device: Option<String>,
    /// A volume; cannot be heeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebs: Option<Volume>,
}

/// A volume that an image would bring; there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// Of this snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    /// Of so many GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_size: Option<String>,
    /// Whether it goes with its instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_on_termination: Option<String>,
}

actions! {
    CreateImage => RegisteredImage, Write;
}

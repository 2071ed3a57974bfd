//! Machine images, kernels and ramdisks.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::tags::{Tag, TagSpecification};
use super::types::{Done, Filter, ProductCode, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::ImageId;

/// Registers an uploaded bundle. Answered when it was checked and recorded; it is `pending` until
/// its parts have been read through.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegisterImage {
    /// `BUCKET/KEY` of the manifest.
    #[serde(default)]
    pub image_location: Option<String>,
    /// A name, 3 to 128 characters; made from the location if absent, as 2.0's clients send none.
    #[serde(default)]
    pub name: Option<String>,
    /// A sentence about it, at most 255 characters.
    #[serde(default)]
    pub description: Option<String>,
    /// `i386` or `x86_64`; what the manifest says if absent.
    #[serde(default)]
    pub architecture: Option<String>,
    /// The kernel it boots; what the manifest says if absent.
    #[serde(default)]
    pub kernel_id: Option<String>,
    /// The ramdisk it boots; what the manifest says if absent.
    #[serde(default)]
    pub ramdisk_id: Option<String>,
    /// The name of its root device.
    #[serde(default)]
    pub root_device_name: Option<String>,
    /// `paravirtual` or `hvm`.
    #[serde(default)]
    pub virtualization_type: Option<String>,
    /// Devices that its instances have beside their root.
    #[serde(default)]
    pub block_device_mapping: Vec<BlockDevice>,
    /// Its tags from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
}

/// A device of a launch or of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BlockDevice {
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

/// A volume that would be brought along; there are none.
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

/// The id of a new image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredImage {
    /// The id.
    pub image_id: ImageId,
}

/// Lists images. Without ids, owners and executors: all that the caller may use.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImages {
    /// Only these; an unknown one is an error.
    #[serde(default)]
    pub image_id: Vec<String>,
    /// Only those of these owners: account numbers, `self`, `amazon`, `aws-marketplace`.
    #[serde(default)]
    pub owner: Vec<String>,
    /// Only those that these may run: account numbers, `self`, `all`.
    #[serde(default)]
    pub executable_by: Vec<String>,
    /// Only those that match.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// At most so many at once, 5 to 1000.
    #[serde(default)]
    pub max_results: Option<u32>,
    /// Those behind the page that gave this token.
    #[serde(default)]
    pub next_token: Option<String>,
}

/// What DescribeImages answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// The images.
    pub images_set: Set<Image>,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub next_token: Option<String>,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Its id.
    pub image_id: ImageId,
    /// `BUCKET/KEY` of its manifest.
    pub image_location: String,
    /// `pending`, `available`, `failed` or `deregistered`.
    pub image_state: String,
    /// The account that owns it.
    pub image_owner_id: String,
    /// The name of that account.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub image_owner_alias: Option<String>,
    /// Whether everybody may run it.
    pub is_public: bool,
    /// `x86_64`, `i386`…
    pub architecture: String,
    /// `machine`, `kernel` or `ramdisk`.
    pub image_type: String,
    /// The kernel it boots.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub kernel_id: Option<String>,
    /// The ramdisk it boots.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub ramdisk_id: Option<String>,
    /// `windows`, or absent.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub platform: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<StateReason>,
    /// Its name.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub name: Option<String>,
    /// A sentence about it.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub description: Option<String>,
    /// `instance-store`.
    pub root_device_type: String,
    /// Its root device.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub root_device_name: Option<String>,
    /// The devices that its instances have beside their root.
    #[serde(default)]
    pub block_device_mapping: Set<MappedDevice>,
    /// How large it is when it is unpacked, in bytes; what the manifest says until it has been.
    /// EC2 tells no such thing of images without snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<u64>,
    /// `paravirtual`: kernel and ramdisk are given to the hypervisor; `hvm`: it boots by itself.
    pub virtualization_type: String,
    /// `kvm`.
    pub hypervisor: String,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub creation_date: Option<String>,
    /// Its product codes; left out if there are none.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub product_codes: Set<ProductCode>,
    /// The tags that the caller's account wrote on it.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub tag_set: Set<Tag>,
}

/// A device of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MappedDevice {
    /// `/dev/sdb`.
    pub device_name: String,
    /// `ephemeral0`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub virtual_name: Option<String>,
}

/// Why something is in the state it is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    /// A code, `Client.InvalidManifest`.
    pub code: String,
    /// A sentence.
    pub message: String,
}

/// Takes an image out of the registry. Its bundle stays where it is; instances keep running.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeregisterImage {
    /// Which.
    pub image_id: String,
}

actions! {
    RegisterImage => RegisteredImage, Write, |it| {
        let tags = TagSpecification::said(&it.tag_specification);
        let made = subjects::image_named("*");
        let subject = subjects::with_tags(
            subjects::new_image(tags.clone()), made, "RegisterImage", &tags,
        );
        // A bundle is not read for somebody who may not read it.
        match &it.image_location {
            Some(location) => subject.also("s3:GetObject", subjects::object(location)),
            None => subject,
        }
    };
    DescribeImages => Images, Read;
    DeregisterImage => Done, Write, |it| subjects::image(&it.image_id);
}

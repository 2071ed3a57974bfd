//! Second factors: virtual MFA devices, which show codes by RFC 6238.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing, Tag};
use super::subjects;
use super::tagging::TagList;
use super::users::User;
use crate::actions;
use crate::iam::{Resource, Subject};

/// Makes a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateVirtualMFADevice {
    /// Its name.
    #[serde(rename = "VirtualMFADeviceName")]
    pub name: String,
    /// Its path; `/` if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// A device that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedDevice {
    /// The device with its secret, which is told this once.
    #[serde(rename = "VirtualMFADevice")]
    pub device: Seed,
}

/// A device with its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Seed {
    /// Its serial number, an ARN.
    pub serial_number: String,
    /// The secret in base32, and that in base64, as the API has it.
    pub base32_string_seed: String,
    /// A picture of the same for devices with a camera: a QR code as PNG, in base64.
    #[serde(rename = "QRCodePNG")]
    pub qr_code_png: String,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Members<Tag>>,
}

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the device {}", self.serial_number)
    }
}

/// Makes a device a user's, which has shown two codes in a row.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnableMFADevice {
    /// The user.
    pub user_name: String,
    /// The device.
    pub serial_number: String,
    /// A code.
    pub authentication_code1: String,
    /// The code after it.
    pub authentication_code2: String,
}

/// Takes a device from its user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeactivateMFADevice {
    /// The user, the caller if none is named.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The device.
    pub serial_number: String,
}

/// Removes a device that is nobody's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteVirtualMFADevice {
    /// The device.
    pub serial_number: String,
}

/// Lists the devices of a user, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMFADevices {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// The devices of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Devices {
    /// The devices.
    #[serde(rename = "MFADevices")]
    pub devices: Members<Device>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// A device of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Device {
    /// The user.
    pub user_name: String,
    /// The device.
    pub serial_number: String,
    /// Since when it is theirs.
    pub enable_date: Moment,
}

/// Takes the clock of a user's device as it is, which has shown two codes in a row.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResyncMFADevice {
    /// The user.
    pub user_name: String,
    /// The device.
    pub serial_number: String,
    /// A code.
    pub authentication_code1: String,
    /// The code after it.
    pub authentication_code2: String,
}

/// Tells one device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetMFADevice {
    /// The device.
    pub serial_number: String,
    /// Its user, the caller if none is named.
    #[serde(default)]
    pub user_name: Option<String>,
}

/// What GetMFADevice answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FoundDevice {
    /// The user.
    pub user_name: String,
    /// The device.
    pub serial_number: String,
    /// Since when it is theirs.
    pub enable_date: Moment,
}

/// Lists the devices of the account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListVirtualMFADevices {
    /// Of which kind; any if absent.
    #[serde(default)]
    pub assignment_status: AssignmentStatus,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// Whether devices are somebody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssignmentStatus {
    /// They are.
    Assigned,
    /// They are nobody's.
    Unassigned,
    /// Whether or not.
    #[default]
    Any,
}

/// The devices of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualDevices {
    /// The devices.
    #[serde(rename = "VirtualMFADevices")]
    pub devices: Members<VirtualDevice>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// A device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VirtualDevice {
    /// Its serial number, an ARN.
    pub serial_number: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_date: Option<Moment>,
}

/// Writes tags on a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TagMFADevice {
    /// The device.
    pub serial_number: String,
    /// The tags; a key that is there gets the new value.
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// Takes tags off a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UntagMFADevice {
    /// The device.
    pub serial_number: String,
    /// The keys.
    #[serde(default)]
    pub tag_keys: Vec<String>,
}

/// Lists the tags on a device.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListMFADeviceTags {
    /// The device.
    pub serial_number: String,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

fn device(serial: &str) -> Subject {
    Subject::of([Resource::Arn(serial.to_owned())])
}

actions! {
    CreateVirtualMFADevice => CreatedDevice, Write, |it| {
        subjects::tagged(subjects::new("mfa", it.path.as_deref(), &it.name), &it.tags)
    };
    GetMFADevice => FoundDevice, Read, |it| subjects::user_or_own(it.user_name.as_deref());
    ListMFADeviceTags => TagList, Read, |it| device(&it.serial_number);
    ListVirtualMFADevices => VirtualDevices, Read;
    ResyncMFADevice => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    TagMFADevice => Nothing, Write, |it| subjects::tagged(device(&it.serial_number), &it.tags);
    UntagMFADevice => Nothing, Write,
        |it| subjects::untagged(device(&it.serial_number), &it.tag_keys);
    EnableMFADevice => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    DeactivateMFADevice => Nothing, Write, |it| subjects::user_or_own(it.user_name.as_deref());
    DeleteVirtualMFADevice => Nothing, Write,
        |it| device(&it.serial_number);
    ListMFADevices => Devices, Read, |it| subjects::user_or_own(it.user_name.as_deref());
}

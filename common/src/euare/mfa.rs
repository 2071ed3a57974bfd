//! Second factors: virtual MFA devices, which show codes by RFC 6238.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing};
use super::subjects;
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

actions! {
    CreateVirtualMFADevice => CreatedDevice, Write,
        |it| subjects::new("mfa", it.path.as_deref(), &it.name);
    EnableMFADevice => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    DeactivateMFADevice => Nothing, Write, |it| subjects::user_or_own(it.user_name.as_deref());
    DeleteVirtualMFADevice => Nothing, Write,
        |it| Subject::of([Resource::Arn(it.serial_number.clone())]);
    ListMFADevices => Devices, Read, |it| subjects::user_or_own(it.user_name.as_deref());
}

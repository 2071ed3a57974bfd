//! Attributes of images: who may run them, and what else can be asked for and changed one by one.

use serde::{Deserialize, Serialize};

use super::images::MappedDevice;
use super::subjects;
use super::types::{Done, ProductCode, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::ImageId;

/// Tells one attribute of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImageAttribute {
    /// Which image.
    pub image_id: String,
    /// `launchPermission`, `productCodes`, `description`, `kernel`, `ramdisk` or
    /// `blockDeviceMapping`.
    pub attribute: String,
}

/// What DescribeImageAttribute answers: the one attribute that was asked for. Old clients mix up
/// those that come together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageAttribute {
    /// Which image.
    pub image_id: ImageId,
    /// Who may run it besides its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_permission: Option<Set<Permission>>,
    /// Its product codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_codes: Option<Set<ProductCode>>,
    /// The kernel it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<AttributeValue>,
    /// The ramdisk it boots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramdisk: Option<AttributeValue>,
    /// A sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<AttributeValue>,
    /// Its devices, as its manifest names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block_device_mapping: Option<Set<MappedDevice>>,
}

/// Who may run an image: everybody, or an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// `all`.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub group: Option<String>,
    /// An account number.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub user_id: Option<String>,
}

/// A value that may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeValue {
    /// The value.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub value: Option<String>,
}

/// Changes one attribute of an image, asked for in the way of 2008 (`Attribute`, `OperationType`)
/// or in that of today (`LaunchPermission.Add.1.UserId`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModifyImageAttribute {
    /// Which image.
    pub image_id: String,
    /// `launchPermission`, `productCodes` or `description`.
    #[serde(default)]
    pub attribute: Option<String>,
    /// `add` or `remove`.
    #[serde(default)]
    pub operation_type: Option<String>,
    /// Accounts that may run it, or no longer.
    #[serde(default)]
    pub user_id: Vec<String>,
    /// `all`.
    #[serde(default)]
    pub user_group: Vec<String>,
    /// Product codes to be added; none is ever taken away.
    #[serde(default)]
    pub product_code: Vec<String>,
    /// The new description, if that is the attribute.
    #[serde(default, rename(deserialize = "Value?", serialize = "Value"))]
    pub value: Option<String>,
    /// Who may run it, or no longer.
    #[serde(default)]
    pub launch_permission: Option<ChangedPermissions>,
    /// The new description.
    #[serde(default, rename(deserialize = "Description?", serialize = "Description"))]
    pub description: Option<NewValue>,
    /// Accounts of an organization; there are none here.
    #[serde(default)]
    pub organization_arn: Vec<String>,
    /// Parts of an organization; there are none here.
    #[serde(default)]
    pub organizational_unit_arn: Vec<String>,
}

/// Changes of who may run an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangedPermissions {
    /// Who may from now on.
    #[serde(default)]
    pub add: Vec<ChangedPermission>,
    /// Who may no longer.
    #[serde(default)]
    pub remove: Vec<ChangedPermission>,
}

/// Everybody or an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangedPermission {
    /// `all`.
    #[serde(default)]
    pub group: Option<String>,
    /// An account number.
    #[serde(default)]
    pub user_id: Option<String>,
    /// There are no organizations here.
    #[serde(default)]
    pub organization_arn: Option<String>,
    /// There are no organizations here.
    #[serde(default)]
    pub organizational_unit_arn: Option<String>,
}

/// A value to be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewValue {
    /// The value; empty takes away what was there.
    #[serde(default, rename(deserialize = "Value?", serialize = "Value"))]
    pub value: Option<String>,
}

/// Makes who may run an image what it was when it was registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResetImageAttribute {
    /// Which image.
    pub image_id: String,
    /// `launchPermission`.
    pub attribute: String,
}

actions! {
    DescribeImageAttribute => ImageAttribute, Read, |it| {
        subjects::image(&it.image_id).when(subjects::attribute(Some(&it.attribute), None))
    };
    ModifyImageAttribute => Done, Write, |it| {
        let named = [
            ("launchPermission", it.launch_permission.is_some()),
            ("description", it.description.is_some()),
        ];
        let named = named.into_iter().find(|(_, given)| *given).map(|(name, _)| name);
        let attribute = it.attribute.as_deref().or(named);
        subjects::image(&it.image_id).when(subjects::attribute(attribute, None))
    };
    ResetImageAttribute => Done, Write, |it| {
        subjects::image(&it.image_id).when(subjects::attribute(Some(&it.attribute), None))
    };
}

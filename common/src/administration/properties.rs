//! Settings that may be changed while the cloud runs, which 2.0 calls properties.

use serde::{Deserialize, Serialize};

use super::elements::{Items, told};
use crate::actions;

/// Lists properties.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeProperties {
    /// These only, or those whose names begin so; all if there is none.
    #[serde(default)]
    pub properties: Vec<String>,
}

/// Properties.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Properties {
    /// The properties.
    #[serde(rename(serialize = "euca:properties", deserialize = "properties"), default)]
    pub properties: Items<Property>,
}

/// A property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"))]
    pub name: String,
    /// Its value.
    #[serde(rename(serialize = "euca:value", deserialize = "value"), default)]
    pub value: String,
    /// What it means, with its unit.
    #[serde(rename(serialize = "euca:description", deserialize = "description"), default)]
    pub description: String,
    /// What it is when nobody has changed it.
    #[serde(rename(serialize = "euca:default", deserialize = "default"), default)]
    pub default: String,
    /// The unit of its value, if it has one: `MB`, `minutes`.
    #[serde(rename(serialize = "euca:unit", deserialize = "unit"), default)]
    pub unit: String,
    /// Whether an administrator has set it.
    #[serde(rename(serialize = "euca:changed", deserialize = "changed"), default)]
    pub changed: bool,
}

/// Changes a property.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ModifyPropertyValue {
    /// Its name.
    #[serde(rename = "Name")]
    pub name: String,
    /// Its new value, which may be empty.
    #[serde(rename(serialize = "Value", deserialize = "Value?"), default)]
    pub value: String,
}

/// Changes several properties, all of them or none (ours, not 2.0's).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModifyPropertyValues {
    /// Which, and what they shall be.
    #[serde(default)]
    pub property: Vec<ModifyPropertyValue>,
}

told! {
    /// Properties that were changed.
    ModifiedProperties {
        /// The properties.
        properties: Items<Modified> = "euca:properties", "properties";
    }
}

/// Gives a property its default again (ours, not 2.0's).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResetPropertyValue {
    /// Its name.
    pub name: String,
}

/// A property that was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modified {
    /// Its name.
    #[serde(rename(serialize = "euca:name", deserialize = "name"))]
    pub name: String,
    /// Its value.
    #[serde(rename(serialize = "euca:value", deserialize = "value"), default)]
    pub value: String,
    /// What it was before.
    #[serde(rename(serialize = "euca:oldValue", deserialize = "oldValue"), default)]
    pub old_value: String,
}

actions! {
    DescribeProperties => Properties, Read;
    ModifyPropertyValue => Modified, Write;
    ModifyPropertyValues => ModifiedProperties, Write;
    ResetPropertyValue => Modified, Write;
}

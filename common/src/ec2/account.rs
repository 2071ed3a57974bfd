//! What holds for an account as a whole.

use serde::{Deserialize, Serialize};

use crate::actions;
use crate::dialect::xml::Set;

/// Tells what holds for the caller's account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAccountAttributes {
    /// Only these: `supported-platforms`, `default-vpc`, `max-instances`…
    #[serde(default)]
    pub attribute_name: Vec<String>,
}

/// What DescribeAccountAttributes answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAttributes {
    /// The attributes.
    pub account_attribute_set: Set<AccountAttribute>,
}

/// Something that holds for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAttribute {
    /// Its name.
    pub attribute_name: String,
    /// Its values.
    pub attribute_value_set: Set<AttributeValue>,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeValue {
    /// The value as text.
    pub attribute_value: String,
}

actions! {
    DescribeAccountAttributes => AccountAttributes, Read;
}

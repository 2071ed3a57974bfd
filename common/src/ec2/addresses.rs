//! Elastic addresses: that there are none can be asked for.

use serde::{Deserialize, Serialize};

use super::types::Filter;
use crate::actions;
use crate::dialect::xml::Set;

/// Lists the addresses that belong to the caller's account and to no instance for good.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAddresses {
    /// Only these addresses.
    #[serde(default)]
    pub public_ip: Vec<String>,
    /// Only these, by their ids.
    #[serde(default)]
    pub allocation_id: Vec<String>,
    /// Only what passes these filters.
    #[serde(default)]
    pub filter: Vec<Filter>,
}

/// What DescribeAddresses answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Addresses {
    /// The addresses.
    pub addresses_set: Set<Address>,
}

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// The address in numbers.
    pub public_ip: String,
    /// The instance that has it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<String>,
}

actions! {
    DescribeAddresses => Addresses, Read;
}

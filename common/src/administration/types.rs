//! Instance types, whose sizes administrators may change (ours, not 2.0's).

use serde::{Deserialize, Serialize};

use super::elements::{Items, told};
use crate::actions;

/// Changes instance types, all of them or none. It is about what is launched from then on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModifyInstanceTypes {
    /// Which, and what they shall have.
    #[serde(default)]
    pub instance_type: Vec<TypeChange>,
}

/// A change of a type; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TypeChange {
    /// Its name.
    pub name: String,
    /// Virtual processors.
    #[serde(default)]
    pub cpu: Option<u32>,
    /// Memory in MB.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Disk in GB.
    #[serde(default)]
    pub disk: Option<u64>,
}

told! {
    /// The types as they are then.
    ModifiedTypes {
        /// All types, smallest first.
        types: Items<TypeSize> = "euca:types", "types";
    }
}

told! {
    /// The size of a type.
    TypeSize {
        /// Its name.
        name: String = "euca:name", "name";
        /// Virtual processors.
        cpu: u64 = "euca:cpu", "cpu";
        /// Memory in MB.
        memory: u64 = "euca:memory", "memory";
        /// Disk in GB.
        disk: u64 = "euca:disk", "disk";
    }
}

actions! {
    ModifyInstanceTypes => ModifiedTypes, Write;
}

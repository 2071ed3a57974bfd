//! Instance types: the five names of 2.0 with its sizes.

use crate::schedule::ledger::Demand;

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstanceType {
    /// Its name.
    pub name: &'static str,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Disk in GiB.
    pub disk_gib: u64,
}

/// All types, smallest first.
pub const ALL: [InstanceType; 5] = [
    InstanceType { name: "m1.small", cpus: 1, memory_mib: 128, disk_gib: 2 },
    InstanceType { name: "c1.medium", cpus: 1, memory_mib: 256, disk_gib: 5 },
    InstanceType { name: "m1.large", cpus: 2, memory_mib: 512, disk_gib: 10 },
    InstanceType { name: "m1.xlarge", cpus: 2, memory_mib: 1024, disk_gib: 20 },
    InstanceType { name: "c1.xlarge", cpus: 4, memory_mib: 2048, disk_gib: 20 },
];

impl InstanceType {
    /// The type of that name.
    pub fn find(name: &str) -> Option<Self> {
        ALL.into_iter().find(|it| it.name == name)
    }

    /// What one instance of it needs.
    pub fn demand(self) -> Demand {
        Demand { cpus: self.cpus, memory_mib: self.memory_mib, disk_mib: self.disk_gib << 10 }
    }
}

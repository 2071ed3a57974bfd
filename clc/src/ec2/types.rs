//! Instance types: the five names of 2.0, whose sizes an administrator may change.
//!
//! A change is about instances that are launched from then on, and those that are given the type while
//! they are stopped; an instance has on record what it was launched with. No type is smaller than the
//! one before it in anything, so that "the next larger" always helps.

use common::error::{ApiError, ErrorCode};
use store::Batch;

use crate::records::Records;
use crate::schedule::ledger::Demand;
use crate::settings;

/// Under which name the sizes are on record, once they were changed; it is no property.
const RECORDED: &str = "cloud.instance_types";

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
pub type Types = [InstanceType; 5];

/// Their sizes while nobody has changed them: those of 2.0.
pub const DEFAULTS: Types = [
    InstanceType { name: "m1.small", cpus: 1, memory_mib: 128, disk_gib: 2 },
    InstanceType { name: "c1.medium", cpus: 1, memory_mib: 256, disk_gib: 5 },
    InstanceType { name: "m1.large", cpus: 2, memory_mib: 512, disk_gib: 10 },
    InstanceType { name: "m1.xlarge", cpus: 2, memory_mib: 1024, disk_gib: 20 },
    InstanceType { name: "c1.xlarge", cpus: 4, memory_mib: 2048, disk_gib: 20 },
];

/// The most that a type may have: processors, MiB of memory, GiB of disk.
const MOST: (u32, u64, u64) = (256, 1 << 22, 1 << 16);

impl InstanceType {
    /// What one instance of it needs.
    pub fn demand(self) -> Demand {
        Demand { cpus: self.cpus, memory_mib: self.memory_mib, disk_mib: self.disk_gib << 10 }
    }
}

/// The type of that name.
pub fn find(types: &Types, name: &str) -> Option<InstanceType> {
    types.iter().copied().find(|it| it.name == name)
}

/// All types as they are now. Blocks.
///
/// # Errors
/// If the store fails.
pub fn now(records: &Records) -> Result<Types, ApiError> {
    let mut types = DEFAULTS;
    let Some(text) = settings::on_record(records, RECORDED)? else { return Ok(types) };
    for row in text.split_ascii_whitespace() {
        let mut parts = row.split('/');
        let Some(it) = parts.next().and_then(|name| types.iter_mut().find(|it| it.name == name))
        else {
            continue;
        };
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
        if let (Some(cpus), Some(memory), Some(disk)) = (number(), number(), number()) {
            it.cpus = u32::try_from(cpus).unwrap_or(MOST.0);
            (it.memory_mib, it.disk_gib) = (memory, disk);
        }
    }
    Ok(types)
}

/// A change of a type; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The type.
    pub name: String,
    /// Its processors.
    pub cpus: Option<u32>,
    /// Its memory in MiB.
    pub memory_mib: Option<u64>,
    /// Its disk in GiB.
    pub disk_gib: Option<u64>,
}

/// Types with some changes.
///
/// # Errors
/// `InvalidParameterValue` that names the type whose name or size cannot be.
pub fn changed(mut types: Types, changes: &[Change]) -> Result<Types, ApiError> {
    for change in changes {
        let Some(it) = types.iter_mut().find(|it| it.name == change.name) else {
            let text = format!("The instance type '{}' does not exist", change.name);
            return Err(ApiError::new(ErrorCode::InvalidInstanceType, text));
        };
        it.cpus = change.cpus.unwrap_or(it.cpus);
        it.memory_mib = change.memory_mib.unwrap_or(it.memory_mib);
        it.disk_gib = change.disk_gib.unwrap_or(it.disk_gib);
    }
    let refused = |text: String| ApiError::new(ErrorCode::InvalidParameterValue, text);
    for it in &types {
        for (what, is, most) in figures(it) {
            if is < 1 || is > most {
                let text = format!("{what} of {} must be from 1 to {most}, not {is}", it.name);
                return Err(refused(text));
            }
        }
    }
    for pair in types.windows(2) {
        let [one, next] = pair else { continue };
        for ((what, less, _), (_, more, _)) in figures(one).into_iter().zip(figures(next)) {
            if more < less {
                return Err(refused(format!(
                    "{what} of {} ({more}) must not be less than that of {} ({less})",
                    next.name, one.name
                )));
            }
        }
    }
    Ok(types)
}

fn figures(it: &InstanceType) -> [(&'static str, u64, u64); 3] {
    [
        ("The processors", it.cpus.into(), MOST.0.into()),
        ("The memory", it.memory_mib, MOST.1),
        ("The disk", it.disk_gib, MOST.2),
    ]
}

/// Adds to a batch: types are as they are with these changes. Blocks.
///
/// # Errors
/// As [`changed`]; if the store fails.
pub fn change(records: &Records, batch: &mut Batch, changes: &[Change]) -> Result<Types, ApiError> {
    let types = changed(now(records)?, changes)?;
    let row =
        |it: &InstanceType| format!("{}/{}/{}/{}", it.name, it.cpus, it.memory_mib, it.disk_gib);
    let rows: Vec<_> = types.iter().map(row).collect();
    settings::put(records, batch, RECORDED, &rows.join(" "))?;
    Ok(types)
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;

    fn small(name: &str) -> Change {
        Change { name: name.into(), ..Change::default() }
    }

    #[test]
    fn changes_are_ordered_and_last() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        assert_eq!(now(&records).unwrap(), DEFAULTS);
        let change = |changes: &[Change]| {
            store::transact(&*records.engine, |batch| change(&records, batch, changes))
                .map(|(types, _)| types)
        };
        for (wrong, told) in [
            (Change { memory_mib: Some(300), ..small("m1.small") }, "c1.medium (256)"),
            (Change { cpus: Some(0), ..small("m1.small") }, "from 1 to 256"),
            (Change { disk_gib: Some(21), ..small("m1.xlarge") }, "c1.xlarge (20)"),
            (small("m9.huge"), "m9.huge"),
        ] {
            let error = change(&[wrong]).unwrap_err();
            assert!(error.text().contains(told), "{error}");
        }
        assert_eq!(now(&records).unwrap(), DEFAULTS);
        let both = [
            Change { memory_mib: Some(300), ..small("m1.small") },
            Change { memory_mib: Some(400), cpus: Some(2), ..small("c1.medium") },
        ];
        change(&both).unwrap();
        let types = now(&records).unwrap();
        assert_eq!((types[0].memory_mib, types[1].memory_mib, types[1].cpus), (300, 400, 2));
        assert_eq!(types[2..], DEFAULTS[2..]);
    }
}

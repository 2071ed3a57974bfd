//! EC2's actions as types, one file per family: what the clc reads, what euca sends, what both
//! print and parse.

mod history;
pub mod images;
pub mod instances;
pub mod keys;
mod launch;
pub mod metadata_options;
pub mod types;
mod version;
pub mod zones;

pub use history::answer;
pub use version::Version;

/// The version whose shapes these are; clients that name none get it.
pub const VERSION: &str = "2016-11-15";

/// Every action that the cloud answers.
pub fn names() -> impl Iterator<Item = &'static str> {
    [images::NAMES, instances::NAMES, keys::NAMES, metadata_options::NAMES, zones::NAMES]
        .into_iter()
        .flatten()
        .copied()
}

//! EC2's actions as types, one file per family: what the clc reads, what euca sends, what both
//! print and parse.

pub mod account;
pub mod addresses;
pub mod attributes;
pub mod bundle_tasks;
pub mod create_image;
mod history;
pub mod image_attributes;
pub mod images;
pub mod import_image;
pub mod instance_profiles;
pub mod instance_types;
pub mod instances;
pub mod keys;
mod launch;
pub mod metadata_options;
pub mod power;
pub mod status;
pub mod subjects;
pub mod tags;
pub mod types;
mod version;
pub mod zones;

pub use history::answer;
pub use version::Version;

/// The version whose shapes these are; clients that name none get it.
pub const VERSION: &str = "2016-11-15";

/// Every action that the cloud answers.
pub fn names() -> impl Iterator<Item = &'static str> {
    let families = [
        account::NAMES,
        addresses::NAMES,
        attributes::NAMES,
        bundle_tasks::NAMES,
        create_image::NAMES,
        image_attributes::NAMES,
        images::NAMES,
        import_image::NAMES,
        instance_profiles::NAMES,
        instance_types::NAMES,
        instances::NAMES,
        keys::NAMES,
        metadata_options::NAMES,
        power::NAMES,
        status::NAMES,
        tags::NAMES,
        zones::NAMES,
    ];
    families.into_iter().flatten().copied()
}

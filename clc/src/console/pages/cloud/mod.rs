//! The cloud itself, for its administrators.

mod amounts;
mod cache;
mod configuration;
mod properties;
mod setting_fields;
mod settings_shown;

use crate::console::layout::Group::Cloud;
use crate::console::routes::Who::Administrator;
use crate::console::routes::{Route, get, post};
use crate::console::texts::cloud as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/cloud/configuration", Administrator, configuration::show)
            .in_menu(Cloud, say::CONFIGURATION),
        post("/cloud/configuration/{block}", Administrator, configuration::save),
        get("/cloud/cache/live", Administrator, cache::live),
        post("/cloud/cache/evict", Administrator, cache::evict),
        get("/cloud/properties", Administrator, properties::list).in_menu(Cloud, say::PROPERTIES),
        get("/cloud/properties/{name}", Administrator, properties::show),
        post("/cloud/properties/{name}", Administrator, properties::change),
        post("/cloud/properties/{name}/reset", Administrator, properties::reset),
    ]
}

//! The cloud itself, for its administrators.

mod amounts;
mod cache;
mod configuration;
mod node;
mod nodes;
mod properties;
mod services;
mod setting_fields;
mod settings_shown;
mod types;

use crate::console::layout::Group::Cloud;
use crate::console::routes::Who::Administrator;
use crate::console::routes::{Route, get, post};
use crate::console::texts::{
    cloud as say, nodes as say_nodes, services as say_services, types as say_types,
};

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/cloud/configuration", Administrator, configuration::show)
            .in_menu(Cloud, say::CONFIGURATION),
        post("/cloud/configuration/{block}", Administrator, configuration::save).dangerous(),
        get("/cloud/cache/live", Administrator, cache::live),
        post("/cloud/cache/evict", Administrator, cache::evict),
        get("/cloud/instance-types", Administrator, types::show).in_menu(Cloud, say_types::TYPES),
        post("/cloud/instance-types", Administrator, types::save),
        get("/cloud/nodes", Administrator, nodes::show).in_menu(Cloud, say_nodes::NODES),
        get("/cloud/nodes/live", Administrator, nodes::live),
        get("/cloud/nodes/{name}", Administrator, node::show),
        get("/cloud/nodes/{name}/live", Administrator, node::live),
        post("/cloud/nodes/{name}/drain", Administrator, node::drain),
        post("/cloud/nodes/{name}/enable", Administrator, node::enable),
        get("/cloud/nodes/{name}/give-up", Administrator, node::ask_to_give_up),
        post("/cloud/nodes/{name}/give-up", Administrator, node::give_up).dangerous(),
        get("/cloud/services", Administrator, services::show)
            .in_menu(Cloud, say_services::SERVICES),
        get("/cloud/services/live", Administrator, services::live),
        get("/cloud/properties", Administrator, properties::list).in_menu(Cloud, say::PROPERTIES),
        get("/cloud/properties/{name}", Administrator, properties::show),
        post("/cloud/properties/{name}", Administrator, properties::change).dangerous(),
        post("/cloud/properties/{name}/reset", Administrator, properties::reset).dangerous(),
    ]
}

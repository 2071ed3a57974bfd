//! Instances and key pairs.

mod changes;
mod events;
mod inputs;
mod instance;
mod instances;
mod key_pair_made;
mod key_pairs;
mod launch;
mod launch_choices;
mod launch_draft;
mod launch_image;
mod metadata;
mod output;
mod save;
mod settings;
mod tagging;
mod tags;
mod wanted;

use crate::console::layout::Group::Compute;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::instances as say;
use crate::console::texts::key_pairs as say_keys;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/instances", SignedIn, instances::show).in_menu(Compute, say::INSTANCES),
        get("/instances/live", SignedIn, instances::live),
        get("/instances/{id}", SignedIn, instance::show),
        get("/instances/{id}/live", SignedIn, instance::live),
        get("/instances/{id}/console", SignedIn, output::show),
        get("/instances/{id}/console/live", SignedIn, output::live),
        get("/instances/{id}/output", SignedIn, output::file),
        get("/instances/{id}/events", SignedIn, events::show),
        get("/instances/{id}/metadata", SignedIn, metadata::show),
        post("/instances/{id}/metadata", SignedIn, metadata::change),
        get("/instances/{id}/settings", SignedIn, settings::show),
        post("/instances/{id}/settings", SignedIn, settings::change),
        post("/instances/{id}/profile", SignedIn, settings::set_profile),
        get("/instances/change", SignedIn, changes::ask),
        post("/instances/start", SignedIn, changes::start),
        post("/instances/reboot", SignedIn, changes::reboot),
        post("/instances/stop", SignedIn, changes::stop),
        post("/instances/terminate", SignedIn, changes::terminate).dangerous(),
        post("/instances/{id}/name", SignedIn, tagging::rename),
        post("/instances/{id}/tag", SignedIn, tagging::add),
        post("/instances/{id}/untag", SignedIn, tagging::remove),
        get("/instances/{id}/save", SignedIn, save::ask),
        post("/instances/{id}/save", SignedIn, save::save),
        get("/launch", SignedIn, launch::begin),
        post("/launch", SignedIn, launch::launch),
        post("/launch/form", SignedIn, launch::again),
        post("/launch/review", SignedIn, launch::review),
        post("/launch/key", SignedIn, launch::key),
        get("/key-pairs", SignedIn, key_pairs::show).in_menu(Compute, say_keys::KEY_PAIRS),
        post("/key-pairs/delete", SignedIn, key_pairs::delete),
        get("/key-pairs/new", SignedIn, key_pair_made::new),
        post("/key-pairs/new", SignedIn, key_pair_made::create),
        post("/key-pairs/file", SignedIn, key_pair_made::file),
        get("/key-pairs/import", SignedIn, key_pair_made::import),
        post("/key-pairs/import", SignedIn, key_pair_made::take),
    ]
}

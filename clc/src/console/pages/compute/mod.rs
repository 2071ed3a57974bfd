//! Instances and key pairs.

mod inputs;
mod instance;
mod instances;
mod key_pair_made;
mod key_pairs;

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
        get("/instances/{id}/output", SignedIn, instance::output),
        get("/key-pairs", SignedIn, key_pairs::show).in_menu(Compute, say_keys::KEY_PAIRS),
        post("/key-pairs/delete", SignedIn, key_pairs::delete),
        get("/key-pairs/new", SignedIn, key_pair_made::new),
        post("/key-pairs/new", SignedIn, key_pair_made::create),
        post("/key-pairs/file", SignedIn, key_pair_made::file),
        get("/key-pairs/import", SignedIn, key_pair_made::import),
        post("/key-pairs/import", SignedIn, key_pair_made::take),
    ]
}

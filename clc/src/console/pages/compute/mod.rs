//! Instances.

mod instance;
mod instances;

use crate::console::layout::Group::Compute;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get};
use crate::console::texts::instances as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/instances", SignedIn, instances::show).in_menu(Compute, say::INSTANCES),
        get("/instances/live", SignedIn, instances::live),
        get("/instances/{id}", SignedIn, instance::show),
        get("/instances/{id}/live", SignedIn, instance::live),
        get("/instances/{id}/output", SignedIn, instance::output),
    ]
}

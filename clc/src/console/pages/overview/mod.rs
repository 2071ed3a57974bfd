//! What there is at a glance.

mod cloud;
mod dashboard;

use crate::console::layout::Group::Overview;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get};
use crate::console::texts::accounts as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/", SignedIn, dashboard::show).in_menu(Overview, say::DASHBOARD),
        get("/live", SignedIn, dashboard::live),
    ]
}

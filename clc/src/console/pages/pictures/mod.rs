//! Pictures and reports: what was, what is where, and who used how much.

mod chart;
mod csv;
mod history;
mod map;
mod scale;
mod span;

use crate::console::layout::Group::Cloud;
use crate::console::routes::Who::Administrator;
use crate::console::routes::{Route, get};
use crate::console::texts::pictures as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/map", Administrator, map::show).in_menu(Cloud, say::MAP),
        get("/map/live", Administrator, map::live),
        get("/history", Administrator, history::cloud).in_menu(Cloud, say::HISTORY),
        get("/history/live", Administrator, history::cloud_live),
        get("/history/csv", Administrator, history::cloud_file),
        get("/history/nodes/{name}", Administrator, history::node),
        get("/history/nodes/{name}/live", Administrator, history::node_live),
        get("/history/nodes/{name}/csv", Administrator, history::node_file),
        get("/history/accounts/{number}", Administrator, history::account),
        get("/history/accounts/{number}/csv", Administrator, history::account_file),
    ]
}

//! Pictures and reports: what was, what is where, and who used how much.

mod chart;
mod csv;
mod days;
mod history;
mod lists;
mod map;
mod messages;
mod reports;
mod scale;
mod span;

pub(crate) use chart::spark;
pub(crate) use scale::Unit;
pub(crate) use span::{Seen, Span};

use crate::console::layout::Group::{Cloud, Overview};
use crate::console::routes::Who::{Administrator, SignedIn};
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
        get("/reports", Administrator, reports::all).in_menu(Cloud, say::REPORTS),
        get("/reports/instances-csv", Administrator, reports::all_instances),
        get("/reports/storage-csv", Administrator, reports::all_storage),
        get("/reports/people", Administrator, lists::people),
        get("/reports/people/csv", Administrator, lists::people_file),
        get("/reports/components", Administrator, lists::components),
        get("/reports/components/csv", Administrator, lists::components_file),
        get("/reports/messages", Administrator, messages::show),
        get("/reports/messages/csv", Administrator, messages::file),
        get("/usage", SignedIn, reports::mine).in_menu(Overview, say::OWN_USE),
        get("/usage/csv", SignedIn, reports::my_history),
        get("/usage/instances-csv", SignedIn, reports::my_instances),
        get("/usage/storage-csv", SignedIn, reports::my_storage),
    ]
}

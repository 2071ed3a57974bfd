//! Images: the list, one of them, who may launch it, registering and deregistering.

mod change;
mod deregister;
mod image;
mod list;
mod pulse;
mod register;
pub(super) mod shown;

use crate::console::layout::Group::Compute;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::images as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/images", SignedIn, list::show).in_menu(Compute, say::IMAGES),
        get("/images/live", SignedIn, list::live),
        get("/images/register", SignedIn, register::show),
        post("/images/register", SignedIn, register::register),
        get("/images/{id}", SignedIn, image::show),
        get("/images/{id}/live", SignedIn, image::live),
        post("/images/{id}/permissions", SignedIn, change::permissions),
        post("/images/{id}/description", SignedIn, change::description),
        post("/images/{id}/tags", SignedIn, change::tag),
        post("/images/{id}/tags/remove", SignedIn, change::untag),
        get("/images/{id}/deregister", SignedIn, deregister::show),
        post("/images/{id}/deregister", SignedIn, deregister::deregister),
    ]
}

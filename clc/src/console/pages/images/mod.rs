//! Images: the list, one of them, who may launch it, registering and deregistering.

mod change;
mod deregister;
mod image;
mod import;
mod list;
mod manifests;
mod pulse;
mod register;
pub(super) mod shown;
mod upload;

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
        get("/images/upload", SignedIn, upload::show),
        post("/images/upload", SignedIn, upload::begin),
        get("/images/upload/file", SignedIn, upload::file),
        post("/images/upload/look", SignedIn, upload::look).streaming(),
        get("/images/import", SignedIn, import::show),
        post("/images/import", SignedIn, import::import),
        get("/images/imports", SignedIn, import::list),
        get("/images/imports/live", SignedIn, import::live),
        post("/images/imports/cancel", SignedIn, import::cancel),
        get("/images/{id}", SignedIn, image::show),
        get("/images/{id}/live", SignedIn, image::live),
        post("/images/{id}/permissions", SignedIn, change::permissions).dangerous(),
        post("/images/{id}/description", SignedIn, change::description),
        post("/images/{id}/tags", SignedIn, change::tag),
        post("/images/{id}/tags/remove", SignedIn, change::untag),
        get("/images/{id}/deregister", SignedIn, deregister::show),
        post("/images/{id}/deregister", SignedIn, deregister::deregister).dangerous(),
    ]
}

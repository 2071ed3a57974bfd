//! Buckets and objects.

mod access;
mod buckets;
mod download;
mod object;
mod objects;
mod places;
mod remove;
mod share;
pub(super) mod upload;
mod uploads;

use crate::console::layout::Group::Storage;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::storage as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/buckets", SignedIn, buckets::show).in_menu(Storage, say::BUCKETS),
        get("/buckets/new", SignedIn, buckets::new),
        post("/buckets/new", SignedIn, buckets::create),
        post("/buckets/{id}/delete", SignedIn, buckets::delete),
        get("/buckets/{id}/objects", SignedIn, objects::show),
        post("/buckets/{id}/folder", SignedIn, objects::make_folder),
        get("/buckets/{id}/object", SignedIn, object::show),
        get("/buckets/{id}/download", SignedIn, download::get),
        post("/buckets/{id}/share", SignedIn, share::make),
        get("/buckets/{id}/access", SignedIn, access::show),
        post("/buckets/{id}/access", SignedIn, access::change).dangerous(),
        post("/buckets/{id}/delete-objects", SignedIn, remove::some).dangerous(),
        get("/buckets/{id}/delete-folder", SignedIn, remove::ask),
        post("/buckets/{id}/delete-folder", SignedIn, remove::folder).dangerous(),
        get("/buckets/{id}/uploads", SignedIn, uploads::show),
        post("/buckets/{id}/upload", SignedIn, upload::form).streaming(),
        get("/uploads/open", SignedIn, upload::open),
        get("/uploads/parts", SignedIn, upload::parts),
        post("/uploads/begin", SignedIn, upload::begin),
        post("/uploads/part", SignedIn, upload::part).streaming(),
        post("/uploads/whole", SignedIn, upload::whole).streaming(),
        post("/uploads/finish", SignedIn, upload::finish),
        post("/uploads/abort", SignedIn, upload::abort),
    ]
}

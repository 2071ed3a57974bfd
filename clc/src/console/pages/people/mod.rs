//! Users of the cloud, for its administrators: who they are, who wants to be one, and what becomes of
//! them. A user is named in the query or in the form, because a name may be almost anything.

mod add;
mod applications;
mod change;
mod leave;
mod list;
mod parts;
mod person;
mod steps;

pub(super) use list::waiting;

use crate::console::layout::Group::People;
use crate::console::routes::Who::Administrator;
use crate::console::routes::{Route, get, post};
use crate::console::texts::people as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/people", Administrator, list::show).in_menu(People, say::USERS),
        get("/people/waiting", Administrator, applications::show),
        get("/people/add", Administrator, add::show),
        post("/people/add", Administrator, add::save),
        get("/people/user", Administrator, person::show),
        get("/people/user/live", Administrator, person::live),
        post("/people/user/approve", Administrator, steps::approve),
        post("/people/user/confirm", Administrator, steps::confirm),
        post("/people/user/enable", Administrator, steps::enable),
        post("/people/user/disable", Administrator, steps::disable),
        post("/people/user/end-sessions", Administrator, steps::end_sessions),
        post("/people/user/reset-factor", Administrator, steps::reset_factor),
        post("/people/user/credentials", Administrator, steps::credentials),
        get("/people/user/reject", Administrator, applications::show_reject),
        post("/people/user/reject", Administrator, applications::reject),
        get("/people/user/edit", Administrator, change::show),
        post("/people/user/edit", Administrator, change::save),
        get("/people/user/password", Administrator, change::show_password),
        post("/people/user/password", Administrator, change::set_password),
        get("/people/user/delete", Administrator, leave::show),
        post("/people/user/delete", Administrator, leave::delete),
        get("/approve", Administrator, applications::landing),
        post("/approve", Administrator, applications::look),
        get("/reject", Administrator, applications::landing),
        post("/reject", Administrator, applications::look),
    ]
}

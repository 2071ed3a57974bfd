//! Users, groups and roles inside an account, with their policies: for whoever IAM's actions let.

mod groups;
mod parts;
mod policies;
mod roles;
mod users;

use crate::console::layout::Group::Yourself;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::iam as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/iam", SignedIn, users::show).in_menu(Yourself, say::ACCESS),
        post("/iam", SignedIn, users::add).dangerous(),
        get("/iam/user", SignedIn, users::show_one),
        post("/iam/user/password", SignedIn, users::set_password).dangerous(),
        post("/iam/user/enable", SignedIn, users::enable).dangerous(),
        post("/iam/user/disable", SignedIn, users::disable).dangerous(),
        post("/iam/user/join", SignedIn, users::join).dangerous(),
        post("/iam/user/leave", SignedIn, users::leave).dangerous(),
        post("/iam/user/delete", SignedIn, users::delete).dangerous(),
        get("/iam/groups", SignedIn, groups::show),
        post("/iam/groups", SignedIn, groups::add),
        get("/iam/group", SignedIn, groups::show_one),
        post("/iam/group/join", SignedIn, groups::join).dangerous(),
        post("/iam/group/leave", SignedIn, groups::leave).dangerous(),
        post("/iam/group/delete", SignedIn, groups::delete).dangerous(),
        get("/iam/roles", SignedIn, roles::show),
        post("/iam/roles", SignedIn, roles::add),
        get("/iam/role", SignedIn, roles::show_one),
        post("/iam/role/delete", SignedIn, roles::delete).dangerous(),
        post("/iam/attach", SignedIn, policies::attach).dangerous(),
        post("/iam/detach", SignedIn, policies::detach).dangerous(),
        post("/iam/policy", SignedIn, policies::put).dangerous(),
        post("/iam/policy/delete", SignedIn, policies::delete).dangerous(),
    ]
}

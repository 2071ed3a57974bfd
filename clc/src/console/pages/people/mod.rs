//! Users of the cloud, for its administrators: who they are, who wants to be one, and what becomes of
//! them. A user is named in the query or in the form, because a name may be almost anything.

mod add;
mod applications;
mod audit;
mod change;
mod groups;
mod leave;
mod limits;
mod list;
mod parts;
mod person;
mod quotas;
mod steps;

pub(super) use list::waiting;

use crate::console::layout::Group::{People, Yourself};
use crate::console::routes::Who::{Administrator, SignedIn};
use crate::console::routes::{Route, get, post};
use crate::console::texts::{
    audit as of_audit, groups as of_groups, people as say, quotas as of_quotas,
};

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/people", Administrator, list::show).in_menu(People, say::USERS),
        get("/people/waiting", Administrator, applications::show),
        get("/people/add", Administrator, add::show),
        post("/people/add", Administrator, add::save).dangerous(),
        get("/people/user", Administrator, person::show),
        get("/people/user/live", Administrator, person::live),
        post("/people/user/approve", Administrator, steps::approve).dangerous(),
        post("/people/user/confirm", Administrator, steps::confirm).dangerous(),
        post("/people/user/enable", Administrator, steps::enable).dangerous(),
        post("/people/user/disable", Administrator, steps::disable).dangerous(),
        post("/people/user/end-sessions", Administrator, steps::end_sessions),
        post("/people/user/reset-factor", Administrator, steps::reset_factor).dangerous(),
        post("/people/user/credentials", Administrator, steps::credentials).dangerous(),
        get("/people/user/reject", Administrator, applications::show_reject),
        post("/people/user/reject", Administrator, applications::reject).dangerous(),
        get("/people/user/edit", Administrator, change::show),
        post("/people/user/edit", Administrator, change::save).dangerous(),
        get("/people/user/password", Administrator, change::show_password),
        post("/people/user/password", Administrator, change::set_password).dangerous(),
        get("/people/user/delete", Administrator, leave::show),
        post("/people/user/delete", Administrator, leave::delete).dangerous(),
        get("/groups", Administrator, groups::show).in_menu(People, of_groups::GROUPS),
        post("/groups", Administrator, groups::add),
        get("/groups/group", Administrator, groups::show_one),
        post("/groups/group/delete", Administrator, groups::delete).dangerous(),
        post("/groups/group/join", Administrator, groups::join).dangerous(),
        post("/groups/group/leave", Administrator, groups::leave).dangerous(),
        post("/groups/group/grant", Administrator, groups::grant).dangerous(),
        post("/groups/group/revoke", Administrator, groups::revoke).dangerous(),
        get("/quotas", Administrator, quotas::show).in_menu(People, of_quotas::QUOTAS),
        get("/quotas/account", Administrator, limits::show),
        post("/quotas/account", Administrator, limits::change_s3),
        post("/quotas/account/limits", Administrator, limits::change),
        post("/quotas/account/policy", Administrator, limits::put_policy).dangerous(),
        post("/quotas/account/policy/delete", Administrator, limits::delete_policy).dangerous(),
        get("/quotas/bucket", Administrator, quotas::bucket),
        post("/quotas/bucket", Administrator, quotas::change_bucket),
        get("/audit", Administrator, audit::show).in_menu(People, of_audit::AUDIT),
        get("/audit/event", Administrator, audit::event),
        get("/audit/keep", Administrator, audit::keep),
        post("/audit/verify", Administrator, audit::verify),
        get("/activity", SignedIn, audit::show).in_menu(Yourself, of_audit::ACTIVITY),
        get("/activity/event", SignedIn, audit::event),
        get("/activity/keep", SignedIn, audit::keep),
        get("/approve", Administrator, applications::landing),
        post("/approve", Administrator, applications::look),
        get("/reject", Administrator, applications::landing),
        post("/reject", Administrator, applications::look),
    ]
}

//! One's own account.

mod sessions;

use super::signing::password;
use crate::console::layout::Group::Yourself;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::accounts as say;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/password", SignedIn, password::show).in_menu(Yourself, say::CHANGE_PASSWORD),
        post("/password", SignedIn, password::change),
        get("/sessions", SignedIn, sessions::show).in_menu(Yourself, say::SESSIONS),
        post("/sessions/end", SignedIn, sessions::end),
        post("/sessions/end-others", SignedIn, sessions::end_others),
    ]
}

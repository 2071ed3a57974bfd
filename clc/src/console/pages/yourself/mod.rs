//! One's own account.

mod access_keys;
mod certificates;
mod contact;
mod credentials;
mod lines;
mod second_factor;
mod sessions;

use super::signing::password;
use crate::console::layout::Group::Yourself;
use crate::console::routes::Who::SignedIn;
use crate::console::routes::{Route, get, post};
use crate::console::texts::accounts as say;
use crate::console::texts::credentials as own;
use crate::console::texts::lines as told;

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/credentials", SignedIn, credentials::show).in_menu(Yourself, own::CREDENTIALS),
        post("/credentials/zip", SignedIn, credentials::get_zip).dangerous(),
        get("/access-keys", SignedIn, access_keys::show).in_menu(Yourself, own::KEYS),
        post("/access-keys/create", SignedIn, access_keys::create).dangerous(),
        post("/access-keys/status", SignedIn, access_keys::switched).dangerous(),
        post("/access-keys/delete", SignedIn, access_keys::delete).dangerous(),
        get("/certificates", SignedIn, certificates::show).in_menu(Yourself, own::CERTIFICATES),
        post("/certificates/create", SignedIn, certificates::create).dangerous(),
        post("/certificates/upload", SignedIn, certificates::upload).dangerous(),
        post("/certificates/status", SignedIn, certificates::switched).dangerous(),
        post("/certificates/delete", SignedIn, certificates::delete).dangerous(),
        get("/second-factor", SignedIn, second_factor::show).in_menu(Yourself, own::FACTOR),
        post("/second-factor/begin", SignedIn, second_factor::begin).dangerous(),
        post("/second-factor/on", SignedIn, second_factor::on).dangerous(),
        post("/second-factor/off", SignedIn, second_factor::off).dangerous(),
        get("/contact", SignedIn, contact::show).in_menu(Yourself, own::CONTACT),
        post("/contact", SignedIn, contact::save).dangerous(),
        get("/lines", SignedIn, lines::show).in_menu(Yourself, told::LINES),
        get("/password", SignedIn, password::show).in_menu(Yourself, say::CHANGE_PASSWORD),
        post("/password", SignedIn, password::change),
        get("/sessions", SignedIn, sessions::show).in_menu(Yourself, say::SESSIONS),
        post("/sessions/end", SignedIn, sessions::end),
        post("/sessions/end-others", SignedIn, sessions::end_others),
    ]
}

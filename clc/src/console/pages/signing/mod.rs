//! Coming in and going out: what whoever is not signed in, or held up, may ask for.

mod address;
mod apply;
mod confirm;
mod first_time;
mod language;
pub(super) mod password;
mod recover;
mod sign_in;

use crate::console::routes::Who::{Anyone, Held};
use crate::console::routes::{Route, get, post};

/// The lines of the table.
pub(crate) fn lines() -> Vec<Route> {
    vec![
        get("/sign-in", Anyone, sign_in::show),
        post("/sign-in", Anyone, sign_in::with_password),
        get("/sign-in/code", Anyone, sign_in::show_code),
        post("/sign-in/code", Anyone, sign_in::with_code),
        post("/sign-out", Held, sign_in::out),
        post("/language", Anyone, language::choose),
        get("/apply", Anyone, apply::show),
        post("/apply", Anyone, apply::send),
        get("/recover", Anyone, recover::show),
        post("/recover", Anyone, recover::set),
        get("/recover/ask", Anyone, recover::ask),
        post("/recover/ask", Anyone, recover::send),
        get("/confirm", Anyone, confirm::show),
        post("/confirm", Anyone, confirm::confirm),
        get("/confirm-address", Anyone, address::show),
        post("/confirm-address", Anyone, address::confirm),
        get("/first-time", Held, first_time::show),
        post("/first-time", Held, first_time::save),
        get("/password/new", Held, password::show_new),
        post("/password/new", Held, password::set_new),
    ]
}

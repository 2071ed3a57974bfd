//! The web console: pages for people, made here and shown by any browser.
//!
//! ```text
//!   door (https, or told the way) ─▶ edge ─▶ the table ─────────▶ pages ─▶ components
//!                                     │        who may                │
//!                                     │ session, form                 ▼
//!                                     ▼                       desk: the cloud's own actions,
//!                                   layout                          people's questions
//! ```
//! A page does nothing that the APIs do not do, and asks for it by the same actions, as whoever is signed
//! in. Everything that must never be forgotten stands in [`edge`] once: who asks, may they, is the form
//! one of ours, what a browser is allowed to do with the answer. Pages are made on the server, escaped by
//! the templates, and work without a script; the one small script makes lists follow what happens, fills
//! forms from links and asks before what cannot be undone.
//!
//! How a page is added: docs/console.md.

mod assets;
mod beats;
mod certificate;
mod commands;
mod components;
mod cookies;
mod desk;
mod door;
mod edge;
pub mod first_password;
mod forms;
mod incoming;
mod layout;
mod leash;
mod live;
mod look;
mod meanwhile;
mod pages;
mod pending;
mod proof;
mod rates;
mod reply;
mod routes;
mod s3;
mod sessions;
mod streams;
mod table;
mod text;
mod texts;
mod uploader;
mod viewer;
mod visit;

use std::time::Duration;

pub use beats::Beats;
pub use certificate::{CertificateError, own as own_certificate};
pub use desk::{Desk, Kept, Pictured};
pub use door::{ConsoleError, Shown, open};
pub use routes::{Method, Who};

use crate::people::People;

/// A line of the table, for whoever wants to walk it.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// How it is asked for.
    pub method: Method,
    /// Where; a part in braces is whatever stands there.
    pub path: &'static str,
    /// Who may.
    pub who: Who,
    /// Whether whoever asks for it has to prove anew who they are.
    pub dangerous: bool,
    /// Whether it takes bytes, and not a form.
    pub streams: bool,
}

/// All lines of the table.
pub fn lines() -> Vec<Line> {
    let table = table::table().into_iter();
    let line = |route: routes::Route| {
        let routes::Route { method, path, who, streams, dangerous, .. } = route;
        Line { method, path, who, streams, dangerous }
    };
    table.map(line).collect()
}

/// Whether something of an API that changes something can be told in a line of at least one client.
pub fn is_told(service: &'static str, action: &'static str) -> bool {
    commands::is_told(service, action)
}

/// How often sessions that are over are removed.
pub const SWEEP: Duration = sessions::SWEEP;

/// Removes sessions that are over.
pub fn sweep(people: People) -> impl runtime::reconcile::Reconciler {
    sessions::Sweep { people }
}

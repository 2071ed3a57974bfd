//! Choosing the language.

use common::error::ApiError;

use crate::console::cookies;
use crate::console::reply::Reply;
use crate::console::text::{language, tag};
use crate::console::visit::Visit;

/// Remembers a language, and goes back to where it was chosen.
pub(crate) async fn choose(visit: Visit) -> Result<Reply, ApiError> {
    let reply = Reply::see(visit.form.get("back"));
    Ok(match language(visit.form.get("language")) {
        Some(chosen) => reply.cookie(cookies::keep(cookies::LANGUAGE, tag(chosen))),
        None => reply,
    })
}

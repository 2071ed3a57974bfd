//! What is done to a user at once, by one button.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::administration::accounts::EnableUser;
use common::error::ApiError;
use common::wire::people::{Approve, GetZip, ZipKind};
use common::wire::registrar::{ConfirmPerson, EndSessions, ResetSecondFactor};

use super::parts::{after, by, named};
use crate::console::reply::{Answer, Reply};
use crate::console::visit::Visit;

/// The user's page, after something was done.
fn seen(name: &str, done: &str) -> Reply {
    Reply::see(after("/people/user", name, done))
}

/// Agrees to an application, or sends its mail once more.
pub(crate) async fn approve(visit: Visit) -> Result<Reply, ApiError> {
    let (name, by, address) = (named(&visit), by(&visit)?, visit.address());
    let it = visit.ask(Approve { name, by, address }).await?;
    Ok(seen(&it.name, "approved"))
}

/// Confirms without a mail.
pub(crate) async fn confirm(visit: Visit) -> Result<Reply, ApiError> {
    let (name, by, address) = (named(&visit), by(&visit)?, visit.address());
    let it = visit.ask(ConfirmPerson { name, by, address }).await?;
    Ok(seen(&it.name, "confirmed"))
}

async fn switch(visit: &Visit, enabled: bool, done: &str) -> Result<Reply, ApiError> {
    let name = named(visit);
    visit.call(EnableUser { user_name: name.clone(), enabled }).await?;
    Ok(seen(&name, done))
}

/// Lets somebody use the cloud again.
pub(crate) async fn enable(visit: Visit) -> Result<Reply, ApiError> {
    switch(&visit, true, "enabled").await
}

/// Lets somebody use nothing.
pub(crate) async fn disable(visit: Visit) -> Result<Reply, ApiError> {
    switch(&visit, false, "disabled").await
}

/// Signs somebody out everywhere.
pub(crate) async fn end_sessions(visit: Visit) -> Result<Reply, ApiError> {
    let (name, by, address) = (named(&visit), by(&visit)?, visit.address());
    visit.ask(EndSessions { name: name.clone(), by, address }).await?;
    Ok(seen(&name, "sessions"))
}

/// Takes somebody's second factor away.
pub(crate) async fn reset_factor(visit: Visit) -> Result<Reply, ApiError> {
    let (name, by, address) = (named(&visit), by(&visit)?, visit.address());
    visit.ask(ResetSecondFactor { name: name.clone(), by, address }).await?;
    Ok(seen(&name, "factor"))
}

/// Makes somebody's credentials.
pub(crate) async fn credentials(visit: Visit) -> Result<Reply, ApiError> {
    let (name, by, address) = (named(&visit), by(&visit)?, visit.address());
    let kind = match visit.form.get("kind") {
        "keys" => ZipKind::Keys,
        _ => ZipKind::Whole,
    };
    let zip = visit.ask(GetZip { name, kind, by, address }).await?;
    let broken = |error| ApiError::internal("The zip could not be read", error);
    let bytes = STANDARD.decode(&zip.base64).map_err(broken)?;
    Ok(Answer::File { name: zip.file_name, content_type: "application/zip", bytes }.into())
}

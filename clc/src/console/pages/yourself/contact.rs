//! What is known of whoever owns the account: seen, changed.

use common::error::ApiError;
use common::wire::people::{Contact, DescribeRegistration, SetOwnContact};
use maud::{Markup, html};

use super::credentials::is_owner;
use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::texts::credentials as say;
use crate::console::texts::signing;
use crate::console::visit::Visit;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    if !is_owner(&visit)? {
        return Ok(Reply::page(
            words.t(say::CONTACT),
            html! { p { (words.t(say::CONTACT_OWNER)) } },
        ));
    }
    let known = known(&visit).await?;
    let above = match visit.query.get("done") {
        "saved" => notice("good", words.t(say::CONTACT_SAVED), ""),
        "waits" => notice("plain", words.t(say::CONTACT_WAITS), words.t(say::CONTACT_WAITS_TEXT)),
        _ => html! {},
    };
    Ok(asking(&visit, &above, &known, &known))
}

async fn known(visit: &Visit) -> Result<Contact, ApiError> {
    let viewer = visit.viewer()?;
    let (name, by) = (viewer.caller.alias.clone(), viewer.session.asks());
    let ask = DescribeRegistration { name, by, address: visit.address() };
    Ok(visit.ask(ask).await?.contact)
}

fn asking(visit: &Visit, above: &Markup, now: &Contact, it: &Contact) -> Reply {
    let words = visit.words;
    let line = |name, label, value, kind, autocomplete| Field {
        name,
        label: words.t(label),
        value,
        kind,
        autocomplete,
        ..Field::default()
    };
    let fields = [
        line("email", signing::EMAIL, it.email.as_str(), "email", "email"),
        line("full_name", signing::FULL_NAME, &it.full_name, "text", "name"),
        line("telephone", signing::TELEPHONE, &it.telephone, "tel", "tel"),
        line("affiliation", signing::AFFILIATION, &it.affiliation, "text", "organization"),
        line("project_leader", signing::PROJECT_LEADER, &it.project_leader, "text", "off"),
        line("project_description", signing::PROJECT, &it.project_description, "lines", "off"),
    ];
    let inside = html! {
        (meanwhile::was_contact(now))
        @for it in &fields { (field(words, it)) }
        button type="submit" { (words.t(say::CONTACT_SAVE)) }
    };
    let main = html! {
        (above)
        p { (words.t(say::CONTACT_LEAD)) }
        (form(visit, "/contact", &inside))
    };
    Reply::page(words.t(say::CONTACT), main)
}

/// Changes it.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let now = known(&visit).await?;
    let typed = meanwhile::typed_contact(&visit.form, &now);
    let done = async {
        let contact = meanwhile::change_contact(&visit.form, &now)?;
        let by = visit.viewer()?.session.asks();
        visit.ask(SetOwnContact { by, contact, address: visit.address() }).await?;
        known(&visit).await
    };
    match done.await {
        Ok(known) if known.email != typed.email => Ok(Reply::see("/contact?done=waits")),
        Ok(_) => Ok(Reply::see("/contact?done=saved")),
        Err(error) => {
            let error = told_beside(error)?;
            let above = refusal(visit.words, &error);
            Ok(asking(&visit, &above, &now, &typed).status(status(&error)))
        }
    }
}

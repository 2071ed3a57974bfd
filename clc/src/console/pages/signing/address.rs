//! Where the link leads that went to a new mail address.

use common::error::ApiError;
use common::wire::people::ConfirmAddress;
use maud::{Markup, html};

use super::recover::link_fields;
use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::signing as say;
use crate::console::visit::Visit;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if visit.query.get("done").is_empty() {
        return Ok(asking(&visit, &html! {}));
    }
    let words = visit.words;
    let main = html! {
        (notice("good", words.t(say::ADDRESS_CONFIRMED), words.t(say::ADDRESS_CONFIRMED_TEXT)))
        p.links { a href="/" { (words.t(crate::console::texts::common::HOME)) } }
    };
    Ok(Reply::small(words.t(say::ADDRESS_CONFIRM), main))
}

fn asking(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let inside = html! {
        (link_fields(visit))
        button type="submit" { (words.t(say::CONFIRM_DO)) }
    };
    let main = html! { (above) (form(visit, "/confirm-address", &inside)) };
    Reply::small(words.t(say::ADDRESS_CONFIRM), main)
}

/// Confirms it.
pub(crate) async fn confirm(visit: Visit) -> Result<Reply, ApiError> {
    let (name, token) = (visit.form.line("name").to_owned(), visit.form.line("code").to_owned());
    match visit.ask(ConfirmAddress { name, token, address: visit.address() }).await {
        Ok(()) => Ok(Reply::see("/confirm-address?done=1")),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

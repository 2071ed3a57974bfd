//! Where the link of a confirmation leads.

use common::error::ApiError;
use common::wire::people::Confirm;
use maud::{Markup, html};

use super::recover::{link_fields, password_fields};
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
        (notice("good", words.t(say::CONFIRMED), words.t(say::CONFIRMED_TEXT)))
        p.links { a href="/sign-in" { (words.t(say::SIGN_IN)) } }
    };
    Ok(Reply::small(words.t(say::CONFIRM), main))
}

fn asking(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let inside = html! {
        (link_fields(visit))
        p.quiet { (words.t(say::CONFIRM_PASSWORD_LEAD)) }
        (password_fields(visit, false))
        button type="submit" { (words.t(say::CONFIRM_DO)) }
    };
    let main = html! { (above) (form(visit, "/confirm", &inside)) };
    Reply::small(words.t(say::CONFIRM), main)
}

/// Confirms.
pub(crate) async fn confirm(visit: Visit) -> Result<Reply, ApiError> {
    let done = async {
        let said = &visit.form;
        let none = said.get("password").is_empty() && said.get("again").is_empty();
        let password = if none { None } else { Some(said.new_password()?) };
        let (name, token) = (said.line("name").to_owned(), said.line("code").to_owned());
        visit.ask(Confirm { name, token, password, address: visit.address() }).await
    };
    match done.await {
        Ok(()) => Ok(Reply::see("/confirm?done=1")),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

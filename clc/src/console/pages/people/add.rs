//! A new user, added by an administrator: at once with a first password, or after confirming by mail.

use common::error::ApiError;
use common::id::AccountId;
use common::wire::registrar::AddPerson;
use maud::{Markup, html};

use super::parts::{after, by, contact_fields, language, language_field};
use crate::console::components::{Field, field, form, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::{iam, people as say};
use crate::console::visit::Visit;
use crate::random;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    asking(&visit, &html! {}, &random::password()?)
}

/// The field of a password that is shown, because somebody has to be told it.
pub(super) fn first_password(visit: &Visit, value: &str) -> Markup {
    let words = visit.words;
    let it = Field {
        name: "password",
        label: words.t(say::FIRST_PASSWORD),
        hint: words.t(say::FIRST_PASSWORD_HINT),
        value,
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    field(words, &it)
}

fn asking(visit: &Visit, above: &Markup, password: &str) -> Result<Reply, ApiError> {
    let words = visit.words;
    let mails = visit.desk.people.mails;
    let cloud = visit.viewer()?.caller.account == AccountId::cloud();
    let by_mail = mails && visit.form.get("how") == "mail";
    let name = Field {
        name: "name",
        label: words.t(say::NAME),
        hint: words.t(say::NAME_HINT),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "off",
        first: true,
        ..Field::default()
    };
    let choice = |word: &str, text, chosen, able: bool| {
        html! {
            label.choice {
                input type="radio" name="how" value=(word) checked[chosen] disabled[!able];
                span { (words.t(text)) }
            }
        }
    };
    let inside = html! {
        (field(words, &name))
        fieldset.field {
            legend { (words.t(say::HOW)) }
            (choice("once", say::AT_ONCE, !by_mail, true))
            (choice("mail", say::BY_MAIL, by_mail, mails))
            @if !mails { p.hint { (words.t(say::NO_MAILS)) } }
        }
        (first_password(visit, password))
        (contact_fields(visit, &visit.form.contact(), false))
        (language_field(visit))
        button type="submit" { (words.t(say::ADD_DO)) }
    };
    let main = html! {
        p.links.up { a href="/people" { (words.t(say::ALL_USERS)) } }
        (above)
        p { (words.t(say::ADD_LEAD)) }
        (form(visit, "/people/add", &inside))
        @if cloud {
            p.quiet { (words.t(say::ADMINISTRATORS)) " " a href="/iam" { (words.t(iam::ACCESS)) } }
        }
    };
    Ok(Reply::page(words.t(say::ADD), main))
}

/// Adds the user.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let by_mail = visit.form.get("how") == "mail";
    let name = visit.form.line("name").to_owned();
    let (contact, language) = (visit.form.contact(), language(&visit));
    let password = (!by_mail).then(|| visit.form.line("password").to_owned());
    let (by, address) = (by(&visit)?, visit.address());
    let ask = AddPerson { name: name.clone(), contact, language, password, by_mail, by, address };
    match visit.ask(ask).await {
        Ok(_) => {
            let done = if by_mail { "mailed" } else { "added" };
            Ok(Reply::see(after("/people/user", &name, done)))
        }
        Err(error) => {
            let error = told_beside(error)?;
            let above = refusal(visit.words, &error);
            Ok(asking(&visit, &above, visit.form.line("password"))?.status(status(&error)))
        }
    }
}

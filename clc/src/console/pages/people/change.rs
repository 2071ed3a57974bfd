//! What an administrator changes of a user: who stands behind the account, and a first password for who
//! has lost theirs.

use common::error::ApiError;
use common::wire::people::{Contact, Registered};
use common::wire::registrar::{ChangePerson, SetFirstPassword};
use maud::{Markup, html};

use super::add::first_password;
use super::parts::{after, back, by, contact_fields, described, name_of, named};
use crate::console::components::{form, refusal, status, told_beside};
use crate::console::meanwhile;
use crate::console::reply::Reply;
use crate::console::texts::people as say;
use crate::console::visit::Visit;
use crate::random;

/// The form of the contact.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let it = described(&visit).await?.registered;
    Ok(asking(&visit, &it, &it.contact, &html! {}))
}

fn asking(visit: &Visit, it: &Registered, contact: &Contact, above: &Markup) -> Reply {
    let (words, name) = (visit.words, it.name.as_str());
    let inside = html! {
        (name_of(name))
        (meanwhile::was_contact(&it.contact))
        (contact_fields(visit, contact, false))
        button type="submit" { (words.t(say::SAVE)) }
    };
    let main = html! {
        (back(words, name))
        (above)
        p { (words.t(say::EDIT_LEAD)) }
        (form(visit, "/people/user/edit", &inside))
    };
    Reply::page(words.t(say::EDIT), main)
}

/// Changes the contact.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    let it = described(&visit).await?.registered;
    let changed = async {
        let contact = meanwhile::change_contact(&visit.form, &it.contact)?;
        let (by, address) = (by(&visit)?, visit.address());
        visit.ask(ChangePerson { name: it.name.clone(), contact, by, address }).await
    };
    match changed.await {
        Ok(it) => Ok(Reply::see(after("/people/user", &it.name, "saved"))),
        Err(error) => {
            let error = told_beside(error)?;
            let typed = meanwhile::typed_contact(&visit.form, &it.contact);
            let reply = asking(&visit, &it, &typed, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

/// The form of a first password.
pub(crate) async fn show_password(visit: Visit) -> Result<Reply, ApiError> {
    let name = described(&visit).await?.registered.name;
    Ok(asking_password(&visit, &name, &random::password()?, &html! {}))
}

fn asking_password(visit: &Visit, name: &str, password: &str, above: &Markup) -> Reply {
    let words = visit.words;
    let inside = html! {
        (name_of(name))
        (first_password(visit, password))
        button type="submit" { (words.t(say::SET_PASSWORD_DO)) }
    };
    let main = html! {
        (back(words, name))
        (above)
        p { (words.fill(say::SET_PASSWORD_LEAD, &[("name", name)])) }
        (form(visit, "/people/user/password", &inside))
    };
    Reply::page(words.t(say::SET_PASSWORD), main)
}

/// Sets it.
pub(crate) async fn set_password(visit: Visit) -> Result<Reply, ApiError> {
    let (name, password) = (named(&visit), visit.form.line("password").to_owned());
    let (by, address) = (by(&visit)?, visit.address());
    match visit.ask(SetFirstPassword { name: name.clone(), password, by, address }).await {
        Ok(()) => Ok(Reply::see(after("/people/user", &name, "password"))),
        Err(error) => {
            let (error, said) = (told_beside(error)?, visit.form.line("password"));
            let reply = asking_password(&visit, &name, said, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

//! The first-time configuration: the administrator's own password in the place of the one that the first
//! start made, a mail address, and the host under which users reach the cloud. Until it is done an
//! administrator with that password sees nothing else.

use common::administration::properties::ModifyPropertyValue;
use common::error::ApiError;
use common::wire::people::{CheckPerson, ContactChange, Person, SetOwnContact};
use maud::{Markup, html};

use super::password;
use super::recover::password_fields;
use crate::console::components::{Field, field, form, refusal, status, told_beside};
use crate::console::cookies;
use crate::console::first_password;
use crate::console::reply::Reply;
use crate::console::texts::{accounts as say, signing};
use crate::console::visit::Visit;
use crate::settings;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if !visit.viewer()?.first_time {
        return Ok(Reply::see("/"));
    }
    let people = &visit.desk.people;
    let host = people.work(|people| people.public_host()).await?;
    Ok(asking(&visit, &html! {}, "", &host))
}

fn asking(visit: &Visit, above: &Markup, email: &str, host: &str) -> Reply {
    let words = visit.words;
    let email = Field {
        name: "email",
        label: words.t(signing::EMAIL),
        hint: words.t(say::FIRST_MAIL_HINT),
        kind: "email",
        value: email,
        required: true,
        autocomplete: "email",
        ..Field::default()
    };
    let host = Field {
        name: "host",
        label: words.t(say::CLOUD_HOST),
        hint: words.t(say::CLOUD_HOST_HINT),
        value: host,
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (password_fields(visit, true))
        (field(words, &email))
        (field(words, &host))
        button type="submit" { (words.t(say::FIRST_DO)) }
    };
    let main = html! {
        p { (words.t(say::FIRST_TIME_LEAD)) }
        (above)
        (form(visit, "/first-time", &inside))
    };
    Reply::small(words.t(say::FIRST_TIME), main)
}

/// Saves it. What was saved before something was refused is saved again by the next attempt.
pub(crate) async fn save(visit: Visit) -> Result<Reply, ApiError> {
    if !visit.viewer()?.first_time {
        return Ok(Reply::see("/"));
    }
    match saved(&visit).await {
        Ok(id) => Ok(Reply::see("/").cookie(cookies::set(cookies::SESSION, &id))),
        Err(error) => {
            let error = told_beside(error)?;
            let above = refusal(visit.words, &error);
            let (email, host) = (visit.form.line("email"), visit.form.line("host"));
            Ok(asking(&visit, &above, email, host).status(status(&error)))
        }
    }
}

async fn saved(visit: &Visit) -> Result<String, ApiError> {
    visit.form.new_password()?;
    let email = visit.form.line("email").to_owned();
    let host = visit.form.line("host").to_owned();
    let name = settings::SIGNUP_ADDRESS.to_owned();
    visit.call(ModifyPropertyValue { name, value: email.clone() }).await?;
    let known = visit.desk.people.work(|people| people.public_host()).await?;
    if known != host {
        let name = settings::PUBLIC_HOST.to_owned();
        visit.call(ModifyPropertyValue { name, value: host }).await?;
    }
    let (id, person) = password::set(visit, None).await?;
    let Person { account, user, password_set, .. } = person;
    let by = CheckPerson { account, user, password_set };
    let (contact, address) =
        (ContactChange { email: Some(email), ..ContactChange::default() }, visit.address());
    visit.ask(SetOwnContact { by, contact, address }).await?;
    let admin_dir = visit.desk.admin_dir.clone();
    let done = move |people: &crate::people::People| first_password::used(people, &admin_dir);
    visit.desk.people.work(done).await?;
    Ok(id)
}

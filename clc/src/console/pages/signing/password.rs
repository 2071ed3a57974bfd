//! One's own password: changed by whoever knows the old one, or set by whoever has to.

use common::error::ApiError;
use common::wire::people::{Person, SetOwnPassword};
use maud::{Markup, html};

use super::recover::password_fields;
use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::cookies;
use crate::console::proof;
use crate::console::reply::Reply;
use crate::console::sessions::{self, Entering};
use crate::console::texts::accounts as say;
use crate::console::visit::Visit;

/// What the second factor shows.
const CODE: &str = "code";

/// The form for whoever knows the old one.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let done = !visit.query.get("done").is_empty();
    let above = html! {
        @if done { (notice("good", visit.words.t(say::PASSWORD_CHANGED), "")) }
    };
    asking(&visit, &above).await
}

async fn asking(visit: &Visit, above: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let factor = proof::has_factor(visit).await?;
    let old = Field {
        name: "old",
        label: words.t(say::OLD_PASSWORD),
        kind: "password",
        required: true,
        autocomplete: "current-password",
        ..Field::default()
    };
    let inside = html! {
        (field(words, &old))
        @if factor { (proof::code_field(words, CODE)) }
        (password_fields(visit, true))
        button type="submit" { (words.t(say::CHANGE_PASSWORD)) }
    };
    let main = html! {
        (above)
        p { (words.t(say::CHANGE_ENDS)) }
        (form(visit, "/password", &inside))
    };
    Ok(Reply::page(words.t(say::CHANGE_PASSWORD), main))
}

/// Changes it.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let old = visit.form.get("old").to_owned();
    match set(&visit, Some(old)).await {
        Ok((id, _)) => {
            Ok(Reply::see("/password?done=1").cookie(cookies::set(cookies::SESSION, &id)))
        }
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// The form for whoever has to set one.
pub(crate) async fn show_new(visit: Visit) -> Result<Reply, ApiError> {
    match visit.viewer()?.session.must_change {
        true => Ok(asking_new(&visit, &html! {})),
        false => Ok(Reply::see("/password")),
    }
}

fn asking_new(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let inside = html! {
        (password_fields(visit, true))
        button type="submit" { (words.t(say::CHANGE_PASSWORD)) }
    };
    let main = html! {
        p { (words.t(say::MUST_CHANGE)) }
        (above)
        (form(visit, "/password/new", &inside))
    };
    Reply::small(words.t(say::CHANGE_PASSWORD), main)
}

/// Sets it.
pub(crate) async fn set_new(visit: Visit) -> Result<Reply, ApiError> {
    let viewer = visit.viewer()?;
    if viewer.first_time || !viewer.session.must_change {
        return Ok(Reply::see("/"));
    }
    match set(&visit, None).await {
        Ok((id, _)) => Ok(Reply::see("/").cookie(cookies::set(cookies::SESSION, &id))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking_new(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

/// Sets the password that the form says, and begins a session that is good with it: all others are
/// over. Gives its id, and who they are now.
pub(super) async fn set(visit: &Visit, old: Option<String>) -> Result<(String, Person), ApiError> {
    let new = visit.form.new_password()?;
    let session = visit.viewer()?.session.clone();
    let (by, address) = (session.asks(), visit.address());
    let code = proof::code(&visit.form, CODE);
    let person: Person = visit.ask(SetOwnPassword { by, old, code, new, address }).await?;
    let now = person.clone();
    let who = Entering {
        person,
        must_change: false,
        second_factor: session.second_factor,
        address: visit.address(),
        agent: visit.agent(),
    };
    let work = move |people: &crate::people::People| {
        for old in sessions::list(&people.records, &session.account, &session.user)? {
            sessions::end(&people.records, &old)?;
        }
        sessions::begin(people, who)
    };
    Ok((visit.desk.people.work(work).await?, now))
}

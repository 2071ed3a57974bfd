//! What the pages of users share: on whose behalf they ask, where they lead, how somebody is shown.

use common::error::ApiError;
use common::sign::write_query;
use common::wire::people::{CheckPerson, Contact, Language, Registered};
use common::wire::registrar::{DescribePerson, PersonView};
use maud::{Markup, html};

use crate::console::components::{Field, field, moment, notice, tag};
use crate::console::text::{Text, Words};
use crate::console::texts::people::{self as say, DONE};
use crate::console::visit::Visit;

/// Who asks.
pub(super) fn by(visit: &Visit) -> Result<CheckPerson, ApiError> {
    Ok(visit.viewer()?.session.asks())
}

/// The user whom a form or an address names.
pub(super) fn named(visit: &Visit) -> String {
    let said = visit.form.some("name").or_else(|| visit.query.some("name"));
    said.unwrap_or_default()
}

/// A page about somebody.
pub(super) fn about(path: &str, name: &str) -> String {
    format!("{path}?{}", write_query(&[("name", name)]))
}

/// The same, after something was done.
pub(super) fn after(path: &str, name: &str, done: &str) -> String {
    format!("{path}?{}", write_query(&[("name", name), ("done", done)]))
}

/// What was done.
pub(super) fn done(visit: &Visit) -> Markup {
    let word = visit.query.get("done");
    let told = DONE.iter().find(|(known, _)| *known == word);
    let name = visit.query.get("name");
    html! {
        @if let Some((_, text)) = told {
            (notice("good", &visit.words.fill(*text, &[("name", name)]), ""))
        }
    }
}

/// All that is known of the user whom the request names.
pub(super) async fn described(visit: &Visit) -> Result<PersonView, ApiError> {
    let (name, by, address) = (named(visit), by(visit)?, visit.address());
    visit.ask(DescribePerson { name, by, address }).await
}

/// How an account stands, as a word in a colour.
pub(super) fn state(words: Words, it: &Registered) -> Markup {
    let (text, tone, _) = say::state(it);
    tag(words, text, tone)
}

/// What somebody has said of themselves; `whole` with what they have not said.
pub(super) fn contact(words: Words, it: &Registered, whole: bool) -> Markup {
    let Contact { email, full_name, telephone, affiliation, project_leader, project_description } =
        &it.contact;
    let lines = [
        (say::EMAIL, email),
        (say::FULL_NAME, full_name),
        (say::TELEPHONE, telephone),
        (say::AFFILIATION, affiliation),
        (say::PROJECT_LEADER, project_leader),
        (say::PROJECT, project_description),
    ];
    html! {
        @for (label, value) in lines {
            @if whole || !value.is_empty() {
                dt { (words.t(label)) }
                dd.said {
                    @if value.is_empty() { span.quiet { (words.t(say::NOT_SAID)) } } @else { (value) }
                }
            }
        }
        @if let Some(at) = it.applied { dt { (words.t(say::APPLIED_AT)) } dd { (moment(at)) } }
    }
}

/// The fields of a contact.
pub(super) fn contact_fields(visit: &Visit, it: &Contact, needs_mail: bool) -> Markup {
    let words = visit.words;
    let line = |name: &'static str, label: Text, value| Field {
        name,
        label: words.t(label),
        value,
        autocomplete: "off",
        ..Field::default()
    };
    let fields = [
        Field { kind: "email", required: needs_mail, ..line("email", say::EMAIL, &it.email) },
        line("full_name", say::FULL_NAME, &it.full_name),
        line("telephone", say::TELEPHONE, &it.telephone),
        line("affiliation", say::AFFILIATION, &it.affiliation),
        line("project_leader", say::PROJECT_LEADER, &it.project_leader),
        Field {
            kind: "lines",
            ..line("project_description", say::PROJECT, &it.project_description)
        },
    ];
    html! { @for it in &fields { (field(words, it)) } }
}

/// The choice of a language for mails.
pub(super) fn language_field(visit: &Visit) -> Markup {
    let (words, chosen) = (visit.words, visit.form.get("language"));
    html! {
        div.field {
            label for="f-language" { (words.t(say::MAIL_LANGUAGE)) }
            select id="f-language" name="language" {
                option value="" { (words.t(say::LANGUAGE_OF_CLOUD)) }
                option value="en" lang="en" selected[chosen == "en"] { "English" }
                option value="ja" lang="ja" selected[chosen == "ja"] { "日本語" }
            }
        }
    }
}

/// The language that a form chooses.
pub(super) fn language(visit: &Visit) -> Option<Language> {
    match visit.form.get("language") {
        "en" => Some(Language::En),
        "ja" => Some(Language::Ja),
        _ => None,
    }
}

/// The name of whom a form is about, not to be changed.
pub(super) fn name_of(name: &str) -> Markup {
    html! { input type="hidden" name="name" value=(name); }
}

/// The way back to somebody's page.
pub(super) fn back(words: Words, name: &str) -> Markup {
    html! {
        p.links.up {
            a href="/people" { (words.t(say::ALL_USERS)) }
            a href=(about("/people/user", name)) { (name) }
        }
    }
}

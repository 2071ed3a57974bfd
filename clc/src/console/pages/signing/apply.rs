//! Applying for an account. The answer is one for all names.

use common::error::ApiError;
use common::wire::people::Apply;
use maud::{Markup, html};

use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::signing as say;
use crate::console::visit::Visit;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if visit.query.get("done").is_empty() {
        return Ok(asking(&visit, &html! {}));
    }
    let words = visit.words;
    let main = notice("good", words.t(say::APPLIED), words.t(say::APPLIED_TEXT));
    Ok(Reply::small(words.t(say::APPLY), main))
}

fn asking(visit: &Visit, above: &Markup) -> Reply {
    let (words, said) = (visit.words, &visit.form);
    let line = |name: &'static str, label, autocomplete| Field {
        name,
        label: words.t(label),
        value: said.line(name),
        autocomplete,
        ..Field::default()
    };
    let fields = [
        Field {
            hint: words.t(say::NAME_WANTED_HINT),
            required: true,
            first: true,
            ..line("name", say::NAME_WANTED, "username")
        },
        Field { kind: "email", required: true, ..line("email", say::EMAIL, "email") },
        Field {
            kind: "password",
            hint: words.t(say::NEW_PASSWORD_HINT),
            required: true,
            ..line("password", say::NEW_PASSWORD, "new-password")
        },
        Field { kind: "password", required: true, ..line("again", say::AGAIN, "new-password") },
        line("full_name", say::FULL_NAME, "name"),
        line("telephone", say::TELEPHONE, "tel"),
        line("affiliation", say::AFFILIATION, "organization"),
        line("project_leader", say::PROJECT_LEADER, ""),
        Field { kind: "lines", ..line("project_description", say::PROJECT, "") },
    ];
    let inside = html! {
        @for it in &fields { (field(words, it)) }
        button type="submit" { (words.t(say::SEND_APPLICATION)) }
    };
    let main = html! {
        p { (words.t(say::APPLY_LEAD)) }
        (above)
        (form(visit, "/apply", &inside))
    };
    Reply::small(words.t(say::APPLY), main)
}

/// Takes the application.
pub(crate) async fn send(visit: Visit) -> Result<Reply, ApiError> {
    match taken(&visit).await {
        Ok(()) => Ok(Reply::see("/apply?done=1")),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

async fn taken(visit: &Visit) -> Result<(), ApiError> {
    let (name, contact) = (visit.form.line("name").to_owned(), visit.form.contact());
    let password = visit.form.new_password()?;
    let (language, address) = (Some(visit.words.0), visit.address());
    visit.ask(Apply { name, contact, password, language, address }).await
}

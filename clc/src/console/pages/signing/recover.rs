//! A forgotten password: asking for a link, and following it. What stands behind the `#` of the link is
//! put into the form by the script, or by hand, and is sent in a form alone.

use common::error::ApiError;
use common::wire::people::{Recover, RequestRecovery};
use maud::{Markup, html};

use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::signing as say;
use crate::console::visit::Visit;

/// The form that asks for a link.
pub(crate) async fn ask(visit: Visit) -> Result<Reply, ApiError> {
    if visit.query.get("done").is_empty() {
        return Ok(asking_link(&visit, &html! {}));
    }
    let words = visit.words;
    let main = notice("good", words.t(say::LINK_SENT), words.t(say::LINK_SENT_TEXT));
    Ok(Reply::small(words.t(say::RECOVER_ASK), main))
}

fn asking_link(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let name = Field {
        name: "name",
        label: words.t(say::ACCOUNT),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "username",
        first: true,
        ..Field::default()
    };
    let inside = html! {
        (field(words, &name))
        button type="submit" { (words.t(say::SEND_LINK)) }
    };
    let main = html! {
        p { (words.t(say::RECOVER_LEAD)) }
        (above)
        (form(visit, "/recover/ask", &inside))
    };
    Reply::small(words.t(say::RECOVER_ASK), main)
}

/// Has a link sent.
pub(crate) async fn send(visit: Visit) -> Result<Reply, ApiError> {
    let (name, address) = (visit.form.line("name").to_owned(), visit.address());
    let asked = RequestRecovery { name, language: Some(visit.words.0), address };
    match visit.ask(asked).await {
        Ok(()) => Ok(Reply::see("/recover/ask?done=1")),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking_link(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

/// Where the link leads.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if visit.query.get("done").is_empty() {
        return Ok(asking(&visit, &html! {}));
    }
    let words = visit.words;
    let main = html! {
        (notice("good", words.t(say::RECOVERED), words.t(say::RECOVERED_TEXT)))
        p.links { a href="/sign-in" { (words.t(say::SIGN_IN)) } }
    };
    Ok(Reply::small(words.t(say::RECOVER), main))
}

/// The two fields that a link fills.
pub(super) fn link_fields(visit: &Visit) -> Markup {
    let words = visit.words;
    let name = Field {
        name: "name",
        label: words.t(say::LINK_NAME),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "username",
        part: Some("0"),
        ..Field::default()
    };
    let code = Field {
        name: "code",
        label: words.t(say::LINK_CODE),
        value: visit.form.line("code"),
        required: true,
        autocomplete: "off",
        part: Some("1"),
        ..Field::default()
    };
    html! {
        p.quiet { (words.t(say::LINK_LEAD)) }
        (field(words, &name))
        (field(words, &code))
    }
}

/// The two fields of a new password.
pub(super) fn password_fields(visit: &Visit, required: bool) -> Markup {
    let words = visit.words;
    let password = Field {
        name: "password",
        label: words.t(say::NEW_PASSWORD),
        hint: words.t(say::NEW_PASSWORD_HINT),
        kind: "password",
        required,
        autocomplete: "new-password",
        ..Field::default()
    };
    let again = Field { name: "again", label: words.t(say::AGAIN), hint: "", ..password.clone() };
    html! { (field(words, &password)) (field(words, &again)) }
}

fn asking(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let inside = html! {
        (link_fields(visit))
        (password_fields(visit, true))
        button type="submit" { (words.t(say::RECOVER)) }
    };
    let main = html! { (above) (form(visit, "/recover", &inside)) };
    Reply::small(words.t(say::RECOVER), main)
}

/// Sets the password.
pub(crate) async fn set(visit: Visit) -> Result<Reply, ApiError> {
    let done = async {
        let password = visit.form.new_password()?;
        let (name, token) = (visit.form.line("name"), visit.form.line("code"));
        let (name, token) = (name.to_owned(), token.to_owned());
        visit.ask(Recover { name, token, password, address: visit.address() }).await
    };
    match done.await {
        Ok(()) => Ok(Reply::see("/recover?done=1")),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

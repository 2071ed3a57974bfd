//! Signing in, with a second factor where there is one, and out.
//!
//! ```text
//!   name, password ──▶ refused, one text for all names
//!        │         └─▶ code wanted ──▶ code ──▶ in
//!        ▼
//!       in: a new session, whose id nobody knew before
//! ```

use common::error::ApiError;
use common::wire::people::{LogIn, LoggedIn};
use maud::{Markup, html};

use crate::console::components::{Field, field, form, notice, refusal, status, told_beside};
use crate::console::cookies;
use crate::console::pending::Half;
use crate::console::reply::Reply;
use crate::console::sessions::{self, Entering};
use crate::console::texts::signing as say;
use crate::console::visit::Visit;
use crate::people::registering;

/// The form.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if visit.viewer.is_some() {
        return Ok(Reply::see("/"));
    }
    let words = visit.words;
    let above = html! {
        @if !visit.query.get("out").is_empty() { (notice("good", words.t(say::SIGNED_OUT), "")) }
        @if !visit.query.get("late").is_empty() { (notice("bad", words.t(say::CODE_GONE), "")) }
    };
    asking(&visit, &above, visit.query.get("next")).await
}

async fn asking(visit: &Visit, above: &Markup, next: &str) -> Result<Reply, ApiError> {
    let words = visit.words;
    let people = &visit.desk.people;
    let told_to = people.work(|people| registering::told_to(&people.records)).await?;
    let open = people.mails && told_to.is_some();
    let (account, user) = (visit.form.line("account"), visit.form.line("user"));
    let fields = [
        Field {
            name: "account",
            label: words.t(say::ACCOUNT),
            hint: words.t(say::ACCOUNT_HINT),
            value: account,
            required: true,
            autocomplete: "organization",
            first: true,
            ..Field::default()
        },
        Field {
            name: "user",
            label: words.t(say::USER),
            hint: words.t(say::USER_HINT),
            value: user,
            autocomplete: "username",
            ..Field::default()
        },
        Field {
            name: "password",
            label: words.t(say::PASSWORD),
            kind: "password",
            required: true,
            autocomplete: "current-password",
            ..Field::default()
        },
    ];
    let inside = html! {
        @for it in &fields { (field(words, it)) }
        input type="hidden" name="next" value=(next);
        button type="submit" { (words.t(say::SIGN_IN)) }
    };
    let main = html! {
        (above)
        (form(visit, "/sign-in", &inside))
        p.links {
            @if people.mails { a href="/recover/ask" { (words.t(say::FORGOTTEN)) } }
            @if open { a href="/apply" { (words.t(say::APPLY_LINK)) } }
        }
    };
    Ok(Reply::small(words.t(say::SIGN_IN), main))
}

/// A name and a password.
pub(crate) async fn with_password(visit: Visit) -> Result<Reply, ApiError> {
    let half = Half {
        account: visit.form.line("account").to_owned(),
        user: visit.form.some("user"),
        password: visit.form.get("password").to_owned(),
        next: visit.form.get("next").to_owned(),
    };
    match log_in(&visit, &half, None).await {
        Ok(LoggedIn::NeedsCode) => {
            visit.desk.kept.pending.put(&visit.bound_to, half, visit.desk.people.now());
            Ok(Reply::see("/sign-in/code"))
        }
        Ok(entered) => enter(&visit, entered, false, &half.next).await,
        Err(error) => {
            let error = told_beside(error)?;
            let above = refusal(visit.words, &error);
            Ok(asking(&visit, &above, &half.next).await?.status(status(&error)))
        }
    }
}

async fn log_in(visit: &Visit, half: &Half, code: Option<String>) -> Result<LoggedIn, ApiError> {
    let Half { account, user, password, .. } = half.clone();
    visit.ask(LogIn { account, user, password, code, address: visit.address() }).await
}

/// The form for the code.
pub(crate) async fn show_code(visit: Visit) -> Result<Reply, ApiError> {
    match visit.desk.kept.pending.get(&visit.bound_to, visit.desk.people.now()) {
        Some(_) => Ok(asking_code(&visit, &html! {})),
        None => Ok(Reply::see("/sign-in?late=1")),
    }
}

fn asking_code(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let code = Field {
        name: "code",
        label: words.t(say::CODE),
        hint: words.t(say::CODE_HINT),
        required: true,
        autocomplete: "one-time-code",
        first: true,
        ..Field::default()
    };
    let inside = html! {
        (field(words, &code))
        button type="submit" { (words.t(say::SIGN_IN)) }
    };
    let main = html! { (above) (form(visit, "/sign-in/code", &inside)) };
    Reply::small(words.t(say::CODE_TITLE), main)
}

/// A code.
pub(crate) async fn with_code(visit: Visit) -> Result<Reply, ApiError> {
    let pending = &visit.desk.kept.pending;
    let Some(half) = pending.get(&visit.bound_to, visit.desk.people.now()) else {
        return Ok(Reply::see("/sign-in?late=1"));
    };
    let code = visit.form.line("code").replace(' ', "");
    match log_in(&visit, &half, Some(code)).await {
        Ok(LoggedIn::NeedsCode) => Ok(asking_code(&visit, &html! {})),
        Ok(entered) => {
            pending.forget(&visit.bound_to);
            enter(&visit, entered, true, &half.next).await
        }
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking_code(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

/// Begins a session for somebody who has proven who they are.
async fn enter(
    visit: &Visit,
    entered: LoggedIn,
    second_factor: bool,
    next: &str,
) -> Result<Reply, ApiError> {
    let (person, must_change) = match entered {
        LoggedIn::In(person) => (person, false),
        LoggedIn::MustChange(person) => (person, true),
        LoggedIn::NeedsCode => return Ok(Reply::see("/sign-in/code")),
    };
    let (address, agent) = (visit.address(), visit.agent());
    let who = Entering { person, must_change, second_factor, address, agent };
    let before = visit.viewer.as_ref().map(|viewer| viewer.session.clone());
    let begin = move |people: &crate::people::People| {
        if let Some(before) = before {
            sessions::end(&people.records, &before)?;
        }
        sessions::begin(people, who)
    };
    let id = visit.desk.people.work(begin).await?;
    let next = if next.is_empty() { "/" } else { next };
    Ok(Reply::see(next)
        .cookie(cookies::set(cookies::SESSION, &id))
        .cookie(cookies::remove(cookies::VISIT)))
}

/// Ends the session, whether that can be recorded or not.
pub(crate) async fn out(visit: Visit) -> Result<Reply, ApiError> {
    let session = visit.viewer()?.session.clone();
    visit.desk.kept.done.forget(&session.digest);
    visit.desk.people.work(move |people| sessions::end(&people.records, &session)).await?;
    visit.note("SignOut", &[]).await?;
    Ok(Reply::see("/sign-in?out=1").cookie(cookies::remove(cookies::SESSION)))
}

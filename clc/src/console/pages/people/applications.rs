//! Those who apply: seen with all that they said, approved, or turned down with a reason; and where the
//! links of the administrator's mails lead. The name stands behind the `#` of such a link, and comes in
//! a form.

use common::error::{ApiError, ErrorCode};
use common::wire::people::{Registered, Reject, Standing};
use common::wire::registrar::{ListPeople, Shown};
use maud::{Markup, html};

use super::parts::{about, after, back, by, contact, described, done, name_of, named};
use crate::console::components::{
    Field, button, field, form, notice, refusal, status, told_beside,
};
use crate::console::reply::Reply;
use crate::console::texts::people as say;
use crate::console::visit::Visit;

/// How many are shown at once: a thousand wait at most.
const SHOWN: usize = 50;

/// All who wait.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (by, address) = (by(&visit)?, visit.address());
    let (search, show) = (String::new(), Shown::Waiting);
    let after = visit.query.some("page");
    let found = visit.ask(ListPeople { search, show, after, most: SHOWN, by, address }).await?;
    let main = html! {
        p.links.up { a href="/people" { (words.t(say::ALL_USERS)) } }
        (done(&visit))
        @if found.people.is_empty() {
            p.empty { (words.t(say::NOBODY_WAITS)) }
        } @else {
            p { (words.t(say::WAITING_LEAD)) }
            @for it in &found.people {
                section.card {
                    h2 { a href=(about("/people/user", &it.name)) { (it.name) } }
                    dl.facts { (contact(words, it, false)) }
                    (decisions(&visit, it))
                }
            }
        }
        @if let Some(next) = &found.next {
            p.links {
                a href={ "/people/waiting?" (common::sign::write_query(&[("page", next)])) } {
                    (words.t(crate::console::texts::common::NEXT_PAGE))
                }
            }
        }
    };
    Ok(Reply::page(words.t(say::WAITING), main))
}

/// What can be decided about somebody who applies.
pub(super) fn decisions(visit: &Visit, it: &Registered) -> Markup {
    let words = visit.words;
    let values = [("name", it.name.as_str()), ("email", &it.contact.email)];
    let sure = words.fill(say::APPROVE_CONFIRM, &values);
    html! {
        div.acts {
            form.inline method="post" action="/people/user/approve" data-sure=(sure) {
                (crate::console::components::token(visit))
                (name_of(&it.name))
                button type="submit" {
                    (words.t(say::APPROVE)) span.unseen { " " (it.name) }
                }
            }
            " "
            a.button.danger href=(about("/people/user/reject", &it.name)) {
                (words.t(say::REJECT)) span.unseen { " " (it.name) }
            }
        }
    }
}

/// What can be done for somebody who has not confirmed yet.
pub(super) fn unconfirmed(visit: &Visit, it: &Registered) -> Markup {
    let words = visit.words;
    let name = [("name", it.name.as_str())];
    html! {
        div.acts {
            @if !it.contact.email.is_empty() && visit.desk.people.mails {
                (button(visit, "/people/user/approve", &name,
                    &html! { (words.t(say::SEND_AGAIN)) }, None))
                " "
            }
            (button(visit, "/people/user/confirm", &name,
                &html! { (words.t(say::CONFIRM_BY_HAND)) }, Some(words.t(say::CONFIRM_SURE))))
        }
    }
}

/// Where a mail's link leads.
pub(crate) async fn landing(visit: Visit) -> Result<Reply, ApiError> {
    Ok(asking(&visit, &html! {}))
}

/// Whether the link was one to turn somebody down.
fn turns_down(visit: &Visit) -> bool {
    visit.head.raw_path == "/reject"
}

fn asking(visit: &Visit, above: &Markup) -> Reply {
    let words = visit.words;
    let name = Field {
        name: "name",
        label: words.t(say::NAME),
        value: visit.form.line("name"),
        required: true,
        autocomplete: "off",
        part: Some("0"),
        ..Field::default()
    };
    let inside = html! {
        (field(words, &name))
        button type="submit" { (words.t(say::SHOW_APPLICATION)) }
    };
    let down = turns_down(visit);
    let main = html! {
        (above)
        p { (words.t(say::LANDING_LEAD)) }
        (form(visit, if down { "/reject" } else { "/approve" }, &inside))
    };
    let title = if down { say::REJECT_TITLE } else { say::WAITING };
    Reply::page(words.t(title), main)
}

/// Shows whom a link was about, to be decided about.
pub(crate) async fn look(visit: Visit) -> Result<Reply, ApiError> {
    match described(&visit).await {
        Ok(found) => {
            let it = &found.registered;
            let to = match it.standing {
                Standing::Applied if turns_down(&visit) => about("/people/user/reject", &it.name),
                Standing::Applied => about("/people/user", &it.name),
                _ => after("/people/user", &it.name, "decided"),
            };
            Ok(Reply::see(to))
        }
        Err(error) => {
            let error = told_beside(error)?;
            let reply = asking(&visit, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
    }
}

/// The form that asks why.
pub(crate) async fn show_reject(visit: Visit) -> Result<Reply, ApiError> {
    let found = described(&visit).await?;
    Ok(rejecting(&visit, &found.registered, &html! {}))
}

fn rejecting(visit: &Visit, it: &Registered, above: &Markup) -> Reply {
    let words = visit.words;
    let reason = Field {
        name: "reason",
        label: words.t(say::REASON),
        hint: words.t(say::REASON_HINT),
        kind: "lines",
        value: visit.form.line("reason"),
        ..Field::default()
    };
    let inside = html! {
        (name_of(&it.name))
        (field(words, &reason))
        button.danger type="submit" { (words.t(say::REJECT_DO)) }
    };
    let main = html! {
        (back(words, &it.name))
        (above)
        dl.facts { dt { (words.t(say::NAME)) } dd { (it.name) } (contact(words, it, false)) }
        @if it.standing == Standing::Applied {
            p { (words.t(say::REJECT_LEAD)) }
            (form(visit, "/people/user/reject", &inside))
        } @else {
            (notice("plain", &words.fill(say::DECIDED, &[("name", &it.name)]), ""))
        }
    };
    Reply::page(words.t(say::REJECT_TITLE), main)
}

/// Turns somebody down.
pub(crate) async fn reject(visit: Visit) -> Result<Reply, ApiError> {
    let (name, reason) = (named(&visit), visit.form.some("reason"));
    let (by, address) = (by(&visit)?, visit.address());
    match visit.ask(Reject { name: name.clone(), reason, by, address }).await {
        Ok(()) => Ok(Reply::see(after("/people/waiting", &name, "rejected"))),
        Err(error) if error.code() == ErrorCode::InvalidParameterValue => {
            // The form again, if there is still somebody to turn down.
            let found = described(&visit).await.map_err(|_| error.clone())?;
            let reply = rejecting(&visit, &found.registered, &refusal(visit.words, &error));
            Ok(reply.status(status(&error)))
        }
        Err(error) => Err(error),
    }
}

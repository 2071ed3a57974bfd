//! One user: how the account stands, what can be done, who stands behind it, what it uses and may use,
//! how its owner signs in, and what was done last. How it stands follows what happens.

use common::cloudtrail::{FoundEvent, LookupAttribute, LookupEvents};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::sign::write_query;
use common::wire::registrar::{Holding, PersonView};
use maud::{Markup, html};

use super::applications::{decisions, unconfirmed};
use super::audit::at;
use super::leave::owned;
use super::parts::{about, contact, described, done, named, state};
use crate::admin::registrar;
use crate::console::components::{button, live as live_part, moment, notice, tag};
use crate::console::reply::Reply;
use crate::console::text::Words;
use crate::console::texts::people::{self as say, HELD};
use crate::console::visit::Visit;

/// How many events are shown.
const EVENTS: i64 = 8;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let found = described(&visit).await?;
    let it = &found.registered;
    let events = events(&visit, &it.account).await?;
    let part = standing(words, Some(&found));
    let own = it.account == visit.viewer()?.caller.account;
    let main = html! {
        p.links.up { a href="/people" { (words.t(say::ALL_USERS)) } }
        (done(&visit))
        (live_part(words, &about("/people/user/live", &it.name), &part))
        @match it.standing {
            _ if it.deletion.is_some() => {}
            common::wire::people::Standing::Applied => (decisions(&visit, it)),
            common::wire::people::Standing::Approved => {
                @if found.unsent.is_some() {
                    (notice("plain", words.t(say::UNSENT), words.t(say::UNSENT_TEXT)))
                }
                (unconfirmed(&visit, it))
            }
            common::wire::people::Standing::Confirmed => {}
        }
        (facts(words, &found))
        div.acts {
            @if !own { a.button.second href=(about("/people/user/edit", &it.name)) { (words.t(say::EDIT)) } " " }
            @if it.account != AccountId::cloud() {
                (switch(&visit, &found))
                " "
                a.button.danger href=(about("/people/user/delete", &it.name)) { (words.t(say::DELETE)) }
            }
        }
        h2 { (words.t(say::USE)) }
        (holdings(words, &found.holdings))
        @if it.account != AccountId::cloud() {
            div.acts { a.button.second href=(about("/quotas/account", &it.name)) { (words.t(say::CHANGE_QUOTAS)) } }
        }
        h2 { (words.t(say::OWNS)) }
        (owned(&visit, &found))
        h2 { (words.t(say::SIGN_IN)) }
        (signing_in(&visit, &found, own))
        h2 { (words.t(say::CREDENTIALS)) }
        (credentials(&visit, &found))
        h2 { (words.t(say::LATEST)) }
        (latest(words, events.as_deref()))
        p.links {
            a href={ "/audit?" (write_query(&[("account", it.account.as_str())])) } {
                (words.t(say::ALL_EVENTS))
            }
        }
    };
    Ok(Reply::page(it.name.clone(), main))
}

/// How it stands, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, named(&visit));
    let changes = visit.desk.people.records.accounts.watch();
    let people = visit.desk.people.clone();
    let draw = move |viewer: crate::console::viewer::Viewer| {
        let (people, name) = (people.clone(), name.clone());
        async move {
            let by = viewer.session.asks();
            let found = people.work(move |people| registrar::describe(people, &by, &name)).await;
            match found {
                Ok(found) => Ok(standing(words, Some(&found))),
                Err(error) if error.code() == ErrorCode::InvalidParameterValue => {
                    Ok(standing(words, None))
                }
                Err(error) => Err(error),
            }
        }
    };
    Ok(Reply::live(changes, draw))
}

fn standing(words: Words, found: Option<&PersonView>) -> Markup {
    let Some(found) = found else {
        return html! {
            (notice("good", words.t(say::GONE), words.t(say::GONE_TEXT)))
            p { a href="/people" { (words.t(say::ALL_USERS)) } }
        };
    };
    let it = &found.registered;
    let (.., means) = say::state(it);
    html! {
        p { (state(words, it)) " " (words.t(means)) }
        @if let Some(deletion) = &it.deletion {
            dl.facts {
                dt { (words.t(say::GIVEN_TO)) }
                dd { (deletion.heir.as_deref().unwrap_or_else(|| words.t(say::ENDS))) }
                dt { (words.t(say::LEFT)) }
                dd lang="en" { (deletion.left) }
            }
            @if let Some(failure) = &deletion.failure {
                div.notice.bad role="alert" {
                    strong { (words.t(say::FAILED)) }
                    p lang="en" { (failure) }
                }
            }
        }
    }
}

fn facts(words: Words, found: &PersonView) -> Markup {
    let it = &found.registered;
    html! {
        dl.facts {
            dt { (words.t(say::NUMBER)) }
            dd { code { (it.account.as_str()) } }
            (contact(words, it, true))
            @if let Some(at) = it.approved { dt { (words.t(say::APPROVED_AT)) } dd { (moment(at)) } }
            @if let Some(at) = it.confirmed { dt { (words.t(say::CONFIRMED_AT)) } dd { (moment(at)) } }
            dt { (words.t(say::SINCE)) }
            dd { (moment(found.created)) }
            dt { (words.t(say::ZONE_GROUPS)) }
            dd { (it.zone_groups.join(", ")) }
        }
    }
}

fn switch(visit: &Visit, found: &PersonView) -> Markup {
    let (words, it) = (visit.words, &found.registered);
    let name = [("name", it.name.as_str())];
    let sure = words.fill(say::DISABLE_SURE, &name);
    html! {
        @if it.enabled {
            (button(visit, "/people/user/disable", &name,
                &html! { (words.t(say::DISABLE)) }, Some(&sure)))
        } @else {
            (button(visit, "/people/user/enable", &name, &html! { (words.t(say::ENABLE)) }, None))
        }
    }
}

/// What it has and may have of what quotas count.
fn holdings(words: Words, all: &[Holding]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::WHAT)) }
                        th scope="col" { (words.t(say::IN_USE)) }
                        th scope="col" { (words.t(say::AT_MOST)) }
                    }
                }
                tbody {
                    @for (key, text) in HELD {
                        @if let Some(it) = all.iter().find(|it| it.key == key) {
                            tr {
                                th scope="row" data-label=(words.t(say::WHAT)) { span { (words.t(text)) } }
                                td data-label=(words.t(say::IN_USE)) { (it.used) }
                                td data-label=(words.t(say::AT_MOST)) {
                                    @match it.limit {
                                        Some(limit) => (limit),
                                        None => span.quiet { (words.t(say::NO_LIMIT)) },
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn signing_in(visit: &Visit, found: &PersonView, own: bool) -> Markup {
    let (words, it) = (visit.words, &found.registered);
    let name = [("name", it.name.as_str())];
    let (end, reset) =
        (words.fill(say::END_SESSIONS_SURE, &name), words.fill(say::FACTOR_SURE, &name));
    html! {
        dl.facts {
            dt { (words.t(say::PASSWORD)) }
            dd {
                @match found.password_set {
                    None => (words.t(say::PASSWORD_NONE)),
                    Some(at) => {
                        (words.t(say::PASSWORD_SINCE)) " " (moment(at))
                        @if found.must_change { " " (tag(words, say::MUST_CHANGE, "busy")) }
                    }
                }
            }
            dt { (words.t(say::FACTOR)) }
            dd { (words.t(if found.second_factor { say::FACTOR_ON } else { say::FACTOR_OFF })) }
            dt { (words.t(say::SESSIONS)) }
            dd { (found.sessions) }
            dt { (words.t(say::LAST_SEEN)) }
            dd {
                @match found.seen {
                    Some(at) => (moment(at)),
                    None => (words.t(say::NEVER_SEEN)),
                }
            }
        }
        @if !own && it.deletion.is_none() {
            div.acts {
                a.button.second href=(about("/people/user/password", &it.name)) { (words.t(say::SET_PASSWORD)) }
                @if found.second_factor {
                    " " (button(visit, "/people/user/reset-factor", &name,
                        &html! { (words.t(say::FACTOR_RESET)) }, Some(&reset)))
                }
                @if found.sessions > 0 {
                    " " (button(visit, "/people/user/end-sessions", &name,
                        &html! { (words.t(say::END_SESSIONS)) }, Some(&end)))
                }
            }
        }
    }
}

fn credentials(visit: &Visit, found: &PersonView) -> Markup {
    let (words, it) = (visit.words, &found.registered);
    let sure = words.fill(say::ZIP_SURE, &[("name", &it.name)]);
    let zip = |kind, text| {
        let fields = [("name", it.name.as_str()), ("kind", kind)];
        button(visit, "/people/user/credentials", &fields, &html! { (words.t(text)) }, Some(&sure))
    };
    let usable = say::state(it).1 == "good";
    html! {
        dl.facts {
            dt { (words.t(say::KEYS)) }
            dd {
                @if found.keys.is_empty() { (words.t(say::NO_KEYS)) }
                @for key in &found.keys {
                    div {
                        code { (key.id) } " " span.quiet { (moment(key.created)) }
                        @if !key.active { " " (tag(words, say::KEY_OFF, "still")) }
                    }
                }
            }
            dt { (words.t(say::CERTIFICATES)) }
            dd { (found.certificates) }
        }
        @if usable && it.account != AccountId::cloud() {
            div.acts { (zip("whole", say::ZIP)) " " (zip("keys", say::ZIP_KEYS)) }
        }
    }
}

/// What was done in an account last, if whoever asks may see it.
async fn events(visit: &Visit, account: &AccountId) -> Result<Option<Vec<FoundEvent>>, ApiError> {
    let attribute = LookupAttribute {
        attribute_key: "AccountId".to_owned(),
        attribute_value: account.to_string(),
    };
    let asked = LookupEvents {
        lookup_attributes: vec![attribute],
        max_results: Some(EVENTS),
        ..LookupEvents::default()
    };
    match visit.call(asked).await {
        Ok(found) => Ok(Some(found.events)),
        // What is not known for a while, or not told, keeps nobody from the rest.
        Err(error) if told_so(error.code()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn told_so(code: ErrorCode) -> bool {
    code.retryable() || matches!(code, ErrorCode::AccessDenied | ErrorCode::UnauthorizedOperation)
}

fn latest(words: Words, events: Option<&[FoundEvent]>) -> Markup {
    let events = events.unwrap_or_default();
    html! {
        @if events.is_empty() {
            p.quiet { (words.t(say::NO_EVENTS)) }
        } @else {
            ul.events {
                @for it in events {
                    li {
                        (moment(at(it))) " "
                        a href={ "/audit/event?" (write_query(&[("id", it.event_id.as_str())])) } { (it.event_name) } " "
                        span.quiet { (it.username.as_deref().unwrap_or("–")) }
                    }
                }
            }
        }
    }
}

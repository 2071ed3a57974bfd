//! What happened to an instance: the calls of its account, as they are on record.

use common::cloudtrail::{FoundEvent, LookupAttribute, LookupEvents};
use common::error::ApiError;
use common::sign::write_query;
use common::time::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::instance::{found, tabs, title};
use crate::console::components::{moment, tag};
use crate::console::reply::Reply;
use crate::console::texts::common as words_of_all;
use crate::console::texts::instances as states;
use crate::console::texts::settings::{self as say, ACTIONS};
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: i64 = 50;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let instance = found(&visit.look(false)?, visit.part(0)).await?;
    let id = instance.instance_id.as_str();
    let attribute = |key: &str, value: &str| LookupAttribute {
        attribute_key: key.to_owned(),
        attribute_value: value.to_owned(),
    };
    let page = visit.query.some("page");
    let ask = LookupEvents {
        lookup_attributes: vec![
            attribute("ResourceName", id),
            attribute("EventSource", "ec2.amazonaws.com"),
            attribute("ReadOnly", "false"),
        ],
        max_results: Some(SHOWN),
        next_token: page.clone(),
        ..LookupEvents::default()
    };
    let answer = visit.call(ask).await?;
    // What was only rehearsed did not happen.
    let events: Vec<_> = answer.events.iter().map(Shown::of).filter(|it| !it.rehearsed).collect();
    let next = answer.next_token.filter(|token| !token.is_empty());
    let path = format!("/instances/{id}/events");
    let (state, tone) = states::state(&instance.instance_state.name);
    let reason = instance.state_reason.as_ref().map(|reason| reason.message.as_str());
    let main = html! {
        (tabs(&visit, id, "/events"))
        dl.facts {
            dt { (words.t(say::STATE_NOW)) }
            dd {
                (tag(words, state, tone))
                @if let Some(reason) = reason { " " span lang="en" { (reason) } }
            }
        }
        p { (words.t(say::EVENTS_LEAD)) }
        @if events.is_empty() {
            p.empty { (words.t(if next.is_some() { say::NO_EVENTS_HERE } else { say::NO_EVENTS })) }
        } @else {
            (rows(&visit, &events))
        }
        p.links {
            @if page.is_some() { a href=(path) { (words.t(words_of_all::FIRST_PAGE)) } }
            @if let Some(next) = &next {
                a href={ (path) "?" (write_query(&[("page", next)])) } { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
    };
    Ok(Reply::page(title(&instance), main))
}

/// What is shown of a record.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    at: Option<Timestamp>,
    action: String,
    who: String,
    from: String,
    error: Option<String>,
    rehearsed: bool,
}

impl Shown {
    fn of(event: &FoundEvent) -> Self {
        let whole: Value = serde_json::from_str(&event.cloud_trail_event).unwrap_or_default();
        let text = |name: &str| whole[name].as_str().unwrap_or_default().to_owned();
        let identity = |name: &str| whole["userIdentity"][name].as_str().unwrap_or_default();
        let user = event.username.as_deref().unwrap_or_default();
        let session = identity("sessionName");
        let who = match (user, session) {
            (user, "") => format!("{} / {user}", identity("accountAlias")),
            (user, session) => format!("{} / {user} / {session}", identity("accountAlias")),
        };
        let code = text("errorCode");
        let message = text("errorMessage");
        let agent = if text("userAgent").starts_with("console ") { "console" } else { "" };
        Self {
            at: Timestamp::parse_iso(&text("eventTime")).ok(),
            action: event.event_name.clone(),
            who,
            from: format!("{} {agent}", text("sourceIPAddress")).trim().to_owned(),
            rehearsed: code == "DryRunOperation",
            error: (!code.is_empty()).then(|| format!("{code}: {message}")),
        }
    }
}

fn rows(visit: &Visit, events: &[Shown]) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::WHEN)) }
                        th scope="col" { (words.t(say::WHAT)) }
                        th scope="col" { (words.t(say::WHO)) }
                        th scope="col" { (words.t(say::FROM)) }
                        th scope="col" { (words.t(say::RESULT)) }
                    }
                }
                tbody {
                    @for it in events {
                        @let known = ACTIONS.iter().find(|(action, _)| *action == it.action);
                        tr {
                            th scope="row" data-label=(words.t(say::WHEN)) {
                                @match it.at { Some(at) => (moment(at)), None => "–" }
                            }
                            td data-label=(words.t(say::WHAT)) {
                                @if let Some((_, text)) = known { span { (words.t(*text)) } }
                                span.given { code { (it.action) } }
                            }
                            td data-label=(words.t(say::WHO)) { (it.who) }
                            td data-label=(words.t(say::FROM)) { (it.from) }
                            td data-label=(words.t(say::RESULT)) {
                                @match &it.error {
                                    None => (tag(words, say::DONE, "good")),
                                    Some(error) => {
                                        (tag(words, say::REFUSED, "bad"))
                                        span.agent lang="en" { (error) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let whole = r#"{"eventTime":"2026-11-22T10:50:32.000Z","errorCode":"DryRunOperation",
            "errorMessage":"x","sourceIPAddress":"10.0.0.1","userAgent":"console Firefox",
            "userIdentity":{"accountAlias":"taro","sessionName":null}}"#;
        let event = FoundEvent {
            event_id: String::new(),
            event_name: "StopInstances".into(),
            read_only: "false".into(),
            access_key_id: None,
            event_time: 0.0,
            event_source: String::new(),
            username: Some("admin".into()),
            resources: Vec::new(),
            cloud_trail_event: whole.into(),
        };
        let shown = Shown::of(&event);
        assert_eq!((&*shown.who, &*shown.from), ("taro / admin", "10.0.0.1 console"));
        assert!(shown.rehearsed && shown.at.is_some());
        let broken = FoundEvent { cloud_trail_event: "?".into(), ..event };
        assert_eq!(Shown::of(&broken).error, None);
    }
}

//! The record of what was asked: looked up, read one by one, kept as a file, verified. Administrators are
//! shown everybody's, others their own account's; which it is, LookupEvents decides.

use std::fmt::Write as _;

use common::cloudtrail::{FoundEvent, FoundEvents, LookupAttribute, LookupEvents};
use common::error::ApiError;
use common::sign::write_query;
use common::time::Timestamp;
use common::wire::registrar::VerifyLogs;
use maud::{Markup, html};
use serde_json::Value;

use super::parts::by;
use crate::console::components::{button, moment, notice, refusal, status, told_beside};
use crate::console::reply::{Answer, Reply};
use crate::console::text::Text;
use crate::console::texts::{audit as say, common as words_of_all};
use crate::console::visit::Visit;

/// How many records a file holds at most.
const KEPT: usize = 1000;
/// How many pages of answers are read for a file.
const READ: usize = 60;

/// The services that can be looked for.
const SERVICES: [&str; 8] = ["ec2", "s3", "iam", "sts", "cloudtrail", "eucalypt", "console", "clc"];

/// The conditions: in the address, as LookupEvents calls them.
const ATTRIBUTES: [(&str, &str); 7] = [
    ("account", "AccountId"),
    ("user", "Username"),
    ("event", "EventName"),
    ("service", "EventSource"),
    ("resource", "ResourceName"),
    ("key", "AccessKeyId"),
    ("read", "ReadOnly"),
];

/// The condition of one field, as it is asked for.
fn said(visit: &Visit, name: &str) -> String {
    visit.query.line(name).chars().take(500).collect()
}

/// A moment as a field of a form has it, `2026-11-23T10:00`, in UTC.
fn time(text: &str) -> Option<String> {
    let whole = match text.len() {
        0 => return None,
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    Some(whole)
}

fn asked(visit: &Visit, next_token: Option<String>) -> Result<LookupEvents, ApiError> {
    let own = visit.viewer()?.caller.account.to_string();
    let attribute = |(name, key): (&str, &str)| {
        let value = match name {
            "account" if !is_all(visit) => own.clone(),
            name => said(visit, name),
        };
        (!value.is_empty())
            .then(|| LookupAttribute { attribute_key: key.to_owned(), attribute_value: value })
    };
    Ok(LookupEvents {
        lookup_attributes: ATTRIBUTES.into_iter().filter_map(attribute).collect(),
        start_time: time(&said(visit, "since")),
        end_time: time(&said(visit, "until")),
        max_results: None,
        next_token,
        event_category: None,
    })
}

/// The address with the same conditions.
fn same(visit: &Visit, path: &str, more: &[(&str, &str)]) -> String {
    let names = ATTRIBUTES.iter().map(|(name, _)| *name).chain(["since", "until"]);
    let conditions: Vec<_> = names.map(|name| (name, said(visit, name))).collect();
    let own = conditions.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> =
        own.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
    if all.is_empty() { path.to_owned() } else { format!("{path}?{}", write_query(&all)) }
}

/// Whether everybody's records are looked at.
fn is_all(visit: &Visit) -> bool {
    visit.head.raw_path.starts_with("/audit")
}

fn base(visit: &Visit) -> &'static str {
    if is_all(visit) { "/audit" } else { "/activity" }
}

/// The list.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let page = visit.query.some("page");
    let (found, error) = match visit.call(asked(&visit, page.clone())?).await {
        Ok(found) => (found, None),
        Err(error) => (FoundEvents::default(), Some(told_beside(error)?)),
    };
    let main = html! {
        p { (words.t(if is_all(&visit) { say::LEAD_ALL } else { say::LEAD_OWN })) }
        @if let Some(error) = &error { (refusal(words, error)) }
        (conditions(&visit))
        @if found.events.is_empty() {
            @if error.is_none() {
                p.empty { (words.t(if found.next_token.is_some() { say::FURTHER } else { say::NONE })) }
            }
        } @else {
            (rows(&visit, &found.events))
        }
        p.links {
            @if page.is_some() {
                a href=(same(&visit, base(&visit), &[])) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &found.next_token {
                a href=(same(&visit, base(&visit), &[("page", next)])) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
        @if !found.events.is_empty() {
            @let keep = format!("{}/keep", base(&visit));
            p.links {
                a href=(same(&visit, &keep, &[("as", "csv")])) { (words.t(say::AS_CSV)) }
                a href=(same(&visit, &keep, &[("as", "json")])) { (words.t(say::AS_JSON)) }
                span.quiet { (words.fill(say::BOUND, &[("count", &KEPT.to_string())])) }
            }
        }
        @if is_all(&visit) {
            h2 { (words.t(say::VERIFY)) }
            p { (words.t(say::VERIFY_LEAD)) }
            (button(&visit, "/audit/verify", &[], &html! { (words.t(say::VERIFY)) }, None))
        }
    };
    let title = words.t(if is_all(&visit) { say::AUDIT } else { say::ACTIVITY });
    let reply = Reply::page(title, main);
    Ok(match &error {
        Some(error) => reply.status(status(error)),
        None => reply,
    })
}

fn conditions(visit: &Visit) -> Markup {
    let words = visit.words;
    let line = |name: &str, label: Text, kind: &str, hint: Option<Text>| {
        let id = format!("f-{name}");
        let hint_id = hint.map(|_| format!("{id}-hint"));
        html! {
            div.field {
                label for=(id) { (words.t(label)) }
                input id=(id) name=(name) type=(kind) value=(said(visit, name)) autocomplete="off"
                    autocapitalize="none" spellcheck="false" aria-describedby=[hint_id.as_deref()];
                @if let Some(hint) = hint { p.hint id=[hint_id.as_deref()] { (words.t(hint)) } }
            }
        }
    };
    let (service, read) = (said(visit, "service"), said(visit, "read"));
    let rare = ["account", "resource", "key", "since", "until", "read"];
    let open = rare.iter().any(|name| !said(visit, name).is_empty());
    html! {
        form method="get" action=(base(visit)) role="search" {
            div.search {
                (line("event", say::EVENT, "text", Some(say::EVENT_HINT)))
                (line("user", say::USER, "text", None))
                div.field {
                    label for="f-service" { (words.t(say::SERVICE)) }
                    select id="f-service" name="service" {
                        option value="" { (words.t(words_of_all::ALL_OF_THEM)) }
                        @for name in SERVICES { option value=(name) selected[service == name] { (name) } }
                    }
                }
            }
            details.more open[open] {
                summary { (words.t(say::MORE)) }
                div.search {
                    (line("since", say::SINCE, "datetime-local", None))
                    (line("until", say::UNTIL, "datetime-local", None))
                    (line("resource", say::RESOURCE, "text", Some(say::RESOURCE_HINT)))
                    (line("key", say::ACCESS_KEY, "text", None))
                    @if is_all(visit) { (line("account", say::ACCOUNT, "text", None)) }
                    div.field {
                        label for="f-read" { (words.t(say::KIND)) }
                        select id="f-read" name="read" {
                            option value="" { (words.t(words_of_all::ALL_OF_THEM)) }
                            option value="false" selected[read == "false"] { (words.t(say::CHANGES)) }
                            option value="true" selected[read == "true"] { (words.t(say::READS)) }
                        }
                    }
                }
            }
            button.second type="submit" { (words.t(say::FIND)) }
        }
    }
}

/// What a record says, as CloudTrail has it.
fn whole(it: &FoundEvent) -> Value {
    serde_json::from_str(&it.cloud_trail_event).unwrap_or_default()
}

fn text<'a>(whole: &'a Value, path: &str) -> &'a str {
    whole.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// Who did it: the account's name and the user's.
fn who(whole: &Value) -> String {
    let alias = text(whole, "/userIdentity/accountAlias");
    let name = text(whole, "/userIdentity/userName");
    match (alias, name) {
        ("", name) => name.to_owned(),
        (alias, name) => format!("{alias} / {name}"),
    }
}

fn service(it: &FoundEvent) -> &str {
    it.event_source.strip_suffix(".amazonaws.com").unwrap_or(&it.event_source)
}

fn rows(visit: &Visit, events: &[FoundEvent]) -> Markup {
    let words = visit.words;
    let path = format!("{}/event", base(visit));
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::EVENT)) }
                        th scope="col" { (words.t(say::WHEN)) }
                        th scope="col" { (words.t(say::WHO)) }
                        th scope="col" { (words.t(say::SERVICE)) }
                        th scope="col" { (words.t(say::RESOURCE)) }
                        th scope="col" { (words.t(say::FROM)) }
                        th scope="col" { (words.t(say::RESULT)) }
                    }
                }
                tbody {
                    @for it in events {
                        @let whole = whole(it);
                        tr {
                            th scope="row" data-label=(words.t(say::EVENT)) {
                                a href={ (path) "?" (write_query(&[("id", it.event_id.as_str())])) } {
                                    (if it.event_name.is_empty() { "–" } else { &it.event_name })
                                }
                            }
                            td data-label=(words.t(say::WHEN)) { (moment(at(it))) }
                            td data-label=(words.t(say::WHO)) { span.said { (actor(visit, &whole)) } }
                            td data-label=(words.t(say::SERVICE)) { (service(it)) }
                            td data-label=(words.t(say::RESOURCE)) {
                                span.said { (it.resources.first().map_or("–", |it| last(&it.resource_name))) }
                            }
                            td data-label=(words.t(say::FROM)) { (text(&whole, "/sourceIPAddress")) }
                            td data-label=(words.t(say::RESULT)) { (result(visit, &whole)) }
                        }
                    }
                }
            }
        }
    }
}

/// The end of an ARN, by which people know what it names.
fn last(name: &str) -> &str {
    name.rsplit_once(":").map_or(name, |(_, end)| end)
}

fn actor(visit: &Visit, whole: &Value) -> Markup {
    let who = who(whole);
    html! {
        @if who.is_empty() { span.quiet { (visit.words.t(say::NOBODY)) } } @else { (who) }
    }
}

fn result(visit: &Visit, whole: &Value) -> Markup {
    let code = text(whole, "/errorCode");
    html! {
        @if code.is_empty() {
            span.tag.good { (visit.words.t(say::DONE)) }
        } @else {
            span.tag.bad { (code) }
        }
    }
}

/// When an event was.
pub(super) fn at(it: &FoundEvent) -> Timestamp {
    // Seconds with a fraction, of this century.
    let text = format!("{:.3}", it.event_time).replace('.', "");
    Timestamp::from_millis(text.parse().unwrap_or_default())
}

/// One record.
pub(crate) async fn event(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let attribute = LookupAttribute {
        attribute_key: "EventId".to_owned(),
        attribute_value: visit.query.line("id").to_owned(),
    };
    let mut next_token = None;
    let mut found = None;
    for _ in 0..READ {
        let lookup_attributes = vec![attribute.clone()];
        let asked = LookupEvents { lookup_attributes, next_token, ..LookupEvents::default() };
        let page = visit.call(asked).await?;
        found = page.events.into_iter().next();
        next_token = page.next_token;
        if found.is_some() || next_token.is_none() {
            break;
        }
    }
    let back = html! { p.links.up { a href=(base(&visit)) { (words.t(say::BACK)) } } };
    let Some(it) = found else {
        let main = html! { (back) (notice("plain", words.t(say::GONE), "")) };
        return Ok(Reply::page(words.t(say::DETAIL), main).status(404));
    };
    let whole = whole(&it);
    let said = whole.pointer("/requestParameters").and_then(Value::as_object);
    let main = html! {
        (back)
        dl.facts {
            dt { (words.t(say::WHEN)) } dd { (moment(at(&it))) }
            dt { (words.t(say::WHO)) } dd { (actor(&visit, &whole)) }
            dt { (words.t(say::SERVICE)) } dd { (service(&it)) }
            dt { (words.t(say::RESULT)) }
            dd { (result(&visit, &whole)) " " span lang="en" { (text(&whole, "/errorMessage")) } }
            dt { (words.t(say::FROM)) } dd { (text(&whole, "/sourceIPAddress")) }
            dt { (words.t(say::AGENT)) } dd { (text(&whole, "/userAgent")) }
            @if let Some(key) = &it.access_key_id {
                dt { (words.t(say::ACCESS_KEY)) } dd { code { (key) } }
            }
            dt { (words.t(say::REQUEST_ID)) } dd { code { (it.event_id) } }
            @if !it.resources.is_empty() {
                dt { (words.t(say::RESOURCES)) }
                dd { @for it in it.resources.iter().take(100) { div { (it.resource_name) } } }
            }
        }
        h2 { (words.t(say::REQUEST)) }
        @match said.filter(|said| !said.is_empty()) {
            None => p.quiet { (words.t(say::NO_PARAMETERS)) },
            Some(said) => dl.facts {
                @for (name, value) in said {
                    dt { code { (name) } }
                    dd { (value.as_str().unwrap_or_default()) }
                }
            }
        }
        h2 { (words.t(say::WHOLE)) }
        pre.output tabindex="0" { (serde_json::to_string_pretty(&whole).unwrap_or_default()) }
    };
    let title = if it.event_name.is_empty() { words.t(say::DETAIL) } else { &it.event_name };
    Ok(Reply::page(title, main))
}

/// What was found, as a file.
pub(crate) async fn keep(visit: Visit) -> Result<Reply, ApiError> {
    let (mut all, mut next_token) = (Vec::new(), None);
    for _ in 0..READ {
        let page = visit.call(asked(&visit, next_token)?).await?;
        all.extend(page.events);
        next_token = page.next_token;
        if next_token.is_none() || all.len() >= KEPT {
            break;
        }
    }
    all.truncate(KEPT);
    let as_json = visit.query.get("as") == "json";
    let (name, content_type, text) = match as_json {
        true => ("audit.json", "application/json", json(&all)),
        false => ("audit.csv", "text/csv; charset=utf-8", csv(&all)),
    };
    let (name, bytes) = (name.to_owned(), text.into_bytes());
    Ok(Answer::File { name, content_type, bytes }.into())
}

/// A line of JSON each.
fn json(all: &[FoundEvent]) -> String {
    all.iter().map(|it| format!("{}\n", it.cloud_trail_event)).collect()
}

fn csv(all: &[FoundEvent]) -> String {
    let mut text =
        "time,service,event,account,user,access_key,source,error,resources,request_id\r\n"
            .to_owned();
    for it in all {
        let whole = whole(it);
        let resources: Vec<_> = it.resources.iter().map(|it| it.resource_name.as_str()).collect();
        let cells = [
            at(it).iso(),
            service(it).to_owned(),
            it.event_name.clone(),
            self::text(&whole, "/userIdentity/accountId").to_owned(),
            it.username.clone().unwrap_or_default(),
            it.access_key_id.clone().unwrap_or_default(),
            self::text(&whole, "/sourceIPAddress").to_owned(),
            self::text(&whole, "/errorCode").to_owned(),
            resources.join(" "),
            it.event_id.clone(),
        ];
        let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        // Writing to a text does not fail.
        let _ = write!(text, "{}\r\n", cells.join(","));
    }
    text
}

/// A cell that no program takes for a formula, or for two cells.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let begin = if formula { "'" } else { "" };
    format!("\"{begin}{}\"", cell.replace('"', "\"\""))
}

/// Reads the whole log.
pub(crate) async fn verify(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (by, address) = (by(&visit)?, visit.address());
    let states = visit.ask(VerifyLogs { by, address }).await?;
    let sound = states.iter().all(|it| it.fault.is_none());
    let (tone, told) = if sound { ("good", say::SOUND) } else { ("bad", say::FAULTY) };
    let main = html! {
        p.links.up { a href="/audit" { (words.t(say::BACK)) } }
        (notice(tone, words.t(told), ""))
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::LOG)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::FIRST)) }
                        th scope="col" { (words.t(say::LAST)) }
                        th scope="col" { (words.t(say::HASH)) }
                    }
                }
                tbody {
                    @for it in &states {
                        tr {
                            th scope="row" data-label=(words.t(say::LOG)) { span { (it.name) } }
                            td data-label=(words.t(say::STATE)) {
                                @match &it.fault {
                                    None => span.tag.good { (words.t(say::FINE)) },
                                    Some(fault) => span.said lang="en" { (fault) },
                                }
                            }
                            td data-label=(words.t(say::FIRST)) { (it.first) }
                            td data-label=(words.t(say::LAST)) { (it.last) }
                            td data-label=(words.t(say::HASH)) { code.said { (it.hash) } }
                        }
                    }
                }
            }
        }
        p.quiet { (words.t(say::KEEP_HASH)) }
    };
    Ok(Reply::page(words.t(say::VERIFY), main))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_texts_and_nothing_else() {
        assert_eq!(quoted("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("@x"), "\"'@x\"");
    }

    #[test]
    fn moments_are_those_of_a_form() {
        assert_eq!(time(""), None);
        assert_eq!(time("2026-11-23T10:00").unwrap(), "2026-11-23T10:00:00Z");
        assert_eq!(time("2026-11-23").unwrap(), "2026-11-23T00:00:00Z");
        assert_eq!(time("soon").unwrap(), "soon");
        assert_eq!(last("arn:aws:ec2:r:1:instance/i-1"), "instance/i-1");
    }
}

//! What services have lately said went wrong, one service at a time.

use std::time::Duration;

use common::error::ApiError;
use common::wire::told::{TellNodeWarnings, TellWarnings, Warning};
use maud::html;

use super::csv::{self, Csv};
use super::reports::choice;
use crate::console::components::{moment, notice, tag};
use crate::console::reply::{Answer, Reply};
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;

/// How many are on the page, and how many characters of each; the file has all.
const SHOWN: usize = 80;
const LENGTH: usize = 500;
/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The service that is asked for: `clc`, `walrus`, or the name of a node behind `node:`.
fn asked(visit: &Visit) -> String {
    let of = visit.query.line("of");
    let node = of.strip_prefix("node:");
    let known = node.is_some_and(|name| visit.desk.pictured.cluster.member(name).is_some());
    if known || of == "walrus" { of.to_owned() } else { "clc".to_owned() }
}

/// What it says; `None`, if it does not answer.
async fn told(visit: &Visit, of: &str) -> Option<Vec<Warning>> {
    let pictured = &visit.desk.pictured;
    match of.strip_prefix("node:") {
        Some(name) => {
            let member = pictured.cluster.member(name)?;
            member.peer.call_patiently(TellNodeWarnings {}, PATIENCE).await.ok()
        }
        None if of == "walrus" => {
            pictured.walrus.call_patiently(TellWarnings {}, PATIENCE).await.ok()
        }
        None => Some(runtime::warnings::recent()),
    }
}

/// The page.
pub(super) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, of) = (visit.words, asked(&visit));
    let all = told(&visit, &of).await;
    let nodes = visit.desk.pictured.cluster.members();
    let mut services =
        vec![("clc".to_owned(), words.t(say::CLC).to_owned()), ("walrus".into(), "walrus".into())];
    services.extend(nodes.map(|node| (format!("node:{}", node.name), node.name.clone())));
    let main = html! {
        (choice(words, "/reports/messages"))
        p { (words.t(say::MESSAGES_LEAD)) }
        form.search method="get" action="/reports/messages" {
            div.field {
                label for="of" { (words.t(say::SERVICE)) }
                select id="of" name="of" {
                    @for (value, name) in &services {
                        option value=(value) selected[*value == of] { (name) }
                    }
                }
            }
            button.second type="submit" { (words.t(say::SHOW)) }
        }
        @match &all {
            None => (notice("bad", words.t(say::NOT_ANSWERED), "")),
            Some(all) if all.is_empty() => p.empty { (words.t(say::NO_MESSAGES)) },
            Some(all) => {
                div.scroll tabindex="0" role="region" aria-label=(words.t(say::MESSAGE)) { table.rows {
                    thead { tr {
                        @for name in [say::TIME, say::LEVEL, say::PART, say::MESSAGE] { th scope="col" { (words.t(name)) } }
                    } }
                    tbody { @for it in all.iter().take(SHOWN) {
                        tr {
                            th scope="row" data-label=(words.t(say::TIME)) { (moment(it.at)) }
                            td data-label=(words.t(say::LEVEL)) {
                                @if it.error { (tag(words, say::AN_ERROR, "bad")) } @else { (tag(words, say::A_WARNING, "busy")) }
                            }
                            td data-label=(words.t(say::PART)) { code { (it.part) } }
                            td data-label=(words.t(say::MESSAGE)) { span.agent lang="en" { (it.text.chars().take(LENGTH).collect::<String>()) } }
                        }
                    } }
                } }
                p.links { a href={ "/reports/messages/csv?of=" (common::sign::percent_encode(&of)) } { (words.t(say::AS_FILE)) } }
            }
        }
    };
    Ok(Reply::page(words.t(say::OF_MESSAGES), main))
}

/// The same, as a file.
pub(super) async fn file(visit: Visit) -> Result<Reply, ApiError> {
    let of = asked(&visit);
    let mut csv = Csv::new(["time", "service", "level", "part", "message"]);
    for it in told(&visit, &of).await.unwrap_or_default() {
        let level = if it.error { "error" } else { "warning" };
        csv.line([
            csv::moment(it.at),
            csv::text(&of),
            level.to_owned(),
            csv::text(&it.part),
            csv::text(&it.text),
        ]);
    }
    let name = format!("messages-{}.csv", of.replace(':', "-"));
    Ok(Answer::File { name, content_type: csv::TYPE, bytes: csv.bytes() }.into())
}

//! Services and their health, as it changes.

use common::administration::services::{DescribeServices, ServiceState, Services};
use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use super::amounts::bytes;
use crate::console::components::{live as live_part, moment, notice, tag};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::services as say;
use crate::console::visit::Visit;

/// By how much clocks may differ without a word about it, in milliseconds.
const RIGHT: u64 = 2000;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = drawn(&visit.look(false)?, words).await?;
    let main = html! {
        p { (words.t(say::LEAD)) }
        (live_part(words, "/cloud/services/live", &part))
    };
    Ok(Reply::page(words.t(say::SERVICES), main))
}

/// They as they are, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, changes) = (visit.words, visit.desk.beats.hosts());
    let draw = move |viewer| {
        let look = visit.look_of(viewer);
        async move { drawn(&look, words).await }
    };
    Ok(Reply::live(changes, draw))
}

fn is_full(it: &ServiceState) -> bool {
    it.disks.member.iter().any(|disk| disk.free < disk.reserve.max(disk.total / 20))
}

fn state(it: &ServiceState) -> (Text, &'static str) {
    match it.state.as_str() {
        "ENABLED" if is_full(it) => (say::FULL, "busy"),
        "ENABLED" => (say::UP, "good"),
        _ => (say::AWAY, "bad"),
    }
}

async fn drawn(look: &Look, words: Words) -> Result<Markup, ApiError> {
    let found = look.call(DescribeServices {}).await?;
    let all = &found.services.item;
    let away = all.iter().any(|it| it.state != "ENABLED");
    let full = all.iter().find(|it| is_full(it)).and_then(|it| it.disks.member.first());
    Ok(html! {
        div.scroll {
            table.rows {
                thead { tr {
                    @for name in [say::SERVICE, say::STATE, say::VERSION, say::SINCE, say::CLOCK, say::DISK] {
                        th scope="col" { (words.t(name)) }
                    }
                } }
                tbody { @for it in all { (row(words, it)) } }
            }
        }
        @if away { p.quiet { (words.t(say::AWAY_TEXT)) } }
        @if let Some(disk) = full {
            p.quiet { (words.fill(say::FULL_TEXT, &[("reserve", &bytes(disk.reserve))])) }
        }
        h2 { (words.t(say::MAILS)) }
        (mails(words, &found))
    })
}

fn row(words: Words, it: &ServiceState) -> Markup {
    let (name, tone) = state(it);
    html! {
        tr {
            th scope="row" data-label=(words.t(say::SERVICE)) {
                @if it.kind == "node-agent" {
                    a href={ "/cloud/nodes/" (common::sign::percent_encode(&it.name)) } { (it.kind) " " (it.name) }
                } @else { span { (it.kind) } }
                span.given { (it.address) }
            }
            td data-label=(words.t(say::STATE)) {
                (tag(words, name, tone))
                @if !it.problem.is_empty() { span.given lang="en" { (it.problem) } }
            }
            td data-label=(words.t(say::VERSION)) { @if it.version.is_empty() { "–" } @else { (it.version) } }
            td data-label=(words.t(say::SINCE)) {
                @match Timestamp::parse_iso(&it.started) { Ok(at) => (moment(at)), Err(_) => "–" }
            }
            td data-label=(words.t(say::CLOCK)) {
                @if it.state != "ENABLED" { "–" }
                @else if it.skew < RIGHT { (words.t(say::SKEW_NONE)) }
                @else { (words.fill(say::SKEW, &[("seconds", &(it.skew / 1000).to_string())])) }
            }
            td data-label=(words.t(say::DISK)) {
                @if it.disks.member.is_empty() { "–" }
                @for disk in &it.disks.member {
                    @let values = [("free", &*bytes(disk.free)), ("total", &bytes(disk.total))];
                    span.load {
                        (words.fill(say::FREE_OF, &values))
                        meter min="0" max=(disk.total) value=(disk.total.saturating_sub(disk.free))
                            high=(disk.total / 20 * 19) aria-label=(disk.path) {}
                    }
                }
            }
        }
    }
}

fn mails(words: Words, found: &Services) -> Markup {
    let counted = |text: Text, count: u64| words.fill(text, &[("count", &count.to_string())]);
    html! {
        @if found.mails_waiting + found.mails_failed == 0 {
            p { (words.t(say::MAILS_NONE)) }
        } @else {
            p { (counted(say::MAILS_WAIT, found.mails_waiting)) }
            @if found.mails_failed > 0 {
                (notice("bad", &counted(say::MAILS_FAILED, found.mails_failed), ""))
            }
            @if !found.mail_error.is_empty() {
                p { (words.t(say::MAIL_ERROR)) ": " span lang="en" { (found.mail_error) } }
            }
        }
    }
}

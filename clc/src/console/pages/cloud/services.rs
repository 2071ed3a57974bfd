//! Services and their health, as it changes: how each is, what waits, how long certificates are good.

use common::administration::services::{
    CertificateState, DescribeServices, ServiceState, Services,
};
use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use super::amounts::bytes;
use super::nodes::mebibytes;
use crate::console::components::{live as live_part, moment, notice, tag};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::services as say;
use crate::console::visit::Visit;

/// By how much clocks may differ without a word about it, in milliseconds.
const RIGHT: u64 = 2000;
/// How long before its end a certificate is told to end soon, in seconds.
const SOON: u64 = 30 * 86_400;

/// What waits or is under way, by the names that it has in the answer.
const QUEUES: [(&str, Text); 8] = [
    ("launches", say::Q_LAUNCHES),
    ("images", say::Q_IMAGES),
    ("imports", say::Q_IMPORTS),
    ("saving", say::Q_SAVING),
    ("unpacking", say::Q_UNPACKING),
    ("unpacking-waits", say::Q_UNPACKING_WAITS),
    ("preparing", say::Q_PREPARING),
    ("bundling", say::Q_BUNDLING),
];

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = drawn(&visit.look(false)?, words, visit.desk.people.now()).await?;
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
        let (look, now) = (visit.look_of(viewer), visit.desk.people.now());
        async move { drawn(&look, words, now).await }
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

async fn drawn(look: &Look, words: Words, now: Timestamp) -> Result<Markup, ApiError> {
    let found = look.call(DescribeServices {}).await?;
    let all = &found.services.item;
    let away = all.iter().any(|it| it.state != "ENABLED");
    let disks = all.iter().flat_map(|it| &it.disks.member);
    let full = disks.into_iter().find(|disk| disk.free < disk.reserve.max(disk.total / 20));
    Ok(html! {
        div.scroll {
            table.rows {
                thead { tr {
                    @for name in [say::SERVICE, say::STATE, say::VERSION, say::SINCE, say::CLOCK, say::LOAD, say::DISK] {
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
        p.quiet { (words.t(say::LOAD_MEANS)) }
        h2 { (words.t(say::QUEUES)) }
        (queues(words, all))
        h2 { (words.t(say::CERTIFICATES)) }
        (certificates(words, all, now))
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
            td data-label=(words.t(say::LOAD)) {
                @if it.cpus == 0 { "–" } @else {
                    @let load = format!("{}.{:02}", it.load / 100, it.load % 100);
                    @let of = [("load", &*load), ("cpus", &it.cpus.to_string())];
                    @let memory = [("used", &*mebibytes(it.used_memory)), ("total", &mebibytes(it.memory))];
                    (words.fill(say::LOAD_OF, &of))
                    span.given { (words.fill(say::MEMORY_OF, &memory)) }
                }
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

/// A service by its kind, and by its name if there are several.
fn called(it: &ServiceState) -> String {
    if it.kind == "node-agent" { format!("{} {}", it.kind, it.name) } else { it.kind.clone() }
}

/// All queues in which something is.
fn queues(words: Words, all: &[ServiceState]) -> Markup {
    let each = all.iter().flat_map(|it| it.queues.member.iter().map(move |queue| (it, queue)));
    let busy: Vec<_> = each.filter(|(_, queue)| queue.length > 0).collect();
    let what = |name: &str| QUEUES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    html! {
        @if busy.is_empty() {
            p { (words.t(say::QUEUES_NONE)) }
        } @else {
            div.scroll { table.rows {
                thead { tr {
                    @for name in [say::SERVICE, say::QUEUE, say::LENGTH] { th scope="col" { (words.t(name)) } }
                } }
                tbody { @for (service, queue) in busy { tr {
                    th scope="row" data-label=(words.t(say::SERVICE)) { (called(service)) }
                    td data-label=(words.t(say::QUEUE)) {
                        @match what(&queue.name) { Some(text) => (words.t(text)), None => (queue.name) }
                    }
                    td data-label=(words.t(say::LENGTH)) { (queue.length) }
                } } }
            } }
        }
    }
}

/// Whether somebody has to see to a certificate, and the colour of that.
fn urgent(it: &CertificateState, now: Timestamp) -> Option<(Text, &'static str)> {
    match Timestamp::parse_iso(&it.ends) {
        Err(_) => Some((say::UNREADABLE, "bad")),
        Ok(end) if end <= now => Some((say::ENDED, "bad")),
        Ok(end) if end.since(now).as_secs() < SOON => Some((say::ENDS_SOON, "busy")),
        Ok(_) => None,
    }
}

/// All certificates and their ends.
fn certificates(words: Words, all: &[ServiceState], now: Timestamp) -> Markup {
    let each = all.iter().flat_map(|it| it.certificates.member.iter().map(move |own| (it, own)));
    let purpose = |name: &str| match name {
        "cloud" => words.t(say::C_CLOUD).to_owned(),
        "console" => words.t(say::C_CONSOLE).to_owned(),
        "https" => words.t(say::C_HTTPS).to_owned(),
        other => other.to_owned(),
    };
    html! {
        div.scroll { table.rows {
            thead { tr {
                @for name in [say::SERVICE, say::CERTIFICATE, say::FILE, say::ENDS] { th scope="col" { (words.t(name)) } }
            } }
            tbody { @for (service, it) in each { tr {
                th scope="row" data-label=(words.t(say::SERVICE)) { (called(service)) }
                td data-label=(words.t(say::CERTIFICATE)) { (purpose(&it.name)) }
                td.long data-label=(words.t(say::FILE)) { @if it.path.is_empty() { "–" } @else { code { (it.path) } } }
                td data-label=(words.t(say::ENDS)) {
                    @if let Ok(at) = Timestamp::parse_iso(&it.ends) { (moment(at)) " " }
                    @if let Some((text, tone)) = urgent(it, now) { (tag(words, text, tone)) }
                }
            } } }
        } }
        p.quiet { (words.t(say::CERTIFICATES_TEXT)) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_somebody_has_to_see_to_are_marked() {
        let now = Timestamp::from_secs(1_800_000_000);
        let ending = |seconds: i64| CertificateState {
            ends: Timestamp::from_secs(1_800_000_000 + seconds).iso(),
            ..CertificateState::default()
        };
        for (it, tone) in [
            (ending(31 * 86_400), None),
            (ending(29 * 86_400), Some("busy")),
            (ending(0), Some("bad")),
            (ending(-86_400), Some("bad")),
            (CertificateState::default(), Some("bad")),
        ] {
            assert_eq!(urgent(&it, now).map(|(_, tone)| tone), tone, "{it:?}");
        }
    }
}

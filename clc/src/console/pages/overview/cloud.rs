//! The cloud at a glance, for its administrators: what there is of it, and what needs somebody.

use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use crate::console::components::moment;
use crate::console::pages::pictures::{Seen, Span, Unit, spark};
use crate::console::text::{Text, Words};
use crate::console::texts::overview as say;
use crate::console::visit::Visit;
use crate::history::Subject;
use crate::identity::{accounts, validity};
use crate::people::outgoing;
use crate::records::Records;

/// From how full a node counts as nearly full, in hundredths.
const NEARLY: u64 = 90;
/// How long before its end a certificate is told of, in seconds.
const SOON: u64 = 30 * 86_400;
/// How many names an alarm tells.
const NAMES: usize = 5;

/// Something that needs somebody.
struct Alarm {
    text: String,
    path: &'static str,
}

/// Names, and how many more there are.
fn names(words: Words, all: &[String]) -> String {
    let told = all.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => told,
        more => words.fill(say::AND_MORE, &[("names", &told), ("more", &more.to_string())]),
    }
}

/// What a page of the dashboard knows of the cloud.
struct Glance {
    alarms: Vec<Alarm>,
    nodes: usize,
    answering: usize,
    /// Given away, and there, on nodes that answer: processors, MiB of memory, MiB of disk.
    room: [(u64, u64); 3],
}

async fn glance(visit: &Visit) -> Result<Glance, ApiError> {
    let (words, now) = (visit.words, visit.desk.people.now());
    let pictured = &visit.desk.pictured;
    let rooms = pictured.rooms.borrow().clone();
    let (mut lost, mut full, mut room) = (Vec::new(), Vec::new(), [(0, 0); 3]);
    let (mut nodes, mut answering) = (0, 0);
    for member in pictured.cluster.members() {
        nodes += 1;
        let it = rooms.iter().find(|room| room.node == member.name);
        if !member.sighting().is_reachable(now) {
            // One that was given up is known to be lost.
            if it.is_none_or(|room| !room.closed) {
                lost.push(member.name.clone());
            }
            continue;
        }
        answering += 1;
        let Some(it) = it else { continue };
        let (free, total) = (it.free, it.total);
        let pairs = [
            (u64::from(free.cpus), u64::from(total.cpus)),
            (free.memory_mib, total.memory_mib),
            (free.disk_mib, total.disk_mib),
        ];
        for (sum, (free, total)) in room.iter_mut().zip(pairs) {
            *sum = (sum.0 + total.saturating_sub(free), sum.1 + total);
        }
        if total.disk_mib > 0 && (total.disk_mib - free.disk_mib) * 100 >= total.disk_mib * NEARLY {
            full.push(member.name.clone());
        }
    }
    let mut alarms = Vec::new();
    let mut alarm = |is: bool, text: Text, value: &str, path| {
        if is {
            alarms.push(Alarm { text: words.fill(text, &[("value", value)]), path });
        }
    };
    alarm(!lost.is_empty(), say::NODES_LOST, &names(words, &lost), "/map");
    alarm(!full.is_empty(), say::DISKS_FULL, &names(words, &full), "/map");
    let work = |people: &crate::people::People| {
        let mails = outgoing::list(&people.records)?;
        Ok(mails.into_iter().filter(|mail| mail.error.is_some() || mail.given_up).count())
    };
    let mails = visit.desk.people.work(work).await?;
    alarm(mails > 0, say::MAILS_FAIL, &mails.to_string(), "/reports/messages");
    if let Some(end) = first_end(visit).await? {
        let near = end.since(now).as_secs() < SOON;
        alarm(near, say::CERTIFICATE_ENDS, &end.date(), "/cloud/services");
    }
    Ok(Glance { alarms, nodes, answering, room })
}

/// When the first ends of the certificate that the clc shows and the one that bundles are encrypted by.
async fn first_end(visit: &Visit) -> Result<Option<Timestamp>, ApiError> {
    let file = visit.desk.pictured.certificate.clone();
    let read = move |records: &Records| {
        let shown = std::fs::read_to_string(file).ok();
        let all = [shown, Some(accounts::cloud_certificate(records)?)];
        Ok(all.into_iter().flatten().filter_map(|pem| validity::ends(&pem)).min())
    };
    visit.desk.people.records.work(read).await
}

/// The part of the dashboard.
pub(super) async fn drawn(visit: &Visit) -> Result<Markup, ApiError> {
    let words = visit.words;
    let it = glance(visit).await?;
    let now = visit.desk.people.now();
    let history = &visit.desk.pictured.history;
    let seen = Seen::read(history, &Subject::cloud(), Span::day(), now).await?;
    let [cpus, memory, disk] = it.room;
    let tiles = [
        (say::CORES, cpus, Unit::Count, "cpus_used"),
        (say::MEMORY, memory, Unit::Mebibytes, "memory_used_mib"),
        (say::DISK, disk, Unit::Mebibytes, "disk_used_mib"),
    ];
    Ok(html! {
        h2 { (words.t(say::THE_CLOUD)) }
        @if it.alarms.is_empty() {
            p.quiet { (words.t(say::ALL_WELL)) }
        } @else {
            ul.alarms { @for alarm in &it.alarms { li.notice.bad { a href=(alarm.path) { (alarm.text) } } } }
        }
        ul.tiles {
            li.tile {
                p.name { a href="/map" { (words.t(say::NODES)) } }
                p.number { (it.answering) }
                p.quiet { (words.fill(say::OF_ANSWER, &[("count", &it.nodes.to_string())])) }
                (spark(&seen.cells("nodes_answering")))
            }
            @for (name, (used, total), unit, column) in tiles {
                li.tile {
                    p.name { a href="/history" { (words.t(name)) } }
                    p.number { (unit.told(used as f64)) }
                    p.quiet { (words.fill(say::OF_GIVEN, &[("total", &unit.told(total as f64))])) }
                    @if total > 0 { meter min="0" max=(total) value=(used) aria-label=(words.t(name)) {} }
                    (spark(&seen.cells(column)))
                }
            }
            li.tile {
                p.name { a href="/history" { (words.t(say::RUNNING)) } }
                @match seen.last("running") {
                    Some((at, cell)) => { p.number { (Unit::Count.told(f64::from(cell.mean))) } p.quiet { (moment(at)) } },
                    None => p.quiet { (words.t(say::SOON_KNOWN)) },
                }
                (spark(&seen.cells("running")))
            }
        }
        p.quiet { (words.t(say::SPARKS_ARE)) }
        p.links {
            a href="/map" { (words.t(say::TO_MAP)) }
            a href="/history" { (words.t(say::TO_HISTORY)) }
            a href="/reports" { (words.t(say::TO_REPORTS)) }
        }
    })
}

/// What the viewer's own account has had in the last day.
pub(super) async fn own(visit: &Visit) -> Result<Markup, ApiError> {
    let (words, now) = (visit.words, visit.desk.people.now());
    let subject = Subject::account(visit.viewer()?.caller.account.as_str());
    let seen = Seen::read(&visit.desk.pictured.history, &subject, Span::day(), now).await?;
    let tiles = [
        (say::RUNNING, Unit::Count, "running"),
        (say::CORES_USED, Unit::Count, "cpus"),
        (say::MEMORY, Unit::Mebibytes, "memory_mib"),
        (say::STORED, Unit::Bytes, "stored_bytes"),
    ];
    let known = tiles.iter().any(|(_, _, column)| seen.last(column).is_some());
    Ok(html! {
        @if known {
            h2 { (words.t(say::LAST_DAY)) }
            ul.tiles {
                @for (name, unit, column) in tiles {
                    @if let Some((at, cell)) = seen.last(column) {
                        li.tile {
                            p.name { a href="/usage" { (words.t(name)) } }
                            p.number { (unit.told(f64::from(cell.mean))) }
                            p.quiet { (moment(at)) }
                            (spark(&seen.cells(column)))
                        }
                    }
                }
            }
        }
    })
}

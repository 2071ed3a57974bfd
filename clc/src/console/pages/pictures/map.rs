//! The node map: each node with how much of it is given away and a cell for each instance on it, those
//! that need somebody first.
//!
//! A row of cells is one dashed line for each state, so hundreds of nodes are a small page; the same is
//! told in words beside it.

use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use common::sign::percent_encode;
use common::time::Timestamp;
use common::wire::node::{Capacity, MachineState, NodeReport};
use maud::{Markup, html};

use super::scale::Unit;
use crate::console::components::{live as live_part, moment, tag};
use crate::console::desk::Pictured;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::common as words_of_all;
use crate::console::texts::pictures as say;
use crate::console::visit::Visit;

/// How many nodes are on a page.
const SHOWN: usize = 60;
/// How many cells a row has, and how many rows a node has at most.
const ROW: usize = 24;
const ROWS: usize = 4;

/// How a node is; those that need somebody come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// It does not answer.
    Lost,
    /// It has not answered since the clc was started.
    Unmet,
    /// It answers, and gets no new instances.
    Closed,
    /// It answers.
    Up,
}

impl Standing {
    fn told(self) -> (Text, &'static str) {
        match self {
            Self::Lost => (say::LOST, "bad"),
            Self::Unmet => (say::UNMET, "busy"),
            Self::Closed => (say::CLOSED, "still"),
            Self::Up => (say::ANSWERS, "good"),
        }
    }
}

/// How instances are on a node: how they are told, and in which colour.
const STATES: [(Text, &str); 4] = [
    (say::RUNNING, "good"),
    (say::IN_TRANSITION, "busy"),
    (say::STOPPED, "still"),
    (say::FAILED, "bad"),
];

fn place(state: MachineState) -> Option<usize> {
    match state {
        MachineState::Running => Some(0),
        MachineState::Preparing | MachineState::Stopping | MachineState::Halting => Some(1),
        MachineState::Stopped => Some(2),
        MachineState::Failed => Some(3),
        MachineState::Gone => None,
    }
}

fn counted(report: &NodeReport) -> [usize; 4] {
    let mut counts = [0; 4];
    for at in report.instances.iter().filter_map(|view| place(view.state)) {
        counts[at] += 1;
    }
    counts
}

/// A node, as it is shown.
struct Box {
    name: String,
    zone: String,
    standing: Standing,
    answered: Option<Timestamp>,
    /// What is given away, and what there is.
    room: Option<(Capacity, Capacity)>,
    counts: [usize; 4],
}

fn boxes(pictured: &Pictured, now: Timestamp) -> Vec<Box> {
    let rooms = pictured.rooms.borrow().clone();
    let each = |member: &Arc<crate::cluster::Member>| {
        let sighting = member.sighting();
        let room = rooms.iter().find(|room| room.node == member.name);
        let closed = room.is_some_and(|room| room.closed);
        let room = room.map(|room| {
            let (free, total) = (room.free, room.total);
            let used = Capacity {
                cpus: total.cpus.saturating_sub(free.cpus),
                memory_mib: total.memory_mib.saturating_sub(free.memory_mib),
                disk_mib: total.disk_mib.saturating_sub(free.disk_mib),
            };
            (used, total)
        });
        let standing = match sighting.answered {
            None => Standing::Unmet,
            Some(_) if sighting.is_reachable(now) && closed => Standing::Closed,
            Some(_) if sighting.is_reachable(now) => Standing::Up,
            Some(_) => Standing::Lost,
        };
        Box {
            name: member.name.clone(),
            zone: member.zone.clone(),
            standing,
            answered: sighting.answered,
            room,
            counts: sighting.report.as_deref().map(counted).unwrap_or_default(),
        }
    };
    let mut all: Vec<_> = pictured.cluster.members().map(each).collect();
    all.sort_by(|one, other| (one.standing, &one.name).cmp(&(other.standing, &other.name)));
    all
}

/// The page.
pub(super) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let number = visit.query.line("page").parse().unwrap_or(1).max(1);
    let part = drawn(&visit, number);
    let main = html! {
        p { (words.t(say::MAP_LEAD)) }
        (live_part(words, &format!("/map/live?page={number}"), &part))
    };
    Ok(Reply::page(words.t(say::MAP), main))
}

/// The map, as it changes.
pub(super) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let changes = visit.desk.people.records.instances.watch();
    let number = visit.query.line("page").parse().unwrap_or(1).max(1);
    let draw = move |viewer: crate::console::viewer::Viewer| {
        let visit = visit.clone();
        async move {
            if !viewer.caller.administrator {
                return Err(ApiError::new(ErrorCode::AccessDenied, "Only administrators see it"));
            }
            Ok(drawn(&visit, number))
        }
    };
    Ok(Reply::live(changes, draw))
}

fn drawn(visit: &Visit, number: usize) -> Markup {
    let words = visit.words;
    let all = boxes(&visit.desk.pictured, visit.desk.people.now());
    let of = |standing| all.iter().filter(|it| it.standing == standing).count();
    let pages = all.len().div_ceil(SHOWN).max(1);
    let number = number.min(pages);
    html! {
        @if all.is_empty() {
            p.empty { (words.t(say::NO_NODES)) }
        } @else {
            p.mapped {
                @for standing in [Standing::Up, Standing::Closed, Standing::Lost, Standing::Unmet] {
                    @let (text, tone) = standing.told();
                    @if of(standing) > 0 { span { (tag(words, text, tone)) " " (of(standing)) } " " }
                }
            }
            ul.legend {
                @for (text, tone) in STATES { li { span class={ "swatch " (tone) } {} (words.t(text)) } }
            }
            ul.map { @for it in all.iter().skip((number - 1) * SHOWN).take(SHOWN) { (shown(words, it)) } }
            p.links {
                @if number > 1 { a href="/map" { (words.t(words_of_all::FIRST_PAGE)) } }
                @if number < pages { a href={ "/map?page=" (number + 1) } { (words.t(words_of_all::NEXT_PAGE)) } }
            }
        }
    }
}

fn shown(words: Words, it: &Box) -> Markup {
    let (text, tone) = it.standing.told();
    let told: Vec<_> = STATES
        .iter()
        .zip(it.counts)
        .filter(|(_, count)| *count > 0)
        .map(|((text, _), count)| format!("{count} {}", words.t(*text)))
        .collect();
    html! {
        li class=(tone) {
            p { a href={ "/history/nodes/" (percent_encode(&it.name)) } { (it.name) } " " span.quiet { (it.zone) } }
            @if it.standing != Standing::Up {
                p { (tag(words, text, tone)) @if let Some(at) = it.answered { " " (moment(at)) } }
            }
            @if let Some((used, total)) = it.room {
                (bar(words.t(say::CPUS), f64::from(used.cpus), f64::from(total.cpus), Unit::Count))
                (bar(words.t(say::MEMORY), mib(used.memory_mib), mib(total.memory_mib), Unit::Mebibytes))
                (bar(words.t(say::DISK), mib(used.disk_mib), mib(total.disk_mib), Unit::Mebibytes))
            }
            (cells(it.counts))
            p.quiet { @if told.is_empty() { (words.t(say::NO_INSTANCES_ON_IT)) } @else { (told.join(" · ")) } }
        }
    }
}

fn mib(number: u64) -> f64 {
    number as f64
}

/// How much of something is given away.
fn bar(name: &str, used: f64, total: f64, unit: Unit) -> Markup {
    let wide = (100.0 * used / total.max(1.0)).clamp(0.0, 100.0);
    let tight = if wide >= 90.0 { "full" } else { "part" };
    html! {
        p.bar { span { (name) } span { (unit.told(used)) " / " (unit.told(total)) } }
        svg.bar viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
            path.all d="M0 2H100" {}
            @if wide > 0.0 { path class=(tight) d={ "M0 2H" (format!("{wide:.0}")) } {} }
        }
    }
}

/// A cell for each instance: for each state and row one line, dashed by cells.
fn cells(counts: [usize; 4]) -> Markup {
    let all: usize = counts.iter().sum();
    let rows = all.div_ceil(ROW).clamp(1, ROWS);
    let mut lines = Vec::new();
    let mut at = 0;
    for (count, (_, tone)) in counts.into_iter().zip(STATES) {
        let end = (at + count).min(ROW * ROWS);
        while at < end {
            let (row, column) = (at / ROW, at % ROW);
            let length = (end - at).min(ROW - column);
            lines.push((tone, format!("M{} {}h{}", column * 10, row * 10 + 4, length * 10)));
            at += length;
        }
    }
    html! {
        @if all > 0 {
            svg.cells viewBox={ "0 0 " (ROW * 10) " " (rows * 10) } aria-hidden="true" {
                @for (tone, line) in lines { path class=(tone) d=(line) {} }
            }
            @if all > ROW * ROWS { span.quiet { "+" (all - ROW * ROWS) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use common::wire::people::Language;

    use super::*;

    fn node(number: usize, counts: [usize; 4]) -> Box {
        let total = Capacity { cpus: 64, memory_mib: 262_144, disk_mib: 2_000_000 };
        let used = Capacity { cpus: 60, memory_mib: 100_000, disk_mib: 1000 };
        Box {
            name: format!("node-{number:03}"),
            zone: "eucalyptus-1a".into(),
            standing: if number == 7 { Standing::Lost } else { Standing::Up },
            answered: Some(Timestamp::EPOCH),
            room: Some((used, total)),
            counts,
        }
    }

    #[test]
    fn a_name_of_whatever_kind_is_a_text_and_leads_to_its_node() {
        let long = "n".repeat(300);
        for (name, text, link) in [
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;",
                "%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
            ),
            (
                "ノード\u{202e}\"'/../",
                "ノード",
                "%E3%83%8E%E3%83%BC%E3%83%89%E2%80%AE%22%27%2F..%2F",
            ),
            (&long, &long, &long),
        ] {
            let drawn = shown(Words(Language::En), &Box { name: name.into(), ..node(1, [1; 4]) }).0;
            assert!(drawn.contains(text) && !drawn.contains("<script>"), "{drawn}");
            assert!(drawn.contains(&format!("href=\"/history/nodes/{link}\"")), "{drawn}");
        }
    }

    #[test]
    fn cells_are_dashed_lines_and_all_are_there() {
        let drawn = cells([30, 1, 0, 2]).0;
        assert_eq!(drawn.matches("<path").count(), 4, "{drawn}");
        assert!(
            drawn.contains("M0 4h240") && drawn.contains("M0 14h60") && drawn.contains("M60 14h10")
        );
        assert!(cells([1000, 0, 0, 0]).0.contains("+904") && cells([0; 4]).0.is_empty());
    }

    #[test]
    fn a_page_of_nodes_is_small_and_says_all_in_words() {
        let words = Words(Language::Ja);
        let all: usize = (0..SHOWN).map(|n| shown(words, &node(n, [20, 1, 3, 1])).0.len()).sum();
        assert!(all < 68 << 10, "{all} bytes");
        let one = shown(words, &node(7, [20, 1, 3, 1])).0;
        for told in ["20 実行中", "3 停止", "60 / 64", "応答なし"] {
            assert!(one.contains(told), "{told}: {one}");
        }
    }
}

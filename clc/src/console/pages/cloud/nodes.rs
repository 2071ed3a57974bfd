//! Nodes: the list, with what each has and how much of it is in use, as it changes.

use common::administration::configuration::{DescribeNodes, Node};
use common::error::ApiError;
use maud::{Markup, html};

use super::amounts::bytes;
use crate::console::components::{live as live_part, tag};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::nodes as say;
use crate::console::visit::Visit;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = drawn(&visit.look(false)?, words).await?;
    let main = html! {
        p { (words.t(say::NODES_LEAD)) }
        (live_part(words, "/cloud/nodes/live", &part))
    };
    Ok(Reply::page(words.t(say::NODES), main))
}

/// The list as it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, changes) = (visit.words, visit.desk.beats.hosts());
    let draw = move |viewer| {
        let look = visit.look_of(viewer);
        async move { drawn(&look, words).await }
    };
    Ok(Reply::live(changes, draw))
}

async fn drawn(look: &Look, words: Words) -> Result<Markup, ApiError> {
    let all = look.call(DescribeNodes::default()).await?.registered.item;
    Ok(html! {
        @if all.is_empty() {
            p.empty { (words.t(say::NO_NODES)) }
        } @else {
            div.scroll {
                table.rows {
                    thead {
                        tr {
                            @for name in [say::NODE, say::STATE, say::ZONE, say::CPUS, say::MEMORY, say::DISK, say::RUNS] {
                                th scope="col" { (words.t(name)) }
                            }
                        }
                    }
                    tbody { @for it in &all { (row(words, it)) } }
                }
            }
        }
    })
}

/// How a node is used and whether it is there, and the colour of that.
pub(super) fn state(it: &Node) -> (Text, &'static str) {
    let (here, empty) = (it.state == "ENABLED", it.instances.entry.is_empty());
    match it.rule.as_str() {
        "given-up" => (say::GIVEN_UP, "bad"),
        _ if !here => (say::AWAY, "bad"),
        "draining" if empty => (say::DRAINED, "still"),
        "draining" => (say::DRAINING, "busy"),
        _ => (say::UP, "good"),
    }
}

/// How much of something is in use.
pub(super) fn used(words: Words, free: u64, all: u64, shown: fn(u64) -> String) -> Markup {
    let used = all.saturating_sub(free);
    let text = words.fill(say::USED_OF, &[("used", &shown(used)), ("all", &shown(all))]);
    html! {
        @if all == 0 { "–" } @else {
            span.load {
                (text)
                meter min="0" max=(all) value=(used) high=(all / 10 * 9) aria-label=(text) {}
            }
        }
    }
}

/// MiB as people read them.
pub(super) fn mebibytes(amount: u64) -> String {
    bytes(amount.saturating_mul(1 << 20))
}

fn row(words: Words, it: &Node) -> Markup {
    let (name, tone) = state(it);
    html! {
        tr {
            th scope="row" data-label=(words.t(say::NODE)) {
                a href={ "/cloud/nodes/" (common::sign::percent_encode(&it.name)) } { (it.name) }
                @if !it.version.is_empty() { span.given { (it.version) " · " (it.hypervisor) } }
            }
            td data-label=(words.t(say::STATE)) { (tag(words, name, tone)) }
            td data-label=(words.t(say::ZONE)) { (it.cluster_name) }
            td data-label=(words.t(say::CPUS)) { (used(words, it.free_cpus, it.cpus, |count| count.to_string())) }
            td data-label=(words.t(say::MEMORY)) { (used(words, it.free_memory, it.memory, mebibytes)) }
            td data-label=(words.t(say::DISK)) { (used(words, it.free_disk, it.disk, mebibytes)) }
            td data-label=(words.t(say::RUNS)) { (it.instances.entry.len()) }
        }
    }
}

//! One node: how it is, what is on it, what still fits; draining it, using it again, giving it up.

use common::administration::configuration::{DescribeNodes, GiveUpNode, ModifyNode, Node};
use common::error::{ApiError, ErrorCode};
use common::sign::percent_encode;
use common::time::Timestamp;
use maud::{Markup, html};

use super::nodes::{mebibytes, state, used};
use crate::console::components::{
    Field, button, field, form, live as live_part, moment, notice, refusal, status, tag,
    told_beside,
};
use crate::console::look::Look;
use crate::console::pages::pictures::{Seen, Span};
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::nodes as say;
use crate::console::visit::Visit;
use crate::history::Subject;

fn path(name: &str) -> String {
    format!("/cloud/nodes/{}", percent_encode(name))
}

async fn found(look: &Look, name: &str) -> Result<Node, ApiError> {
    let answer = look.call(DescribeNodes { name: vec![name.to_owned()] }).await?;
    answer
        .registered
        .item
        .into_iter()
        .next()
        .ok_or_else(|| ApiError::new(ErrorCode::NoSuchEntity, format!("There is no node '{name}'")))
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    drawn(&visit, None).await
}

async fn drawn(visit: &Visit, refused: Option<&ApiError>) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, visit.part(0));
    let node = found(&visit.look(false)?, name).await?;
    let part = shown(visit, &node, load(visit, name).await?);
    let done = match visit.query.line("done") {
        "drain" => Some(say::DONE_DRAIN),
        "enable" => Some(say::DONE_ENABLE),
        "give-up" => Some(say::DONE_GIVE_UP),
        _ => None,
    };
    let main = html! {
        p.links.up {
            a href="/cloud/nodes" { (words.t(say::ALL_NODES)) }
            a href={ "/history/nodes/" (percent_encode(name)) } { (words.t(say::OVER_TIME)) }
        }
        @if let Some(done) = done { (notice("good", words.t(done), "")) }
        @if let Some(error) = refused { (refusal(words, error)) }
        (live_part(words, &format!("{}/live", path(name)), &part))
    };
    let reply = Reply::page(node.name.clone(), main);
    Ok(match refused {
        Some(error) => reply.status(status(error)),
        None => reply,
    })
}

/// How it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let changes = visit.desk.beats.hosts();
    let draw = move |viewer| {
        let (look, visit) = (visit.look_of(viewer), visit.clone());
        async move {
            let (node, load) = (found(&look, visit.part(0)).await?, load(&visit, visit.part(0)));
            Ok(shown(&visit, &node, load.await?))
        }
    };
    Ok(Reply::live(changes, draw))
}

/// A moment that an answer tells.
fn at(words: Words, text: &str) -> Markup {
    html! {
        @match Timestamp::parse_iso(text) { Ok(at) => (moment(at)), Err(_) => (words.t(say::NEVER)) }
    }
}

fn guests(hypervisor: &str) -> Option<Text> {
    match hypervisor {
        "qemu kvm" => Some(say::KVM),
        "qemu tcg" => Some(say::TCG),
        "sim" => Some(say::SIM),
        _ => None,
    }
}

/// What its host had to do at the last look, and when that was.
async fn load(visit: &Visit, name: &str) -> Result<Option<(Timestamp, f32)>, ApiError> {
    let (history, now) = (&visit.desk.pictured.history, visit.desk.people.now());
    let seen = Seen::read(history, &Subject::node(name), Span::hour(), now).await?;
    Ok(seen.last("load").map(|(at, cell)| (at, cell.mean)))
}

fn shown(visit: &Visit, it: &Node, load: Option<(Timestamp, f32)>) -> Markup {
    let (words, (name, tone)) = (visit.words, state(it));
    let texts = [
        (say::ZONE, it.cluster_name.as_str()),
        (say::ADDRESS, &it.address),
        (say::VERSION, &it.version),
        (say::ARCHITECTURE, &it.architecture),
        (say::PROBLEM, &it.problem),
    ];
    html! {
        (use_of(visit, it))
        dl.facts {
            dt { (words.t(say::STATE)) } dd { (tag(words, name, tone)) }
            @if !it.rule.is_empty() {
                dt { (words.t(say::SAID_BY)) } dd { (it.rule_by) ", " (at(words, &it.rule_since)) }
            }
            @for (label, value) in texts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (words.t(*label)) } dd { (value) }
            }
            @if let Some(text) = guests(&it.hypervisor) {
                dt { (words.t(say::HYPERVISOR)) } dd { (words.t(text)) }
            }
            dt { (words.t(say::HEARD)) } dd { (at(words, &it.last_heard)) }
            @if !it.started.is_empty() { dt { (words.t(say::STARTED)) } dd { (at(words, &it.started)) } }
            @if it.cpus > 0 {
                dt { (words.t(say::CPUS)) } dd { (used(words, it.free_cpus, it.cpus, |count| count.to_string())) }
                dt { (words.t(say::MEMORY)) } dd { (used(words, it.free_memory, it.memory, mebibytes)) }
                dt { (words.t(say::DISK)) } dd { (used(words, it.free_disk, it.disk, mebibytes)) }
                dt { (words.t(say::FREE_ADDRESSES)) } dd { (it.free_addresses) }
            }
            @if let Some((at, load)) = load {
                dt { (words.t(say::LOAD)) } dd { (format!("{load:.2}")) " " span.quiet { (moment(at)) } }
            }
        }
        @if !it.fits.member.is_empty() {
            h2 { (words.t(say::FITS)) }
            div.scroll.narrow {
                table.rows {
                    thead { tr {
                        th scope="col" { (words.t(say::FITS_TYPE)) }
                        th scope="col" { (words.t(say::FITS_FREE)) }
                        th scope="col" { (words.t(say::FITS_MOST)) }
                    } }
                    tbody {
                        @for fit in &it.fits.member {
                            tr {
                                th scope="row" data-label=(words.t(say::FITS_TYPE)) { (fit.instance_type) }
                                td data-label=(words.t(say::FITS_FREE)) { (fit.free) }
                                td data-label=(words.t(say::FITS_MOST)) { (fit.most) }
                            }
                        }
                    }
                }
            }
        }
        h2 { (words.t(say::ON_IT)) }
        @if it.instances.entry.is_empty() {
            p.empty { (words.t(say::NONE_ON_IT)) }
        } @else {
            ul.states { @for id in &it.instances.entry { li { a href={ "/instances/" (id) } { (id) } } } }
        }
    }
}

/// How it is used, and what can be done about that.
fn use_of(visit: &Visit, it: &Node) -> Markup {
    let (words, own) = (visit.words, path(&it.name));
    let (here, count) = (it.state == "ENABLED", it.instances.entry.len());
    let press = |what: &str, label: Text, sure: Option<Text>| {
        let label = html! { (words.t(label)) };
        button(visit, &format!("{own}/{what}"), &[], &label, sure.map(|text| words.t(text)))
    };
    let give_up = html! {
        @if !here { a href={ (own) "/give-up" } { (words.t(say::GIVE_UP)) } }
    };
    match it.rule.as_str() {
        "given-up" => html! {
            (notice("bad", words.t(say::GIVEN_UP_TEXT), ""))
            @if here { p { (press("enable", say::ENABLE, None)) } }
        },
        "draining" => {
            let text = match count {
                0 => words.t(say::EMPTY).to_owned(),
                1 => words.t(say::DRAINS_ONE).to_owned(),
                count => words.fill(say::DRAINS, &[("count", &count.to_string())]),
            };
            html! {
                (notice("plain", &text, words.t(say::DRAIN_TEXT)))
                p.links { (press("enable", say::ENABLE, None)) (give_up) }
            }
        }
        _ => html! {
            p.quiet { (words.t(say::DRAIN_TEXT)) }
            p.links { (press("drain", say::DRAIN, Some(say::DRAIN_SURE))) (give_up) }
        },
    }
}

/// Has it get no new instances.
pub(crate) async fn drain(visit: Visit) -> Result<Reply, ApiError> {
    modify(&visit, "draining", "drain").await
}

/// Has it get instances again.
pub(crate) async fn enable(visit: Visit) -> Result<Reply, ApiError> {
    modify(&visit, "enabled", "enable").await
}

async fn modify(visit: &Visit, state: &str, done: &str) -> Result<Reply, ApiError> {
    let name = visit.part(0).to_owned();
    let wish = ModifyNode { name: name.clone(), state: state.to_owned() };
    match visit.call(wish).await {
        Ok(_) => Ok(Reply::see(format!("{}?done={done}", path(&name)))),
        Err(error) => drawn(visit, Some(&told_beside(error)?)).await,
    }
}

/// What giving it up means, before it is done.
pub(crate) async fn ask_to_give_up(visit: Visit) -> Result<Reply, ApiError> {
    asking(&visit, None).await
}

async fn asking(visit: &Visit, refused: Option<(&Markup, u16)>) -> Result<Reply, ApiError> {
    let (words, name) = (visit.words, visit.part(0));
    let node = found(&visit.look(false)?, name).await?;
    let own = path(name);
    let count = node.instances.entry.len().to_string();
    let typed = Field {
        name: "typed",
        label: words.t(say::GIVE_UP_TYPE),
        hint: words.t(say::GIVE_UP_HINT),
        required: true,
        autocomplete: "off",
        ..Field::default()
    };
    let inside = html! {
        (field(words, &typed))
        button.danger type="submit" { (words.t(say::GIVE_UP_DO)) }
    };
    let main = html! {
        p.links.up { a href=(own) { (name) } }
        @if let Some((above, _)) = refused { (above) }
        @if node.state == "ENABLED" {
            (notice("plain", words.t(say::GIVE_UP_HERE), ""))
        } @else {
            p { strong { (words.t(say::GIVE_UP_LOST)) } }
            p { (words.t(say::GIVE_UP_BACK)) }
            p { (words.fill(say::GIVE_UP_COUNT, &[("count", &count)])) }
            (form(visit, &format!("{own}/give-up"), &inside))
        }
    };
    let title = words.fill(say::GIVE_UP_TITLE, &[("name", name)]);
    let reply = Reply::page(title, main);
    Ok(match refused {
        Some((_, status)) => reply.status(status),
        None => reply,
    })
}

/// Gives it up.
pub(crate) async fn give_up(visit: Visit) -> Result<Reply, ApiError> {
    let name = visit.part(0).to_owned();
    if visit.form.line("typed") != name {
        let above = notice("bad", visit.words.t(say::GIVE_UP_WRONG), "");
        return asking(&visit, Some((&above, 400))).await;
    }
    match visit.call(GiveUpNode { name: name.clone() }).await {
        Ok(_) => Ok(Reply::see(format!("{}?done=give-up", path(&name)))),
        Err(error) => {
            let error = told_beside(error)?;
            let above = refusal(visit.words, &error);
            asking(&visit, Some((&above, status(&error)))).await
        }
    }
}

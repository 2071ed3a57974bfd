//! One instance: what it is and what can be done to it, as it changes; how one connects; its name, tags
//! and disks. What it writes, what its guest sees, what happened to it and how it is set stand on pages
//! beside this one.

use common::ec2::attributes::DescribeInstanceAttribute;
use common::ec2::bundle_tasks::{BundleTask, DescribeBundleTasks};
use common::ec2::instances::{DescribeInstances, Instance};
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::changes::{Deed, buttons};
use super::key_pair_made::{file_name, quoted};
use super::wanted::name;
use super::{inputs, tags};
use crate::console::components::{live as live_part, moment, notice, tag};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::Text;
use crate::console::texts::instances as say;
use crate::console::texts::settings as say_settings;
use crate::console::visit::Visit;

/// The pages of an instance: the ends of their paths, and what they are called.
const TABS: [(&str, Text); 5] = [
    ("", say::OVERVIEW),
    ("/console", say::OUTPUT),
    ("/events", say_settings::EVENTS),
    ("/metadata", say_settings::METADATA),
    ("/settings", say_settings::SETTINGS),
];

/// The instance of a page.
///
/// # Errors
/// `InvalidInstanceID.NotFound` for one that does not exist, or is another account's.
pub(super) async fn found(look: &Look, id: &str) -> Result<Instance, ApiError> {
    let ask =
        DescribeInstances { instance_id: vec![id.to_owned()], ..DescribeInstances::default() };
    let answer = look.call(ask).await?;
    let launches = answer.reservation_set.item.into_iter();
    launches.flat_map(|launch| launch.instances_set.item).next().ok_or_else(|| {
        let text = format!("The instance ID '{id}' does not exist");
        ApiError::new(ErrorCode::InvalidInstanceIdNotFound, text)
    })
}

/// What a page of an instance is called.
pub(super) fn title(it: &Instance) -> String {
    let id = it.instance_id.as_str();
    match name(it) {
        "" => id.to_owned(),
        name => format!("{name} ({id})"),
    }
}

/// The way back, and to the pages beside this one; `here` is the end of its path.
pub(super) fn tabs(visit: &Visit, id: &str, here: &str) -> Markup {
    let words = visit.words;
    html! {
        p.links.up { a href="/instances" { (words.t(say::ALL_INSTANCES)) } }
        nav.tabs aria-label=(words.t(say::PAGES_OF_ONE)) {
            ul {
                @for (end, text) in TABS {
                    li {
                        a href={ "/instances/" (id) (end) } aria-current=[(end == here).then_some("page")] { (words.t(text)) }
                    }
                }
            }
        }
    }
}

/// What is told of what was just done.
fn told(visit: &Visit) -> Markup {
    let words = visit.words;
    let text = match visit.query.get("done") {
        "launched" => {
            return notice("good", words.t(say::LAUNCHED_ONE), words.t(say::LAUNCHED_TEXT));
        }
        "tags" => say::TAGS_CHANGED,
        "named" => say::NAMED,
        deed => match Deed::done(deed) {
            Some(text) => text,
            None => return html! {},
        },
    };
    notice("good", words.t(text), "")
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    shown(&visit, &told(&visit)).await
}

/// The page with something that is told above it.
pub(super) async fn shown(visit: &Visit, told: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let look = visit.look(false)?;
    let instance = found(&look, visit.part(0)).await?;
    let part = drawn(visit, &look, &instance).await;
    let id = instance.instance_id.as_str();
    let disks = disks(visit, &instance).await;
    let main = html! {
        (tabs(visit, id, ""))
        (told)
        (live_part(words, &format!("/instances/{id}/live"), &part))
        (tags::section(visit, &instance))
        h2 { (words.t(say::DISKS)) }
        (disks)
        (inputs::script())
    };
    Ok(Reply::page(title(&instance), main))
}

/// What it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let changes = visit.desk.people.records.instances.watch();
    let draw = move |viewer| {
        let (look, visit) = (visit.look_of(viewer), visit.clone());
        async move {
            let instance = found(&look, visit.part(0)).await?;
            Ok(drawn(&visit, &look, &instance).await)
        }
    };
    Ok(Reply::live(changes, draw))
}

/// Its being saved as an image that was asked for last, if that can be told.
async fn task(look: &Look, it: &Instance) -> Option<BundleTask> {
    let of_this =
        Filter { name: "instance-id".to_owned(), value: vec![it.instance_id.to_string()] };
    let ask = DescribeBundleTasks { bundle_id: Vec::new(), filter: vec![of_this] };
    look.call(ask).await.ok()?.bundle_instance_tasks_set.item.pop()
}

async fn drawn(visit: &Visit, look: &Look, it: &Instance) -> Markup {
    let words = visit.words;
    let state_name = it.instance_state.name.as_str();
    let (state, tone) = say::state(state_name);
    let reason = it.state_reason.as_ref().map(|reason| reason.message.as_str());
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let facts: [(Text, String); 12] = [
        (say::REASON, reason.unwrap_or_default().to_owned()),
        (say::TYPE, it.instance_type.clone()),
        (say::KERNEL, some(&it.kernel_id)),
        (say::RAMDISK, some(&it.ramdisk_id)),
        (say::ARCHITECTURE, it.architecture.clone()),
        (say::ADDRESS, some(&it.ip_address)),
        (say::PRIVATE_ADDRESS, some(&it.private_ip_address)),
        (say::ZONE, it.placement.availability_zone.clone()),
        (say::KEY_PAIR, some(&it.key_name)),
        (say::PROFILE, profile(it).to_owned()),
        (say::SECURITY_GROUPS, groups(it)),
        (say::CLIENT_TOKEN, some(&it.client_token)),
    ];
    let task = task(look, it).await;
    let meaning = say::STATES_MEAN.iter().find(|(name, _)| *name == state_name);
    html! {
        (buttons(visit, it))
        @if let Some(task) = &task { (saved(visit, task)) }
        dl.facts {
            dt { (words.t(say::STATE)) }
            dd {
                (tag(words, state, tone))
                @if let Some((_, text)) = meaning { " " span.quiet { (words.t(*text)) } }
            }
            dt { (words.t(say::LAUNCHED)) }
            dd { (moment(it.launch_time.0)) }
            dt { (words.t(say::IMAGE)) }
            dd { a href={ "/images/" (it.image_id) } { code { (it.image_id) } } }
            @for (label, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (words.t(*label)) }
                dd { (value) }
            }
        }
        @if state_name == "running" { (connecting(visit, it)) }
    }
}

/// The name of its instance profile; empty if it has none.
pub(super) fn profile(it: &Instance) -> &str {
    let arn = it.iam_instance_profile.as_ref().map_or("", |profile| profile.arn.as_str());
    arn.rsplit('/').next().unwrap_or_default()
}

fn groups(it: &Instance) -> String {
    let names: Vec<_> = it.group_set.item.iter().map(|group| group.group_name.as_str()).collect();
    names.join(", ")
}

/// How far it is with being saved.
fn saved(visit: &Visit, task: &BundleTask) -> Markup {
    let words = visit.words;
    let percent: u32 = task.progress.trim_end_matches('%').parse().unwrap_or_default();
    let over = matches!(task.state.as_str(), "complete" | "failed");
    let (state, tone) = say::task(&task.state);
    html! {
        div class={ "notice " (if task.state == "failed" { "bad" } else { "plain" }) } {
            strong { (words.t(say::SAVED_AS_IMAGE)) " " (tag(words, state, tone)) }
            @if let Some(error) = &task.error { p lang="en" { (error.message) } }
            @if !over {
                p { progress max="100" value=(percent) aria-label=(words.t(say::SAVED_AS_IMAGE)) { (task.progress) } " " (task.progress) }
            }
        }
    }
}

/// The line that one types to get in.
fn connecting(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let address = it.ip_address.as_deref().or(it.private_ip_address.as_deref());
    let key = it.key_name.as_deref().filter(|name| !name.is_empty());
    html! {
        @if let Some(address) = address.filter(|address| *address != "0.0.0.0") {
            h2 { (words.t(say::CONNECT)) }
            @match key {
                Some(key) => {
                    p { (words.fill(say::CONNECT_WITH, &[("key", key)])) }
                    pre.command tabindex="0" { "ssh -i " (quoted(&file_name(key))) " root@" (address) }
                    p.quiet { (words.t(say::CONNECT_AS)) }
                }
                None => p { (words.t(say::CONNECT_WITHOUT)) },
            }
        }
    }
}

async fn disks(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let ask = DescribeInstanceAttribute {
        instance_id: it.instance_id.to_string(),
        attribute: "blockDeviceMapping".to_owned(),
    };
    let further = visit.call(ask).await.ok().and_then(|answer| answer.block_device_mapping);
    let further = further.unwrap_or_default().item;
    html! {
        dl.facts {
            dt { code { (it.root_device_name) } }
            dd { (words.t(say::ROOT_DISK)) }
            @for disk in &further {
                dt { code { (disk.device_name) } }
                dd {
                    @match disk.virtual_name.as_deref() {
                        Some("swap") => (words.t(say::SWAP_DISK)),
                        Some(name) => { (words.t(say::EPHEMERAL_DISK)) " (" (name) ")" },
                        None => "–",
                    }
                }
            }
        }
        p.quiet { (words.t(say::DISKS_END)) }
    }
}

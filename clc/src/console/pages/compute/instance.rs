//! One instance: what it is, as it changes, and the end of what it wrote on its console.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::instances::{DescribeInstances, GetConsoleOutput, Instance};
use common::error::{ApiError, ErrorCode};
use futures_util::future::BoxFuture;
use maud::{Markup, html};

use super::instances::name;
use crate::console::components::{live as live_part, moment, tag};
use crate::console::look::Look;
use crate::console::reply::{Answer, Live, Reply};
use crate::console::text::{Text, Words};
use crate::console::texts::instances as say;
use crate::console::visit::Visit;

/// How much of the output is shown on the page, in bytes.
const SHOWN: usize = 8 << 10;

async fn found(look: &Look, id: &str) -> Result<Instance, ApiError> {
    let ask =
        DescribeInstances { instance_id: vec![id.to_owned()], ..DescribeInstances::default() };
    let answer = look.call(ask).await?;
    let launches = answer.reservation_set.item.into_iter();
    launches.flat_map(|launch| launch.instances_set.item).next().ok_or_else(|| {
        let text = format!("The instance ID '{id}' does not exist");
        ApiError::new(ErrorCode::InvalidInstanceIdNotFound, text)
    })
}

/// What it wrote; nothing if that cannot be had now.
async fn written(look: &Look, id: &str) -> Result<String, ApiError> {
    let answer = look.call(GetConsoleOutput { instance_id: id.to_owned() }).await?;
    let bytes = STANDARD.decode(answer.output).unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, id) = (visit.words, visit.part(0).to_owned());
    let look = visit.look(false)?;
    let instance = found(&look, &id).await?;
    let part = drawn(words, &instance);
    let output = written(&look, &id).await.unwrap_or_default();
    let end = output.len().saturating_sub(SHOWN);
    let end = (end..=output.len()).find(|at| output.is_char_boundary(*at)).unwrap_or(0);
    let id = instance.instance_id.as_str();
    let title = match name(&instance) {
        "" => id.to_owned(),
        name => format!("{name} ({id})"),
    };
    let main = html! {
        p.links.up { a href="/instances" { (words.t(say::ALL_INSTANCES)) } }
        (live_part(words, &format!("/instances/{id}/live"), &part))
        h2 { (words.t(say::OUTPUT)) }
        @if output.is_empty() {
            p.quiet { (words.t(say::NO_OUTPUT)) }
        } @else {
            p.quiet { (words.t(say::OUTPUT_END)) }
            pre.output tabindex="0" { (output[end..]) }
            p.links { a href={ "/instances/" (id) "/output" } { (words.t(say::KEEP_OUTPUT)) } }
        }
    };
    Ok(Reply::page(title, main))
}

/// What it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, id) = (visit.words, visit.part(0).to_owned());
    let changes = visit.desk.people.records.instances.watch();
    let draw = move |viewer| {
        let (look, id) = (visit.look_of(viewer), id.clone());
        let drawn: BoxFuture<'static, _> =
            Box::pin(async move { Ok(drawn(words, &found(&look, &id).await?)) });
        drawn
    };
    Ok(Answer::Live(Live { changes, draw: Arc::new(draw) }).into())
}

/// All of the output that there is, as a file.
pub(crate) async fn output(visit: Visit) -> Result<Reply, ApiError> {
    let id = visit.part(0).to_owned();
    let bytes = written(&visit.look(false)?, &id).await?.into_bytes();
    let (name, content_type) = (format!("{id}.log"), "text/plain; charset=utf-8");
    Ok(Answer::File { name, content_type, bytes }.into())
}

fn drawn(words: Words, it: &Instance) -> Markup {
    let (state, tone) = say::state(&it.instance_state.name);
    let reason = it.state_reason.as_ref().map(|reason| reason.message.as_str());
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let profile = it.iam_instance_profile.as_ref().map(|profile| profile.arn.clone());
    let facts: [(Text, String); 11] = [
        (say::TYPE, it.instance_type.clone()),
        (say::IMAGE, it.image_id.clone()),
        (say::KERNEL, some(&it.kernel_id)),
        (say::RAMDISK, some(&it.ramdisk_id)),
        (say::ARCHITECTURE, it.architecture.clone()),
        (say::ADDRESS, some(&it.ip_address)),
        (say::PRIVATE_ADDRESS, some(&it.private_ip_address)),
        (say::ZONE, it.placement.availability_zone.clone()),
        (say::KEY_PAIR, some(&it.key_name)),
        (say::PROFILE, some(&profile)),
        (say::REASON, reason.unwrap_or_default().to_owned()),
    ];
    html! {
        dl.facts {
            dt { (words.t(say::STATE)) }
            dd { (tag(words, state, tone)) }
            dt { (words.t(say::LAUNCHED)) }
            dd { (moment(it.launch_time.0)) }
            @for (label, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (words.t(*label)) }
                dd { (value) }
            }
            @for tag in it.tag_set.item.iter().filter(|tag| tag.key != "Name") {
                dt { (words.t(say::TAGS)) ": " (tag.key) }
                dd { (tag.value) }
            }
        }
    }
}

//! How an instance is set: its type, kernel, ramdisk and user data while it is stopped; its protection,
//! what its guest's shutdown means, and its profile at any time. Each setting is a form of its own, so
//! that what is refused of one does not touch the others.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::ec2::attributes::{
    DescribeInstanceAttribute, InstanceAttribute, ModifyInstanceAttribute,
};
use common::ec2::instance_profiles::{
    AssociateIamInstanceProfile, DescribeIamInstanceProfileAssociations,
    DisassociateIamInstanceProfile, ProfileName, ReplaceIamInstanceProfileAssociation,
};
use common::ec2::instances::Instance;
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use common::euare::instance_profiles::ListInstanceProfiles;
use maud::{Markup, html};

use super::inputs::{self, FileInto, Input};
use super::instance::{found, profile, tabs, title};
use super::launch_choices::{Choice, boots_of, types};
use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::text::Text;
use crate::console::texts::launch as say_launch;
use crate::console::texts::settings as say;
use crate::console::visit::Visit;

/// How many bytes of a file go into the form.
const LARGEST: usize = 16 << 10;
/// What can be set here: as the API calls it, and whether the instance has to be stopped for it.
const ATTRIBUTES: [(&str, bool); 6] = [
    ("instanceType", true),
    ("kernel", true),
    ("ramdisk", true),
    ("userData", true),
    ("disableApiTermination", false),
    ("instanceInitiatedShutdownBehavior", false),
];

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let told = match visit.query.get("done") {
        "changed" => notice("good", visit.words.t(say::CHANGED), ""),
        _ => html! {},
    };
    shown(&visit, &told).await
}

/// Changes one setting.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let attribute = visit.form.get("attribute");
    if !ATTRIBUTES.iter().any(|(name, _)| *name == attribute) {
        let why = format!("'{attribute}' is nothing that is set here");
        return Err(ApiError::invalid("Attribute", why));
    }
    let value = match attribute {
        "userData" => {
            let text = visit.form.get("data").replace("\r\n", "\n");
            if visit.form.get("packed") == "yes" { text } else { STANDARD.encode(text) }
        }
        _ => visit.form.line("value").to_owned(),
    };
    let ask = ModifyInstanceAttribute {
        instance_id: visit.part(0).to_owned(),
        attribute: Some(attribute.to_owned()),
        value: Some(value),
        sent: 1,
    };
    told(&visit, visit.call(ask).await.map(|_| ())).await
}

/// Gives it another instance profile, or none.
pub(crate) async fn set_profile(visit: Visit) -> Result<Reply, ApiError> {
    told(&visit, profiled(&visit).await).await
}

async fn profiled(visit: &Visit) -> Result<(), ApiError> {
    let id = visit.part(0).to_owned();
    let wanted = visit.form.some("value").map(|name| ProfileName::of(&name));
    let of_this = Filter { name: "instance-id".to_owned(), value: vec![id.clone()] };
    let ask = DescribeIamInstanceProfileAssociations {
        filter: vec![of_this],
        ..DescribeIamInstanceProfileAssociations::default()
    };
    let now = visit.call(ask).await?.iam_instance_profile_association_set.item.into_iter().next();
    match (now.map(|it| it.association_id), wanted) {
        (None, None) => Ok(()),
        (None, Some(iam_instance_profile)) => {
            let ask = AssociateIamInstanceProfile { instance_id: id, iam_instance_profile };
            visit.call(ask).await.map(|_| ())
        }
        (Some(association_id), None) => {
            visit.call(DisassociateIamInstanceProfile { association_id }).await.map(|_| ())
        }
        (Some(association_id), Some(iam_instance_profile)) => {
            let ask = ReplaceIamInstanceProfileAssociation { association_id, iam_instance_profile };
            visit.call(ask).await.map(|_| ())
        }
    }
}

async fn told(visit: &Visit, done: Result<(), ApiError>) -> Result<Reply, ApiError> {
    match done {
        Ok(()) => Ok(Reply::see(format!("/instances/{}/settings?done=changed", visit.part(0)))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = shown(visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// An attribute, if it may be seen.
async fn attribute(visit: &Visit, name: &str) -> Result<Option<InstanceAttribute>, ApiError> {
    let ask = DescribeInstanceAttribute {
        instance_id: visit.part(0).to_owned(),
        attribute: name.to_owned(),
    };
    match visit.call(ask).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code() == ErrorCode::UnauthorizedOperation => Ok(None),
        Err(error) => Err(error),
    }
}

async fn shown(visit: &Visit, told: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let it = found(&visit.look(false)?, visit.part(0)).await?;
    let id = it.instance_id.as_str();
    let over = matches!(it.instance_state.name.as_str(), "shutting-down" | "terminated");
    let main = html! {
        (tabs(visit, id, "/settings"))
        (told)
        @if over {
            p.empty { (words.t(say::OVER)) }
        } @else {
            (always(visit).await?)
            (profiles(visit, &it).await)
            @if it.instance_state.name == "stopped" {
                (stopped(visit, &it).await?)
            } @else {
                p.quiet { (words.t(say::WHILE_STOPPED)) }
            }
            (data(visit, &it).await?)
        }
        (inputs::script())
    };
    Ok(Reply::page(title(&it), main))
}

/// A setting with its button.
fn setting(
    visit: &Visit,
    name: &str,
    label: Text,
    hint: &str,
    all: &[Choice],
    now: &str,
) -> Markup {
    let words = visit.words;
    let id = format!("f-{name}");
    let about = (!hint.is_empty()).then(|| format!("{id}-hint"));
    let end = if name == "profile" { "profile" } else { "settings" };
    let inside = html! {
        input type="hidden" name="attribute" value=(name);
        div.field {
            label for=(id) { (words.t(label)) }
            select id=(id) name="value" aria-describedby=[about.as_deref()] {
                @for (value, called) in all { option value=(value) selected[value == now] { (called) } }
            }
            @if let Some(about) = &about { p.hint id=(about) { (hint) } }
        }
        button.second type="submit" { (words.t(say::SET)) span.unseen { ": " (words.t(label)) } }
    };
    html! { div.one-line.setting { (form(visit, &format!("/instances/{}/{end}", visit.part(0)), &inside)) } }
}

async fn always(visit: &Visit) -> Result<Markup, ApiError> {
    let words = visit.words;
    let pair = |value: &str, text| (value.to_owned(), words.t(text).to_owned());
    let protection = [pair("false", say::UNPROTECTED), pair("true", say::PROTECTED)];
    let shutdown = [
        pair("stop", say_launch::SHUTDOWN_STOP),
        pair("terminate", say_launch::SHUTDOWN_TERMINATE),
    ];
    let name = "disableApiTermination";
    let protected = attribute(visit, name).await?.and_then(|it| it.disable_api_termination);
    let protected = protected.map(|flag| flag.value.to_string());
    let behaviour = "instanceInitiatedShutdownBehavior";
    let now = attribute(visit, behaviour).await?;
    let now = now.and_then(|it| it.instance_initiated_shutdown_behavior?.value);
    Ok(html! {
        @if let Some(protected) = &protected {
            (setting(visit, name, say::PROTECTION, "", &protection, protected))
        }
        @if let Some(now) = &now { (setting(visit, behaviour, say::SHUTDOWN, "", &shutdown, now)) }
    })
}

async fn profiles(visit: &Visit, it: &Instance) -> Markup {
    let words = visit.words;
    let now = profile(it);
    let ask = ListInstanceProfiles { path_prefix: None, marker: None, max_items: Some(1000) };
    let known = visit.call(ask).await.map(|found| found.instance_profiles.member);
    let names = known.unwrap_or_default().into_iter().map(|it| it.instance_profile_name);
    let mut all: Vec<Choice> = names.map(|name| (name.clone(), name)).collect();
    if !now.is_empty() && !all.iter().any(|(name, _)| name == now) {
        all.push((now.to_owned(), now.to_owned()));
    }
    all.insert(0, (String::new(), words.t(say_launch::PROFILE_NONE).to_owned()));
    setting(visit, "profile", say::PROFILE, words.t(say::PROFILE_HINT), &all, now)
}

async fn stopped(visit: &Visit, it: &Instance) -> Result<Markup, ApiError> {
    let words = visit.words;
    let kinds: Vec<Choice> = types(visit)
        .await?
        .into_iter()
        .map(|kind| {
            let (cpus, memory) = (kind.cpu.to_string(), kind.memory.to_string());
            let values = [("name", kind.name.as_str()), ("cpus", &cpus), ("memory", &memory)];
            let told = words.fill(say::TYPE_SIZE, &values);
            (kind.name, told)
        })
        .collect();
    let boots = it.virtualization_type == "paravirtual";
    let now = |id: &Option<String>| id.clone().unwrap_or_default();
    let (kernel, ramdisk) = (now(&it.kernel_id), now(&it.ramdisk_id));
    let (kernels, ramdisks) = match boots {
        true => (boots_of(visit, "kernel").await, boots_of(visit, "ramdisk").await),
        false => Default::default(),
    };
    Ok(html! {
        (setting(visit, "instanceType", say::TYPE, words.t(say::TYPE_HINT), &kinds, &it.instance_type))
        @if !kernels.is_empty() { (setting(visit, "kernel", say::KERNEL, "", &with(&kernels, &kernel), &kernel)) }
        @if !ramdisks.is_empty() { (setting(visit, "ramdisk", say::RAMDISK, "", &with(&ramdisks, &ramdisk), &ramdisk)) }
    })
}

/// The choices with the one that is set, which may not be offered any more.
fn with(all: &[Choice], now: &str) -> Vec<Choice> {
    let known = now.is_empty() || all.iter().any(|(id, _)| id == now);
    let own = (!known).then(|| (now.to_owned(), now.to_owned()));
    own.into_iter().chain(all.iter().cloned()).collect()
}

async fn data(visit: &Visit, it: &Instance) -> Result<Markup, ApiError> {
    let words = visit.words;
    let Some(found) = attribute(visit, "userData").await? else { return Ok(html! {}) };
    let packed = found.user_data.and_then(|text| text.value).unwrap_or_default();
    let text = STANDARD.decode(&packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    // What a form would not give back as it was is shown as it is kept.
    let plain = text.filter(|text| {
        !text.chars().any(|c| c == '\r' || (c.is_control() && !matches!(c, '\n' | '\t')))
    });
    let (shown, is_packed) = match &plain {
        Some(text) => (text.as_str(), ""),
        None => (packed.as_str(), "yes"),
    };
    let changes = it.instance_state.name == "stopped";
    let inside = html! {
        input type="hidden" name="attribute" value="userData";
        (inputs::lines(words, 8, Input {
            name: "data", label: words.t(say::DATA), hint: words.t(say::DATA_HINT), value: shown,
            required: false, wrong: None,
        }))
        (inputs::tick(words, Input {
            name: "packed", label: words.t(say_launch::DATA_PACKED), value: is_packed, ..Input::default()
        }))
        (inputs::file(&FileInto {
            into: "data", packed: Some("packed"), label: words.t(say_launch::DATA_FILE),
            unusable: words.t(say_launch::DATA_TOO_LARGE), most: LARGEST,
        }))
        button.second type="submit" { (words.t(say::SET)) span.unseen { ": " (words.t(say::DATA)) } }
    };
    Ok(html! {
        @if changes {
            (form(visit, &format!("/instances/{}/settings", visit.part(0)), &inside))
        } @else {
            h2 id="f-data" { (words.t(say::DATA)) }
            @if packed.is_empty() {
                p.quiet { (words.t(say::DATA_NONE)) }
            } @else {
                @if plain.is_none() { p.quiet { (words.t(say::DATA_BINARY)) } }
                pre.command tabindex="0" { (shown) }
            }
        }
    })
}

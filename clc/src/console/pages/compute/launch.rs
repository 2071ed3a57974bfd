//! Launching instances: an image, a form, a summary, and done.
//!
//! ```text
//!   choose an image ──▶ form ──▶ rehearsed ── refused ──▶ form, with what is wrong beside its field
//!                        ▲  │                └─ could be done ──▶ summary ──▶ launched, once
//!                        │  └──▶ a key pair is made, its private half shown ──┐        │
//!                        └──────────────── change something ◀─────────────────┴────────┘
//! ```
//! All of it goes along in the forms' fields ([`Draft`]); the server keeps nothing until it launches.

use common::ec2::keys::CreateKeyPair;
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::inputs::{self, FileInto, Input};
use super::launch_choices::{Choice, Choices, fits, image, types};
use super::launch_draft::{Draft, Wrong};
use super::{key_pair_made, launch_image};
use crate::console::components::{form, notice, refusal, status, tag, told_beside};
use crate::console::reply::Reply;
use crate::console::sessions::random_id;
use crate::console::texts::launch as say;
use crate::console::visit::Visit;

/// How many bytes of a file go into a form, so that the form is not too large.
const LARGEST: usize = 16 << 10;

/// The first page: which image; and then what of it.
pub(crate) async fn begin(visit: Visit) -> Result<Reply, ApiError> {
    if visit.query.line("image").is_empty() {
        return launch_image::show(&visit).await;
    }
    let mut draft = Draft::read(&visit.query, &random_id()?);
    let choices = Choices::of(&visit, draft.get("image")).await?;
    // Most people want the key pair that they have.
    if let ("", [key]) = (draft.get("key"), choices.keys.as_slice()) {
        draft.set("key", key);
    }
    Ok(asking(&visit, &draft, &choices, None))
}

/// The form with what was filled in before.
pub(crate) async fn again(visit: Visit) -> Result<Reply, ApiError> {
    let draft = drafted(&visit)?;
    let choices = Choices::of(&visit, draft.get("image")).await?;
    Ok(asking(&visit, &draft, &choices, None))
}

fn drafted(visit: &Visit) -> Result<Draft, ApiError> {
    Ok(Draft::read(&visit.form, &random_id()?))
}

async fn refused(visit: &Visit, mut draft: Draft, wrong: Wrong) -> Result<Reply, ApiError> {
    let error = told_beside(wrong.error)?;
    if error.code() == ErrorCode::IdempotentParameterMismatch {
        // That launch is done; whatever is launched now is another one.
        draft.set("token", &random_id()?);
    }
    let choices = Choices::of(visit, draft.get("image")).await?;
    let code = status(&error);
    let wrong = Wrong { field: wrong.field, error };
    Ok(asking(visit, &draft, &choices, Some(&wrong)).status(code))
}

/// Makes a key pair on the way.
pub(crate) async fn key(visit: Visit) -> Result<Reply, ApiError> {
    let mut draft = drafted(&visit)?;
    let name = draft.get("new_key").to_owned();
    if name.is_empty() {
        return refused(&visit, draft, Draft::no_name()).await;
    }
    match visit.call(CreateKeyPair { key_name: name, ..CreateKeyPair::default() }).await {
        Ok(made) => {
            draft.set("key", &made.key_name);
            draft.set("new_key", "");
            let words = visit.words;
            let inside = html! {
                (draft.hidden())
                button.second type="submit" { (words.t(say::ON)) }
            };
            Ok(key_pair_made::shown(&visit, &made, &form(&visit, "/launch/form", &inside)))
        }
        Err(error) => refused(&visit, draft, Wrong { field: Some("new_key"), error }).await,
    }
}

/// The summary, if it could be done.
pub(crate) async fn review(visit: Visit) -> Result<Reply, ApiError> {
    let draft = drafted(&visit)?;
    let ask = match draft.ask() {
        Ok(ask) => ask,
        Err(wrong) => return refused(&visit, draft, wrong).await,
    };
    match visit.rehearse(ask).await {
        Ok(()) => summed_up(&visit, &draft).await,
        Err(error) => refused(&visit, draft, Wrong::of(error)).await,
    }
}

/// Launches.
pub(crate) async fn launch(visit: Visit) -> Result<Reply, ApiError> {
    let draft = drafted(&visit)?;
    let ask = match draft.ask() {
        Ok(ask) => ask,
        Err(wrong) => return refused(&visit, draft, wrong).await,
    };
    match visit.call(ask).await {
        Ok(made) => Ok(match made.instances_set.item.as_slice() {
            [one] => Reply::see(format!("/instances/{}?done=launched", one.instance_id)),
            _ => Reply::see(format!("/instances?launch={}&done=launched", made.reservation_id)),
        }),
        Err(error) => refused(&visit, draft, Wrong::of(error)).await,
    }
}

fn asking(visit: &Visit, draft: &Draft, choices: &Choices, wrong: Option<&Wrong>) -> Reply {
    let words = visit.words;
    let above = wrong.filter(|wrong| wrong.field.is_none());
    let inside = html! {
        // Who presses Enter in a field goes on to the summary.
        button.unseen type="submit" tabindex="-1" aria-hidden="true" { (words.t(say::REVIEW)) }
        input type="hidden" name="image" value=(draft.get("image"));
        input type="hidden" name="token" value=(draft.get("token"));
        (main_part(visit, draft, choices, wrong))
        (data_part(visit, draft, wrong))
        (further_part(visit, draft, choices, wrong))
        div.deeds { button type="submit" { (words.t(say::REVIEW)) } }
    };
    let main = html! {
        p.links.up { a href="/launch" { (words.t(say::OTHER_IMAGE)) } }
        @if let Some(wrong) = above {
            (refusal(words, &wrong.error))
        } @else if wrong.is_some() {
            (notice("bad", words.t(say::REFUSED_HERE), ""))
        }
        (of_image(visit, choices))
        (form(visit, "/launch/review", &inside))
        (inputs::script())
    };
    Reply::page(words.t(say::TITLE), main)
}

fn of_image(visit: &Visit, choices: &Choices) -> Markup {
    let (words, it) = (visit.words, &choices.image);
    let (state, tone) = launch_image::state(it);
    html! {
        dl.facts {
            dt { (words.t(say::IMAGE)) }
            dd { @if let Some(name) = &it.name { (name) " " } code { (it.image_id.as_str()) } " " (tag(words, state, tone)) }
            dt { (words.t(say::ARCHITECTURE)) }
            dd { (it.architecture) }
            @if let Some(size) = launch_image::size(it) {
                dt { (words.t(say::SIZE)) }
                dd { (size) }
            }
        }
        @if it.image_state == "pending" { p.quiet { (words.t(say::IMAGE_WAITS)) } }
    }
}

/// What is wrong with a field.
fn about<'a>(wrong: Option<&'a Wrong>, field: &str) -> Option<&'a ApiError> {
    wrong.filter(|wrong| wrong.field == Some(field)).map(|wrong| &wrong.error)
}

fn with_none(none: &str, all: &[Choice]) -> Vec<Choice> {
    let first = (String::new(), none.to_owned());
    [first].into_iter().chain(all.iter().cloned()).collect()
}

fn main_part(visit: &Visit, draft: &Draft, choices: &Choices, wrong: Option<&Wrong>) -> Markup {
    let words = visit.words;
    let input = |name: &'static str, label, hint| Input {
        name,
        label: words.t(label),
        hint,
        value: draft.get(name),
        required: false,
        wrong: about(wrong, name),
    };
    let told: Vec<_> = choices.types.iter().map(|kind| told_of(visit, kind)).collect();
    let kinds = choices.types.iter().zip(&told);
    let kinds: Vec<_> =
        kinds.map(|(kind, told)| (kind.name.as_str(), kind.name.as_str(), told.as_str())).collect();
    let first = choices.types.first().map_or("", |kind| kind.name.as_str());
    let chosen = Some(draft.get("type")).filter(|kind| !kind.is_empty()).unwrap_or(first);
    let named = |name: &String| (name.clone(), name.clone());
    let keys: Vec<_> = choices.keys.iter().map(named).collect();
    let known = choices.types.iter().any(|kind| fits(kind).is_some());
    let quota = match choices.quota {
        Some((used, most)) => {
            let values = [("used", &*used.to_string()), ("limit", &*most.to_string())];
            format!("{} {}", words.t(say::COUNT_HINT), words.fill(say::COUNT_QUOTA, &values))
        }
        None => words.t(say::COUNT_HINT).to_owned(),
    };
    html! {
        (inputs::line(words, "text", input("name", say::NAME, words.t(say::NAME_HINT))))
        (inputs::options(words, &kinds, Input {
            value: chosen, required: true,
            ..input("type", say::TYPE, if known { "" } else { words.t(say::TYPE_HINT) })
        }))
        (inputs::choice(words, &with_none(words.t(say::KEY_NONE), &keys), input("key", say::KEY, words.t(say::KEY_HINT))))
        div.one-line.new-key {
            (inputs::line(words, "text", input("new_key", say::NEW_KEY, "")))
            button.second type="submit" formaction="/launch/key" formnovalidate { (words.t(say::NEW_KEY_DO)) }
        }
        div.side-by-side.counts {
            (inputs::number(words, 1, 256, Input { required: true, ..input("count", say::COUNT, &quota) }))
            (inputs::number(words, 1, 256, input("least", say::LEAST, words.t(say::LEAST_HINT))))
        }
        @if choices.zones.len() > 1 || !draft.get("zone").is_empty() {
            (inputs::choice(words, &with_none(words.t(say::ZONE_ANY), &choices.zones), input("zone", say::ZONE, "")))
        }
    }
}

fn told_of(visit: &Visit, kind: &common::ec2::instance_types::TypeDetails) -> String {
    let words = visit.words;
    let figures = [kind.cpu.to_string(), kind.memory.to_string(), kind.disk.to_string()];
    let [cpus, memory, disk] = &figures;
    let told = words.fill(say::TYPE_HAS, &[("cpus", cpus), ("memory", memory), ("disk", disk)]);
    match fits(kind) {
        Some(count) => {
            let count = words.fill(say::TYPE_FITS, &[("count", &count.to_string())]);
            format!("{told} · {count}")
        }
        None => told,
    }
}

fn data_part(visit: &Visit, draft: &Draft, wrong: Option<&Wrong>) -> Markup {
    let words = visit.words;
    html! {
        (inputs::lines(words, 5, Input {
            name: "data", label: words.t(say::DATA), hint: words.t(say::DATA_HINT),
            value: draft.get("data"), required: false, wrong: about(wrong, "data"),
        }))
        (inputs::tick(words, Input {
            name: "packed", label: words.t(say::DATA_PACKED), value: draft.get("packed"), ..Input::default()
        }))
        (inputs::file(&FileInto {
            into: "data", packed: Some("packed"), label: words.t(say::DATA_FILE),
            unusable: words.t(say::DATA_TOO_LARGE), most: LARGEST,
        }))
    }
}

fn further_part(visit: &Visit, draft: &Draft, choices: &Choices, wrong: Option<&Wrong>) -> Markup {
    let words = visit.words;
    let input = |name: &'static str, label, hint| Input {
        name,
        label: words.t(label),
        hint,
        value: draft.get(name),
        required: false,
        wrong: about(wrong, name),
    };
    let own = words.t(say::OF_IMAGE);
    let profiles: Vec<_> =
        choices.profiles.iter().map(|name| (name.clone(), name.clone())).collect();
    let pair = |value: &str, text| (value.to_owned(), words.t(text).to_owned());
    let shutdown = [pair("stop", say::SHUTDOWN_STOP), pair("terminate", say::SHUTDOWN_TERMINATE)];
    let metadata = [
        pair("optional", say::TOKENS_OPTIONAL),
        pair("required", say::TOKENS_REQUIRED),
        pair("disabled", say::TOKENS_OFF),
    ];
    let open = draft.is_special() || wrong.is_some();
    html! {
        details.further open[open] {
            summary { (words.t(say::FURTHER)) }
            @if !choices.kernels.is_empty() {
                (inputs::choice(words, &with_none(own, &choices.kernels), input("kernel", say::KERNEL, "")))
                (inputs::choice(words, &with_none(own, &choices.ramdisks), input("ramdisk", say::RAMDISK, "")))
            }
            (inputs::choice(words, &with_none(words.t(say::PROFILE_NONE), &profiles),
                input("profile", say::PROFILE, words.t(say::PROFILE_HINT))))
            (inputs::choice(words, &shutdown, input("shutdown", say::SHUTDOWN, "")))
            (inputs::tick(words, input("protect", say::PROTECT, words.t(say::PROTECT_HINT))))
            (inputs::choice(words, &metadata, input("metadata", say::TOKENS, "")))
            (inputs::number(words, 1, 64, input("hops", say::HOPS, words.t(say::HOPS_HINT))))
            (inputs::lines(words, 3, input("tags", say::TAGS, words.t(say::TAGS_HINT))))
            (inputs::lines(words, 3, input("devices", say::DEVICES, words.t(say::DEVICES_HINT))))
        }
    }
}

async fn summed_up(visit: &Visit, draft: &Draft) -> Result<Reply, ApiError> {
    let words = visit.words;
    let image = image(visit, draft.get("image")).await?;
    let kind = types(visit).await?.into_iter().find(|kind| kind.name == draft.get("type"));
    let (most, least) = (draft.get("count"), draft.get("least"));
    let count = match least {
        "" => most.to_owned(),
        least if least == most => most.to_owned(),
        least => words.fill(say::COUNT_BETWEEN, &[("least", least), ("most", most)]),
    };
    let data = draft.data().ok().flatten();
    let data = data.map(|(_, size)| words.fill(say::DATA_BYTES, &[("count", &size.to_string())]));
    let name = image.name.as_deref().unwrap_or_default();
    let shutdown = match draft.get("shutdown") {
        "terminate" => say::SHUTDOWN_TERMINATE,
        _ => say::SHUTDOWN_STOP,
    };
    let metadata = match draft.get("metadata") {
        "required" => say::TOKENS_REQUIRED,
        "disabled" => say::TOKENS_OFF,
        _ => say::TOKENS_OPTIONAL,
    };
    let protected = if draft.get("protect") == "yes" { words.t(say::YES) } else { "" };
    let mut facts = vec![
        (say::IMAGE, format!("{name} {}", image.image_id)),
        (say::NAME, draft.get("name").to_owned()),
    ];
    if let Some(kind) = &kind {
        facts.push((say::TYPE, format!("{}: {}", kind.name, told_of(visit, kind))));
    }
    facts.extend([
        (say::COUNT, count),
        (say::KEY, draft.get("key").to_owned()),
        (say::ZONE, draft.get("zone").to_owned()),
        (say::DATA, data.unwrap_or_default()),
        (say::KERNEL, draft.get("kernel").to_owned()),
        (say::RAMDISK, draft.get("ramdisk").to_owned()),
        (say::PROFILE, draft.get("profile").to_owned()),
        (say::SHUTDOWN, words.t(shutdown).to_owned()),
        (say::PROTECT, protected.to_owned()),
        (say::TOKENS, words.t(metadata).to_owned()),
        (say::TAGS, draft.get("tags").trim().replace('\n', ", ")),
        (say::DEVICES, draft.get("devices").trim().replace('\n', ", ")),
    ]);
    if let (Some(kind), Ok(count)) = (&kind, most.parse::<u64>())
        && count > 1
    {
        let figures = [u64::from(kind.cpu), kind.memory, kind.disk]
            .map(|figure| figure.saturating_mul(count).to_string());
        let [cpus, memory, disk] = &figures;
        let values = [("cpus", &**cpus), ("memory", &**memory), ("disk", &**disk)];
        facts.push((say::TAKES, words.fill(say::TYPE_HAS, &values)));
    }
    let launch = html! { (draft.hidden()) button type="submit" { (words.t(say::LAUNCH)) } };
    let change = html! { (draft.hidden()) button.second type="submit" { (words.t(say::CHANGE)) } };
    let main = html! {
        p { (words.t(say::REVIEW_LEAD)) }
        @if draft.get("key").is_empty() { (notice("busy", words.t(say::NO_KEY_WARNING), "")) }
        @if image.image_state == "pending" { (notice("plain", words.t(say::IMAGE_WAITS), "")) }
        dl.facts {
            @for (label, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (words.t(*label)) }
                dd { (value) }
            }
        }
        div.deeds {
            (form(visit, "/launch", &launch))
            (form(visit, "/launch/form", &change))
        }
    };
    Ok(Reply::page(words.t(say::REVIEW_TITLE), main))
}

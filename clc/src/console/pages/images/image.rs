//! One image: what it is, how far it is or why it failed, what runs from it, who may launch it, and what
//! may be changed.

use common::ec2::image_attributes::{DescribeImageAttribute, Permission};
use common::ec2::images::{DescribeImages, Image};
use common::ec2::instances::{DescribeInstances, Instance};
use common::ec2::types::Filter;
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::pulse::{Busy, pulse};
use super::shown::{bytes, is_own, name, owner, registered, state};
use crate::console::components::{
    Field, button, field, form, live as live_part, notice, refusal, status, tag,
};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::Words;
use crate::console::texts::images as say;
use crate::console::texts::instances as states;
use crate::console::visit::Visit;

/// How many of the instances that run from it are shown.
const SHOWN: u32 = 20;

/// The image of that id, as whoever looks may see it.
pub(super) async fn found(look: &Look, id: &str) -> Result<Image, ApiError> {
    let ask = DescribeImages { image_id: vec![id.to_owned()], ..DescribeImages::default() };
    let answer = look.call(ask).await?;
    answer.images_set.item.into_iter().next().ok_or_else(|| {
        let text = format!("The image id '[{id}]' does not exist");
        ApiError::new(ErrorCode::InvalidAmiIdNotFound, text)
    })
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    page(&visit, None).await
}

/// The page, with what was refused.
pub(super) async fn page(visit: &Visit, told: Option<&ApiError>) -> Result<Reply, ApiError> {
    let (words, look) = (visit.words, visit.look(false)?);
    let image = found(&look, visit.part(0)).await?;
    let id = image.image_id.as_str();
    let own = is_own(visit, &image)?;
    let part = drawn(words, &image);
    let running = running(&look, id).await?;
    let permissions = if own { permissions(&look, id).await? } else { Vec::new() };
    let done = match visit.query.get("done") {
        "shared" => Some((say::DONE_SHARED, None)),
        "described" => Some((say::DONE_DESCRIBED, None)),
        "tagged" => Some((say::DONE_TAGGED, None)),
        "registered" => Some((say::DONE_REGISTERED, Some(say::DONE_REGISTERED_TEXT))),
        "saving" => Some((states::SAVING, Some(states::SAVING_TEXT))),
        _ => None,
    };
    let main = html! {
        p.links.up { a href="/images" { (words.t(say::ALL_IMAGES)) } }
        @if let Some((title, text)) = done.filter(|_| told.is_none()) {
            (notice("good", words.t(title), text.map_or("", |text| words.t(text))))
        }
        @if let Some(error) = told { (refusal(words, error)) }
        (live_part(words, &format!("/images/{id}/live"), &part))
        @if image.image_type == "machine" && image.image_state != "failed" {
            p.acts { a.button href={ "/launch?image=" (id) } { (words.t(say::LAUNCH)) } }
        }
        h2 { (words.t(say::INSTANCES)) }
        (running_from(words, id, &running))
        @if own { (sharing(visit, &image, &permissions)) }
        (edit(visit, &image, own))
        @if own {
            h2 { (words.t(say::DEREGISTER)) }
            p { (words.t(say::DEREGISTER_LEAD)) }
            p { a.button.danger href={ "/images/" (id) "/deregister" } { (words.t(say::DEREGISTER_LINK)) } }
        }
    };
    let title = match name(&image) {
        "" => id.to_owned(),
        name => format!("{name} ({id})"),
    };
    Ok(Reply::page(title, main).status(told.map_or(200, status)))
}

/// What it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, id, busy) = (visit.words, visit.part(0).to_owned(), Busy::default());
    let changes = pulse(vec![visit.desk.people.records.images.watch()], &busy);
    let draw = move |viewer| {
        let (look, id, busy) = (visit.look_of(viewer), id.clone(), busy.clone());
        async move {
            let image = found(&look, &id).await?;
            busy.is(image.image_state == "pending");
            Ok(drawn(words, &image))
        }
    };
    Ok(Reply::live(changes, draw))
}

/// Those of one's own instances that run from it.
async fn running(look: &Look, id: &str) -> Result<Vec<Instance>, ApiError> {
    let named = |name: &str, value: &[&str]| Filter {
        name: name.to_owned(),
        value: value.iter().map(|it| (*it).to_owned()).collect(),
    };
    let lives = ["pending", "running", "stopping", "stopped", "shutting-down"];
    let ask = DescribeInstances {
        instance_id: Vec::new(),
        filter: vec![named("image-id", &[id]), named("instance-state-name", &lives)],
        max_results: Some(SHOWN),
        next_token: None,
    };
    match look.call(ask).await {
        Ok(answer) => {
            let launches = answer.reservation_set.item.into_iter();
            Ok(launches.flat_map(|launch| launch.instances_set.item).collect())
        }
        // Who may not see instances may see images.
        Err(error) if error.code() == ErrorCode::UnauthorizedOperation => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn permissions(look: &Look, id: &str) -> Result<Vec<Permission>, ApiError> {
    let attribute = "launchPermission".to_owned();
    let ask = DescribeImageAttribute { image_id: id.to_owned(), attribute };
    match look.call(ask).await {
        Ok(answer) => Ok(answer.launch_permission.map(|set| set.item).unwrap_or_default()),
        Err(error) if error.code() == ErrorCode::UnauthorizedOperation => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn drawn(words: Words, it: &Image) -> Markup {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let is_machine = it.image_type == "machine";
    let boots = match it.virtualization_type.as_str() {
        "hvm" => words.t(say::BOOT_HVM),
        _ => words.t(say::BOOT_PV),
    };
    let booted = |id: &Option<String>| match id {
        Some(id) => html! { a href={ "/images/" (id) } { code { (id) } } },
        None => html! { span.quiet { (words.t(say::NOT_CHOSEN)) } },
    };
    let codes: Vec<_> = it.product_codes.item.iter().map(|it| it.product_code.as_str()).collect();
    let texts = [
        (say::DESCRIPTION, some(&it.description)),
        (say::ARCHITECTURE, it.architecture.clone()),
        (say::PLATFORM, some(&it.platform)),
        (say::ROOT_DEVICE, if is_machine { some(&it.root_device_name) } else { String::new() }),
        (say::PRODUCT_CODES, codes.join(", ")),
    ];
    html! {
        dl.facts {
            dt { (words.t(say::STATE)) }
            dd { (state(words, it, true)) }
            dt { (words.t(say::NAME)) }
            dd { (it.name.as_deref().unwrap_or_default()) }
            dt { (words.t(say::KIND)) }
            dd { (words.t(say::kind(&it.image_type))) }
            @for (label, value) in texts.iter().filter(|(_, value)| !value.is_empty()) {
                dt { (words.t(*label)) }
                dd { (value) }
            }
            dt { (words.t(say::SIZE)) }
            dd { (bytes(it.image_size.unwrap_or_default())) }
            dt { (words.t(say::OWNER)) }
            dd {
                (owner(it))
                @if it.is_public { " " span.tag.still { (words.t(say::PUBLIC)) } }
            }
            dt { (words.t(say::LOCATION)) }
            dd { code { (it.image_location) } }
            @if is_machine {
                dt { (words.t(say::BOOT)) }
                dd { (boots) }
                @if it.virtualization_type != "hvm" {
                    dt { (words.t(say::KERNEL)) }
                    dd { (booted(&it.kernel_id)) }
                    dt { (words.t(say::RAMDISK)) }
                    dd { (booted(&it.ramdisk_id)) }
                }
            }
            @if !it.block_device_mapping.item.is_empty() {
                dt { (words.t(say::DEVICES)) }
                dd {
                    @for (n, device) in it.block_device_mapping.item.iter().enumerate() {
                        @if n > 0 { ", " }
                        (device.device_name) " (" (device.virtual_name.as_deref().unwrap_or_default()) ")"
                    }
                }
            }
            dt { (words.t(say::REGISTERED)) }
            dd { (registered(it)) }
        }
    }
}

fn running_from(words: Words, id: &str, all: &[Instance]) -> Markup {
    html! {
        @if all.is_empty() {
            p.quiet { (words.t(say::NO_INSTANCES)) }
        } @else {
            ul.plain {
                @for it in all {
                    @let (text, tone) = states::state(&it.instance_state.name);
                    @let given = it.tag_set.item.iter().find(|tag| tag.key == "Name");
                    li {
                        a href={ "/instances/" (it.instance_id.as_str()) } { code { (it.instance_id.as_str()) } }
                        @if let Some(given) = given { " " (given.value) }
                        " " (tag(words, text, tone))
                    }
                }
            }
            p.links { a href={ "/instances?q=" (id) } { (words.t(say::MORE_INSTANCES)) } }
        }
    }
}

fn sharing(visit: &Visit, image: &Image, permissions: &[Permission]) -> Markup {
    let (words, id) = (visit.words, image.image_id.as_str());
    let action = format!("/images/{id}/permissions");
    let accounts: Vec<_> = permissions.iter().filter_map(|it| it.user_id.as_deref()).collect();
    html! {
        h2 id="sharing" { (words.t(say::SHARING)) }
        @if image.is_public {
            p { (words.t(say::IS_PUBLIC)) }
            (button(visit, &action, &[("do", "close")], &html! { (words.t(say::MAKE_PRIVATE)) }, None))
        } @else {
            p { (words.t(say::IS_PRIVATE)) }
            (button(visit, &action, &[("do", "open")], &html! { (words.t(say::MAKE_PUBLIC)) },
                Some(words.t(say::MAKE_PUBLIC_CONFIRM))))
        }
        @if accounts.is_empty() {
            p.quiet { (words.t(say::SHARED_WITH_NONE)) }
        } @else {
            ul.plain {
                @for account in &accounts {
                    li {
                        code { (account) } " "
                        (button(visit, &action, &[("do", "remove"), ("account", account)],
                            &html! { (words.t(say::UNSHARE)) span.unseen { " (" (account) ")" } }, None))
                    }
                }
            }
        }
        (form(visit, &action, &html! {
            input type="hidden" name="do" value="add";
            (field(words, &Field {
                name: "account", label: words.t(say::ACCOUNT), hint: words.t(say::ACCOUNT_HINT),
                value: visit.form.line("account"), required: true, ..Field::default()
            }))
            button.second type="submit" { (words.t(say::SHARE)) }
        }))
    }
}

fn edit(visit: &Visit, image: &Image, own: bool) -> Markup {
    let (words, id) = (visit.words, image.image_id.as_str());
    let description = match visit.form.some("description") {
        Some(text) => text,
        None => image.description.clone().unwrap_or_default(),
    };
    let (tags, removal) = (format!("/images/{id}/tags"), format!("/images/{id}/tags/remove"));
    html! {
        h2 id="edit" { (words.t(if own { say::EDIT } else { say::TAGS })) }
        @if own {
            (form(visit, &format!("/images/{id}/description"), &html! {
                (field(words, &Field {
                    name: "description", label: words.t(say::DESCRIPTION),
                    hint: words.t(say::DESCRIPTION_HINT), value: &description, ..Field::default()
                }))
                button.second type="submit" { (words.t(say::SAVE)) }
            }))
        }
        @if image.tag_set.item.is_empty() {
            p.quiet.apart { (words.t(say::NO_TAGS)) }
        } @else {
            ul.plain.apart {
                @for tag in &image.tag_set.item {
                    li {
                        strong { (tag.key) } " " (tag.value) " "
                        (button(visit, &removal, &[("key", &tag.key)],
                            &html! { (words.t(say::REMOVE_TAG)) span.unseen { " (" (tag.key) ")" } }, None))
                    }
                }
            }
        }
        (form(visit, &tags, &html! {
            (field(words, &Field {
                name: "key", label: words.t(say::TAG_KEY), hint: words.t(say::TAG_KEY_HINT),
                value: visit.form.line("key"), required: true, ..Field::default()
            }))
            (field(words, &Field {
                name: "value", label: words.t(say::TAG_VALUE), value: visit.form.line("value"),
                ..Field::default()
            }))
            button.second type="submit" { (words.t(say::ADD_TAG)) }
        }))
    }
}

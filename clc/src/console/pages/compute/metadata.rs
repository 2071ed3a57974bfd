//! What an instance's guest sees of itself at 169.254.169.254, and how it may ask for it.

use common::ec2::instances::Instance;
use common::ec2::metadata_options::{MetadataView, ModifyInstanceMetadataOptions};
use common::error::ApiError;
use maud::{Markup, html};

use super::inputs::{self, Input};
use super::instance::{found, profile, tabs, title};
use crate::console::components::{form, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::launch as say_launch;
use crate::console::texts::settings as say;
use crate::console::visit::Visit;

/// Where guests ask.
const BASE: &str = "http://169.254.169.254/latest/";

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let told = match visit.query.get("done") {
        "changed" => notice("good", visit.words.t(say::OPTIONS_CHANGED), ""),
        _ => html! {},
    };
    shown(&visit, &told).await
}

/// Changes how it may ask.
pub(crate) async fn change(visit: Visit) -> Result<Reply, ApiError> {
    let id = visit.part(0);
    let off = visit.form.get("metadata") == "disabled";
    let word = |so: bool, yes: &str, no: &str| Some((if so { yes } else { no }).to_owned());
    let ask = ModifyInstanceMetadataOptions {
        instance_id: id.to_owned(),
        http_tokens: match visit.form.get("metadata") {
            "required" | "optional" => visit.form.some("metadata"),
            _ => None,
        },
        // What is no number is refused by the API, which names what it has to be.
        http_put_response_hop_limit: visit.form.some("hops").map(|hops| hops.parse().unwrap_or(-1)),
        http_endpoint: word(off, "disabled", "enabled"),
        http_protocol_ipv6: None,
        instance_metadata_tags: None,
    };
    match visit.call(ask).await {
        Ok(_) => Ok(Reply::see(format!("/instances/{id}/metadata?done=changed"))),
        Err(error) => {
            let error = told_beside(error)?;
            let reply = shown(&visit, &refusal(visit.words, &error)).await?;
            Ok(reply.status(status(&error)))
        }
    }
}

/// What is to be found there: paths and values. What an instance does not have has no path.
fn tree(it: &Instance) -> Vec<(String, String)> {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let public = it.ip_address.clone().or_else(|| it.private_ip_address.clone());
    let groups: Vec<_> = it.group_set.item.iter().map(|group| group.group_name.clone()).collect();
    let key = some(&it.key_name);
    let profile = profile(it);
    let mut all = vec![
        ("instance-id", it.instance_id.to_string()),
        ("ami-id", it.image_id.clone()),
        ("kernel-id", some(&it.kernel_id)),
        ("ramdisk-id", some(&it.ramdisk_id)),
        ("instance-type", it.instance_type.clone()),
        ("ami-launch-index", it.ami_launch_index.to_string()),
        ("local-ipv4", some(&it.private_ip_address)),
        ("public-ipv4", public.unwrap_or_default()),
        ("placement/availability-zone", it.placement.availability_zone.clone()),
        ("security-groups", groups.join(" ")),
    ];
    if !key.is_empty() {
        all.push(("public-keys/0/openssh-key", key));
    }
    if !profile.is_empty() {
        all.push(("iam/info", profile.to_owned()));
    }
    let given = all.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(path, value)| (format!("meta-data/{path}"), value)).collect()
}

async fn shown(visit: &Visit, told: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let it = found(&visit.look(false)?, visit.part(0)).await?;
    let id = it.instance_id.as_str();
    let options = it.metadata_options.as_ref();
    let is = |what: &str| {
        options.is_some_and(|options| match what {
            "off" => options.http_endpoint == "disabled",
            _ => options.http_tokens == "required",
        })
    };
    let over = matches!(it.instance_state.name.as_str(), "shutting-down" | "terminated");
    let main = html! {
        (tabs(visit, id, "/metadata"))
        (told)
        p { (words.t(say::METADATA_LEAD)) }
        @if is("off") { (notice("plain", words.t(say::OFF), "")) }
        h2 { (words.t(say::ASK)) }
        pre.command tabindex="0" {
            @if is("required") {
                "T=$(curl -sX PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)\n"
                "curl -H \"X-aws-ec2-metadata-token: $T\" " (BASE) "meta-data/instance-id"
            } @else {
                "curl " (BASE) "meta-data/instance-id"
            }
        }
        div.scroll {
            table.rows {
                thead { tr { th scope="col" { (words.t(say::PATH)) } th scope="col" { (words.t(say::VALUE)) } } }
                tbody {
                    @for (path, value) in tree(&it) {
                        tr {
                            th scope="row" data-label=(words.t(say::PATH)) { code { "/latest/" (path) } }
                            td data-label=(words.t(say::VALUE)) { span.named { (value) } }
                        }
                    }
                    tr {
                        th scope="row" data-label=(words.t(say::PATH)) { code { "/latest/user-data" } }
                        td data-label=(words.t(say::VALUE)) {
                            a href={ "/instances/" (id) "/settings#f-data" } { (words.t(say::DATA)) }
                        }
                    }
                }
            }
        }
        @if let (Some(options), false) = (options, over) { (changing(visit, id, options)) }
    };
    Ok(Reply::page(title(&it), main))
}

fn changing(visit: &Visit, id: &str, options: &MetadataView) -> Markup {
    let words = visit.words;
    let pair = |value: &str, text| (value.to_owned(), words.t(text).to_owned());
    let ways = [
        pair("optional", say_launch::TOKENS_OPTIONAL),
        pair("required", say_launch::TOKENS_REQUIRED),
        pair("disabled", say_launch::TOKENS_OFF),
    ];
    let now = match options.http_endpoint.as_str() {
        "disabled" => "disabled",
        _ => options.http_tokens.as_str(),
    };
    let hops = options.http_put_response_hop_limit.to_string();
    let inside = html! {
        (inputs::choice(words, &ways, Input {
            name: "metadata", label: words.t(say_launch::TOKENS), value: now, required: true, ..Input::default()
        }))
        (inputs::number(words, 1, 64, Input {
            name: "hops", label: words.t(say_launch::HOPS), hint: words.t(say_launch::HOPS_HINT),
            value: &hops, required: true, wrong: None,
        }))
        button.second type="submit" { (words.t(say::SET)) }
    };
    html! {
        h2 { (words.t(say::OPTIONS)) }
        @if options.state == "pending" { p.quiet { (words.t(say::OPTIONS_PENDING)) } }
        (form(visit, &format!("/instances/{id}/metadata"), &inside))
    }
}

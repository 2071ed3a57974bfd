//! Which image is launched: those that one may use, searched, a page at a time.

use common::ec2::images::{DescribeImages, Image};
use common::ec2::types::Filter;
use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use crate::console::components::tag;
use crate::console::pages::images::shown::bytes;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::{common as words_of_all, launch as say};
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: usize = 50;
/// How many answers of the API are searched through for them.
const SEARCHED: usize = 10;
/// Whose images.
const OWNERS: [(&str, Text); 4] =
    [("", say::EVERYBODYS), ("mine", say::MINE), ("shared", say::SHARED), ("public", say::PUBLIC)];

async fn found(visit: &Visit) -> Result<(Vec<Image>, Option<String>), ApiError> {
    let account = visit.viewer()?.caller.account.to_string();
    let (search, owner) = (visit.query.line("q").to_lowercase(), visit.query.line("owner"));
    let mut filter =
        vec![Filter { name: "image-type".to_owned(), value: vec!["machine".to_owned()] }];
    if owner == "public" {
        filter.push(Filter { name: "is-public".to_owned(), value: vec!["true".to_owned()] });
    }
    let me = |so: bool| if so { vec!["self".to_owned()] } else { Vec::new() };
    let is_met = |it: &Image| {
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let own = it.image_owner_id == account;
        let texts = [
            it.image_id.to_string(),
            some(&it.name),
            some(&it.description),
            some(&it.image_owner_alias),
        ];
        (owner != "shared" || !own)
            && texts.iter().any(|text| text.to_lowercase().contains(&search))
    };
    let mut next_token = visit.query.some("page");
    let mut all = Vec::new();
    for _ in 0..SEARCHED {
        let ask = DescribeImages {
            owner: me(owner == "mine"),
            executable_by: me(owner == "shared"),
            filter: filter.clone(),
            max_results: u32::try_from(SHOWN - all.len().min(SHOWN - 5)).ok(),
            next_token,
            ..DescribeImages::default()
        };
        let answer = visit.call(ask).await?;
        all.extend(answer.images_set.item.into_iter().filter(is_met));
        next_token = answer.next_token;
        if next_token.is_none() || all.len() + 5 > SHOWN {
            break;
        }
    }
    Ok((all, next_token))
}

/// The page.
pub(super) async fn show(visit: &Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let (all, next) = found(visit).await?;
    let (search, owner) = (visit.query.line("q"), visit.query.line("owner"));
    let narrowed = !search.is_empty() || !owner.is_empty();
    let none = match &next {
        Some(_) => words_of_all::NONE_MATCH_YET,
        None if narrowed => say::NO_IMAGE_MATCHES,
        None => say::NO_IMAGES,
    };
    let path = |page: &str| {
        let said = [("q", search), ("owner", owner), ("page", page)];
        let said: Vec<_> = said.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if said.is_empty() {
            "/launch".to_owned()
        } else {
            format!("/launch?{}", write_query(&said))
        }
    };
    let main = html! {
        p { (words.t(say::CHOOSE_LEAD)) }
        form.search method="get" action="/launch" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::IMAGE_HINT)) }
            }
            div.field {
                label for="owner" { (words.t(say::OWNER)) }
                select id="owner" name="owner" {
                    @for (value, text) in OWNERS {
                        option value=(value) selected[owner == value] { (words.t(text)) }
                    }
                }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
        @if all.is_empty() {
            p.empty { (words.t(none)) }
            p.links { a href="/images" { (words.t(say::TO_IMAGES)) } }
        } @else {
            (rows(words, &all))
        }
        p.links {
            @if visit.query.some("page").is_some() {
                a href=(path("")) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &next { a href=(path(next)) { (words.t(words_of_all::NEXT_PAGE)) } }
        }
    };
    Ok(Reply::page(words.t(say::CHOOSE), main))
}

fn rows(words: Words, all: &[Image]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::IMAGE)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::OWNER)) }
                        th scope="col" { (words.t(say::SIZE)) }
                        th scope="col" { (words.t(say::ARCHITECTURE)) }
                        th scope="col" { (words.t(say::BOOTS)) }
                        th scope="col" { span.unseen { (words.t(say::USE_IT)) } }
                    }
                }
                tbody { @for it in all { (row(words, it)) } }
            }
        }
    }
}

/// The state of an image and its colour.
pub(super) fn state(it: &Image) -> (Text, &'static str) {
    match it.image_state.as_str() {
        "available" => (say::AVAILABLE, "good"),
        "pending" => (say::PENDING, "busy"),
        _ => (say::FAILED, "bad"),
    }
}

/// How large the disk of an image is, if that is known.
pub(super) fn size(it: &Image) -> Option<String> {
    it.image_size.map(bytes)
}

fn row(words: Words, it: &Image) -> Markup {
    let (state, tone) = state(it);
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let boots: Vec<_> = [some(&it.kernel_id), some(&it.ramdisk_id)].into_iter().flatten().collect();
    let owner = some(&it.image_owner_alias).unwrap_or_else(|| it.image_owner_id.clone());
    html! {
        tr {
            th scope="row" data-label=(words.t(say::IMAGE)) {
                span.named { (some(&it.name).unwrap_or_else(|| it.image_id.to_string())) }
                span.given { code { (it.image_id.as_str()) } @if let Some(text) = some(&it.description) { " " (text) } }
            }
            td data-label=(words.t(say::STATE)) { (tag(words, state, tone)) }
            td data-label=(words.t(say::OWNER)) { (owner) @if it.is_public { " " span.tag.still { (words.t(say::PUBLIC)) } } }
            td data-label=(words.t(say::SIZE)) { (size(it).as_deref().unwrap_or("–")) }
            td data-label=(words.t(say::ARCHITECTURE)) { (it.architecture) }
            td data-label=(words.t(say::BOOTS)) {
                @if it.virtualization_type == "hvm" { span.quiet { (words.t(say::BOOTS_ITSELF)) } }
                @else if boots.is_empty() { "–" }
                @else { @for id in &boots { span.named { code { (id) } } } }
            }
            td.act {
                @if it.image_state != "failed" {
                    a.button href={ "/launch?image=" (it.image_id.as_str()) } {
                        (words.t(say::USE_IT)) span.unseen { ": " (it.image_id.as_str()) }
                    }
                }
            }
        }
    }
}

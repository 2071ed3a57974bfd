//! Images: the list, one's own, shared and public, searched, filtered, a hundred at a time, and following
//! how far each is.

use common::administration::properties::DescribeProperties;
use common::ec2::images::{DescribeImages, Image};
use common::ec2::types::Filter;
use common::error::ApiError;
use common::sign::write_query;
use maud::{Markup, html};

use super::pulse::{Busy, pulse};
use super::shown::{bytes, name, owner, registered, state};
use crate::console::components::{live as live_part, notice};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::common as words_of_all;
use crate::console::texts::images::{self as say, KINDS, STATES};
use crate::console::visit::Visit;
use crate::settings;

/// How many are shown on a page.
const SHOWN: usize = 100;
/// How many answers of the API are searched through for them.
const SEARCHED: usize = 10;
/// The architectures there are.
const ARCHITECTURES: [&str; 2] = ["x86_64", "i386"];
/// Whose images are shown.
const VIEWS: [(&str, Text); 5] = [
    ("mine", say::VIEW_MINE),
    ("shared", say::VIEW_SHARED),
    ("public", say::VIEW_PUBLIC),
    ("every", say::VIEW_EVERY),
    ("", say::VIEW_USABLE),
];

/// What is asked for.
#[derive(Clone, Default)]
struct Asked {
    search: String,
    view: &'static str,
    kind: &'static str,
    state: &'static str,
    architecture: &'static str,
    page: Option<String>,
    /// The account of whoever asks.
    account: String,
    administrator: bool,
}

/// A word of a list of them; the first if it is none of them and one is wanted.
fn one_of(asked: &str, known: impl Iterator<Item = &'static str>) -> &'static str {
    let mut known = known;
    known.find(|word| *word == asked).unwrap_or_default()
}

impl Asked {
    fn of(visit: &Visit) -> Result<Self, ApiError> {
        let caller = &visit.viewer()?.caller;
        let word = |name: &str| visit.query.line(name).to_owned();
        Ok(Self {
            search: visit.query.line("q").chars().take(100).collect(),
            view: one_of(&word("view"), VIEWS.iter().map(|(name, _)| *name)),
            kind: one_of(&word("kind"), KINDS.iter().map(|(name, _)| *name)),
            state: one_of(&word("state"), STATES.iter().map(|(name, ..)| *name)),
            architecture: one_of(&word("architecture"), ARCHITECTURES.into_iter()),
            page: visit.query.some("page"),
            account: caller.account.to_string(),
            administrator: caller.administrator,
        })
    }

    /// The path with what is asked, at another page.
    fn path(&self, base: &str, page: Option<&str>) -> String {
        let all = [
            ("q", self.search.as_str()),
            ("view", self.view),
            ("kind", self.kind),
            ("state", self.state),
            ("architecture", self.architecture),
            ("page", page.unwrap_or("")),
        ];
        let said: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if said.is_empty() { base.to_owned() } else { format!("{base}?{}", write_query(&said)) }
    }

    fn is_narrowed(&self) -> bool {
        !(self.search.is_empty()
            && self.view.is_empty()
            && self.kind.is_empty()
            && self.state.is_empty()
            && self.architecture.is_empty())
    }

    /// What the API is asked for a page of it.
    fn question(&self, found: usize, next_token: Option<String>) -> DescribeImages {
        let filters =
            [("image-type", self.kind), ("state", self.state), ("architecture", self.architecture)];
        let said = filters.into_iter().filter(|(_, value)| !value.is_empty());
        let filter = said
            .map(|(name, value)| Filter { name: name.to_owned(), value: vec![value.to_owned()] });
        let only = |wanted: &str, value: &str| match self.view == wanted {
            true => vec![value.to_owned()],
            false => Vec::new(),
        };
        let executable = [only("shared", "self"), only("public", "all")].concat();
        DescribeImages {
            // What an administrator may see beyond what anybody may is asked for by this word.
            image_id: if self.administrator { only("every", "verbose") } else { Vec::new() },
            owner: only("mine", "self"),
            executable_by: executable,
            filter: filter.collect(),
            max_results: u32::try_from(SHOWN - found.min(SHOWN - 5)).ok(),
            next_token,
        }
    }

    fn is_met(&self, it: &Image) -> bool {
        let wanted = self.search.to_lowercase();
        let description = it.description.as_deref().unwrap_or_default();
        let own = it.name.as_deref().unwrap_or_default();
        let texts = [it.image_id.as_str(), name(it), own, description, &it.image_location];
        let others = self.view != "shared" || it.image_owner_id != self.account;
        others && (wanted.is_empty() || texts.iter().any(|it| it.to_lowercase().contains(&wanted)))
    }
}

/// A field in which one of a few is chosen.
fn choice(
    words: Words,
    id: &str,
    label: Text,
    now: &str,
    of: &[(&str, Markup)],
    all: Option<Text>,
) -> Markup {
    html! {
        div.field {
            label for=(id) { (words.t(label)) }
            select id=(id) name=(id) {
                @if let Some(all) = all { option value="" { (words.t(all)) } }
                @for (value, text) in of {
                    option value=(value) selected[now == *value] { (text) }
                }
            }
        }
    }
}

fn search(words: Words, asked: &Asked) -> Markup {
    let text = |it: Text| html! { (words.t(it)) };
    let views = VIEWS
        .iter()
        .filter(|(view, _)| !view.is_empty() && (*view != "every" || asked.administrator));
    let views: Vec<_> = views.map(|(view, it)| (*view, text(*it))).collect();
    let kinds: Vec<_> = KINDS.iter().map(|(kind, it)| (*kind, text(*it))).collect();
    let states: Vec<_> = STATES.iter().map(|(state, it, _)| (*state, text(*it))).collect();
    let machines = ARCHITECTURES.map(|it| (it, html! { (it) }));
    let all = Some(words_of_all::ALL_OF_THEM);
    html! {
        form.search method="get" action="/images" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(asked.search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
            }
            (choice(words, "view", say::VIEW, asked.view, &views, Some(say::VIEW_USABLE)))
            (choice(words, "kind", say::KIND, asked.kind, &kinds, all))
            (choice(words, "state", say::STATE, asked.state, &states, all))
            (choice(words, "architecture", say::ARCHITECTURE, asked.architecture, &machines, all))
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
    }
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, asked) = (visit.words, Asked::of(&visit)?);
    let part = drawn(&visit.look(false)?, words, &asked, &Busy::default()).await?;
    let stream = asked.path("/images/live", asked.page.as_deref());
    let main = html! {
        @if visit.query.get("done") == "deregistered" {
            (notice("good", words.t(say::DONE_DEREGISTERED), ""))
        }
        @if visit.query.get("done") == "dropped" {
            (notice("good", words.t(say::DONE_DROPPED), ""))
        }
        p.acts {
            a.button href="/images/upload" { (words.t(say::UPLOAD)) }
            a.button.second href="/images/register" { (words.t(say::REGISTER)) }
            a href="/images/imports" { (words.t(say::IMPORTS)) }
        }
        (search(words, &asked))
        (live_part(words, &stream, &part))
    };
    Ok(Reply::page(words.t(say::IMAGES), main))
}

/// The list as it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, asked, busy) = (visit.words, Asked::of(&visit)?, Busy::default());
    let changes = pulse(vec![visit.desk.people.records.images.watch()], &busy);
    let draw = move |viewer| {
        let (look, asked, busy) = (visit.look_of(viewer), asked.clone(), busy.clone());
        async move { drawn(&look, words, &asked, &busy).await }
    };
    Ok(Reply::live(changes, draw))
}

/// The images of a page, and where the next one begins.
async fn found(look: &Look, asked: &Asked) -> Result<(Vec<Image>, Option<String>), ApiError> {
    let mut next_token = asked.page.clone();
    let mut all = Vec::new();
    for _ in 0..SEARCHED {
        let answer = look.call(asked.question(all.len(), next_token)).await?;
        all.extend(answer.images_set.item.into_iter().filter(|it| asked.is_met(it)));
        next_token = answer.next_token;
        if next_token.is_none() || all.len() + 5 > SHOWN {
            break;
        }
    }
    Ok((all, next_token))
}

/// Kernel and ramdisk of instances that name none; only administrators are told.
async fn defaults(look: &Look, asked: &Asked) -> Result<Vec<String>, ApiError> {
    if !asked.administrator {
        return Ok(Vec::new());
    }
    let names = [settings::DEFAULT_KERNEL, settings::DEFAULT_RAMDISK];
    let properties = names.map(str::to_owned).to_vec();
    let told = look.call(DescribeProperties { properties }).await?;
    Ok(told.properties.item.into_iter().map(|it| it.value).collect())
}

async fn drawn(look: &Look, words: Words, asked: &Asked, busy: &Busy) -> Result<Markup, ApiError> {
    let (all, next) = found(look, asked).await?;
    let defaults = defaults(look, asked).await?;
    busy.is(all.iter().any(|it| it.image_state == "pending"));
    let count = match all.len() {
        1 => words.t(say::SHOWN_ONE).to_owned(),
        count => words.fill(say::SHOWN, &[("count", &count.to_string())]),
    };
    Ok(html! {
        @if all.is_empty() && asked.is_narrowed() {
            p.empty { (words.t(if next.is_some() { words_of_all::NONE_MATCH_YET } else { say::NONE_MATCH })) }
        } @else if all.is_empty() {
            div.empty {
                p { (words.t(say::NO_IMAGES)) }
                p { (words.t(say::NO_IMAGES_NEXT)) }
            }
        } @else {
            p.quiet { (count) }
            (rows(words, &all, &defaults))
        }
        p.links {
            @if asked.page.is_some() {
                a href=(asked.path("/images", None)) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &next {
                a href=(asked.path("/images", Some(next))) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
    })
}

fn rows(words: Words, all: &[Image], defaults: &[String]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::IMAGE)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::KIND)) }
                        th scope="col" { (words.t(say::SIZE)) }
                        th scope="col" { (words.t(say::OWNER)) }
                        th scope="col" { (words.t(say::REGISTERED)) }
                        th scope="col" { span.unseen { (words.t(say::LAUNCH)) } }
                    }
                }
                tbody { @for it in all { (row(words, it, defaults)) } }
            }
        }
    }
}

fn row(words: Words, it: &Image, defaults: &[String]) -> Markup {
    let id = it.image_id.as_str();
    let launch = words.fill(say::LAUNCH_OF, &[("name", name(it))]);
    let alias = it.image_owner_alias.as_deref().unwrap_or(&it.image_owner_id);
    html! {
        tr {
            th scope="row" data-label=(words.t(say::IMAGE)) {
                a href={ "/images/" (id) } { code { (id) } }
                @if !name(it).is_empty() { span.given { (name(it)) } }
            }
            td data-label=(words.t(say::STATE)) { (state(words, it, false)) }
            td data-label=(words.t(say::KIND)) {
                (words.t(say::kind(&it.image_type))) " " span.quiet { (it.architecture) }
                @if defaults.iter().any(|default| default == id) {
                    " " span.tag.still { (words.t(say::DEFAULT)) }
                }
            }
            td data-label=(words.t(say::SIZE)) { (bytes(it.image_size.unwrap_or_default())) }
            td data-label=(words.t(say::OWNER)) title=(owner(it)) {
                (alias)
                @if it.is_public { " " span.tag.still { (words.t(say::PUBLIC)) } }
            }
            td data-label=(words.t(say::REGISTERED)) { (registered(it)) }
            td.act {
                @if it.image_type == "machine" && it.image_state != "failed" {
                    a href={ "/launch?image=" (id) } aria-label=(launch) { (words.t(say::LAUNCH)) }
                }
            }
        }
    }
}

//! Instances: the list, searched, filtered, a hundred at a time, and following what happens.

use std::sync::Arc;

use common::ec2::instances::{DescribeInstances, Instance};
use common::ec2::types::Filter;
use common::error::ApiError;
use common::sign::write_query;
use futures_util::future::BoxFuture;
use maud::{Markup, html};

use crate::console::components::{live as live_part, moment, tag};
use crate::console::look::Look;
use crate::console::reply::{Answer, Live, Reply};
use crate::console::text::Words;
use crate::console::texts::common as words_of_all;
use crate::console::texts::instances::{self as say, STATES};
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: usize = 100;
/// How many answers of the API are searched through for them.
const SEARCHED: usize = 10;

/// What is asked for.
#[derive(Clone, Default)]
struct Asked {
    search: String,
    state: String,
    page: Option<String>,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let state = visit.query.line("state");
        let known = STATES.iter().any(|(name, ..)| *name == state);
        Self {
            search: visit.query.line("q").chars().take(100).collect(),
            state: if known { state.to_owned() } else { String::new() },
            page: visit.query.some("page"),
        }
    }

    /// The path with what is asked, at another page.
    fn path(&self, base: &str, page: Option<&str>) -> String {
        let all =
            [("q", self.search.as_str()), ("state", &self.state), ("page", page.unwrap_or(""))];
        let said: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if said.is_empty() { base.to_owned() } else { format!("{base}?{}", write_query(&said)) }
    }

    fn is_met(&self, it: &Instance) -> bool {
        let wanted = self.search.to_lowercase();
        let address = it.ip_address.as_deref().or(it.private_ip_address.as_deref());
        let texts = [it.instance_id.as_str(), name(it), &it.image_id, address.unwrap_or_default()];
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }
}

/// The name that was given to an instance.
pub(super) fn name(it: &Instance) -> &str {
    let tag = it.tag_set.item.iter().find(|tag| tag.key == "Name");
    tag.map_or("", |tag| tag.value.as_str())
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, asked) = (visit.words, Asked::of(&visit));
    let part = drawn(&visit.look(false)?, words, &asked).await?;
    let stream = asked.path("/instances/live", asked.page.as_deref());
    let main = html! {
        form.search method="get" action="/instances" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(asked.search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
            }
            div.field {
                label for="state" { (words.t(say::STATE)) }
                select id="state" name="state" {
                    option value="" { (words.t(words_of_all::ALL_OF_THEM)) }
                    @for (state, text, _) in STATES {
                        option value=(state) selected[asked.state == state] { (words.t(text)) }
                    }
                }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
        (live_part(words, &stream, &part))
    };
    Ok(Reply::page(words.t(say::INSTANCES), main))
}

/// The list as it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, asked) = (visit.words, Asked::of(&visit));
    let changes = visit.desk.people.records.instances.watch();
    let draw = move |viewer| {
        let (look, asked) = (visit.look_of(viewer), asked.clone());
        let drawn: BoxFuture<'static, _> =
            Box::pin(async move { drawn(&look, words, &asked).await });
        drawn
    };
    Ok(Answer::Live(Live { changes, draw: Arc::new(draw) }).into())
}

/// The instances of a page, and where the next one begins.
async fn found(look: &Look, asked: &Asked) -> Result<(Vec<Instance>, Option<String>), ApiError> {
    let of_state = (!asked.state.is_empty()).then(|| Filter {
        name: "instance-state-name".to_owned(),
        value: vec![asked.state.clone()],
    });
    let mut next_token = asked.page.clone();
    let mut all = Vec::new();
    for _ in 0..SEARCHED {
        let ask = DescribeInstances {
            instance_id: Vec::new(),
            filter: of_state.iter().cloned().collect(),
            max_results: u32::try_from(SHOWN - all.len().min(SHOWN - 5)).ok(),
            next_token,
        };
        let answer = look.call(ask).await?;
        let launches = answer.reservation_set.item.into_iter();
        let instances = launches.flat_map(|launch| launch.instances_set.item);
        all.extend(instances.filter(|it| asked.is_met(it)));
        next_token = answer.next_token;
        if next_token.is_none() || all.len() + 5 > SHOWN {
            break;
        }
    }
    Ok((all, next_token))
}

async fn drawn(look: &Look, words: Words, asked: &Asked) -> Result<Markup, ApiError> {
    let (all, next) = found(look, asked).await?;
    let is_asked = !asked.search.is_empty() || !asked.state.is_empty();
    let count = match all.len() {
        1 => words.t(say::SHOWN_ONE).to_owned(),
        count => words.fill(say::SHOWN, &[("count", &count.to_string())]),
    };
    Ok(html! {
        @if all.is_empty() {
            p.empty { (words.t(if is_asked { say::NONE_MATCH } else { say::NO_INSTANCES })) }
        } @else {
            p.quiet { (count) }
            (rows(words, &all))
        }
        p.links {
            @if asked.page.is_some() {
                a href=(asked.path("/instances", None)) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &next {
                a href=(asked.path("/instances", Some(next))) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
    })
}

fn rows(words: Words, all: &[Instance]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::INSTANCE)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::TYPE)) }
                        th scope="col" { (words.t(say::IMAGE)) }
                        th scope="col" { (words.t(say::ADDRESS)) }
                        th scope="col" { (words.t(say::ZONE)) }
                        th scope="col" { (words.t(say::LAUNCHED)) }
                    }
                }
                tbody { @for it in all { (row(words, it)) } }
            }
        }
    }
}

fn row(words: Words, it: &Instance) -> Markup {
    let (state, tone) = say::state(&it.instance_state.name);
    let address = it.ip_address.as_deref().or(it.private_ip_address.as_deref());
    html! {
        tr {
            th scope="row" data-label=(words.t(say::INSTANCE)) {
                a href={ "/instances/" (it.instance_id.as_str()) } { code { (it.instance_id.as_str()) } }
                @if !name(it).is_empty() { span.given { (name(it)) } }
            }
            td data-label=(words.t(say::STATE)) { (tag(words, state, tone)) }
            td data-label=(words.t(say::TYPE)) { (it.instance_type) }
            td data-label=(words.t(say::IMAGE)) { code { (it.image_id) } }
            td data-label=(words.t(say::ADDRESS)) { (address.unwrap_or("–")) }
            td data-label=(words.t(say::ZONE)) { (it.placement.availability_zone) }
            td data-label=(words.t(say::LAUNCHED)) { (moment(it.launch_time.0)) }
        }
    }
}

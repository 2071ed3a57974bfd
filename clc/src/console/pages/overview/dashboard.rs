//! What there is at a glance: how many of what, against what is allowed, and how they are.

use std::collections::BTreeMap;

use common::ec2::images::DescribeImages;
use common::ec2::instances::DescribeInstances;
use common::ec2::keys::DescribeKeyPairs;
use common::error::{ApiError, ErrorCode};
use maud::{Markup, html};

use super::cloud;
use crate::console::components::{live as live_part, tag};
use crate::console::look::Look;
use crate::console::pages::people::waiting;
use crate::console::reply::Reply;
use crate::console::text::Words;
use crate::console::texts::accounts as say;
use crate::console::texts::instances as states;
use crate::console::visit::Visit;

/// How many pages of answers are counted through.
const PAGES: usize = 10;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let part = drawn(&visit.look(false)?, words).await?;
    let viewer = visit.viewer()?;
    let whole = match viewer.caller.administrator {
        true => Some(cloud::drawn(&visit).await?),
        false => None,
    };
    let own = cloud::own(&visit).await?;
    let main = html! {
        (waiting(words, viewer.waiting))
        @if let Some(whole) = whole { (whole) }
        (live_part(words, "/live", &part))
        (own)
        dl.facts {
            dt { (words.t(say::ACCOUNT_NUMBER)) }
            dd { code { (viewer.caller.account.as_str()) } }
        }
    };
    Ok(Reply::page(words.t(say::DASHBOARD), main))
}

/// The part that follows what happens.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (changes, words) = (visit.desk.people.records.instances.watch(), visit.words);
    let draw = move |viewer| {
        let look = visit.look_of(viewer);
        async move { drawn(&look, words).await }
    };
    Ok(Reply::live(changes, draw))
}

/// What may not be seen is told so, and does not keep the rest from being seen.
fn seen<T>(answer: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.code() == ErrorCode::UnauthorizedOperation => Ok(None),
        Err(error) => Err(error),
    }
}

/// How many instances there are in each state.
async fn by_state(look: &Look) -> Result<BTreeMap<String, usize>, ApiError> {
    let (mut counts, mut next_token) = (BTreeMap::new(), None);
    for _ in 0..PAGES {
        let (max_results, ask) = (Some(1000), DescribeInstances::default());
        let found = look.call(DescribeInstances { max_results, next_token, ..ask }).await?;
        let launches = found.reservation_set.item;
        for instance in launches.into_iter().flat_map(|launch| launch.instances_set.item) {
            *counts.entry(instance.instance_state.name).or_default() += 1;
        }
        next_token = found.next_token;
        if next_token.is_none() {
            break;
        }
    }
    Ok(counts)
}

async fn drawn(look: &Look, words: Words) -> Result<Markup, ApiError> {
    let states = seen(by_state(look).await)?;
    let own = DescribeImages { owner: vec!["self".to_owned()], ..DescribeImages::default() };
    let images = seen(look.call(own).await)?.map(|found| found.images_set.item.len());
    let keys = seen(look.call(DescribeKeyPairs::default()).await)?;
    let keys = keys.map(|found| found.key_set.item.len());
    let lives = |(name, count): (&String, &usize)| if name == "terminated" { 0 } else { *count };
    let instances = states.as_ref().map(|states| states.iter().map(lives).sum());
    let most = look.limit("ec2:RunInstances", "ec2:quota-vminstancenumber");
    let most_images = look.limit("ec2:RegisterImage", "ec2:quota-imagenumber");
    Ok(html! {
        h2 { (words.t(say::USAGE)) }
        ul.tiles {
            (tile(words, words.t(say::YOUR_INSTANCES), Some("/instances"), instances, most))
            (tile(words, words.t(say::YOUR_IMAGES), Some("/images"), images, most_images))
            (tile(words, words.t(say::YOUR_KEYS), Some("/key-pairs"), keys, None))
        }
        @if let Some(counts) = states.filter(|counts| !counts.is_empty()) {
            h2 { (words.t(say::STATES)) }
            ul.states {
                @for (name, count) in &counts {
                    @let (text, tone) = states::state(name);
                    li { a href={ "/instances?state=" (name) } { (tag(words, text, tone)) " " (count) } }
                }
            }
        }
    })
}

fn tile(
    words: Words,
    name: &str,
    path: Option<&str>,
    count: Option<usize>,
    most: Option<u64>,
) -> Markup {
    let told = |count: usize| match most {
        Some(most) => {
            let values = [("used", &*count.to_string()), ("limit", &*most.to_string())];
            words.fill(say::OF_LIMIT, &values)
        }
        None => words.t(say::NO_LIMIT).to_owned(),
    };
    html! {
        li.tile {
            p.name { @match path { Some(path) => a href=(path) { (name) }, None => (name) } }
            @match count {
                None => p.quiet { (words.t(say::NOT_TOLD)) },
                Some(count) => {
                    p.number { (count) }
                    p.quiet { (told(count)) }
                    @if let Some(most) = most {
                        meter min="0" max=(most.max(1)) value=(count) aria-label=(told(count)) {}
                    }
                }
            }
        }
    }
}

//! Key pairs: the list, searched, a hundred at a time, with how many instances have each; and one deleted.

use std::collections::BTreeMap;

use common::ec2::instances::DescribeInstances;
use common::ec2::keys::{DeleteKeyPair, DescribeKeyPairs, KeyPair};
use common::error::ApiError;
use common::sign::{percent_encode, write_query};
use common::time::Timestamp;
use maud::{Markup, html};

use crate::console::components::{button, moment, notice, refusal, status, told_beside};
use crate::console::reply::Reply;
use crate::console::texts::common as words_of_all;
use crate::console::texts::key_pairs as say;
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: usize = 100;
/// How many instances are looked through for those that have a key pair.
const COUNTED: u32 = 1000;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let told = match visit.query.get("done") {
        "deleted" => notice("good", visit.words.t(say::DELETED), ""),
        "imported" => notice("good", visit.words.t(say::IMPORTED), ""),
        _ => html! {},
    };
    listed(&visit, &told).await
}

/// Deletes one.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    let ask = DeleteKeyPair { key_name: visit.form.some("name"), key_pair_id: None };
    match visit.call(ask).await {
        Ok(_) => Ok(Reply::see("/key-pairs?done=deleted")),
        Err(error) => {
            let error = told_beside(error)?;
            let shown = listed(&visit, &refusal(visit.words, &error)).await?;
            Ok(shown.status(status(&error)))
        }
    }
}

/// How many instances have which key pair; nothing if that is not known, or would take long.
async fn uses(visit: &Visit) -> Option<BTreeMap<String, usize>> {
    let ask = DescribeInstances { max_results: Some(COUNTED), ..DescribeInstances::default() };
    let found = visit.call(ask).await.ok().filter(|found| found.next_token.is_none())?;
    let mut uses = BTreeMap::new();
    let instances = found.reservation_set.item.into_iter().flat_map(|it| it.instances_set.item);
    for instance in instances.filter(|it| it.instance_state.name != "terminated") {
        *uses.entry(instance.key_name.unwrap_or_default()).or_default() += 1;
    }
    Some(uses)
}

async fn listed(visit: &Visit, told: &Markup) -> Result<Reply, ApiError> {
    let words = visit.words;
    let search: String = visit.query.line("q").chars().take(100).collect();
    let after = visit.query.get("after");
    let wanted = search.to_lowercase();
    let is_met = |it: &KeyPair| {
        let texts = [&it.key_name, &it.key_fingerprint, it.key_pair_id.as_str()];
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut all = visit.call(DescribeKeyPairs::default()).await?.key_set.item;
    let any = !all.is_empty();
    all.sort_by(|one, other| one.key_name.cmp(&other.key_name));
    all.retain(is_met);
    let count = match all.len() {
        1 => words.t(say::SHOWN_ONE).to_owned(),
        count => words.fill(say::SHOWN, &[("count", &count.to_string())]),
    };
    all.retain(|it| after.is_empty() || it.key_name.as_str() > after);
    let next = (all.len() > SHOWN).then(|| all[SHOWN - 1].key_name.clone());
    all.truncate(SHOWN);
    let uses = if any { uses(visit).await } else { None };
    let path = |after: &str| {
        let said = [("q", search.as_str()), ("after", after)];
        let said: Vec<_> = said.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if said.is_empty() {
            "/key-pairs".to_owned()
        } else {
            format!("/key-pairs?{}", write_query(&said))
        }
    };
    let main = html! {
        (told)
        p { (words.t(say::LEAD)) }
        p.acts {
            a.button href="/key-pairs/new" { (words.t(say::CREATE)) }
            a.button.second href="/key-pairs/import" { (words.t(say::IMPORT)) }
        }
        @if !any {
            p.empty { (words.t(say::NONE)) }
        } @else {
            form.search method="get" action="/key-pairs" role="search" {
                div.field {
                    label for="q" { (words.t(words_of_all::SEARCH)) }
                    input id="q" name="q" type="search" value=(search) aria-describedby="q-hint";
                    p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
                }
                button.second type="submit" { (words.t(words_of_all::SEARCH)) }
            }
            @if all.is_empty() {
                p.empty { (words.t(say::NONE_MATCH)) }
            } @else {
                p.quiet { (count) }
                (rows(visit, &all, uses.as_ref()))
            }
            p.links {
                @if !after.is_empty() { a href=(path("")) { (words.t(words_of_all::FIRST_PAGE)) } }
                @if let Some(next) = &next { a href=(path(next)) { (words.t(words_of_all::NEXT_PAGE)) } }
            }
        }
    };
    Ok(Reply::page(words.t(say::KEY_PAIRS), main))
}

fn rows(visit: &Visit, all: &[KeyPair], uses: Option<&BTreeMap<String, usize>>) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::NAME)) }
                        th scope="col" { (words.t(say::KIND)) }
                        th scope="col" { (words.t(say::FINGERPRINT)) }
                        @if uses.is_some() { th scope="col" { (words.t(say::USED_BY)) } }
                        th scope="col" { (words.t(say::CREATED)) }
                        th scope="col" { span.unseen { (words.t(say::DELETE)) } }
                    }
                }
                tbody {
                    @for it in all { (row(visit, it, uses)) }
                }
            }
        }
    }
}

fn row(visit: &Visit, it: &KeyPair, uses: Option<&BTreeMap<String, usize>>) -> Markup {
    let words = visit.words;
    let created = it.create_time.as_deref().and_then(|text| Timestamp::parse_iso(text).ok());
    let named = [("name", it.key_name.as_str())];
    let path = format!("/instances?key={}", percent_encode(&it.key_name));
    html! {
        tr {
            th scope="row" data-label=(words.t(say::NAME)) {
                span.named { (it.key_name) }
                span.given { code { (it.key_pair_id.as_str()) } }
            }
            td data-label=(words.t(say::KIND)) { (it.key_type) }
            td data-label=(words.t(say::FINGERPRINT)) { code.print { (it.key_fingerprint) } }
            @if let Some(uses) = uses {
                td data-label=(words.t(say::USED_BY)) {
                    @match uses.get(&it.key_name).copied().unwrap_or_default() {
                        0 => span.quiet { (words.t(say::UNUSED)) },
                        1 => a href=(path) { (words.t(say::USED_ONE)) },
                        count => a href=(path) { (words.fill(say::USED_MANY, &[("count", &count.to_string())])) },
                    }
                }
            }
            td data-label=(words.t(say::CREATED)) {
                @match created { Some(at) => (moment(at)), None => "–" }
            }
            td.act {
                (button(visit, "/key-pairs/delete", &named, &html! {
                    (words.t(say::DELETE)) span.unseen { " (" (words.fill(say::DELETE_OF, &named)) ")" }
                }, Some(&words.fill(say::DELETE_SURE, &named))))
            }
        }
    }
}

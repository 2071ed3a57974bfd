//! Instances: the list, searched, filtered, a hundred at a time, and following what happens. Boxes say
//! to which of them something is to be done; what that means is told on the page that asks
//! ([`changes`](super::changes)).

use common::ec2::instances::Instance;
use common::error::ApiError;
use maud::{Markup, html};

use super::changes::Deed;
use super::inputs;
use super::wanted::{Wanted, name};
use crate::console::components::{live as live_part, moment, notice, tag};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::Words;
use crate::console::texts::common as words_of_all;
use crate::console::texts::instances::{self as say, STATES};
use crate::console::visit::Visit;

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, wanted) = (visit.words, Wanted::of(&visit));
    let part = drawn(&visit.look(false)?, words, &wanted).await?;
    let stream = wanted.here("/instances/live");
    let main = html! {
        @if let Some(text) = Deed::done(visit.query.get("done")) { (notice("good", words.t(text), "")) }
        @if visit.query.get("done") == "none" { (notice("plain", words.t(say::NONE_TICKED), "")) }
        @if visit.query.get("done") == "launched" {
            (notice("good", words.t(say::LAUNCHED_MANY), words.t(say::LAUNCHED_TEXT)))
        }
        p.deeds { a.button href="/launch" { (words.t(say::LAUNCH)) } }
        (search(words, &wanted))
        // What is ticked is asked about on a page of its own, so nothing is done by this form.
        form method="get" action="/instances/change" { (live_part(words, &stream, &part)) }
        (inputs::script())
    };
    Ok(Reply::page(words.t(say::INSTANCES), main))
}

/// The list as it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let (words, wanted) = (visit.words, Wanted::of(&visit));
    let changes = visit.desk.people.records.instances.watch();
    let draw = move |viewer| {
        let (look, wanted) = (visit.look_of(viewer), wanted.clone());
        async move { drawn(&look, words, &wanted).await }
    };
    Ok(Reply::live(changes, draw))
}

fn search(words: Words, wanted: &Wanted) -> Markup {
    let further = [
        ("type", words.t(say::TYPE), "m1.small"),
        ("image", words.t(say::IMAGE), "emi-…"),
        ("key", words.t(say::KEY_PAIR), ""),
        ("tag", words.t(say::TAG), "Team=blue"),
    ];
    html! {
        form.search method="get" action="/instances" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(wanted.get("q")) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
            }
            div.field {
                label for="state" { (words.t(say::STATE)) }
                select id="state" name="state" {
                    option value="" { (words.t(words_of_all::ALL_OF_THEM)) }
                    @for (state, text, _) in STATES {
                        option value=(state) selected[wanted.get("state") == state] { (words.t(text)) }
                    }
                }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
            details.further open[wanted.is_special() || !wanted.get("type").is_empty()] {
                summary { (words.t(say::MORE_FILTERS)) }
                div.side-by-side {
                    @for (name, label, example) in further {
                        div.field {
                            label for={ "by-" (name) } { (label) }
                            input id={ "by-" (name) } name=(name) value=(wanted.get(name))
                                placeholder=(example) autocapitalize="none" spellcheck="false";
                        }
                    }
                    @if !wanted.get("launch").is_empty() {
                        input type="hidden" name="launch" value=(wanted.get("launch"));
                    }
                }
            }
            @if wanted.narrows() { p.links { a href="/instances" { (words.t(say::SHOW_ALL)) } } }
        }
    }
}

async fn drawn(look: &Look, words: Words, wanted: &Wanted) -> Result<Markup, ApiError> {
    let (all, next) = wanted.found(look).await?;
    let count = match all.len() {
        1 => words.t(say::SHOWN_ONE).to_owned(),
        count => words.fill(say::SHOWN, &[("count", &count.to_string())]),
    };
    let none = match next {
        Some(_) => words_of_all::NONE_MATCH_YET,
        None if wanted.narrows() => say::NONE_MATCH,
        None => say::NO_INSTANCES,
    };
    Ok(html! {
        @if all.is_empty() {
            p.empty { (words.t(none)) }
        } @else {
            p.quiet { (count) }
            (rows(words, &all))
            (deeds(words, &all))
        }
        p.links {
            @if wanted.is_further() {
                a href=(wanted.path("/instances", None)) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &next {
                a href=(wanted.path("/instances", Some(next))) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
    })
}

/// What can be done to those that are ticked: whatever can be done to any of them.
fn deeds(words: Words, all: &[Instance]) -> Markup {
    let fits = |deed: &Deed| all.iter().any(|it| deed.fits(&it.instance_state.name));
    html! {
        div.deeds.several role="group" aria-label=(words.t(say::TO_TICKED)) {
            span.quiet { (words.t(say::TO_TICKED)) }
            @for deed in Deed::SEVERAL.into_iter().filter(fits) {
                button type="submit" id={ "do-" (deed.name()) } name="do" value=(deed.name())
                    class=(if deed == Deed::Terminate { "danger" } else { "second" }) { (words.t(deed.label())) "…" }
            }
        }
    }
}

fn rows(words: Words, all: &[Instance]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th.box scope="col" {
                            span.unseen { (words.t(say::TICK)) }
                            span hidden { input type="checkbox" id="tick-all" data-every="" aria-label=(words.t(say::TICK_ALL)); }
                        }
                        th scope="col" { (words.t(say::INSTANCE)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::TYPE)) }
                        th scope="col" { (words.t(say::IMAGE)) }
                        th scope="col" { (words.t(say::ADDRESS)) }
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
    let id = it.instance_id.as_str();
    let over = it.instance_state.name == "terminated";
    html! {
        tr {
            td.box {
                @if !over {
                    input type="checkbox" id={ "tick-" (id) } name="id" value=(id)
                        aria-label=(words.fill(say::TICK_ONE, &[("id", id)]));
                }
            }
            th scope="row" data-label=(words.t(say::INSTANCE)) {
                a href={ "/instances/" (id) } { code { (id) } }
                @if !name(it).is_empty() { span.given { (name(it)) } }
            }
            td data-label=(words.t(say::STATE)) { (tag(words, state, tone)) }
            td data-label=(words.t(say::TYPE)) { (it.instance_type) }
            td data-label=(words.t(say::IMAGE)) {
                a href={ "/images/" (it.image_id) } { code { (it.image_id) } }
            }
            td data-label=(words.t(say::ADDRESS)) { (address.unwrap_or("–")) }
            td data-label=(words.t(say::LAUNCHED)) { (moment(it.launch_time.0)) }
        }
    }
}

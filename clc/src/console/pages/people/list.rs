//! All users: searched, filtered, a hundred at a time.

use common::error::ApiError;
use common::sign::write_query;
use common::wire::people::Registered;
use common::wire::registrar::{ListPeople, Shown};
use maud::{Markup, html};

use super::parts::{about, by, done, state};
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::{common as words_of_all, people as say};
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: usize = 100;

/// What can be chosen: as the address has it, as people call it, as it is asked for.
const STATES: [(&str, Text, Shown); 5] = [
    ("active", say::ACTIVE, Shown::Enabled),
    ("disabled", say::DISABLED, Shown::Disabled),
    ("waiting", say::APPLIED, Shown::Waiting),
    ("unconfirmed", say::TO_CONFIRM, Shown::Unconfirmed),
    ("leaving", say::LEAVING, Shown::Leaving),
];

/// What is said of those who wait.
pub(crate) fn waiting(words: Words, count: usize) -> Markup {
    let told = match count {
        1 => words.t(say::WAITING_ONE).to_owned(),
        count => words.fill(say::WAITING_MANY, &[("count", &count.to_string())]),
    };
    html! {
        @if count > 0 {
            div.notice role="status" {
                strong { (told) }
                p { a href="/people/waiting" { (words.t(say::LOOK_AT_THEM)) } }
            }
        }
    }
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let words = visit.words;
    let search: String = visit.query.line("q").chars().take(100).collect();
    let chosen = STATES.iter().find(|(word, ..)| *word == visit.query.get("state"));
    let state = chosen.map_or("", |(word, ..)| word);
    let after = visit.query.some("page");
    let (by, address) = (by(&visit)?, visit.address());
    let show = chosen.map_or(Shown::All, |(.., show)| *show);
    let first = after.is_none();
    let asked = ListPeople { search: search.clone(), show, after, most: SHOWN, by, address };
    let found = visit.ask(asked).await?;
    let path = |page: &str| {
        let all = [("q", search.as_str()), ("state", state), ("page", page)];
        let said: Vec<_> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        if said.is_empty() {
            "/people".to_owned()
        } else {
            format!("/people?{}", write_query(&said))
        }
    };
    let is_asked = !search.is_empty() || !state.is_empty();
    let main = html! {
        (done(&visit))
        (waiting(words, visit.viewer()?.waiting))
        p.links { a.button href="/people/add" { (words.t(say::ADD)) } }
        form.search method="get" action="/people" role="search" {
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
            }
            div.field {
                label for="state" { (words.t(say::STATE)) }
                select id="state" name="state" {
                    option value="" { (words.t(words_of_all::ALL_OF_THEM)) }
                    @for (word, text, _) in STATES {
                        option value=(word) selected[state == word] { (words.t(text)) }
                    }
                }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
        @if found.people.is_empty() {
            p.empty { (words.t(if is_asked { say::NONE_MATCH } else { say::NONE })) }
        } @else {
            (rows(words, &found.people))
        }
        p.links {
            @if !first { a href=(path("")) { (words.t(words_of_all::FIRST_PAGE)) } }
            @if let Some(next) = &found.next {
                a href=(path(next)) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
    };
    Ok(Reply::page(words.t(say::USERS), main))
}

fn rows(words: Words, all: &[Registered]) -> Markup {
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::NAME)) }
                        th scope="col" { (words.t(say::STATE)) }
                        th scope="col" { (words.t(say::EMAIL)) }
                        th scope="col" { (words.t(say::NUMBER)) }
                        th scope="col" { (words.t(say::ZONE_GROUPS)) }
                    }
                }
                tbody {
                    @for it in all {
                        tr {
                            th scope="row" data-label=(words.t(say::NAME)) {
                                a href=(about("/people/user", &it.name)) { (it.name) }
                                @if !it.contact.full_name.is_empty() {
                                    span.given { (it.contact.full_name) }
                                }
                            }
                            td data-label=(words.t(say::STATE)) { (state(words, it)) }
                            td data-label=(words.t(say::EMAIL)) { span.said { (or_dash(&it.contact.email)) } }
                            td data-label=(words.t(say::NUMBER)) { code { (it.account.as_str()) } }
                            td data-label=(words.t(say::ZONE_GROUPS)) { span.said { (it.zone_groups.join(", ")) } }
                        }
                    }
                }
            }
        }
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

//! Buckets: the list, making one, deleting one.

use common::error::ApiError;
use common::s3::CannedAcl;
use common::sign::percent_encode;
use maud::{Markup, html};

use super::access::choices;
use super::places::path;
use crate::console::components::{
    Field, field, form, moment, notice, refusal, status, told_beside,
};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::texts::common as words_of_all;
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// How many are shown at once.
const SHOWN: usize = 100;

/// The list, or the bucket whose name was typed.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    if let Some(name) = visit.query.some("open") {
        return Ok(Reply::see(path(&name)));
    }
    let (words, search) = (visit.words, visit.query.line("q"));
    let document = visit.s3_document(Ask::buckets(), "ListAllMyBucketsResult").await?;
    let all = answers::buckets(&document);
    let has_some = !all.is_empty();
    let wanted = search.to_lowercase();
    let found: Vec<_> =
        all.into_iter().filter(|(name, _)| name.to_lowercase().contains(&wanted)).collect();
    let from: usize = visit.query.get("from").parse().unwrap_or(0);
    let shown = found.get(from.min(found.len())..).unwrap_or_default();
    let next = (shown.len() > SHOWN).then(|| from + SHOWN);
    let shown = shown.get(..SHOWN.min(shown.len())).unwrap_or_default();
    let at = |from: usize| format!("/buckets?q={}&from={from}", percent_encode(search));
    let main = html! {
        @match visit.query.get("done") {
            "deleted" => (notice("good", words.t(say::BUCKET_DELETED), "")),
            _ => {}
        }
        p { (words.t(say::BUCKETS_LEAD)) }
        p.links.up { a.button href="/buckets/new" { (words.t(say::NEW_BUCKET)) } }
        @if has_some {
            form.search method="get" action="/buckets" role="search" {
                div.field {
                    label for="q" { (words.t(words_of_all::SEARCH)) }
                    input id="q" name="q" type="search" value=(search);
                }
                button.second type="submit" { (words.t(words_of_all::SEARCH)) }
            }
        }
        @if found.is_empty() {
            p.empty {
                (words.t(if has_some { say::NO_BUCKET_MATCHES } else { say::NO_BUCKETS }))
            }
        } @else {
            div.scroll {
                table.rows {
                    thead {
                        tr {
                            th scope="col" { (words.t(say::NAME)) }
                            th scope="col" { (words.t(say::CREATED_AT)) }
                        }
                    }
                    tbody {
                        @for (name, created) in shown {
                            tr {
                                th scope="row" data-label=(words.t(say::NAME)) {
                                    a href=(path(name)) { (name) }
                                }
                                td data-label=(words.t(say::CREATED_AT)) { (moment(*created)) }
                            }
                        }
                    }
                }
            }
        }
        p.links {
            @if from > 0 { a href=(at(0)) { (words.t(words_of_all::FIRST_PAGE)) } }
            @if let Some(next) = next { a href=(at(next)) { (words.t(words_of_all::NEXT_PAGE)) } }
        }
        h2 { (words.t(say::OPEN_BY_NAME)) }
        form method="get" action="/buckets" {
            (field(words, &Field {
                name: "open", label: words.t(say::NAME), hint: words.t(say::OPEN_HINT),
                required: true, ..Field::default()
            }))
            button.second type="submit" { (words.t(say::OPEN)) }
        }
    };
    Ok(Reply::page(words.t(say::BUCKETS), main))
}

fn drawn(visit: &Visit, name: &str, acl: CannedAcl, refused: Option<&ApiError>) -> Reply {
    let words = visit.words;
    let inside = html! {
        (field(words, &Field {
            name: "name", label: words.t(say::NAME), hint: words.t(say::BUCKET_HINT),
            value: name, required: true, first: true, ..Field::default()
        }))
        (choices(words, acl))
        button type="submit" { (words.t(say::CREATE)) }
    };
    let main: Markup = html! {
        @if let Some(error) = refused { (refusal(words, error)) }
        (form(visit, "/buckets/new", &inside))
    };
    Reply::page(words.t(say::NEW_BUCKET), main)
}

/// The form of a new bucket.
pub(crate) async fn new(visit: Visit) -> Result<Reply, ApiError> {
    Ok(drawn(&visit, "", CannedAcl::Private, None))
}

/// Makes a bucket.
pub(crate) async fn create(visit: Visit) -> Result<Reply, ApiError> {
    let name = visit.form.line("name").to_owned();
    let acl: CannedAcl = visit.form.line("acl").parse().unwrap_or_default();
    let ask = async {
        if name.is_empty() {
            return Err(ApiError::missing("name"));
        }
        visit.s3(Ask::new("PUT", &name).saying("x-amz-acl", acl.as_str())).await
    };
    match ask.await {
        Ok(_) => Ok(Reply::see(format!("{}?done=created", path(&name)))),
        Err(error) => {
            let error = told_beside(error)?;
            Ok(drawn(&visit, &name, acl, Some(&error)).status(status(&error)))
        }
    }
}

/// Deletes a bucket, if it is empty.
pub(crate) async fn delete(visit: Visit) -> Result<Reply, ApiError> {
    visit.s3(Ask::new("DELETE", visit.part(0))).await?;
    Ok(Reply::see("/buckets?done=deleted"))
}

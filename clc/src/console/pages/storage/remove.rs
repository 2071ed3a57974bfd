//! Deleting objects: those that were chosen, or a folder, a bounded number at a time.

use common::error::ApiError;
use common::s3::xml::Writer;
use common::sign::percent_encode;
use maud::html;

use super::places::{folder_path, in_field, name_of, of_field, steps};
use crate::console::components::{form, notice};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// How many objects one request of S3 names.
const AT_ONCE: usize = 1000;
/// How many such requests one click makes of a folder.
const ROUNDS: usize = 5;
/// How many refusals are told.
const TOLD: usize = 20;

/// Deletes objects of a bucket; gives those that could not be, and why.
async fn delete(visit: &Visit, keys: &[String]) -> Result<Vec<(String, String)>, ApiError> {
    let document = Writer::document("Delete", |to| {
        to.leaf("Quiet", "true");
        for key in keys {
            to.element("Object", |to| to.leaf("Key", key));
        }
    });
    let ask = Ask::new("POST", visit.part(0)).with("delete", "").document(document);
    Ok(answers::unremoved(&visit.s3_document(ask, "DeleteResult").await?))
}

/// What could not be deleted.
fn refused(visit: &Visit, refused: &[(String, String)], back: &str) -> Reply {
    let words = visit.words;
    let main = html! {
        (notice("bad", words.t(say::COULD_NOT), ""))
        ul {
            @for (key, why) in refused.iter().take(TOLD) {
                li { code.key { (key) } ": " span lang="en" { (why) } }
            }
            @if refused.len() > TOLD { li { "… +" (refused.len() - TOLD) } }
        }
        p.links { a href=(back) { (words.t(say::TO_THE_FOLDER)) } }
    };
    Reply::page(words.t(say::COULD_NOT), main).status(403)
}

fn told(path: &str, done: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}done={done}")
}

/// Deletes what was chosen.
pub(crate) async fn some(visit: Visit) -> Result<Reply, ApiError> {
    let folder = of_field(visit.form.get("prefix"));
    let names = visit.form.all("name").map(of_field);
    let keys: Vec<_> = names.map(|name| format!("{folder}{name}")).collect();
    let back = folder_path(visit.part(0), &folder);
    if keys.is_empty() {
        return Ok(Reply::see(told(&back, "none")));
    }
    let unremoved = delete(&visit, &keys).await?;
    match unremoved.is_empty() {
        true => Ok(Reply::see(told(&back, &format!("deleted&count={}", keys.len())))),
        false => Ok(refused(&visit, &unremoved, &back)),
    }
}

/// The objects of a folder, at most so many as one request names, and whether there are more.
async fn within(visit: &Visit, folder: &str) -> Result<(Vec<String>, bool), ApiError> {
    let ask = Ask::new("GET", visit.part(0))
        .with("list-type", "2")
        .with("encoding-type", "url")
        .with("max-keys", AT_ONCE.to_string())
        .with("prefix", folder);
    let page = answers::page(&visit.s3_document(ask, "ListBucketResult").await?);
    Ok((page.objects.into_iter().map(|it| it.key).collect(), page.next.is_some()))
}

/// Asks whether a folder is to go.
pub(crate) async fn ask(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket, folder) = (visit.words, visit.part(0), visit.query.get("prefix"));
    if folder.is_empty() {
        return Ok(Reply::see(folder_path(bucket, "")));
    }
    let (keys, more) = within(&visit, folder).await?;
    let (count, most) = (keys.len().to_string(), (AT_ONCE * ROUNDS).to_string());
    let holds = if more { say::FOLDER_HOLDS_MORE } else { say::FOLDER_HOLDS };
    let inside = html! {
        input type="hidden" name="prefix" value=(in_field(folder));
        button.danger type="submit" { (words.t(say::DELETE_ALL)) }
    };
    let action = format!("/buckets/{}/delete-folder", percent_encode(bucket));
    let main = html! {
        (steps(words, bucket, folder))
        @if let Ok(gone) = visit.query.get("count").parse::<usize>() {
            (notice("plain", &words.fill(say::FOLDER_GOES_ON, &[("count", &gone.to_string())]), ""))
        }
        p { (words.fill(holds, &[("count", &count), ("most", &most)])) }
        p { (words.t(say::FOLDER_SURE)) }
        ul.keys {
            @for key in keys.iter().take(10) { li { code.key { (key) } } }
            @if keys.len() > 10 { li { "…" } }
        }
        (form(&visit, &action, &inside))
        p.links { a href=(folder_path(bucket, folder)) { (words.t(say::CANCEL)) } }
    };
    let title = words.fill(say::DELETE_FOLDER_TITLE, &[("name", name_of(folder))]);
    Ok(Reply::page(title, main))
}

/// Deletes a folder, or the beginning of one that is large.
pub(crate) async fn folder(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, folder) = (visit.part(0), of_field(visit.form.get("prefix")));
    // Without one it would be the whole bucket.
    if folder.is_empty() {
        return Err(ApiError::missing("prefix"));
    }
    let mut gone = 0;
    for _ in 0..ROUNDS {
        let (keys, more) = within(&visit, &folder).await?;
        if !keys.is_empty() {
            let unremoved = delete(&visit, &keys).await?;
            if !unremoved.is_empty() {
                return Ok(refused(&visit, &unremoved, &folder_path(bucket, &folder)));
            }
            gone += keys.len();
        }
        if !more {
            let whole = folder.trim_end_matches('/');
            let above = whole.rfind('/').map_or("", |at| &whole[..=at]);
            return Ok(Reply::see(told(&folder_path(bucket, above), "gone")));
        }
    }
    let (bucket, folder) = (percent_encode(bucket), percent_encode(&folder));
    Ok(Reply::see(format!("/buckets/{bucket}/delete-folder?prefix={folder}&count={gone}")))
}

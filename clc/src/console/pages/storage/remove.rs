//! Deleting objects: those that were chosen, a folder, or all of a bucket, a bounded number at a time.

use common::error::{ApiError, ErrorCode};
use common::s3::xml::Writer;
use common::sign::percent_encode;
use maud::html;
use serde_json::json;

use super::places::{folder_path, in_field, name_of, of_field, steps};
use crate::console::components::{Field, field, form, notice};
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

/// The request that deletes objects of a bucket.
fn deleting(visit: &Visit, keys: &[String]) -> Ask {
    let document = Writer::document("Delete", |to| {
        to.leaf("Quiet", "true");
        for key in keys {
            to.element("Object", |to| to.leaf("Key", key));
        }
    });
    Ask::new("POST", visit.part(0)).with("delete", "").document(document)
}

/// Deletes objects; gives those that could not be, and why.
async fn delete(visit: &Visit, ask: Ask) -> Result<Vec<(String, String)>, ApiError> {
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
    let unremoved = delete(&visit, deleting(&visit, &keys)).await?;
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

/// Asks whether a folder is to go, or all that is in the bucket.
pub(crate) async fn ask(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket, folder) = (visit.words, visit.part(0), visit.query.get("prefix"));
    let all = folder.is_empty();
    if all && visit.query.get("all").is_empty() {
        return Ok(Reply::see(folder_path(bucket, "")));
    }
    let (keys, more) = within(&visit, folder).await?;
    let (count, most) = (keys.len().to_string(), (AT_ONCE * ROUNDS).to_string());
    let holds = if more { say::FOLDER_HOLDS_MORE } else { say::FOLDER_HOLDS };
    let inside = html! {
        input type="hidden" name="prefix" value=(in_field(folder));
        @if all {
            (field(words, &Field {
                name: "bucket", label: words.t(say::ITS_NAME), hint: words.t(say::ITS_NAME_HINT),
                required: true, ..Field::default()
            }))
        }
        button.danger type="submit" { (words.t(say::DELETE_ALL)) }
    };
    let action = format!("/buckets/{}/delete-folder", percent_encode(bucket));
    let main = html! {
        (steps(words, bucket, folder))
        @if let Ok(gone) = visit.query.get("count").parse::<usize>() {
            (notice("plain", &words.fill(say::FOLDER_GOES_ON, &[("count", &gone.to_string())]), ""))
        }
        p { (words.fill(holds, &[("count", &count), ("most", &most)])) }
        p { (words.t(if all { say::BUCKET_SURE } else { say::FOLDER_SURE })) }
        ul.keys {
            @for key in keys.iter().take(10) { li { code.key { (key) } } }
            @if keys.len() > 10 { li { "…" } }
        }
        (form(&visit, &action, &inside))
        p.links { a href=(folder_path(bucket, folder)) { (words.t(say::CANCEL)) } }
    };
    let title = match all {
        true => words.fill(say::EMPTY_BUCKET_TITLE, &[("name", bucket)]),
        false => words.fill(say::DELETE_FOLDER_TITLE, &[("name", name_of(folder))]),
    };
    Ok(Reply::page(title, main))
}

/// Deletes a folder, or all that is in the bucket; of what is large, the beginning.
pub(crate) async fn folder(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, folder) = (visit.part(0), of_field(visit.form.get("prefix")));
    // Nobody empties a bucket without saying which.
    if folder.is_empty() && visit.form.line("bucket") != bucket {
        let text = "To empty a bucket its name has to be typed";
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    let mut gone = 0;
    for _ in 0..ROUNDS {
        let (keys, more) = within(&visit, &folder).await?;
        if !keys.is_empty() {
            let unremoved = delete(&visit, deleting(&visit, &keys).untold()).await?;
            if !unremoved.is_empty() {
                return Ok(refused(&visit, &unremoved, &folder_path(bucket, &folder)));
            }
            gone += keys.len();
        }
        if !more {
            visit.did_s3("DeleteFolder", &json!({ "Bucket": bucket, "Prefix": folder }))?;
            let whole = folder.trim_end_matches('/');
            let above = whole.rfind('/').map_or("", |at| &whole[..=at]);
            let done = if folder.is_empty() { "emptied" } else { "gone" };
            return Ok(Reply::see(told(&folder_path(bucket, above), done)));
        }
    }
    let which = match folder.as_str() {
        "" => "all=1".to_owned(),
        folder => format!("prefix={}", percent_encode(folder)),
    };
    let bucket = percent_encode(bucket);
    Ok(Reply::see(format!("/buckets/{bucket}/delete-folder?{which}&count={gone}")))
}

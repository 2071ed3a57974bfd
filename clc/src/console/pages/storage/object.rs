//! One object: what is known of it, and what can be done with it.

use common::error::ApiError;
use common::sign::percent_encode;
use maud::html;

use super::objects::size;
use super::places::{folder_of, folder_path, in_field, name_of, object_path, steps};
use super::share;
use crate::console::components::{button, notice};
use crate::console::reply::Reply;
use crate::console::s3::Ask;
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// What the metadata of whoever wrote it begin with.
const OWN: &str = "x-amz-meta-";
/// What else is kept with an object and told by its head.
const KEPT: [&str; 5] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket, key) = (visit.words, visit.part(0), visit.query.get("key"));
    let ask = Ask::new("HEAD", bucket).key(key).saying("x-amz-checksum-mode", "ENABLED");
    let head = visit.s3(ask).await?;
    let text = |name: &str| head.headers.text(name).unwrap_or_default();
    let bytes: u64 = text("content-length").parse().unwrap_or_default();
    let own = |name: &str| name.starts_with(OWN) || KEPT.contains(&name);
    let metadata: Vec<_> = head
        .headers
        .iter()
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect();
    let kind = |name: &str| name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-type";
    let sum = head.headers.iter().find(|(name, _)| kind(name));
    let sum = sum.map(|(name, value)| {
        let name = name.trim_start_matches("x-amz-checksum-").to_uppercase();
        (name, String::from_utf8_lossy(value).into_owned())
    });
    let folder = folder_of(key);
    let main = html! {
        (steps(words, bucket, folder))
        @if visit.query.get("done") == "access" {
            (notice("good", words.t(say::ACCESS_CHANGED), ""))
        }
        p.links.up {
            a.button href=(object_path(bucket, "download", key)) download { (words.t(say::DOWNLOAD)) }
            a href=(object_path(bucket, "access", key)) { (words.t(say::ACCESS)) }
            a href=(folder_path(bucket, folder)) { (words.t(say::TO_THE_FOLDER)) }
        }
        dl.facts {
            dt { (words.t(say::NAME)) }
            dd { code.key { (key) } }
            dt { (words.t(say::SIZE)) }
            dd { (size(bytes)) @if bytes >= 1024 { " " span.quiet { "(" (bytes) " B)" } } }
            dt { (words.t(say::MODIFIED)) }
            dd { (text("last-modified")) }
            dt { (words.t(say::TYPE)) }
            dd { (text("content-type")) }
            dt { (words.t(say::ETAG)) }
            dd { code { (text("etag").trim_matches('"')) } }
            @if let Some((name, sum)) = &sum {
                dt { (words.t(say::CHECKSUM)) }
                dd { (name) " " code { (sum) } " " span.quiet { (text("x-amz-checksum-type")) } }
            }
            dt { (words.t(say::ADDRESS)) }
            dd { code.key { "s3://" (bucket) "/" (key) } }
            @for (name, value) in &metadata {
                dt { (name) }
                dd { (value) }
            }
        }
        h2 { (words.t(say::SHARE)) }
        (share::asked(&visit, key))
        h2 { (words.t(say::DELETE)) }
        (button(&visit, &format!("/buckets/{}/delete-objects", percent_encode(bucket)),
            &[("prefix", &in_field(folder)), ("name", &in_field(key.strip_prefix(folder).unwrap_or(key)))],
            &html! { (words.t(say::DELETE)) }, Some(words.t(say::DELETE_OBJECT_SURE))))
    };
    Ok(Reply::page(name_of(key), main))
}

//! Manifests in one's buckets, to be chosen from; and bundles that go with their images.

use common::error::{ApiError, ErrorCode};
use common::s3::xml::Writer;
use common::sign::write_query;
use maud::{Markup, html};

use crate::console::components::moment;
use crate::console::s3::{Ask, answers};
use crate::console::texts::common as words_of_all;
use crate::console::texts::images as say;
use crate::console::visit::Visit;

/// What a manifest's key ends in.
const END: &str = ".manifest.xml";
/// How many answers of S3 are looked through.
const PAGES: usize = 10;

/// One's buckets; none if they may not be seen.
async fn buckets(visit: &Visit) -> Result<Vec<String>, ApiError> {
    match visit.s3_document(Ask::new("GET", ""), "ListAllMyBucketsResult").await {
        Ok(document) => Ok(answers::buckets(&document).into_iter().map(|(name, _)| name).collect()),
        Err(error) if error.code().status() < 500 => Ok(Vec::new()),
        // A bundle can be named by hand, too.
        Err(error) if error.code() == ErrorCode::Unavailable => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// What lies in a bucket and begins so.
async fn listed(
    visit: &Visit,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<answers::Listed>, ApiError> {
    let (mut all, mut next) = (Vec::new(), String::new());
    for _ in 0..PAGES {
        let ask = Ask::new("GET", bucket)
            .with("list-type", "2")
            .with("encoding-type", "url")
            .with_some("prefix", prefix)
            .with_some("continuation-token", &next);
        let page = answers::page(&visit.s3_document(ask, "ListBucketResult").await?);
        all.extend(page.objects);
        match page.next {
            Some(token) => next = token,
            None => break,
        }
    }
    Ok(all)
}

/// The part of a page where a manifest is chosen: first its bucket, then itself.
pub(super) async fn chooser(visit: &Visit) -> Result<Markup, ApiError> {
    let (words, chosen) = (visit.words, visit.query.line("bucket"));
    let buckets = buckets(visit).await?;
    let found = if buckets.iter().any(|it| it == chosen) {
        listed(visit, chosen, "").await.unwrap_or_default()
    } else {
        Vec::new()
    };
    let manifests: Vec<_> = found.iter().filter(|it| it.key.ends_with(END)).take(100).collect();
    Ok(html! {
        @if !buckets.is_empty() {
            form.search method="get" action="/images/register" {
                div.field {
                    label for="bucket" { (words.t(say::FIND_BUCKET)) }
                    select id="bucket" name="bucket" {
                        @for name in &buckets { option value=(name) selected[name == chosen] { (name) } }
                    }
                }
                button.second type="submit" { (words.t(words_of_all::SEARCH)) }
            }
            @if !chosen.is_empty() && manifests.is_empty() {
                p.quiet { (words.t(say::NO_MANIFESTS)) }
            }
            @if !manifests.is_empty() {
                ul.plain {
                    @for it in manifests {
                        @let location = format!("{chosen}/{}", it.key);
                        li {
                            a href={ "/images/register?" (write_query(&[("location", location.as_str())])) } { (it.key) }
                            " " span.quiet { (moment(it.modified)) }
                        }
                    }
                }
            }
        }
    })
}

/// Deletes a bundle as whoever is signed in: its manifest first, without which its parts mean nothing.
///
/// # Errors
/// What S3 refuses.
pub(super) async fn drop_bundle(visit: &Visit, location: &str) -> Result<(), ApiError> {
    let (bucket, key) = location.split_once('/').unwrap_or((location, ""));
    visit.s3(Ask::new("DELETE", bucket).key(key)).await?;
    let Some(name) = key.strip_suffix(END) else { return Ok(()) };
    let parts = format!("{name}.part.");
    let all = listed(visit, bucket, &parts).await?;
    let is_part = |it: &answers::Listed| {
        it.key.strip_prefix(&parts).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let keys: Vec<_> = all.into_iter().filter(is_part).map(|it| it.key).collect();
    for some in keys.chunks(1000) {
        let document = Writer::document("Delete", |to| {
            to.leaf("Quiet", "true");
            for key in some {
                to.element("Object", |to| to.leaf("Key", key));
            }
        });
        let ask = Ask::new("POST", bucket).with("delete", "").document(document);
        let kept = answers::unremoved(&visit.s3_document(ask, "DeleteResult").await?);
        if let Some((_, why)) = kept.into_iter().next() {
            return Err(ApiError::new(ErrorCode::AccessDenied, why));
        }
    }
    Ok(())
}

//! Uploads of a bucket that are not finished: what they are, and how one gives them up.

use common::error::ApiError;
use common::sign::{percent_encode, write_query};
use maud::html;

use super::places::{folder_of, folder_path, in_field, steps};
use crate::console::components::{button, moment, notice};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::texts::common as words_of_all;
use crate::console::texts::storage as say;
use crate::console::visit::Visit;

/// How many are shown on a page.
const SHOWN: &str = "100";

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket) = (visit.words, visit.part(0));
    let ask = Ask::new("GET", bucket)
        .with("uploads", "")
        .with("max-uploads", SHOWN)
        .with("encoding-type", "url")
        .with_some("key-marker", visit.query.get("key"))
        .with_some("upload-id-marker", visit.query.get("upload"));
    let document = visit.s3_document(ask, "ListMultipartUploadsResult").await?;
    let (all, next) = answers::uploads(&document);
    let own = format!("/buckets/{}/uploads", percent_encode(bucket));
    let main = html! {
        (steps(words, bucket, ""))
        @if visit.query.get("done") == "aborted" {
            (notice("good", words.t(say::GIVEN_UP), ""))
        }
        p { (words.t(say::OPEN_UPLOADS_LEAD)) }
        @if all.is_empty() {
            p.empty { (words.t(say::NO_OPEN_UPLOADS)) }
        } @else {
            div.scroll {
                table.rows {
                    thead {
                        tr {
                            th scope="col" { (words.t(say::NAME)) }
                            th scope="col" { (words.t(say::BEGUN)) }
                            th scope="col" { (words.t(say::PLACE)) }
                            th scope="col" { span.unseen { (words.t(say::GIVE_UP)) } }
                        }
                    }
                    tbody {
                        @for it in &all {
                            tr {
                                th scope="row" data-label=(words.t(say::NAME)) { span.object { (it.key) } }
                                td data-label=(words.t(say::BEGUN)) { (moment(it.begun)) }
                                td data-label=(words.t(say::PLACE)) {
                                    a href=(folder_path(bucket, folder_of(&it.key))) { (words.t(say::TO_THE_PLACE)) }
                                }
                                td.act {
                                    (button(&visit, "/uploads/abort",
                                        &[("bucket", bucket), ("key", &in_field(&it.key)), ("upload", &it.id)],
                                        &html! { (words.t(say::GIVE_UP)) span.unseen { ": " (it.key) } },
                                        Some(words.t(say::GIVE_UP_SURE))))
                                }
                            }
                        }
                    }
                }
            }
        }
        @if let Some((key, id)) = &next {
            p.links {
                a href=(format!("{own}?{}", write_query(&[("key", key), ("upload", id)]))) {
                    (words.t(words_of_all::NEXT_PAGE))
                }
            }
        }
    };
    Ok(Reply::page(words.t(say::OPEN_UPLOADS), main))
}

//! What is in a bucket: folders, which are beginnings of names up to a slash, and objects, a hundred at a
//! time; and where files are uploaded.

use common::error::{ApiError, ErrorCode};
use common::sign::{percent_encode, write_query};
use futures_util::future::join;
use maud::{Markup, html};
use runtime::exchange::Sending;

use super::places::{folder_path, in_field, name_of, object_path, of_field, path, steps};
use crate::console::components::{Field, button, field, form, moment, notice, token};
use crate::console::reply::Reply;
use crate::console::s3::{Ask, answers};
use crate::console::texts::common as words_of_all;
use crate::console::texts::storage as say;
use crate::console::uploader::{Uploader, uploader};
use crate::console::visit::Visit;

/// How many folders and objects are shown on a page.
const SHOWN: usize = 100;

/// A size as people read it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Tenths of the unit, so that nothing is rounded twice.
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// How many bytes names may take on a page.
const NAMES: usize = 48 << 10;

fn told(visit: &Visit) -> Markup {
    let words = visit.words;
    html! {
        @match visit.query.get("done") {
            "created" => (notice("good", words.t(say::BUCKET_CREATED), "")),
            "folder" => (notice("good", words.t(say::FOLDER_CREATED), "")),
            "none" => (notice("bad", words.t(say::NONE_CHOSEN), "")),
            "emptied" => (notice("good", words.t(say::EMPTIED), "")),
            "gone" => (notice("good", words.t(say::FOLDER_GONE), "")),
            "deleted" => {
                @let count: usize = visit.query.get("count").parse().unwrap_or_default();
                (notice("good", &words.fill(say::DELETED, &[("count", &count.to_string())]), ""))
            }
            _ => {}
        }
    }
}

/// The page.
pub(crate) async fn show(visit: Visit) -> Result<Reply, ApiError> {
    let (words, bucket) = (visit.words, visit.part(0));
    let search = visit.query.get("q");
    // Of a search, the folder comes out of a form.
    let folder = match visit.query.has("in") {
        true => of_field(visit.query.get("in")),
        false => visit.query.get("prefix").to_owned(),
    };
    let folder = folder.as_str();
    let list = |count: usize| {
        let ask = Ask::new("GET", bucket)
            .with("list-type", "2")
            .with("delimiter", "/")
            .with("encoding-type", "url")
            .with("max-keys", count.to_string())
            .with_some("prefix", &format!("{folder}{search}"))
            .with_some("continuation-token", visit.query.get("page"));
        visit.s3_document(ask, "ListBucketResult")
    };
    let first = search.is_empty() && visit.query.get("page").is_empty();
    let (document, open) = join(list(SHOWN), has_open(&visit, folder, first)).await;
    let mut page = answers::page(&document?);
    let fits = fitting(&page);
    if fits < page.folders.len() + page.objects.len() {
        page = answers::page(&list(fits).await?);
    }
    // The folder itself, where it is an object.
    let objects: Vec<_> = page.objects.iter().filter(|it| it.key != folder).collect();
    let nothing = page.folders.is_empty() && objects.is_empty();
    let at = |token: &str| {
        let said = [("prefix", folder), ("q", search), ("page", token)];
        let said: Vec<_> = said.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        format!("{}?{}", path(bucket), write_query(&said))
    };
    let here = folder_path(bucket, folder);
    let main = html! {
        (steps(words, bucket, folder))
        (told(&visit))
        @if open { (notice("plain", words.t(say::OPEN_UPLOADS), words.t(say::SOME_ARE_OPEN))) }
        p.links.up {
            a href=(format!("/buckets/{}/access", percent_encode(bucket))) { (words.t(say::ACCESS)) }
            a href=(format!("/buckets/{}/uploads", percent_encode(bucket))) { (words.t(say::OPEN_UPLOADS)) }
        }
        form.search method="get" action=(path(bucket)) role="search" {
            input type="hidden" name="in" value=(in_field(folder));
            div.field {
                label for="q" { (words.t(words_of_all::SEARCH)) }
                input id="q" name="q" type="search" value=(search) aria-describedby="q-hint";
                p.hint id="q-hint" { (words.t(say::SEARCH_HINT)) }
            }
            button.second type="submit" { (words.t(words_of_all::SEARCH)) }
        }
        @if nothing {
            p.empty {
                (words.t(if search.is_empty() { say::EMPTY_FOLDER } else { say::NOTHING_BEGINS }))
            }
        } @else {
            (rows(&visit, folder, &page.folders, &objects))
        }
        p.links {
            @if !visit.query.get("page").is_empty() {
                a href=(at("")) { (words.t(words_of_all::FIRST_PAGE)) }
            }
            @if let Some(next) = &page.next {
                a href=(at(next)) { (words.t(words_of_all::NEXT_PAGE)) }
            }
        }
        h2 { (words.t(say::UPLOAD)) }
        (uploader(&visit, &Uploader {
            bucket, prefix: folder, key: None, look: None, after: &here, hint: words.t(say::UPLOAD_HINT),
        }))
        h2 { (words.t(say::NEW_FOLDER)) }
        (new_folder(&visit, folder))
        @if folder.is_empty() {
            @if !nothing {
                p.links {
                    a href=(format!("/buckets/{}/delete-folder?all=1", percent_encode(bucket))) {
                        (words.t(say::EMPTY_BUCKET))
                    }
                }
            } @else if search.is_empty() {
                h2 { (words.t(say::DELETE_BUCKET)) }
                (button(&visit, &format!("/buckets/{}/delete", percent_encode(bucket)), &[],
                    &html! { (words.t(say::DELETE_BUCKET)) }, Some(words.t(say::DELETE_BUCKET_SURE))))
            }
        } @else {
            p.links {
                a href=(format!("/buckets/{}/delete-folder?prefix={}", percent_encode(bucket), percent_encode(folder))) {
                    (words.t(say::DELETE_FOLDER))
                }
            }
        }
    };
    let title = if folder.is_empty() { bucket } else { name_of(folder) };
    Ok(Reply::page(title, main))
}

/// How many of a page's names fit on one of ours: the longer they are, the fewer, and one at least.
fn fitting(page: &answers::Page) -> usize {
    let objects = page.objects.iter().map(|it| it.key.as_str());
    let mut names: Vec<_> = page.folders.iter().map(String::as_str).chain(objects).collect();
    names.sort_unstable();
    let mut left = NAMES;
    let fit = names.into_iter().take_while(|name| {
        // As many as an address has for it, and in three other places.
        let size = percent_encode(name).len() + 3 * name.len();
        let fits = size <= left;
        left = left.saturating_sub(size);
        fits
    });
    fit.count().max(1)
}

/// Whether uploads below a folder are not finished, as far as that may be known.
async fn has_open(visit: &Visit, folder: &str, wanted: bool) -> bool {
    if !wanted {
        return false;
    }
    let ask = Ask::new("GET", visit.part(0))
        .with("uploads", "")
        .with("max-uploads", "1")
        .with_some("prefix", folder);
    let found = visit.s3_document(ask, "ListMultipartUploadsResult").await;
    found.is_ok_and(|document| !answers::uploads(&document).0.is_empty())
}

fn new_folder(visit: &Visit, folder: &str) -> Markup {
    let words = visit.words;
    let inside = html! {
        input type="hidden" name="prefix" value=(in_field(folder));
        (field(words, &Field {
            name: "folder", label: words.t(say::NAME), hint: words.t(say::FOLDER_HINT),
            required: true, ..Field::default()
        }))
        button.second type="submit" { (words.t(say::NEW_FOLDER)) }
    };
    form(visit, &format!("/buckets/{}/folder", percent_encode(visit.part(0))), &inside)
}

fn rows(visit: &Visit, folder: &str, folders: &[String], objects: &[&answers::Listed]) -> Markup {
    let (words, bucket) = (visit.words, visit.part(0));
    let action = format!("/buckets/{}/delete-objects", percent_encode(bucket));
    // Names without their folder, so that a hundred of them are a small form.
    let short = |key: &str| key.strip_prefix(folder).unwrap_or(key).to_owned();
    html! {
        form method="post" action=(action) data-sure=(words.t(say::DELETE_CHOSEN_SURE)) {
            (token(visit))
            input type="hidden" name="prefix" value=(in_field(folder));
            div.scroll {
                table.rows.objects {
                    thead {
                        tr {
                            th scope="col" { span.unseen { (words.t(say::DELETE)) } }
                            th scope="col" { (words.t(say::NAME)) }
                            th scope="col" { (words.t(say::SIZE)) }
                            th scope="col" { (words.t(say::MODIFIED)) }
                        }
                    }
                    tbody {
                        @for it in folders {
                            tr {
                                td {}
                                th scope="row" data-label=(words.t(say::FOLDER)) {
                                    a.folder href=(folder_path(bucket, it)) { (short(it)) }
                                }
                                td {}
                                td {}
                            }
                        }
                        @for it in objects {
                            @let label = words.fill(say::SELECT, &[("name", &short(&it.key))]);
                            tr {
                                td { input type="checkbox" name="name" value=(in_field(&short(&it.key))) aria-label=(label); }
                                th scope="row" data-label=(words.t(say::OBJECT)) {
                                    a.object href=(object_path(bucket, "object", &it.key)) { (short(&it.key)) }
                                }
                                td data-label=(words.t(say::SIZE)) { (size(it.size)) }
                                td data-label=(words.t(say::MODIFIED)) { (moment(it.modified)) }
                            }
                        }
                    }
                }
            }
            @if !objects.is_empty() {
                button.danger type="submit" { (words.t(say::DELETE_CHOSEN)) }
            }
        }
    }
}

/// Makes a folder: an empty object.
pub(crate) async fn make_folder(visit: Visit) -> Result<Reply, ApiError> {
    let (bucket, folder) = (visit.part(0), of_field(visit.form.get("prefix")));
    let name = visit.form.line("folder").trim_matches('/');
    if name.is_empty() {
        let text = visit.words.t(say::FOLDER_NAME_WRONG);
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text));
    }
    let key = format!("{folder}{name}/");
    // Nothing, and said to be so.
    let nothing = Sending::Whole(bytes::Bytes::new());
    visit.s3(Ask::new("PUT", bucket).key(&key).sending(nothing)).await?;
    let shown = folder_path(bucket, &key);
    Ok(Reply::see(format!("{shown}&done=folder")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_long_names_fit_on_a_page() {
        let page = |name: &str, count: usize| answers::Page {
            folders: Vec::new(),
            objects: (0..count)
                .map(|n| answers::Listed {
                    key: format!("{name}{n:03}"),
                    size: 0,
                    modified: common::time::Timestamp::from_secs(0),
                })
                .collect(),
            next: None,
        };
        assert_eq!(fitting(&page("photos/2026/11/photograph-", 100)), 100);
        assert_eq!(fitting(&page(&"語".repeat(330), 100)), 8);
        assert_eq!(fitting(&page("", 0)), 1);
    }

    #[test]
    fn sizes_are_read_by_people() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
            (u64::MAX, "1638.3 PiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}

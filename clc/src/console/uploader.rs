//! The part of a page where files are uploaded to a bucket: chosen or dropped, with progress, going on where
//! they broke off. Without a script it is a form for one file.
//!
//! ```text
//!   file ──16 MiB──▶ open upload of that name? ──its parts, compared by SHA-256──▶ the others, three at once
//!                                                              ──▶ put together ──▶ done
//! ```
//! What is there already is found at the server and compared with the file itself, so an upload goes on in
//! another browser, too, and never with another file's bytes.

use maud::{Markup, html};

use super::assets::UPLOAD;
use super::components::token;
use super::forms;
use super::texts::storage as say;
use super::visit::Visit;
use common::sign::{percent_encode, write_query};

/// Where files go.
pub(crate) struct Uploader<'a> {
    /// The bucket.
    pub(crate) bucket: &'a str,
    /// What stands before their names in it: `photos/`, or nothing.
    pub(crate) prefix: &'a str,
    /// The key of the one file that is taken, whatever it is called; then only one is.
    pub(crate) key: Option<&'a str>,
    /// Who is shown the beginning of a file, and how large it is, before all of it is sent: an own path.
    pub(crate) look: Option<&'a str>,
    /// Where the page goes when all are there: an own path.
    pub(crate) after: &'a str,
    /// What is said of it below its button.
    pub(crate) hint: &'a str,
}

/// The part of the page.
pub(crate) fn uploader(visit: &Visit, it: &Uploader<'_>) -> Markup {
    let words = visit.words;
    let said = [("prefix", it.prefix), ("key", it.key.unwrap_or("")), ("after", it.after)];
    let action = format!("/buckets/{}/upload?{}", percent_encode(it.bucket), write_query(&said));
    let texts = [
        ("checking", say::UPLOAD_CHECKING),
        ("going", say::UPLOAD_GOING),
        ("joining", say::UPLOAD_JOINING),
        ("done", say::UPLOAD_DONE),
        ("failed", say::UPLOAD_FAILED),
        ("waiting", say::UPLOAD_WAITING),
        ("cancelled", say::UPLOAD_CANCELLED),
        ("cancel", say::UPLOAD_CANCEL),
        ("again", say::UPLOAD_AGAIN),
        ("over", say::UPLOAD_OVER),
        ("progress", say::UPLOAD_PROGRESS),
        ("unreadable", say::UPLOAD_UNREADABLE),
    ];
    let texts: std::collections::BTreeMap<_, _> =
        texts.into_iter().map(|(name, text)| (name, words.t(text))).collect();
    let texts = serde_json::to_string(&texts).unwrap_or_default();
    html! {
        section.uploader data-bucket=(it.bucket) data-prefix=(percent_encode(it.prefix)) data-key=[it.key.map(percent_encode)]
            data-look=[it.look] data-after=(it.after) data-token=(forms::token(&visit.bound_to)) data-say=(texts)
            aria-label=(words.t(say::UPLOAD)) {
            form method="post" action=(action) enctype="multipart/form-data" {
                (token(visit))
                div.field {
                    label for="file" { (words.t(say::UPLOAD_FILES)) }
                    input id="file" name="file" type="file" required aria-describedby="file-hint";
                    p.hint id="file-hint" { (it.hint) }
                }
                button type="submit" { (words.t(say::UPLOAD)) }
            }
            ul.uploads {}
            p.unseen role="status" {}
        }
        script src=(UPLOAD.path) defer {}
    }
}

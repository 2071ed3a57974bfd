//! Where things are: the pages of buckets, folders and objects, and the way back from each.

use common::sign::percent_encode;
use maud::{Markup, html};

use crate::console::text::Words;
use crate::console::texts::storage as say;

/// The page of a bucket.
pub(super) fn path(bucket: &str) -> String {
    format!("/buckets/{}/objects", percent_encode(bucket))
}

/// What an object is called in its folder.
pub(super) fn name_of(key: &str) -> &str {
    let whole = key.trim_end_matches('/');
    let name = whole.rsplit('/').next().unwrap_or_default();
    if name.is_empty() { key } else { name }
}

/// The folder of an object, with its slash; nothing if it is in none.
pub(super) fn folder_of(key: &str) -> &str {
    key.rfind('/').map_or("", |at| &key[..=at])
}

/// The page of a folder.
pub(super) fn folder_path(bucket: &str, folder: &str) -> String {
    match folder {
        "" => path(bucket),
        folder => format!("{}?prefix={}", path(bucket), percent_encode(folder)),
    }
}

/// A page about one object.
pub(super) fn object_path(bucket: &str, page: &str, key: &str) -> String {
    format!("/buckets/{}/{page}?key={}", percent_encode(bucket), percent_encode(key))
}

/// Where one is in a bucket, each step a way back.
pub(super) fn steps(words: Words, bucket: &str, folder: &str) -> Markup {
    let ends = folder.match_indices('/').map(|(at, _)| &folder[..=at]);
    html! {
        nav.steps aria-label=(words.t(say::PLACE)) {
            ol {
                li { a href="/buckets" { (words.t(say::BUCKETS)) } }
                li { a href=(path(bucket)) { (bucket) } }
                @for step in ends {
                    li {
                        a href=(folder_path(bucket, step)) {
                            @let name = name_of(step);
                            @if name == step { "/" } @else { (name) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_of_odd_keys() {
        for (key, name, folder) in [
            ("a", "a", ""),
            ("a/b", "b", "a/"),
            ("a/b/", "b", "a/b/"),
            ("/a", "a", "/"),
            ("//", "//", "//"),
            ("../x", "x", "../"),
        ] {
            assert_eq!((name_of(key), folder_of(key)), (name, folder), "{key}");
        }
    }
}

//! Where things are: the pages of buckets, folders and objects, and the way back from each.

use common::sign::{percent_decode, percent_encode};
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

/// A key, or a part of one, as the value of a field. Browsers make of each end of a line in a form the two
/// characters that mail has for it, and that would be another object's key.
pub(super) fn in_field(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '%' | '\r' | '\n' | '\0' => out.push_str(&format!("%{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The key, or the part of one, that a field has as [`in_field`] writes it.
pub(super) fn of_field(value: &str) -> String {
    percent_decode(value)
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
    fn keys_pass_through_forms_as_they_are() {
        for key in ["a", "a\nb", "a\r\nb\r", "100%", "%0A", "%2e", "日本 +&", "a\0b"] {
            let value = in_field(key);
            assert!(!value.contains(['\r', '\n', '\0']), "{value}");
            assert_eq!(of_field(&value), key);
        }
        assert_eq!(in_field("日本.txt"), "日本.txt");
    }

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

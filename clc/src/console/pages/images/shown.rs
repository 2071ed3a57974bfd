//! How images look wherever they are shown.

use common::ec2::images::Image;
use common::ec2::tags::Tag;
use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use crate::console::components::{moment, tag};
use crate::console::text::Words;
use crate::console::texts::{images as say, refusals};
use crate::console::visit::Visit;
use crate::ec2::image_filters::unpacked;

/// What an image is called: its tag `Name`, or else its name.
pub(super) fn name(it: &Image) -> &str {
    let tag = it.tag_set.item.iter().find(|tag: &&Tag| tag.key == "Name");
    tag.map(|tag| tag.value.as_str()).or(it.name.as_deref()).unwrap_or_default()
}

/// Where disks that are uploaded lie in their bucket.
pub(super) const DISK_FOLDER: &str = "disks/";
/// What their keys end in.
pub(super) const DISK_END: &str = ".img";

/// The name of a disk, by its key.
pub(super) fn name_of(key: &str) -> &str {
    let last = || key.rsplit('/').next().unwrap_or(key);
    let name = key.strip_prefix(DISK_FOLDER).unwrap_or_else(last);
    name.strip_suffix(DISK_END).unwrap_or(name)
}

/// A number of bytes, as people read it.
pub(in crate::console::pages) fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let (mut tenths, mut unit) = (u128::from(count) * 10 / 1024, 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, units[unit]),
        rest => format!("{}.{rest} {}", tenths / 10, units[unit]),
    }
}

/// A sentence of the cloud's, in the language of the page if it is known there.
pub(super) fn sentence(words: Words, text: &str) -> Markup {
    let japanese = if words.tag() == "ja" { refusals::japanese(text) } else { None };
    html! {
        @match japanese {
            Some(text) => (text),
            None => span lang="en" { (text) },
        }
    }
}

/// How far something is.
pub(super) fn progress(label: &str, percent: u8) -> Markup {
    html! {
        progress max="100" value=(percent) aria-label=(label) {}
        span.quiet { " " (label) }
    }
}

/// The state of an image: how far it is, or why it failed.
pub(super) fn state(words: Words, it: &Image, whole: bool) -> Markup {
    let (state, tone) = say::state(&it.image_state);
    let reason = it.state_reason.as_ref().map(|reason| reason.message.as_str());
    let percent = reason.and_then(unpacked);
    html! {
        (tag(words, state, tone))
        @if let Some(percent) = percent {
            div.progress {
                (progress(&words.fill(say::UNPACKED, &[("percent", &percent.to_string())]), percent))
            }
        } @else if let Some(reason) = reason.filter(|_| whole) {
            p.reason {
                (sentence(words, reason))
                @if reason.contains("import-ami-") {
                    " " a href="/images/imports" { (words.t(say::IMPORTS)) }
                }
            }
        }
        @if whole && it.image_state == "pending" { p.hint { (words.t(say::PENDING_MEANS)) } }
        @if whole && it.image_state == "failed" { p.hint { (words.t(say::FAILED_MEANS)) } }
    }
}

/// When it was registered.
pub(super) fn registered(it: &Image) -> Markup {
    let at = it.creation_date.as_deref().and_then(|text| Timestamp::parse_iso(text).ok());
    html! { @match at { Some(at) => (moment(at)), None => "–" } }
}

/// Whose it is, for somebody who looks.
pub(super) fn owner(it: &Image) -> String {
    let number = &it.image_owner_id;
    match it.image_owner_alias.as_deref() {
        Some(alias) => format!("{alias} ({number})"),
        None => number.clone(),
    }
}

/// Whether whoever is signed in may change it.
pub(super) fn is_own(visit: &Visit, it: &Image) -> Result<bool, ApiError> {
    let caller = &visit.viewer()?.caller;
    Ok(caller.administrator || caller.account.as_str() == it.image_owner_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_units() {
        for (count, told) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (10 << 20, "10 MiB"),
            ((1 << 30) - 1, "1023.9 MiB"),
            (5 << 30, "5 GiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(bytes(count), told);
        }
    }
}

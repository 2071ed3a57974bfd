//! What lies in the unbundle cache, as it changes, and its removal.

use common::administration::cache::{CachedImage, DescribeImageCache, EvictImages, ImageCache};
use common::error::ApiError;
use common::time::Timestamp;
use maud::{Markup, html};

use super::amounts::{bytes, thousandths};
use crate::console::components::{
    button, live as live_part, moment, notice, refusal, tag, told_beside,
};
use crate::console::look::Look;
use crate::console::reply::Reply;
use crate::console::text::{Text, Words};
use crate::console::texts::cloud as say;
use crate::console::visit::Visit;

/// The part of the page that follows the cache.
pub(super) async fn part(look: &Look, visit: &Visit) -> Result<Markup, ApiError> {
    let words = visit.words;
    let part = drawn(look, visit).await;
    Ok(html! {
        h3 { (words.t(say::CACHE)) }
        (live_part(words, "/cloud/cache/live", &part))
    })
}

/// It as it is, again and again.
pub(crate) async fn live(visit: Visit) -> Result<Reply, ApiError> {
    let changes = visit.desk.beats.cache();
    let draw = move |viewer| {
        let (look, visit) = (visit.look_of(viewer), visit.clone());
        async move { Ok(drawn(&look, &visit).await) }
    };
    Ok(Reply::live(changes, draw))
}

/// Removes an image, or all that nobody uses.
pub(crate) async fn evict(visit: Visit) -> Result<Reply, ApiError> {
    let image = visit.form.some("image");
    match visit.call(EvictImages { image }).await {
        Ok(done) => {
            let (images, bytes) = (done.images, done.bytes);
            Ok(Reply::see(format!("/cloud/configuration?evicted={images}&bytes={bytes}#walrus")))
        }
        Err(error) => {
            let error = told_beside(error)?;
            let words = visit.words;
            let main = html! {
                (refusal(words, &error))
                p.links { a href="/cloud/configuration#walrus" { (words.t(say::CONFIGURATION)) } }
            };
            let status = crate::console::components::status(&error);
            Ok(Reply::page(words.t(say::CONFIGURATION), main).status(status))
        }
    }
}

/// What came of the last removal.
pub(super) fn said(visit: &Visit) -> Markup {
    let number = |name: &str| visit.query.line(name).parse::<u64>().ok();
    let (Some(count), Some(amount)) = (number("evicted"), number("bytes")) else {
        return html! {};
    };
    let values = [("count", &*count.to_string()), ("bytes", &bytes(amount))];
    notice("good", &visit.words.fill(say::EVICTED, &values), "")
}

/// A walrus that does not answer is told of in the place of its cache: the rest of the page is good.
async fn drawn(look: &Look, visit: &Visit) -> Markup {
    let words = visit.words;
    match look.call(DescribeImageCache {}).await {
        Ok(cache) => shown(visit, &cache),
        Err(_) => notice("bad", words.t(say::CACHE_AWAY), words.t(say::CACHE_AWAY_TEXT)),
    }
}

fn shown(visit: &Visit, cache: &ImageCache) -> Markup {
    let words = visit.words;
    let sums = [
        (say::CACHE_HIT_SUM, cache.hits),
        (say::CACHE_MISSES, cache.misses),
        (say::CACHE_EVICTIONS, cache.evictions),
        (say::CACHE_FLIGHTS, cache.flights),
        (say::CACHE_QUEUED, cache.queued),
    ];
    let idle = |it: &CachedImage| it.state == "here" && it.pins + it.expected == 0;
    html! {
        (bar(words, cache))
        dl.sums {
            @for (name, value) in sums { div { dt { (words.t(name)) } dd { (value) } } }
        }
        p.hint { (words.t(say::SINCE_START)) }
        @if cache.images.item.is_empty() {
            p.empty { (words.t(say::CACHE_EMPTY)) }
        } @else {
            (rows(visit, &cache.images.item))
            @if cache.images.item.iter().any(idle) {
                (button(visit, "/cloud/cache/evict", &[], &html! { (words.t(say::EVICT_ALL)) }, Some(words.t(say::EVICT_ALL_SURE))))
            }
        }
    }
}

fn bar(words: Words, cache: &ImageCache) -> Markup {
    let values = [
        ("used", &*bytes(cache.used)),
        ("reserved", &*bytes(cache.reserved)),
        ("limit", &*bytes(cache.limit)),
    ];
    let text = words.fill(say::CACHE_BAR, &values);
    let used = thousandths(cache.used, cache.limit);
    let reserved = thousandths(cache.reserved, cache.limit).min(1000 - used);
    html! {
        svg.gauge viewBox="0 0 1000 16" preserveAspectRatio="none" role="img" aria-label=(text) {
            rect.room width="1000" height="16" {}
            rect.used width=(used) height="16" {}
            rect.reserved x=(used) width=(reserved) height="16" {}
        }
        p.quiet.figures { (text) }
    }
}

fn state(name: &str) -> (Text, &'static str) {
    match name {
        "queued" => (say::S_QUEUED, "still"),
        "unpacking" => (say::S_UNPACKING, "busy"),
        "leaving" => (say::S_LEAVING, "busy"),
        _ => (say::S_HERE, "good"),
    }
}

fn rows(visit: &Visit, all: &[CachedImage]) -> Markup {
    let words = visit.words;
    html! {
        div.scroll {
            table.rows {
                thead {
                    tr {
                        th scope="col" { (words.t(say::CACHE_IMAGE)) }
                        th scope="col" { (words.t(say::CACHE_SIZE)) }
                        th scope="col" { (words.t(say::CACHE_STATE)) }
                        th scope="col" { (words.t(say::CACHE_USED)) }
                        th scope="col" { (words.t(say::CACHE_HITS)) }
                        th scope="col" { (words.t(say::CACHE_USE)) }
                        th scope="col" { span.unseen { (words.t(say::EVICT)) } }
                    }
                }
                tbody { @for it in all { (row(visit, it)) } }
            }
        }
    }
}

fn row(visit: &Visit, it: &CachedImage) -> Markup {
    let words = visit.words;
    let (name, tone) = state(&it.state);
    let called = it.image_ids.entry.first().cloned();
    let called = called.unwrap_or_else(|| it.manifest.get(..12).unwrap_or_default().to_owned());
    let label = words.fill(say::EVICT_THIS, &[("image", &called)]);
    let idle = it.state == "here" && it.pins + it.expected == 0;
    let values = [("done", &*bytes(it.done)), ("total", &*bytes(it.total))];
    html! {
        tr data-image=(it.manifest) {
            th scope="row" data-label=(words.t(say::CACHE_IMAGE)) {
                @if it.image_ids.entry.is_empty() {
                    code { (called) } span.given { (words.t(say::UNREGISTERED)) }
                } @else {
                    @for id in &it.image_ids.entry { code { (id) } " " }
                    span.given { @if it.name.is_empty() { (it.location) } @else { (it.name) } }
                }
            }
            td data-label=(words.t(say::CACHE_SIZE)) { (bytes(it.size)) }
            td data-label=(words.t(say::CACHE_STATE)) {
                (tag(words, name, tone))
                @if it.state == "unpacking" { span.given { (words.fill(say::UNPACKED, &values)) } }
            }
            td data-label=(words.t(say::CACHE_USED)) {
                @match Timestamp::parse_iso(&it.last_used) { Ok(at) => (moment(at)), Err(_) => "–" }
            }
            td data-label=(words.t(say::CACHE_HITS)) { (it.hits) }
            td data-label=(words.t(say::CACHE_USE)) { (used_by(words, it)) }
            td.act {
                @if idle {
                    (button(visit, "/cloud/cache/evict", &[("image", &it.manifest)], &html! {
                        (words.t(say::EVICT)) span.unseen { " (" (label) ")" }
                    }, Some(words.t(say::EVICT_SURE))))
                }
            }
        }
    }
}

/// Who has it in use: readers, those who are about to read it, those who wait, and what is launched.
fn used_by(words: Words, it: &CachedImage) -> Markup {
    let uses =
        [(say::READ_BY, it.pins), (say::EXPECTED, it.expected), (say::WAITED_FOR, it.waiting)];
    let uses: Vec<_> = uses.into_iter().filter(|(_, count)| *count > 0).collect();
    html! {
        @if uses.is_empty() && it.instances.entry.is_empty() {
            span.quiet { (words.t(say::UNUSED)) }
        }
        @for (text, count) in uses {
            span.use { (words.fill(text, &[("count", &count.to_string())])) } " "
        }
        @for id in it.instances.entry.iter().take(8) { a href={ "/instances/" (id) } { (id) } " " }
    }
}

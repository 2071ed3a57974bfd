//! Plain images for nodes: GET and HEAD by ticket, with ranges and the digest.
//!
//! An image is pinned from before its file is opened until its last byte was taken, so it is never
//! evicted under a reader.

use actix::Addr;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::http::{App, Body, Head, Payload, Response};
use runtime::pool;

use super::ticket::Tickets;
use crate::blob::range::Span;
use crate::blob::stream::stream;
use crate::cache::actor::{Cache, PinImage};
use crate::cache::disk::open_image;

/// The app below `/images/` on the internal listener.
pub(crate) struct Images {
    /// Who knows where images are.
    pub(crate) cache: Addr<Cache>,
    /// Who may read which.
    pub(crate) tickets: Tickets,
    /// The time.
    pub(crate) clock: Clock,
}

impl App for Images {
    fn serve(&self, head: Head, _: Body) -> BoxFuture<'_, Response> {
        Box::pin(self.answer(head))
    }
}

fn refuse(status: u16, text: &str) -> Response {
    Response::text(status, "text/plain; charset=utf-8", format!("{text}\n"))
}

impl Images {
    async fn answer(&self, head: Head) -> Response {
        if !matches!(head.method.as_str(), "GET" | "HEAD") {
            return refuse(405, "images can be read and nothing else").with("allow", "GET, HEAD");
        }
        let now = self.clock.now();
        let Some(key) = self.tickets.check(&head.raw_path, &head.raw_query, now) else {
            return refuse(403, "this is no ticket, or it has expired");
        };
        let pinned = self.cache.send(PinImage(key.to_owned())).await;
        let Ok(pinned) = pinned else { return refuse(503, "the image cache has stopped") };
        let Some(pin) = pinned else {
            return refuse(404, "the image is not in the cache any more, ask for it again");
        };
        let image = pin.image.clone();
        let etag = format!("\"{}\"", image.sha256);
        let digest = ("x-eucalypt-sha256", image.sha256.clone());
        if head.header("if-match").is_some_and(|known| !matches(known, &etag)) {
            return refuse(412, "the image is another one by now").with(digest.0, digest.1);
        }
        let same = head.header("if-range").is_none_or(|known| known.trim() == etag);
        let span = Span::of(head.header("range").filter(|_| same), image.size);
        let (status, content_range) = span.head(image.size);
        let mut response = Response::empty(status)
            .with("accept-ranges", "bytes")
            .with("etag", etag)
            .with(digest.0, digest.1)
            .with("content-type", "application/octet-stream");
        if let Some(range) = content_range {
            response = response.with("content-range", range);
        }
        let (start, length) = span.bounds(image.size);
        if head.method == "HEAD" || span == Span::Beyond {
            response.payload = Payload::Empty;
            return response.with("content-length", length.to_string());
        }
        match pool::block(move || open_image(&image, now)).await {
            Ok(Ok(file)) => {
                response.payload = stream(file, start, length, pin);
                response
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "an image of the cache cannot be opened");
                refuse(500, "the image cannot be read")
            }
            Err(error) => {
                tracing::error!(%error, "an image of the cache cannot be opened");
                refuse(500, "the image cannot be read")
            }
        }
    }
}

/// Whether an If-Match header names the image.
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag)
}

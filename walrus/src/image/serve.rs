//! Plain images for nodes: GET and HEAD by ticket, with ranges and the digest.
//!
//! An image is pinned from before its file is opened until its last byte was taken, so it is never
//! evicted under a reader.

use std::io;

use actix::Addr;
use common::error::ErrorCode;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::http::{App, Body, Head, Payload, Response};
use runtime::pool;

use super::ticket::Tickets;
use crate::blob::range::Span;
use crate::blob::stream::{Window, stream};
use crate::cache::actor::{Cache, Lost, PinImage};
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

fn refuse(code: ErrorCode, text: &str) -> Response {
    Response::text(code.status(), "text/plain; charset=utf-8", format!("{text}\n"))
}

fn absent() -> Response {
    refuse(ErrorCode::NoSuchKey, "the image is not in the cache any more, ask for it again")
}

fn unreadable(error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "an image of the cache cannot be opened");
    refuse(ErrorCode::InternalError, "the image cannot be read")
}

impl Images {
    async fn answer(&self, head: Head) -> Response {
        if !matches!(head.method.as_str(), "GET" | "HEAD") {
            return refuse(ErrorCode::MethodNotAllowed, "images can be read and nothing else")
                .with("allow", "GET, HEAD");
        }
        let now = self.clock.now();
        let Some(key) = self.tickets.check(&head.raw_path, &head.raw_query, now) else {
            return refuse(ErrorCode::AccessDenied, "this is no ticket, or it has expired");
        };
        let pinned = self.cache.send(PinImage(key.to_owned())).await;
        let Ok(pinned) = pinned else {
            return refuse(ErrorCode::ServiceUnavailable, "the image cache has stopped");
        };
        let Some(pin) = pinned else {
            return absent();
        };
        let image = pin.image.clone();
        let etag = format!("\"{}\"", image.sha256);
        let digest = ("x-eucalypt-sha256", image.sha256.clone());
        if head.header("if-match").is_some_and(|known| !matches(known, &etag)) {
            return refuse(ErrorCode::PreconditionFailed, "the image is another one by now")
                .with(digest.0, digest.1);
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
                response.payload = stream(Window { file, at: start }, length, pin);
                response
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                tracing::error!(%error, path = %pin.image.path.display(), "an image is lost");
                // An actor that is gone finds out at its next start.
                let _ = self.cache.send(Lost(pin)).await;
                absent()
            }
            Ok(Err(error)) => unreadable(&error),
            Err(error) => unreadable(&error),
        }
    }
}

/// Whether an If-Match header names the image.
fn matches(known: &str, etag: &str) -> bool {
    known.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == etag)
}

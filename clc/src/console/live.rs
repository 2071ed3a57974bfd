//! Parts of pages that follow what happens, by server-sent events.
//!
//! ```text
//!   store ──one watch──▶ stream of a page ── a moment's rest ──▶ draw ── another than before? ──▶ event
//!                             │ now and then: may the viewer go on? ── no ──▶ "over", and the end
//! ```
//! There is one watch of the store for all who look at the same kind of things, and no stream asks in a
//! loop. A part is drawn as the viewer who looks at it, through the same actions as its page, a few at a
//! time; what is equal to what was sent is not sent again. Streams are bounded, for everybody together,
//! for each account and for each session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::error::ApiError;
use maud::Markup;
use runtime::http::{Head, Payload, Response};
use runtime::pool;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::desk::Desk;
use super::reply::Live;
use super::viewer::Viewer;

/// How long changes are gathered before a part is drawn.
const REST: Duration = Duration::from_millis(400);
/// How often somebody who looks is looked after, when nothing happens.
const BEAT: Duration = Duration::from_secs(10);

/// By what a browser tells that a part is as it knows it.
pub(crate) fn mark(markup: &Markup) -> String {
    hex::encode(&Sha256::digest(markup.0.as_bytes())[..8])
}

/// Opens a stream.
///
/// # Errors
/// `RequestLimitExceeded` if there are too many.
pub(super) fn open(
    desk: &Arc<Desk>,
    head: Head,
    viewer: Viewer,
    live: Live,
) -> Result<Response, ApiError> {
    let place = desk.kept.streams.followed.take(&viewer)?;
    let (sender, pieces) = mpsc::channel(2);
    let desk = Arc::clone(desk);
    pool::spawn(async move {
        let shutdown = desk.shutdown.clone();
        tokio::select! {
            () = follow(&desk, &head, viewer, live, &sender) => {}
            () = sender.closed() => {}
            () = shutdown.raised() => {}
        }
        drop(place);
    });
    let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
    Ok(Response { status: 200, headers, payload: Payload::Endless(pieces) })
}

async fn follow(
    desk: &Arc<Desk>,
    head: &Head,
    viewer: Viewer,
    mut live: Live,
    sender: &mpsc::Sender<Bytes>,
) {
    // Whoever comes back after a break says what they have.
    let mut sent = head.header("last-event-id").unwrap_or_default().to_owned();
    loop {
        live.changes.mark_unchanged();
        let Ok(Some(now)) = desk.still(&viewer, head).await else {
            drop(sender.send(Bytes::from_static(b"event: over\ndata: \n\n")).await);
            return;
        };
        let Ok(permit) = desk.kept.streams.drawing.acquire().await else { return };
        let drawn = (live.draw)(now).await;
        drop(permit);
        let piece = match drawn {
            Ok(markup) => {
                let mark = mark(&markup);
                let same = mark == sent;
                let event =
                    if same { Bytes::from_static(b": \n\n") } else { event(&mark, &markup) };
                sent = mark;
                event
            }
            // What could not be drawn now may be in a while.
            Err(_) => Bytes::from_static(b": \n\n"),
        };
        if sender.send(piece).await.is_err() {
            return;
        }
        tokio::select! {
            changed = live.changes.changed() => {
                if changed.is_err() {
                    return;
                }
                tokio::time::sleep(REST).await;
            }
            () = tokio::time::sleep(BEAT) => {}
        }
    }
}

fn event(mark: &str, markup: &Markup) -> Bytes {
    let mut text = format!("event: part\nid: {mark}\n");
    // Each of the three ways to end a line ends one here; what begins the next must not be an instance's
    // name or what a node says.
    for line in markup.0.replace("\r\n", "\n").split(['\n', '\r']) {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_one_event_whatever_its_lines() {
        let markup = maud::html! { p { "a\n\nevent: over" } };
        let event = event("x", &markup);
        let text = std::str::from_utf8(&event).unwrap();
        assert_eq!(text, "event: part\nid: x\ndata: <p>a\ndata: \ndata: event: over</p>\n\n");
        let markup = maud::html! { p { "a\revent: over\r\rid: y\r\nb" } };
        let event = self::event("x", &markup);
        let told = "data: <p>a\ndata: event: over\ndata: \ndata: id: y\ndata: b</p>\n\n";
        assert_eq!(std::str::from_utf8(&event).unwrap(), format!("event: part\nid: x\n{told}"));
    }
}

//! Bytes on their way for somebody come and go as long as they may be here, and no longer.
//!
//! ```text
//!   upload, download ── every few seconds: may they go on? ── yes: that is a use of the session
//!                                                         └── no: broken off, so that nobody takes a
//!                                                             part for the whole
//! ```
//! A request is looked at when it begins; a large file may take hours behind that. Whoever proves anew who
//! they are goes on under another id, and what is on its way then goes on as well.

use std::sync::Arc;
use std::time::Duration;

use runtime::http::{Head, Payload};
use runtime::pool;
use tokio::sync::mpsc;

use super::desk::Desk;
use super::viewer::Viewer;

/// How often it is looked whether somebody may go on.
const BEAT: Duration = Duration::from_secs(3);

/// Waits until somebody may not go on.
pub(super) async fn over(desk: Arc<Desk>, head: Head, mut viewer: Viewer) {
    loop {
        tokio::time::sleep(BEAT).await;
        match desk.goes_on(&viewer, &head).await {
            Ok(Some(now)) => viewer = now,
            Ok(None) | Err(_) => return,
        }
    }
}

/// The bytes of an answer, until whoever asked may not go on.
pub(super) fn held(desk: &Arc<Desk>, head: &Head, viewer: &Viewer, payload: Payload) -> Payload {
    let Payload::Stream { length, pieces: mut coming } = payload else { return payload };
    let over = over(Arc::clone(desk), head.clone(), viewer.clone());
    let (sender, pieces) = mpsc::channel(1);
    pool::spawn(async move {
        tokio::pin!(over);
        loop {
            let piece = tokio::select! {
                piece = coming.recv() => piece,
                () = sender.closed() => return,
                () = &mut over => Some(Err(std::io::Error::other("the session is over"))),
            };
            let Some(piece) = piece else { return };
            let broken = piece.is_err();
            let sent = tokio::select! {
                sent = sender.send(piece) => sent.is_ok(),
                // Whoever takes nothing is not waited for.
                () = &mut over => false,
            };
            if !sent || broken {
                return;
            }
        }
    });
    Payload::Stream { length, pieces }
}

//! Wakes a part of a page while something in it gets on that the store does not tell of: bytes that are
//! unpacked or bundled elsewhere. As long as nothing does, the store alone wakes it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runtime::pool;
use store::Rev;
use tokio::sync::watch;

/// How often a part is drawn while something gets on.
const BEAT: Duration = Duration::from_secs(1);

/// Whether something gets on in a part, as it was drawn last.
#[derive(Clone, Default)]
pub(super) struct Busy(Arc<AtomicBool>);

impl Busy {
    /// Says so.
    pub(super) fn is(&self, busy: bool) {
        self.0.store(busy, Ordering::Relaxed);
    }
}

/// Says that a part may have changed: whenever one of `sources` says so, and each second while it is
/// busy. It ends with the stream that listens.
pub(super) fn pulse(sources: Vec<watch::Receiver<Rev>>, busy: &Busy) -> watch::Receiver<Rev> {
    let (sender, receiver) = watch::channel(0);
    for mut source in sources {
        let sender = sender.clone();
        pool::spawn(async move {
            loop {
                tokio::select! {
                    changed = source.changed() => if changed.is_err() { return },
                    () = sender.closed() => return,
                }
                sender.send_modify(|rev| *rev = source.borrow_and_update().max(*rev));
            }
        });
    }
    let busy = busy.clone();
    pool::spawn(async move {
        loop {
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = sender.closed() => return,
            }
            if busy.0.load(Ordering::Relaxed) {
                sender.send_modify(|_| ());
            }
        }
    });
    receiver
}

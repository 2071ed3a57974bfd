//! Changes that no record tells of, for pages that follow them: what lies in walrus' cache, and how
//! hosts are.
//!
//! ```text
//!   somebody looks ─▶ one loop for all who look ─▶ walrus, which answers when something changes
//!                          │                       or: a beat every few seconds
//!                          ▼                       ─▶ watch ─▶ streams
//!   nobody looks any more: the loop ends
//! ```
//! However many look at the same thing, walrus is asked by one, and nothing is asked while nobody
//! looks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::wire::cached::LookIntoCache;
use common::wire::walrus::Walrus;
use runtime::peer::Peer;
use runtime::pool;
use runtime::shutdown::Shutdown;
use store::Rev;
use tokio::sync::watch;

/// How long walrus is asked to wait for a change of its cache.
const WAIT: Duration = Duration::from_secs(8);
/// How often it is looked while images are being unpacked, so that their progress is seen; and how
/// soon a walrus that does not answer is asked again.
const PROGRESS: Duration = Duration::from_secs(1);
/// How often those who look at hosts look again.
const BEAT: Duration = Duration::from_secs(3);

/// Something that is followed.
struct Followed {
    changes: watch::Sender<Rev>,
    /// Whether its loop runs.
    running: Mutex<bool>,
}

impl Followed {
    fn new() -> Arc<Self> {
        Arc::new(Self { changes: watch::Sender::new(0), running: Mutex::new(false) })
    }

    /// Somebody looks. Says whether the loop has to be started.
    fn subscribe(&self) -> (watch::Receiver<Rev>, bool) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = !std::mem::replace(&mut *running, true);
        (self.changes.subscribe(), starts)
    }

    /// Whether nobody looks any more; the loop ends then.
    fn is_over(&self) -> bool {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = self.changes.receiver_count() > 0;
        !*running
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

/// All that is followed so.
pub struct Beats {
    cache: Arc<Followed>,
    hosts: Arc<Followed>,
    walrus: Peer<Walrus>,
    /// What ends all following.
    pub(super) shutdown: Shutdown,
}

impl Beats {
    /// For a cloud with this walrus.
    pub fn new(walrus: Peer<Walrus>, shutdown: Shutdown) -> Self {
        Self { cache: Followed::new(), hosts: Followed::new(), walrus, shutdown }
    }

    /// Changes of what lies in walrus' cache.
    pub(super) fn cache(&self) -> watch::Receiver<Rev> {
        let (changes, starts) = self.cache.subscribe();
        if starts {
            let (followed, walrus) = (Arc::clone(&self.cache), self.walrus.clone());
            let shutdown = self.shutdown.clone();
            pool::spawn(async move {
                tokio::select! {
                    () = follow_cache(&followed, &walrus) => {}
                    () = shutdown.raised() => {}
                }
            });
        }
        changes
    }

    /// That some seconds have passed: how hosts are is told by nobody, and has to be looked at.
    pub(super) fn hosts(&self) -> watch::Receiver<Rev> {
        let (changes, starts) = self.hosts.subscribe();
        if starts {
            let (followed, shutdown) = (Arc::clone(&self.hosts), self.shutdown.clone());
            pool::spawn(async move {
                while !followed.is_over() {
                    let rest = tokio::time::sleep(BEAT);
                    tokio::select! { () = rest => followed.changed(), () = shutdown.raised() => return }
                }
            });
        }
        changes
    }
}

async fn follow_cache(followed: &Followed, walrus: &Peer<Walrus>) {
    let (mut since, mut wait) = (0, Duration::ZERO);
    while !followed.is_over() {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(0);
        match walrus.call_patiently(LookIntoCache { since, wait_ms }, wait).await {
            Ok(content) => {
                let moves = content.figures.flights > 0;
                if content.revision != since || moves {
                    followed.changed();
                }
                since = content.revision;
                wait = if moves { PROGRESS } else { WAIT };
            }
            // What is shown says that walrus is away; it comes back by itself.
            Err(_) => {
                if since != 0 {
                    followed.changed();
                }
                since = 0;
                tokio::time::sleep(PROGRESS).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_loop_runs_while_somebody_looks() {
        let followed = Followed::new();
        let (one, starts) = followed.subscribe();
        assert!(starts && !followed.is_over());
        let (other, starts) = followed.subscribe();
        assert!(!starts);
        drop(one);
        assert!(!followed.is_over());
        drop(other);
        assert!(followed.is_over());
        assert!(followed.subscribe().1, "it is started anew");
    }
}

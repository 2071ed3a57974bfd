//! Many commits, one wait for the disk.
//!
//! Whoever needs the disk first becomes the leader and syncs once for all that had been applied
//! by then; those who come meanwhile wait, and one of them leads the next round. No thread of its
//! own, so an idle store costs nothing.
//!
//! ```text
//!   applied ──(nobody leads)──▶ leading ──sync──▶ synced up to what was applied before the sync
//!      └───(somebody leads)──▶ waiting ──round over──▶ synced, or next leader
//!   sync failed ──▶ broken, for good: what the disk has kept of it is unknown
//! ```
//! It owns the revision known to be on disk and never touches a row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::Rev;
use crate::error::StoreError;

#[derive(Debug)]
struct State {
    synced: Rev,
    led: bool,
    broken: Option<String>,
}

/// Brings commits to disk in groups.
#[derive(Debug)]
pub(crate) struct Group {
    state: Mutex<State>,
    round_over: Condvar,
}

impl Group {
    /// Starts where everything up to `synced` is on disk.
    pub(crate) fn new(synced: Rev) -> Self {
        let state = State { synced, led: false, broken: None };
        Self { state: Mutex::new(state), round_over: Condvar::new() }
    }

    /// Fails if an earlier sync has failed.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.lock().check()
    }

    /// Says that a write has failed: nothing is brought to disk any more.
    pub(crate) fn give_up(&self, reason: &str) {
        self.lock().broken.get_or_insert_with(|| reason.to_owned());
    }

    /// Returns once everything up to `rev` is on disk. `applied` answers the newest revision
    /// that a sync beginning now would bring there, `sync` does it.
    pub(crate) fn wait(
        &self,
        rev: Rev,
        applied: impl Fn() -> Rev,
        sync: impl Fn() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut state = self.lock();
        loop {
            state.check()?;
            if state.synced >= rev {
                return Ok(());
            }
            if state.led {
                state = self.round_over.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.led = true;
            drop(state);
            let up_to = applied();
            // A panic in here would leave the others waiting for a leader who is gone.
            let done = catch_unwind(AssertUnwindSafe(&sync))
                .unwrap_or_else(|_| Err(StoreError::Engine("the sync panicked".into())));
            state = self.lock();
            state.led = false;
            match &done {
                Ok(()) => state.synced = state.synced.max(up_to),
                Err(error) => state.broken = Some(error.to_string()),
            }
            self.round_over.notify_all();
            done?;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self) -> Result<(), StoreError> {
        match &self.broken {
            None => Ok(()),
            Some(reason) => Err(StoreError::Engine(format!(
                "an earlier commit could not be brought to disk ({reason}); start the service anew"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn those_who_wait_share_one_sync() {
        let group = Group::new(0);
        let syncs = AtomicU64::new(0);
        let applied = AtomicU64::new(1);
        let (begun, go) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let leader = scope.spawn(|| {
                group.wait(
                    1,
                    || applied.load(Ordering::SeqCst),
                    || {
                        if syncs.fetch_add(1, Ordering::SeqCst) == 0 {
                            begun.wait();
                            go.wait();
                        }
                        Ok(())
                    },
                )
            });
            begun.wait();
            applied.store(9, Ordering::SeqCst);
            let followers: Vec<_> = (2..10)
                .map(|rev| {
                    let (group, applied, syncs) = (&group, &applied, &syncs);
                    scope.spawn(move || {
                        group.wait(
                            rev,
                            || applied.load(Ordering::SeqCst),
                            || {
                                syncs.fetch_add(1, Ordering::SeqCst);
                                Ok(())
                            },
                        )
                    })
                })
                .collect();
            go.wait();
            leader.join().unwrap().unwrap();
            for follower in followers {
                follower.join().unwrap().unwrap();
            }
        });
        assert_eq!(syncs.load(Ordering::SeqCst), 2, "one for the leader, one for all others");
        assert_eq!(group.lock().synced, 9);
    }

    #[test]
    fn a_failed_sync_breaks_for_good() {
        let group = Group::new(4);
        let fail = || Err(StoreError::Engine("disk gone".into()));
        assert!(group.wait(4, || 4, fail).is_ok(), "on disk already");
        assert!(group.wait(5, || 5, fail).unwrap_err().to_string().contains("disk gone"));
        assert!(group.wait(5, || 5, || Ok(())).unwrap_err().to_string().contains("disk gone"));
        assert!(group.check().is_err());
        let panicked = Group::new(0);
        assert!(panicked.wait(1, || 1, || panic!("as told")).is_err());
        assert!(panicked.check().is_err());
    }
}

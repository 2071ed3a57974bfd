//! How many hashes of passwords are made at once: each takes 19 MiB and a good part of a tenth of a
//! second, and strangers may ask for them.
//!
//! Whoever finds the gate full waits; whoever finds too many waiting is turned away. It counts what
//! it let through, so that a test can tell that unknown names cost what known ones do.

use std::sync::{Condvar, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};

/// How many wait at most.
const WAITING: usize = 32;

/// The gate.
#[derive(Debug)]
pub struct Gate {
    places: usize,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct State {
    within: usize,
    waiting: usize,
    passed: u64,
}

/// Leaves when it is dropped.
struct Within<'a>(&'a Gate);

impl Drop for Within<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).within -= 1;
        self.0.left.notify_one();
    }
}

impl Gate {
    /// A gate that lets so many in at once, one at least.
    pub fn new(places: usize) -> Self {
        Self { places: places.max(1), state: Mutex::default(), left: Condvar::new() }
    }

    /// Half of the processors.
    pub fn of_this_host() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, |count| count.get() / 2))
    }

    /// Does work that few may do at once. Blocks until there is room.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if too many wait already, and those of the work.
    pub fn within<T>(&self, work: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.within >= self.places && state.waiting >= WAITING {
            let text = "Too many passwords are being checked, try again";
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, text));
        }
        state.waiting += 1;
        state = self
            .left
            .wait_while(state, |state| state.within >= self.places)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.within += 1;
        state.passed += 1;
        drop(state);
        let _within = Within(self);
        work()
    }

    /// How many were let in so far.
    pub fn passed(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).passed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_there_are_places_are_within() {
        let gate = Arc::new(Gate::new(2));
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (gate, now, most) = (Arc::clone(&gate), Arc::clone(&now), Arc::clone(&most));
                std::thread::spawn(move || {
                    gate.within(|| {
                        let within = now.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(within, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert_eq!(gate.passed(), 16);
        assert!(gate.within(|| Err::<(), _>(ApiError::missing("x"))).is_err());
        assert!(gate.within(|| Ok(())).is_ok());
    }
}

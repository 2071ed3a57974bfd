//! How many hashes of passwords are made at once: each takes 19 MiB and a good part of a tenth of a
//! second, and strangers may ask for them.
//!
//! Whoever finds the gate full waits; whoever finds too many waiting is turned away. The memory that
//! a hash is made in belongs to its place and is used again by whoever comes next: an allocator that
//! keeps arenas by threads would hold the memory of a hash for each of the many threads that ever
//! made one. It counts what it let through, so that a test can tell that unknown names cost what
//! known ones do.

use std::sync::{Condvar, Mutex, PoisonError};

use argon2::Block;
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
    /// The memory of places that nobody is at, one that was used last at the end.
    free: Vec<Memory>,
}

/// What a hash is made in; as large as it ever had to be.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory({} KiB)", self.0.len())
    }
}

impl Memory {
    /// So many blocks of 1 KiB, of any content.
    pub fn blocks(&mut self, count: usize) -> &mut [Block] {
        if self.0.len() < count {
            self.0 = vec![Block::new(); count];
        }
        &mut self.0[..count]
    }
}

/// Leaves when it is dropped, and leaves nothing of a password behind.
struct Within<'a> {
    gate: &'a Gate,
    memory: Memory,
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        self.memory.0.fill(Block::new());
        let mut state = self.gate.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.within -= 1;
        state.free.push(std::mem::take(&mut self.memory));
        drop(state);
        self.gate.left.notify_one();
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

    /// Does work that few may do at once, in the memory of a place. Blocks until there is room.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if too many wait already, and those of the work.
    pub fn within<T>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
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
        let memory = state.free.pop().unwrap_or_default();
        drop(state);
        let mut within = Within { gate: self, memory };
        work(&mut within.memory)
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
                    gate.within(|_| {
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
        assert!(gate.within(|_| Err::<(), _>(ApiError::missing("x"))).is_err());
        assert!(gate.within(|_| Ok(())).is_ok());
    }

    #[test]
    fn a_place_has_its_memory_once_and_leaves_it_empty() {
        let gate = Gate::new(1);
        let seen = |count| {
            let look = |memory: &mut Memory| {
                let blocks = memory.blocks(count);
                let was = blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0));
                blocks.fill_with(|| {
                    let mut block = Block::new();
                    block.as_mut().fill(7);
                    block
                });
                Ok((was, blocks.as_ptr().addr()))
            };
            gate.within(look).unwrap()
        };
        let (empty, first) = seen(8);
        assert!(empty);
        assert_eq!(seen(8), (true, first));
        assert_eq!(seen(4), (true, first));
        assert!(seen(16).0);
        assert_eq!(gate.state.lock().unwrap().free.len(), 1);
    }
}

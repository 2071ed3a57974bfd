//! Parts on their way from the bundler to a bucket, in memory: a bounded number of them.
//!
//! ```text
//! bundler ─ part being made ─┐        ┌─ worker ─┐
//!                            ├ queue ─┼─ worker ─┼─ bucket
//!   waits while as many as ──┘        └─ …      ─┘
//!   may be are pending
//! ```
//!
//! A part is pending from when it is whole until it is sent. When one cannot be sent, nothing more
//! is, and the bundler is told at the next part.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use bundle::{Part, PartSink};
use md5::{Digest, Md5};

use crate::crew::hold;

/// A part that is whole.
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) md5: [u8; 16],
}

/// What became of the parts: the names of those that were sent, and why no more were.
pub(crate) struct Sent<E> {
    pub(crate) names: Vec<String>,
    pub(crate) failure: Option<E>,
}

/// Calls `work` with a sink whose parts `send` takes away, at most `pending` at a time.
pub(crate) fn with_outbox<R, E: Send>(
    pending: usize,
    send: impl Fn(&Ready) -> Result<(), E> + Sync,
    work: impl FnOnce(&mut Outbox<'_, E>) -> R,
) -> (R, Sent<E>) {
    let shared = Shared { state: Mutex::new(State::default()), changed: Condvar::new() };
    let pending = pending.max(1);
    let result = thread::scope(|scope| {
        let closing = Closing(&shared);
        for _ in 0..pending {
            scope.spawn(|| {
                let _working = Working(&shared);
                while let Some(part) = shared.take() {
                    shared.done(part.name.clone(), send(&part).err());
                }
            });
        }
        let mut outbox = Outbox { shared: &shared, pending, open: None };
        let result = work(&mut outbox);
        drop(closing);
        result
    });
    let state = shared.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    (result, Sent { names: state.sent, failure: state.failure })
}

struct State<E> {
    queue: VecDeque<Ready>,
    /// Parts in the queue and with the workers.
    pending: usize,
    sent: Vec<String>,
    failure: Option<E>,
    closed: bool,
    /// Whether a worker has panicked, whose part is pending for ever.
    died: bool,
}

impl<E> State<E> {
    /// Whether nothing is sent any more.
    fn failed(&self) -> bool {
        self.died || self.failure.is_some()
    }
}

impl<E> Default for State<E> {
    fn default() -> Self {
        let (queue, sent) = (VecDeque::new(), Vec::new());
        Self { queue, pending: 0, sent, failure: None, closed: false, died: false }
    }
}

struct Shared<E> {
    state: Mutex<State<E>>,
    changed: Condvar,
}

impl<E> Shared<E> {
    /// The next part to send; none when there will be no more.
    fn take(&self) -> Option<Ready> {
        let mut state = hold(&self.state);
        loop {
            if state.failed() {
                state.queue.clear();
                return None;
            }
            if let Some(part) = state.queue.pop_front() {
                return Some(part);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, name: String, failure: Option<E>) {
        let mut state = hold(&self.state);
        state.pending -= 1;
        match failure {
            None => state.sent.push(name),
            // The first one is told.
            Some(failure) => {
                state.failure.get_or_insert(failure);
            }
        }
        self.changed.notify_all();
    }

    /// Queues a part when there is room for it; false if nothing is sent any more.
    fn put(&self, part: Ready, most: usize) -> bool {
        let mut state = hold(&self.state);
        while !state.failed() && state.pending >= most {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.failed() {
            return false;
        }
        state.pending += 1;
        state.queue.push_back(part);
        self.changed.notify_all();
        true
    }
}

/// Lets the workers end when the queue is empty.
struct Closing<'a, E>(&'a Shared<E>);

impl<E> Drop for Closing<'_, E> {
    fn drop(&mut self) {
        hold(&self.0.state).closed = true;
        self.0.changed.notify_all();
    }
}

/// Says that a worker has panicked, so that nobody waits for it; the panic goes on when all have
/// ended.
struct Working<'a, E>(&'a Shared<E>);

impl<E> Drop for Working<'_, E> {
    fn drop(&mut self) {
        if thread::panicking() {
            hold(&self.0.state).died = true;
            self.0.changed.notify_all();
        }
    }
}

/// Takes the parts of a bundle.
pub(crate) struct Outbox<'a, E> {
    shared: &'a Shared<E>,
    pending: usize,
    open: Option<(String, Vec<u8>, Md5)>,
}

impl<E> Outbox<'_, E> {
    /// Whether nothing is sent any more.
    pub(crate) fn failed(&self) -> bool {
        hold(&self.shared.state).failed()
    }
}

impl<E> PartSink for Outbox<'_, E> {
    fn begin(&mut self, _: usize, filename: &str) -> io::Result<()> {
        self.open = Some((filename.to_owned(), Vec::new(), Md5::new()));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (_, held, md5) = self.open.as_mut().ok_or(io::ErrorKind::InvalidInput)?;
        held.extend_from_slice(bytes);
        md5.update(bytes);
        Ok(())
    }

    fn end(&mut self, _: &Part, _: u64) -> io::Result<()> {
        let (name, bytes, md5) = self.open.take().ok_or(io::ErrorKind::InvalidInput)?;
        match self.shared.put(Ready { name, bytes, md5: md5.finalize().into() }, self.pending) {
            true => Ok(()),
            false => Err(io::Error::other("the upload has failed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn fill(outbox: &mut Outbox<'_, usize>, parts: usize) -> io::Result<()> {
        for index in 0..parts {
            let part = Part { index, filename: format!("p{index}"), digest: [0; 20] };
            outbox.begin(index, &part.filename)?;
            outbox.write(b"a")?;
            outbox.write(b"bc")?;
            outbox.end(&part, 3)?;
        }
        Ok(())
    }

    #[test]
    fn every_part_is_sent_and_few_wait() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let send = |part: &Ready| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            assert_eq!((&part.bytes[..], part.md5), (&b"abc"[..], Md5::digest(b"abc").into()));
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        };
        let (result, sent) = with_outbox(3, send, |outbox| fill(outbox, 100));
        assert!(result.is_ok() && sent.failure.is_none());
        assert_eq!(sent.names.len(), 100);
        assert!(most.into_inner() <= 3);
    }

    #[test]
    fn nobody_waits_for_workers_that_have_panicked() {
        let send = |_: &Ready| -> Result<(), usize> { panic!("told") };
        let whole = || with_outbox(2, send, |outbox| assert!(fill(outbox, 1000).is_err()));
        assert!(std::panic::catch_unwind(whole).is_err());
    }

    #[test]
    fn a_part_that_cannot_be_sent_ends_it() {
        let send = |part: &Ready| if part.name == "p5" { Err(5) } else { Ok(()) };
        let (result, sent) = with_outbox(2, send, |outbox| {
            let result = fill(outbox, 1000);
            assert!(outbox.failed());
            result
        });
        assert!(result.is_err());
        assert_eq!(sent.failure, Some(5));
        assert!(!sent.names.contains(&"p5".to_owned()) && sent.names.len() < 1000);
    }
}

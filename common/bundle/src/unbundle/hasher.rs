//! A digest that is computed in a thread of its own.
//!
//! Hashing an image costs as much as inflating it. Each digest has its thread, which is given
//! blocks, not copies of them, and waits for them as others wait for it: what is queued is bounded.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use sha1::Digest;

use crate::ahead::Stopped;
use crate::inflate::View;
use crate::sink::ZEROS;

/// Pieces that wait for their turn.
const DEPTH: usize = 4;

/// What is hashed next.
pub(super) enum Work {
    Bytes(View),
    /// So many bytes of zero.
    Zeros(u64),
}

/// A digest under way.
pub(super) struct Hasher<'scope, D> {
    work: SyncSender<Work>,
    thread: ScopedJoinHandle<'scope, D>,
}

impl<'scope, D: Digest + Send + 'scope> Hasher<'scope, D> {
    /// Starts a thread of this name.
    pub(super) fn spawn(scope: &'scope Scope<'scope, '_>, name: &str) -> io::Result<Self> {
        let (work, queue) = sync_channel(DEPTH);
        let thread = Builder::new().name(name.to_owned()).spawn_scoped(scope, move || {
            let mut digest = D::new();
            for work in queue {
                match work {
                    Work::Bytes(piece) => digest.update(&*piece),
                    Work::Zeros(length) => zeros(&mut digest, length),
                }
            }
            digest
        })?;
        Ok(Self { work, thread })
    }

    /// Where to send what is hashed; [`Hasher::finish`] waits until all of these are gone.
    pub(super) fn queue(&self) -> SyncSender<Work> {
        self.work.clone()
    }

    /// Hashes `work` after what came before.
    pub(super) fn update(&self, work: Work) -> io::Result<()> {
        self.work.send(work).map_err(|_| Stopped.into())
    }

    /// Waits for the digest of all that was sent.
    pub(super) fn finish(self) -> io::Result<D> {
        drop(self.work);
        self.thread.join().map_err(|_| Stopped.into())
    }
}

fn zeros(digest: &mut impl Digest, length: u64) {
    let mut left = length;
    while left > 0 {
        let now = usize::try_from(left).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
        digest.update(&ZEROS[..now]);
        left -= now as u64;
    }
}

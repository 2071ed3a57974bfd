//! The tar stream as it comes out of the inflating thread.
//!
//! [`spawn`] inflates in a thread of its own, a few blocks ahead. [`Blocks`] is the near end: it
//! reads like any stream, and it gives out the blocks themselves, in pieces, to whom would
//! otherwise have to copy them. A thread that dies without saying so is an error, never an end.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::hasher::Work;
use crate::ahead::Stopped;
use crate::inflate::{Block, View, inflate_blocks};

/// Blocks that wait between the threads.
const DEPTH: usize = 4;

/// What passes between the threads; nothing is the end.
type Next = io::Result<Option<Arc<Block>>>;

/// The near end of the inflating thread.
pub(super) struct Blocks {
    next: Receiver<Next>,
    block: Option<Arc<Block>>,
    position: usize,
    ended: bool,
    /// Who hashes the stream.
    hash: SyncSender<Work>,
}

/// Starts inflating `compressed`, at most `limit` bytes, with `threads` threads for the chunks of
/// a stream that has any. All that is read from the [`Blocks`] is sent to `hash` too.
pub(super) fn spawn<'scope, R>(
    scope: &'scope Scope<'scope, '_>,
    compressed: R,
    limit: u64,
    threads: usize,
    hash: SyncSender<Work>,
) -> io::Result<(Blocks, ScopedJoinHandle<'scope, ()>)>
where
    R: BufRead + Send + 'scope,
{
    let (send, next) = sync_channel::<Next>(DEPTH);
    let thread = Builder::new().name("inflate".to_owned()).spawn_scoped(scope, move || {
        let mut output = |block| send.send(Ok(Some(block))).map_err(|_| Stopped.into());
        let end = inflate_blocks(compressed, limit, threads, &mut output);
        // A failed send means that nobody reads any more.
        let _ = send.send(end.map(|()| None));
    })?;
    Ok((Blocks { next, block: None, position: 0, ended: false, hash }, thread))
}

impl Blocks {
    /// The next bytes, at most `most` of them; none at the end of the stream.
    pub(super) fn piece(&mut self, most: u64) -> io::Result<Option<View>> {
        loop {
            if let Some(block) = &self.block {
                let left = block.len() - self.position;
                if left > 0 {
                    let length = usize::try_from(most).map_or(left, |most| left.min(most));
                    let from = self.position;
                    self.position += length;
                    return Ok(Some(View::new(block, from..self.position)));
                }
            }
            if self.ended {
                return Ok(None);
            }
            self.block = self.next.recv().map_err(|_| Stopped)??;
            self.position = 0;
            match &self.block {
                None => self.ended = true,
                Some(block) => {
                    let whole = View::new(block, 0..block.len());
                    self.hash.send(Work::Bytes(whole)).map_err(|_| Stopped)?;
                }
            }
        }
    }
}

impl Read for Blocks {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.piece(buf.len() as u64)? else { return Ok(0) };
        buf[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }
}

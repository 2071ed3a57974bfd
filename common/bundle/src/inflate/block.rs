//! A stretch of inflated bytes that several threads read, and the buffers that it is made of.
//!
//! The image passes from the inflater to the hashes and to the sink without being copied: all of
//! them hold the same [`Block`]. When the last one lets go, its buffer returns to the [`Pool`], so
//! that a stream of any length needs as many buffers as are under way at a time.

use std::ops::{Deref, Range};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Inflated bytes.
pub(crate) struct Block {
    buffer: Vec<u8>,
    length: usize,
    zero: bool,
    spare: SyncSender<Vec<u8>>,
}

impl Block {
    /// Whether all bytes are known to be zero; a block that is not known to be may still be.
    pub(crate) fn is_zero(&self) -> bool {
        self.zero
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // A pool that is full or gone: the buffer is simply freed.
        let _ = self.spare.try_send(std::mem::take(&mut self.buffer));
    }
}

/// A part of a block.
#[derive(Clone)]
pub(crate) struct View {
    block: Arc<Block>,
    range: Range<usize>,
}

impl View {
    /// The bytes of `block` in `range`, which must lie within it.
    pub(crate) fn new(block: &Arc<Block>, range: Range<usize>) -> Self {
        Self { block: Arc::clone(block), range }
    }

    /// As [`Block::is_zero`].
    pub(crate) fn is_zero(&self) -> bool {
        self.block.is_zero()
    }
}

impl Deref for View {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block[self.range.clone()]
    }
}

/// Buffers to inflate into, or out of.
pub(super) struct Pool {
    spare: SyncSender<Vec<u8>>,
    returned: Receiver<Vec<u8>>,
}

impl Pool {
    /// A pool that keeps at most `most` buffers for later.
    pub(super) fn new(most: usize) -> Self {
        let (spare, returned) = sync_channel(most);
        Self { spare, returned }
    }

    /// A buffer of at least `length` bytes, whatever they are.
    pub(super) fn buffer(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.returned.try_recv().unwrap_or_default();
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        buffer
    }

    /// An empty buffer that takes `length` bytes without growing.
    pub(super) fn empty(&self, length: usize) -> Vec<u8> {
        let mut buffer = self.returned.try_recv().unwrap_or_default();
        buffer.clear();
        buffer.reserve_exact(length);
        buffer
    }

    /// Where a buffer that was taken out is brought back to.
    pub(super) fn spare(&self) -> SyncSender<Vec<u8>> {
        self.spare.clone()
    }

    /// Makes the first `length` bytes of `buffer` a block.
    pub(super) fn block(&self, buffer: Vec<u8>, length: usize, zero: bool) -> Block {
        let length = length.min(buffer.len());
        Block { buffer, length, zero, spare: self.spare() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_return_and_the_pool_is_bounded() {
        let pool = Pool::new(1);
        let blocks = [3, 4].map(|length| pool.block(pool.buffer(10), length, false));
        assert_eq!(blocks.each_ref().map(|block| block.len()), [3, 4]);
        drop(blocks);
        assert_eq!(pool.buffer(1).len(), 10, "the one that was kept");
        assert_eq!(pool.buffer(1).len(), 1, "a new one");
    }
}

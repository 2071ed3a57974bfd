//! A reader that runs ahead of who reads from it, in a thread of its own.
//!
//! Unpacking is three jobs of about the same weight: verify and decrypt, inflate, hash and write.
//! Each [`spawn`] moves one of them into a scoped thread that works a few chunks ahead and then
//! waits: memory stays bounded whatever passes through. A thread that dies without saying so is an
//! error for the reader, never a quiet end of the stream; a reader that goes away stops the thread
//! at its next chunk, and the thread then gives back what it read from.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Bytes in a chunk.
pub(crate) const CHUNK: usize = 256 * 1024;

/// Chunks that wait between two threads.
const DEPTH: usize = 4;

/// The error inside the [`io::Error`] that stands for a thread that ended before its work did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a worker thread stopped before its work was done")]
pub(crate) struct Stopped;

impl From<Stopped> for io::Error {
    fn from(stopped: Stopped) -> Self {
        Self::other(stopped)
    }
}

/// The near end of the thread: a buffered reader of what it read. An empty chunk is the end.
pub(crate) struct Ahead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    spare: SyncSender<Vec<u8>>,
    chunk: Vec<u8>,
    position: usize,
    ended: bool,
}

/// Starts reading `reader` ahead. The handle yields the reader when its end, an error, or the drop
/// of the [`Ahead`] ends the thread.
pub(crate) fn spawn<'scope, R>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    reader: R,
) -> io::Result<(Ahead, ScopedJoinHandle<'scope, R>)>
where
    R: Read + Send + 'scope,
{
    let (full, chunks) = sync_channel(DEPTH);
    let (spare, empty) = sync_channel(DEPTH + 2);
    let thread = Builder::new()
        .name(name.to_owned())
        .spawn_scoped(scope, move || run(reader, &full, &empty))?;
    Ok((Ahead { chunks, spare, chunk: Vec::new(), position: 0, ended: false }, thread))
}

fn run<R: Read>(
    mut reader: R,
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) -> R {
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        match fill(&mut reader, &mut chunk) {
            Ok(filled) => {
                chunk.truncate(filled);
                // A failed send means that nobody reads any more.
                if full.send(Ok(chunk)).is_err() || filled == 0 {
                    return reader;
                }
            }
            Err(error) => {
                let _ = full.send(Err(error));
                return reader;
            }
        }
    }
}

/// Reads until `buf` is full or the stream ends; gives the number of bytes.
pub(crate) fn fill(reader: &mut impl Read, buf: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match reader.read(&mut buf[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.chunk.len() && !self.ended {
            let next = self.chunks.recv().map_err(|_| Stopped)??;
            self.ended = next.is_empty();
            self.position = 0;
            let used = std::mem::replace(&mut self.chunk, next);
            // A full pool or a thread that has ended: the buffer is simply dropped.
            let _ = self.spare.try_send(used);
        }
        Ok(&self.chunk[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = self.position.saturating_add(amount).min(self.chunk.len());
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?.read(buf)?;
        self.consume(got);
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::scope;

    #[test]
    fn it_gives_what_the_reader_gives() {
        let data: Vec<u8> = (0..=250).cycle().take(CHUNK * 9 + 17).collect();
        scope(|scope| {
            let (mut ahead, thread) = spawn(scope, "test", data.as_slice()).unwrap();
            let mut out = Vec::new();
            ahead.read_to_end(&mut out).unwrap();
            assert_eq!(out, data);
            assert!(thread.join().unwrap().is_empty());
        });
    }

    #[test]
    fn dropping_it_stops_an_endless_reader() {
        scope(|scope| {
            let (ahead, thread) = spawn(scope, "test", io::repeat(1)).unwrap();
            drop(ahead);
            thread.join().unwrap();
        });
    }

    struct Dies;
    impl Read for Dies {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            std::panic::resume_unwind(Box::new("dies"))
        }
    }

    #[test]
    fn a_dead_thread_is_an_error_and_not_an_end() {
        scope(|scope| {
            let (mut ahead, thread) = spawn(scope, "test", Dies).unwrap();
            let error = ahead.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(error.get_ref().and_then(|e| e.downcast_ref()), Some(&Stopped));
            assert!(thread.join().is_err());
        });
    }
}

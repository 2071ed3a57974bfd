//! Inflates a gzip stream, with all processors where the stream allows it.
//!
//! Deflate refers back to what came before, hence it inflates on one processor. Our own bundles are
//! made of chunks that do not: the header says their size, and each ends in a mark that can be
//! found (`chunks`). Segments between marks go to worker threads and come back in their order:
//!
//! ```text
//!            ┌ segment ─> worker ┐
//! input ─ cut┼ segment ─> worker ┼─ in order ─ right? ─ yes ─> output
//!            └ segment ─> worker ┘               └ no: the mark came by chance; join the next one
//!                                                  └ too often, too long, or the last: serially
//! ```
//!
//! Nothing of it is believed. A segment counts only when it turned out to be what inflating the
//! whole would have made of it; from the first that is not on, after a few tries to join it with
//! the next ones, everything is inflated serially behind the last right one. So the answer is that
//! of a serial reader for every valid stream, which a fuzz target compares; work and memory are
//! bounded by a constant times that of the serial reader, whatever the stream claims. Only the first
//! member can be chunked: nobody writes a second, and each would start its own tries.
//!
//! Streams that are not valid may be refused by one reader and not by the other, because chunks are
//! opened by libdeflate, which lets pass some of what zlib refuses: a block whose head announces 287
//! or 288 codes of literals and lengths or 31 or 32 of distances, the codes 286 and 287 (as a length
//! of 258) and 30 and 31 (as a distance) themselves, a code of code lengths with one member only,
//! and distances where no code of one is there. No compressor writes any of it. What comes out is
//! the same bytes each time; checksum and length of the member are compared with it, and the digest
//! of the manifest. Who made the bundle chose these, and could as well have sent the same bytes in
//! valid form: refusing such a stream would protect nobody.

mod block;
mod chunks;
mod member;
mod serial;

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder};

use libdeflater::Decompressor;

use self::block::Pool;
use self::chunks::{Cutter, Opened, Opener, SIZES, Segment, longest};
use self::member::read_header;
use crate::ahead::Stopped;
use crate::bounded::LimitExceeded;

pub(crate) use self::block::{Block, View};
pub(crate) use self::member::{Sums, checksum};

/// More workers than this only wait for the hashes.
const WORKERS: usize = 16;

/// Bytes of chunks that are under way.
const UNDER_WAY: usize = 32 << 20;

/// Tries to join a segment with the next one before the first chunk is right. In compressed data
/// the mark comes by chance about once in 4 GiB, in what is stored more often.
const TRIES: usize = 16;

/// Chunks that were right for each further try.
const RIGHT_PER_TRY: usize = 8;

/// Buffers kept for later.
const SPARE: usize = 32;

/// Inflates all members of the gzip stream `compressed`, at most `limit` bytes of them, with up to
/// `threads` worker threads if the stream is made for it, and gives the bytes to `output` in their
/// order. With no threads it works serially. What was given out is of no use unless it returns
/// `Ok`.
///
/// # Errors
/// Of kind `InvalidData` if the stream is not whole gzip or, with a [`LimitExceeded`], if it holds
/// more than `limit` bytes; `UnexpectedEof` if it is cut off; those of `compressed` and `output`.
pub fn inflate(
    compressed: impl BufRead,
    limit: u64,
    threads: usize,
    output: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    inflate_blocks(compressed, limit, threads, &mut |block| output(&block))
}

/// As [`inflate`], but gives out what many can hold.
pub(crate) fn inflate_blocks(
    compressed: impl BufRead,
    limit: u64,
    threads: usize,
    output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
) -> io::Result<()> {
    let mut input = Rewound { front: Vec::new(), position: 0, inner: compressed };
    let pool = Pool::new(SPARE);
    let mut given = 0_u64;
    let mut output = |block: Arc<Block>| {
        given = given.saturating_add(block.len() as u64);
        if given > limit {
            let error = LimitExceeded { limit };
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        output(block)
    };
    let mut first = true;
    loop {
        let chunk = read_header(&mut input)?.and_then(|size| usize::try_from(size).ok());
        let chunk = chunk.filter(|size| first && threads > 0 && SIZES.contains(size));
        let mut done = Done::default();
        if let Some(size) = chunk {
            let opener = Opener::new(size)?;
            done = in_parallel(&mut input, opener, size, threads, &pool, &mut output)?;
            input.rewind(std::mem::take(&mut done.unused));
        }
        let window = done.last.as_deref().map(|block: &Block| {
            let from = block.len().saturating_sub(serial::WINDOW);
            block[from..].to_vec()
        });
        drop(done.last);
        let window = window.unwrap_or_default();
        serial::inflate(&mut input, &window, done.sums, &pool, &mut |block| {
            output(Arc::new(block))
        })?;
        first = false;
        if input.fill_buf()?.is_empty() {
            return Ok(());
        }
    }
}

/// How far the chunks of a member were right.
#[derive(Default)]
struct Done {
    sums: Sums,
    /// The last right chunk.
    last: Option<Arc<Block>>,
    /// What was read beyond it.
    unused: Vec<u8>,
}

/// A segment and the way back for what is in it.
struct Job {
    segment: Arc<Segment>,
    buffer: Vec<u8>,
    answer: SyncSender<Option<Opened>>,
}

fn work(opener: Opener, jobs: &Mutex<Receiver<Job>>) {
    let mut inflater = Decompressor::new();
    loop {
        let Ok(job) = jobs.lock().map_err(drop).and_then(|jobs| jobs.recv().map_err(drop)) else {
            return;
        };
        let opened = opener.open(&mut inflater, &job.segment, job.buffer);
        // Nobody waits any more: there is another job or the end of them.
        let _ = job.answer.send(opened);
    }
}

/// Starts the workers, opens chunks as long as they are right, and stops the workers.
fn in_parallel(
    input: &mut impl BufRead,
    opener: Opener,
    size: usize,
    threads: usize,
    pool: &Pool,
    output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
) -> io::Result<Done> {
    let threads = threads.min(WORKERS);
    let depth = (UNDER_WAY / size).clamp(2, 2 * threads + 2);
    let (jobs, incoming) = sync_channel(depth);
    thread::scope(|scope| {
        // Only the workers hold it: when the last one dies, nobody waits for them in vain.
        let incoming = Arc::new(Mutex::new(incoming));
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let incoming = Arc::clone(&incoming);
            let worker = Builder::new().name("inflate-chunk".to_owned());
            workers.push(worker.spawn_scoped(scope, move || work(opener, &incoming))?);
        }
        drop(incoming);
        let mut line = Line {
            opener,
            size,
            pool,
            segments: Pool::new(SPARE),
            jobs,
            depth,
            cutter: Cutter::new(longest(size)),
            cutting: true,
            under_way: VecDeque::with_capacity(depth),
            unjoined: Vec::new(),
            zeros: None,
            inflater: Decompressor::new(),
            sums: Sums::default(),
            last: None,
            right: 0,
            tries: 0,
        };
        let outcome = line.run(input, output);
        let done = line.finish();
        // Joined one by one: a panic in a thread becomes an error and not a panic here.
        let died = workers.into_iter().filter_map(|worker| worker.join().err()).count() > 0;
        outcome?;
        if died { Err(Stopped.into()) } else { Ok(done) }
    })
}

/// A segment under way.
struct Pending {
    segment: Arc<Segment>,
    opened: Opening,
}

enum Opening {
    Later(Receiver<Option<Opened>>),
    /// The same bytes were opened before: zeros.
    Known(Zeros),
}

/// A chunk that holds nothing but zeros: long holes repeat it.
#[derive(Clone)]
struct Zeros {
    segment: Arc<Segment>,
    block: Arc<Block>,
    checksum: u32,
}

/// The segments from the cut to the output.
struct Line<'a> {
    opener: Opener,
    size: usize,
    pool: &'a Pool,
    /// Buffers of segments.
    segments: Pool,
    jobs: SyncSender<Job>,
    depth: usize,
    cutter: Cutter,
    /// Whether there may be more segments.
    cutting: bool,
    under_way: VecDeque<Pending>,
    /// What was joined in vain.
    unjoined: Vec<u8>,
    zeros: Option<Zeros>,
    /// For segments that were joined.
    inflater: Decompressor,
    sums: Sums,
    last: Option<Arc<Block>>,
    right: usize,
    tries: usize,
}

impl Line<'_> {
    /// Gives chunks out until one is not right or there are no more.
    fn run(
        &mut self,
        input: &mut impl BufRead,
        output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            while self.cutting && self.under_way.len() < self.depth {
                self.cut(input)?;
            }
            let Some(Pending { segment, opened }) = self.under_way.pop_front() else {
                return Ok(());
            };
            match opened {
                Opening::Known(zeros) => self.give(zeros.block, zeros.checksum, output)?,
                Opening::Later(answer) => match answer.recv().map_err(|_| Stopped)? {
                    Some(opened) => self.give_opened(segment, opened, output)?,
                    None if self.join(&segment, input, output)? => {}
                    None => return Ok(()),
                },
            }
        }
    }

    /// Cuts the next segment and sends it on its way.
    fn cut(&mut self, input: &mut impl BufRead) -> io::Result<()> {
        let Some(bytes) = self.cutter.next(input)? else {
            self.cutting = false;
            return Ok(());
        };
        let known = self.zeros.as_ref().filter(|zeros| zeros.segment.bytes() == bytes);
        let pending = if let Some(zeros) = known {
            Pending { segment: Arc::clone(&zeros.segment), opened: Opening::Known(zeros.clone()) }
        } else {
            let segment = Arc::new(self.opener.segment(bytes, &self.segments));
            let (answer, opened) = sync_channel(1);
            let buffer = self.pool.buffer(self.opener.room());
            let job = Job { segment: Arc::clone(&segment), buffer, answer };
            self.jobs.send(job).map_err(|_| Stopped)?;
            Pending { segment, opened: Opening::Later(opened) }
        };
        self.under_way.push_back(pending);
        Ok(())
    }

    /// Joins a segment that is no chunk with those behind it until they are one; gives whether
    /// that came about. If not, what was joined is laid aside.
    fn join(
        &mut self,
        first: &Segment,
        input: &mut impl BufRead,
        output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let mut bytes = first.bytes().to_vec();
        loop {
            if self.under_way.is_empty() && self.cutting {
                self.cut(input)?;
            }
            let Some(next) = self.under_way.pop_front() else { break };
            bytes.extend_from_slice(next.segment.bytes());
            let tries = TRIES.saturating_add(self.right / RIGHT_PER_TRY);
            if self.tries >= tries || bytes.len() > longest(self.size) {
                break;
            }
            self.tries += 1;
            let segment = self.opener.segment(&bytes, &self.segments);
            let buffer = self.pool.buffer(self.opener.room());
            if let Some(opened) = self.opener.open(&mut self.inflater, &segment, buffer) {
                self.give_opened(Arc::new(segment), opened, output)?;
                return Ok(true);
            }
        }
        self.unjoined = bytes;
        Ok(false)
    }

    fn give_opened(
        &mut self,
        segment: Arc<Segment>,
        Opened { buffer, checksum, zero }: Opened,
        output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
    ) -> io::Result<()> {
        let block = Arc::new(self.pool.block(buffer, self.size, zero));
        if zero {
            self.zeros = Some(Zeros { segment, block: Arc::clone(&block), checksum });
        }
        self.give(block, checksum, output)
    }

    fn give(
        &mut self,
        block: Arc<Block>,
        checksum: u32,
        output: &mut dyn FnMut(Arc<Block>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.sums.add(checksum, block.len() as u64);
        self.last = Some(Arc::clone(&block));
        self.right += 1;
        output(block)
    }

    /// Lets the workers go; gives how far it came.
    fn finish(self) -> Done {
        let mut unused = self.unjoined;
        for pending in &self.under_way {
            unused.extend_from_slice(pending.segment.bytes());
        }
        unused.extend(self.cutter.into_rest());
        Done { sums: self.sums, last: self.last, unused }
    }
}

/// A reader that what was read too far is put back into.
struct Rewound<R> {
    front: Vec<u8>,
    position: usize,
    inner: R,
}

impl<R> Rewound<R> {
    /// Puts `bytes` back, which were the last ones read.
    fn rewind(&mut self, mut bytes: Vec<u8>) {
        bytes.extend(self.front.drain(..).skip(self.position));
        self.front = bytes;
        self.position = 0;
    }
}

impl<R: BufRead> BufRead for Rewound<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position < self.front.len() {
            return Ok(&self.front[self.position..]);
        }
        loop {
            match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(_) => break,
            }
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if self.position < self.front.len() {
            self.position = self.position.saturating_add(amount).min(self.front.len());
        } else {
            self.inner.consume(amount);
        }
    }
}

impl<R: BufRead> Read for Rewound<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.fill_buf()?.read(buf)?;
        self.consume(got);
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = crate::gzip::CHUNK;

    /// Text with some noise.
    fn data(length: usize) -> Vec<u8> {
        let mut state = 5_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(|at| if at % 3 == 0 { next() } else { b'a' + next() % 16 }).collect()
    }

    /// What the chunks of a stream make, and what is left for the serial reader.
    fn chunks(gzip: &[u8], threads: usize) -> (Vec<u8>, Done) {
        let mut input = gzip;
        let size = read_header(&mut input).unwrap().unwrap();
        assert_eq!(usize::try_from(size).unwrap(), SIZE);
        let mut made = Vec::new();
        let opener = Opener::new(SIZE).unwrap();
        let pool = Pool::new(SPARE);
        let done = in_parallel(&mut input, opener, SIZE, threads, &pool, &mut |block| {
            made.extend_from_slice(&block);
            Ok(())
        });
        (made, done.unwrap())
    }

    fn compress(data: &[u8], level: u32) -> Vec<u8> {
        let mut gzip = Vec::new();
        crate::gzip::compress(data, level, &mut |bytes, _| {
            gzip.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        gzip
    }

    #[test]
    fn all_whole_chunks_of_what_we_write_are_opened_by_the_workers() {
        let mut mixed = data(5 * SIZE + 77);
        mixed[SIZE..3 * SIZE].fill(0);
        for level in [0, 1, 4, 6, 9] {
            let gzip = compress(&mixed, level);
            // Stored zeros are full of marks; the serial reader is as fast with them.
            for threads in [1, 4].into_iter().filter(|_| level > 0) {
                let (made, done) = chunks(&gzip, threads);
                assert!(made == mixed[..5 * SIZE], "level {level}: {} bytes", made.len());
                assert!(done.unused.len() < SIZE, "level {level}");
            }
            let mut whole = Vec::new();
            inflate(gzip.as_slice(), mixed.len() as u64, 2, &mut |bytes| {
                whole.extend_from_slice(bytes);
                Ok(())
            })
            .unwrap();
            assert!(whole == mixed, "level {level}");
        }
    }

    #[test]
    fn a_mark_that_comes_by_chance_does_not_end_it() {
        // Stored, the data show their marks: one in each of the first chunks, then very many.
        let mut marked = data(12 * SIZE);
        for chunk in 0..10 {
            let at = chunk * SIZE + 3000 * chunk + 7;
            marked[at..at + 4].copy_from_slice(&[0, 0, 0xff, 0xff]);
        }
        let (made, _) = chunks(&compress(&marked, 0), 2);
        assert!(made == marked, "{} bytes", made.len());
        for at in 0..1000 {
            marked[10 * SIZE + at * 1000..][..4].copy_from_slice(&[0, 0, 0xff, 0xff]);
        }
        let gzip = compress(&marked, 0);
        let (made, done) = chunks(&gzip, 2);
        assert!(made == marked[..10 * SIZE], "{} bytes", made.len());
        assert!(!done.unused.is_empty());
        let mut whole = Vec::new();
        inflate(gzip.as_slice(), marked.len() as u64, 2, &mut |bytes| {
            whole.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        assert!(whole == marked);
    }

    #[test]
    fn an_error_of_the_output_ends_it() {
        let gzip = compress(&data(8 * SIZE), 1);
        for threads in [0, 3] {
            let mut blocks = 0;
            let error = inflate(gzip.as_slice(), u64::MAX, threads, &mut |_| {
                blocks += 1;
                if blocks > 2 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            })
            .unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }
}

//! Compresses with all processors into one gzip member.
//!
//! Deflate is the slowest step of bundling by far. The input is cut into chunks of [`CHUNK`] bytes
//! that are compressed independently of each other, each ended at a byte boundary (a full flush),
//! which makes their concatenation one valid deflate stream: any gunzip reads it, and the bytes
//! depend neither on how many threads made them nor on whether zeros came as bytes or as holes. The
//! member's comment says how long the chunks are, so that a reader who knows can inflate them in
//! parallel, too (docs/adr/0009).
//!
//! ```text
//!                  ┌─ "sha1" ── digest of all that was read
//! "read-image" ────┼─ "deflate" × processors: CRC, compress ──┐
//!                  └─ the order of chunks, runs of zeros ─────┴─ caller: header, chunks, trailer
//! ```
//!
//! The digest is the one step that no other thread can share, and long runs of zeros are nothing
//! for the others: it may fall behind by as many chunks as there are buffers ([`BUFFERS`]), which
//! is what bounds the memory.

mod deflate;
mod splice;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder};

use sha1::{Digest, Sha1};

use self::deflate::{Deflated, Deflater, zero};
use crate::ahead::Stopped;
use crate::image::{Image, Piece};
use crate::inflate::Sums;
use crate::sink::ZEROS;

/// Bytes that are compressed on their own: enough to lose next to nothing of the ratio.
pub(crate) const CHUNK: usize = 2 << 20;

/// The most chunks that are held at a time, in whatever state.
const BUFFERS: usize = 32;

/// More workers than this only wait for the reader.
const WORKERS: usize = 16;

/// Member header: deflate, a comment, no name, no time, unknown level, Unix. A comment and not an
/// extra field, which Python's tarfile cannot skip in a stream.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3];

/// An empty final block of deflate.
const END: [u8; 2] = [3, 0];

/// Which side of the compressor failed.
#[derive(Debug)]
pub(crate) enum GzipError {
    Input(io::Error),
    Output(io::Error),
    Stopped,
}

/// A chunk on its way; its buffer goes back where it came from when nobody needs it any more.
struct Chunk {
    bytes: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // Nobody wants it at the end of the work.
        let _ = self.home.send(std::mem::take(&mut self.bytes));
    }
}

/// What is hashed next.
enum Hashed {
    Chunk(Arc<Chunk>),
    Zeros(u64),
}

/// What comes out next: a chunk when its worker is done, or so many chunks of zeros.
enum Turn {
    Chunk(Receiver<Deflated>),
    Zeros(u64),
}

/// A chunk to compress and where to put the result.
type Job = (Arc<Chunk>, SyncSender<Deflated>);

/// Compresses all of `input` at `level`, 0 to 9; gives its SHA-1. `output` takes the compressed
/// bytes and how many bytes of input they bring the sum to.
pub(crate) fn compress(
    input: impl Image + Send,
    level: u32,
    output: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
) -> Result<[u8; 20], GzipError> {
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(WORKERS));
    compress_with(input, level, workers, output)
}

fn compress_with(
    input: impl Image + Send,
    level: u32,
    workers: usize,
    output: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
) -> Result<[u8; 20], GzipError> {
    let zeros = zero(level).map_err(|_| GzipError::Stopped)?;
    let over = AtomicBool::new(false);
    let over = &over;
    thread::scope(|scope| {
        // Bounds of channels that are never met first: there are no more chunks than buffers.
        let (jobs, waiting) = sync_channel(BUFFERS);
        let (hashed, to_hash) = sync_channel(BUFFERS * 2);
        let (turns, order) = sync_channel(workers * 2 + 2);
        let start = |name: &str| Builder::new().name(name.to_owned());
        let waiting = Arc::new(Mutex::new(waiting));
        let mut threads = Vec::with_capacity(workers);
        for _ in 0..workers {
            let waiting = Arc::clone(&waiting);
            let worker = start("deflate")
                .spawn_scoped(scope, move || work(level, &waiting))
                .map_err(GzipError::Output)?;
            threads.push(worker);
        }
        drop(waiting);
        let hasher = start("sha1")
            .spawn_scoped(scope, move || hash(&to_hash, over))
            .map_err(GzipError::Output)?;
        let reader = start("read-image")
            .spawn_scoped(scope, move || Feeder { jobs, hashed, turns }.feed(input))
            .map_err(GzipError::Output)?;
        let collected = collect(&order, &zeros, output);
        drop(order);
        over.store(collected.is_err(), Ordering::Relaxed);
        // Joined one by one: a panic in a thread becomes an error and not a panic here.
        let fed = reader.join();
        let died = threads.into_iter().filter_map(|thread| thread.join().err()).count() > 0;
        let digest = hasher.join();
        let (Ok(fed), Ok(digest), false) = (fed, digest, died) else {
            return Err(GzipError::Stopped);
        };
        let all = match (collected, fed) {
            (Err(error), _) => return Err(error),
            (_, Err(error)) => return Err(GzipError::Input(error)),
            (Ok(all), Ok(length)) if all.length() == length => all,
            (Ok(_), Ok(_)) => return Err(GzipError::Stopped),
        };
        let mut trailer = END.to_vec();
        trailer.extend_from_slice(&all.trailer());
        output(&trailer, all.length()).map_err(GzipError::Output)?;
        Ok(digest)
    })
}

/// Cuts the input into chunks and hands them on.
struct Feeder {
    jobs: SyncSender<Job>,
    hashed: SyncSender<Hashed>,
    turns: SyncSender<Turn>,
}

impl Feeder {
    /// Hands all of the input on; gives its length.
    fn feed(self, mut input: impl Image) -> io::Result<u64> {
        let (home, spare) = channel();
        let mut made = 0;
        let mut length = 0;
        let mut hole = 0;
        loop {
            if hole >= CHUNK as u64 {
                let run = hole / CHUNK as u64;
                self.hashed.send(Hashed::Zeros(run)).map_err(|_| Stopped)?;
                self.turns.send(Turn::Zeros(run)).map_err(|_| Stopped)?;
                length += run * CHUNK as u64;
                hole %= CHUNK as u64;
            }
            // A buffer used before is warm; another one is made only if none is to be had.
            let mut bytes: Vec<u8> = match spare.try_recv() {
                Ok(bytes) => bytes,
                Err(_) if made < BUFFERS => {
                    made += 1;
                    vec![0; CHUNK]
                }
                Err(_) => spare.recv().map_err(|_| Stopped)?,
            };
            let (filled, rest) = fill(&mut input, hole, &mut bytes)?;
            // A hole that fills a whole chunk has no part in one of bytes.
            hole = rest;
            length += filled as u64;
            let ended = filled < CHUNK;
            if filled > 0 {
                bytes.truncate(filled);
                let chunk = Arc::new(Chunk { bytes, home: home.clone() });
                let (result, deflated) = sync_channel(1);
                self.turns.send(Turn::Chunk(deflated)).map_err(|_| Stopped)?;
                self.hashed.send(Hashed::Chunk(Arc::clone(&chunk))).map_err(|_| Stopped)?;
                self.jobs.send((chunk, result)).map_err(|_| Stopped)?;
            }
            if ended {
                return Ok(length);
            }
        }
    }
}

/// Fills `chunk`, beginning with `hole` zeros; gives how much of it was filled before the input
/// ended, and how long the hole is that reaches beyond it.
fn fill(input: &mut impl Image, hole: u64, chunk: &mut [u8]) -> io::Result<(usize, u64)> {
    let mut hole = hole;
    let mut filled = 0;
    while filled < chunk.len() {
        let rest = &mut chunk[filled..];
        if hole > 0 {
            let now = usize::try_from(hole).map_or(rest.len(), |hole| hole.min(rest.len()));
            rest[..now].fill(0);
            hole -= now as u64;
            filled += now;
            continue;
        }
        match input.piece(rest)? {
            Piece::Data(got) => filled += got,
            Piece::Hole(length) => hole = length,
            Piece::End => break,
        }
    }
    Ok((filled, hole))
}

/// A worker: compresses what comes in until nothing does.
fn work(level: u32, waiting: &Mutex<Receiver<Job>>) {
    let mut deflater = Deflater::new(level);
    loop {
        let Ok(job) = waiting.lock().map(|waiting| waiting.recv()) else { return };
        let Ok((chunk, result)) = job else { return };
        // Whoever waits for the result takes its absence for what it is.
        let Ok(deflated) = deflater.chunk(&chunk.bytes) else { return };
        drop(chunk);
        // Nobody waits any more when the output has failed.
        let _ = result.send(deflated);
    }
}

/// Hashes what comes in, in its order, until nothing does or it is `over`.
fn hash(incoming: &Receiver<Hashed>, over: &AtomicBool) -> [u8; 20] {
    let mut sha1 = Sha1::new();
    while let Ok(next) = incoming.recv() {
        match next {
            Hashed::Chunk(chunk) => sha1.update(&chunk.bytes),
            Hashed::Zeros(chunks) => {
                for _ in 0..chunks {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    (0..CHUNK / ZEROS.len()).for_each(|_| sha1.update(&ZEROS[..]));
                }
            }
        }
    }
    sha1.finalize().into()
}

/// Puts out what the workers made in the order of the input.
fn collect(
    order: &Receiver<Turn>,
    (zeros, crc_of_zeros): &(Vec<u8>, u32),
    output: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
) -> Result<Sums, GzipError> {
    let mut put = |bytes: &[u8], length| output(bytes, length).map_err(GzipError::Output);
    let mut all = Sums::default();
    put(&HEADER, 0)?;
    put(format!("EU{CHUNK}\0").as_bytes(), 0)?;
    while let Ok(turn) = order.recv() {
        match turn {
            Turn::Zeros(chunks) => {
                for _ in 0..chunks {
                    all.add(*crc_of_zeros, CHUNK as u64);
                    put(zeros, all.length())?;
                }
            }
            Turn::Chunk(deflated) => {
                let Deflated { bytes, crc, length } =
                    deflated.recv().map_err(|_| GzipError::Stopped)?;
                all.add(crc, length);
                put(bytes.as_ref().unwrap_or(zeros), all.length())?;
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounded::gunzip;
    use crate::image::Filled;
    use std::collections::VecDeque;
    use std::io::Read;

    fn pack(data: impl Image + Send, level: u32, workers: usize) -> (Vec<u8>, [u8; 20]) {
        let mut out = Vec::new();
        let digest = compress_with(data, level, workers, &mut |bytes, _| {
            out.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        (out, digest)
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut noise = 1_u32;
        std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .take(length)
        .collect()
    }

    /// Holes (true) and runs of sevens.
    #[derive(Clone)]
    struct Pieces(VecDeque<(bool, usize)>);

    impl Image for Pieces {
        fn piece(&mut self, buf: &mut [u8]) -> io::Result<Piece> {
            Ok(match self.0.pop_front() {
                Some((true, length)) => Piece::Hole(length as u64),
                Some((false, length)) => {
                    let now = length.min(buf.len());
                    buf[..now].fill(7);
                    if now < length {
                        self.0.push_front((false, length - now));
                    }
                    Piece::Data(now)
                }
                None => Piece::End,
            })
        }
    }

    #[test]
    fn it_is_one_member_that_inflates_to_the_input() {
        let noisy = noise(5 << 20);
        let zeros = vec![0; 40 << 20];
        for data in [&noisy[..0], &noisy[..1], &noisy[..CHUNK], &noisy[..CHUNK + 1], &noisy, &zeros]
        {
            let (packed, digest) = pack(data, 5, 2);
            assert_eq!(digest, <[u8; 20]>::from(Sha1::digest(data)));
            let mut out = Vec::new();
            gunzip(packed.as_slice(), data.len() as u64).read_to_end(&mut out).unwrap();
            assert!(out == data, "{} bytes", data.len());
        }
        assert!(pack(zeros.as_slice(), 5, 2).0.len() < 60_000);
    }

    #[test]
    fn threads_and_holes_leave_no_trace() {
        let mib = 1 << 20;
        let cases: &[&[(bool, usize)]] = &[
            &[(true, 1)],
            &[(true, mib)],
            &[(true, 5 * mib)],
            &[(true, 5 * mib + 1)],
            &[(false, 512), (true, 7 * mib), (false, 100), (true, 10_240)],
            &[(false, 512), (true, mib - 512), (true, mib), (false, mib)],
            &[(true, mib / 2), (false, 9), (true, 3 * mib), (true, 100 * mib), (false, 1)],
        ];
        for case in cases {
            let pieces = Pieces(case.to_vec().into());
            let mut plain = Vec::new();
            Filled::new(pieces.clone()).read_to_end(&mut plain).unwrap();
            for level in [0, 5] {
                let expected = pack(plain.as_slice(), level, 1);
                for workers in [1, 2, 7] {
                    let found = pack(pieces.clone(), level, workers);
                    assert!(found == expected, "{case:?} at {level} with {workers}");
                }
            }
        }
    }

    #[test]
    fn the_header_tells_the_chunks() {
        let (packed, _) = pack([1; 10].as_slice(), 5, 1);
        assert_eq!(packed[..10], [0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3]);
        assert_eq!(packed[10..20], *b"EU2097152\0");
    }

    #[test]
    fn errors_of_both_sides_come_out() {
        struct Breaks(u64);
        impl Read for Breaks {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::ConnectionReset)?;
                Ok(buf.len())
            }
        }
        let result = compress(Breaks(100), 1, &mut |_, _| Ok(()));
        assert!(matches!(result, Err(GzipError::Input(_))));
        let full = |_: &[u8], length| {
            if length > 9 << 20 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        };
        let endless = Pieces([(true, usize::MAX / 2)].into());
        for result in
            [compress(io::repeat(0), 1, &mut { full }), compress(endless, 1, &mut { full })]
        {
            let Err(GzipError::Output(error)) = result else { panic!("an error of the output") };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        }
    }

    #[test]
    fn a_reader_that_dies_is_an_error() {
        struct Dies;
        impl Read for Dies {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                std::panic::resume_unwind(Box::new("dies"))
            }
        }
        assert!(matches!(compress(Dies, 1, &mut |_, _| Ok(())), Err(GzipError::Stopped)));
    }
}

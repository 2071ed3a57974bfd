//! Compresses with all processors into one gzip member.
//!
//! Deflate is the slowest step of bundling by far. The input is cut into blocks that are
//! compressed independently of each other, each ended at a byte boundary (a sync flush), which
//! makes their concatenation one valid deflate stream: any gunzip reads it, and the bytes do not
//! depend on how many threads made them. A block is dealt to the threads in turn and collected in
//! the same turn, hence a slow one holds the others back and memory stays bounded.
//!
//! ```text
//! feeder: read, CRC ─┬─> worker 0 ─┬─> caller: header, blocks in turn, trailer
//!                    └─> worker n ─┘
//! ```

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Builder};

use flate2::{Compress, Compression, Crc, FlushCompress};

use crate::ahead::Stopped;

/// Bytes that are compressed on their own: enough to lose next to nothing of the ratio.
const BLOCK: u64 = 1 << 20;

/// Blocks that wait before and after each worker.
const DEPTH: usize = 1;

/// More workers than this only wait for the feeder.
const WORKERS: usize = 16;

/// Member header: deflate, no name, no time, unknown level, Unix.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// An empty final block of deflate.
const END: [u8; 2] = [3, 0];

/// Which side of the compressor failed.
#[derive(Debug)]
pub(crate) enum GzipError {
    Input(io::Error),
    Output(io::Error),
    Stopped,
}

struct Deflated {
    bytes: Vec<u8>,
    /// Bytes that were put in.
    length: u64,
}

/// Compresses all of `input` and gives it back. `output` takes the compressed bytes and how many
/// bytes of input they bring the sum to.
pub(crate) fn compress<R: Read + Send>(
    input: R,
    level: Compression,
    output: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
) -> Result<R, GzipError> {
    let workers = thread::available_parallelism().map_or(1, |n| n.get().min(WORKERS));
    thread::scope(|scope| {
        let mut to = Vec::with_capacity(workers);
        let mut from = Vec::with_capacity(workers);
        let mut threads = Vec::with_capacity(workers);
        for _ in 0..workers {
            let (blocks, incoming) = sync_channel(DEPTH);
            let (outgoing, deflated) = sync_channel(DEPTH);
            let worker = Builder::new()
                .name("deflate".to_owned())
                .spawn_scoped(scope, move || deflate(level, &incoming, &outgoing))
                .map_err(GzipError::Output)?;
            to.push(blocks);
            from.push(deflated);
            threads.push(worker);
        }
        let feeder = Builder::new()
            .name("read-image".to_owned())
            .spawn_scoped(scope, move || feed(input, &to))
            .map_err(GzipError::Output)?;
        let collected = collect(&from, output);
        drop(from);
        // Joined one by one: a panic in a thread becomes an error and not a panic here.
        let fed = feeder.join();
        let died = threads.into_iter().filter_map(|thread| thread.join().err()).count() > 0;
        let collected = collected.map_err(GzipError::Output)?;
        let Ok(fed) = fed else { return Err(GzipError::Stopped) };
        if died {
            return Err(GzipError::Stopped);
        }
        let fed = fed.map_err(GzipError::Input)?;
        if collected != fed.length {
            return Err(GzipError::Stopped);
        }
        let mut trailer = END.to_vec();
        trailer.extend_from_slice(&fed.crc.to_le_bytes());
        // The format keeps the length modulo 2^32.
        trailer.extend_from_slice(&fed.length.to_le_bytes()[..4]);
        output(&trailer, fed.length).map_err(GzipError::Output)?;
        Ok(fed.input)
    })
}

struct Fed<R> {
    input: R,
    crc: u32,
    length: u64,
}

/// Deals the input to the workers in turn.
fn feed<R: Read>(mut input: R, to: &[SyncSender<Vec<u8>>]) -> io::Result<Fed<R>> {
    let mut crc = Crc::new();
    let mut length = 0;
    for worker in to.iter().cycle() {
        let mut block = Vec::new();
        input.by_ref().take(BLOCK).read_to_end(&mut block)?;
        if block.is_empty() {
            break;
        }
        crc.update(&block);
        length += block.len() as u64;
        worker.send(block).map_err(|_| Stopped)?;
    }
    Ok(Fed { input, crc: crc.sum(), length })
}

/// A worker: compresses what comes in until nothing does or nobody wants it.
fn deflate(level: Compression, incoming: &Receiver<Vec<u8>>, outgoing: &SyncSender<Deflated>) {
    let mut state = Compress::new(level, false);
    while let Ok(block) = incoming.recv() {
        let Ok(bytes) = deflate_block(&mut state, &block) else { return };
        if outgoing.send(Deflated { bytes, length: block.len() as u64 }).is_err() {
            return;
        }
    }
}

fn deflate_block(state: &mut Compress, block: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(block.len() / 2 + 1024);
    state.reset();
    loop {
        let used = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = block.get(used..).unwrap_or_default();
        state.compress_vec(rest, &mut bytes, FlushCompress::Sync)?;
        // The flush is complete once there is room left behind it.
        if state.total_in() == block.len() as u64 && bytes.len() < bytes.capacity() {
            return Ok(bytes);
        }
        bytes.reserve(block.len() / 4 + 1024);
    }
}

/// Collects the blocks in the order in which they were dealt; gives the bytes of input they hold.
fn collect(
    from: &[Receiver<Deflated>],
    output: &mut dyn FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<u64> {
    output(&HEADER, 0)?;
    let mut length = 0;
    for worker in from.iter().cycle() {
        let Ok(deflated) = worker.recv() else { break };
        length += deflated.length;
        output(&deflated.bytes, length)?;
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounded::gunzip;

    fn pack(data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compress(data, Compression::new(6), &mut |bytes, _| {
            out.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        out
    }

    #[test]
    fn it_is_one_member_that_inflates_to_the_input() {
        let mut noise = 1_u32;
        let noisy: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .take(5 << 20)
        .collect();
        for data in [&noisy[..0], &noisy[..1], &noisy[..1 << 20], &noisy, &vec![0; 40 << 20]] {
            let packed = pack(data);
            let mut out = Vec::new();
            gunzip(packed.as_slice(), data.len() as u64).read_to_end(&mut out).unwrap();
            assert!(out == data, "{} bytes", data.len());
            assert!(packed == pack(data));
        }
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
        let result = compress(Breaks(1000), Compression::new(1), &mut |_, _| Ok(()));
        assert!(matches!(result, Err(GzipError::Input(_))));
        let endless = compress(io::repeat(0), Compression::new(1), &mut |_, length| {
            if length > 9 << 20 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        let Err(GzipError::Output(error)) = endless else { panic!("an error of the output") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

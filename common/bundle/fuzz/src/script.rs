//! Gzip streams and bundles by instruction: what chance would hardly ever hit upon.
//!
//! [`chunked`] writes what our own bundles are compressed to, as the format says. [`stream`] takes
//! any bytes as instructions for a member that claims to be such a one: chunks that are right, too
//! short, too long, referring to what came before, ended too early, with the marks of an end where
//! none is.

use flate2::{Compress, Compression, Crc, FlushCompress};

/// The smallest size of chunks that readers take for one.
pub(crate) const CHUNK: usize = 64 * 1024;

/// The end of an empty stored block.
const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];

/// Compresses `data` to one gzip member of chunks of `size` bytes that inflate on their own.
pub(crate) fn chunked(data: &[u8], size: usize) -> Vec<u8> {
    let mut out = header(size);
    for chunk in data.chunks(size.max(1)) {
        out.extend(deflate(&mut Compress::new(Compression::new(5), false), chunk));
    }
    end(&mut out, data);
    out
}

fn header(size: usize) -> Vec<u8> {
    let comment = format!("EU{size:07}\0");
    [&[0x1f, 0x8b, 8, 16, 0, 0, 0, 0, 0, 3], comment.as_bytes()].concat()
}

fn end(out: &mut Vec<u8>, data: &[u8]) {
    out.extend([3, 0]);
    trailer(out, data);
}

fn trailer(out: &mut Vec<u8>, data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(data);
    out.extend(crc.sum().to_le_bytes());
    out.extend(&(data.len() as u64).to_le_bytes()[..4]);
}

fn deflate(state: &mut Compress, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / 8 + 1000);
    state
        .compress_vec(data, &mut out, FlushCompress::Full)
        .expect("a compressor with room does not fail");
    out
}

fn stored(data: &[u8], last: bool) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a stored block has less than 64 KiB");
    [&[u8::from(last)], &length.to_le_bytes()[..], &(!length).to_le_bytes(), data].concat()
}

/// Bytes of four kinds, the same for the same `seed`: zeros, text, noise, and the marks of ends.
fn content(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    match seed % 4 {
        0 => vec![0; length],
        1 => (0..length)
            .map(|at| b"what is repeated compresses "[at % (3 + seed as usize / 10)])
            .collect(),
        2 => std::iter::repeat_with(noise).take(length).collect(),
        _ => (0..length).map(|at| if noise() < 40 { noise() } else { FLUSH[at % 4] }).collect(),
    }
}

/// Makes a gzip stream of `instructions`: pairs of what to do and with what.
pub(crate) fn stream(instructions: &[u8]) -> Vec<u8> {
    let mut out = header(CHUNK);
    let mut data: Vec<u8> = Vec::new();
    let fresh = |data: &[u8]| deflate(&mut Compress::new(Compression::new(3), false), data);
    let mut ended = false;
    // More than a few chunks cost time and show nothing.
    for pair in instructions.chunks(2).take(24) {
        let (what, with) = (pair[0] % 17, pair.get(1).copied().unwrap_or_default());
        let mut add = |out: &mut Vec<u8>, bytes: &[u8], compressed: &[u8]| {
            data.extend_from_slice(bytes);
            out.extend_from_slice(compressed);
        };
        match what {
            // A right chunk, the commonest.
            0..=4 => {
                let chunk = content(with, CHUNK);
                let compressed = fresh(&chunk);
                add(&mut out, &chunk, &compressed);
            }
            // One of any length.
            5 => {
                let chunk = content(with, usize::from(with) * 517);
                let compressed = fresh(&chunk);
                add(&mut out, &chunk, &compressed);
            }
            // A right chunk in several pieces, each with a mark of its own.
            6 => {
                let chunk = content(with, CHUNK);
                let cut = 1 + usize::from(with) * 200;
                let compressed = [fresh(&chunk[..cut]), fresh(&chunk[cut..])].concat();
                add(&mut out, &chunk, &compressed);
            }
            // A right chunk that holds the mark within a stored block.
            7 => {
                let mut chunk = content(with, CHUNK);
                let at = usize::from(with) * 100;
                chunk[at..at + 4].copy_from_slice(&FLUSH);
                let half = CHUNK / 2;
                let compressed = [
                    stored(&chunk[..half], false),
                    stored(&chunk[half..], false),
                    stored(&[], false),
                ]
                .concat();
                add(&mut out, &chunk, &compressed);
            }
            // Empty blocks.
            8 => add(&mut out, &[], &stored(&[], false).repeat(usize::from(with % 8))),
            // Chunks that refer to what came before them.
            9 => {
                let mut state = Compress::new(Compression::new(6), false);
                for piece in [content(with | 1, CHUNK), content(with | 1, CHUNK)] {
                    let mut compressed = Vec::with_capacity(2 * CHUNK);
                    state
                        .compress_vec(&piece, &mut compressed, FlushCompress::Sync)
                        .expect("a compressor with room does not fail");
                    add(&mut out, &piece, &compressed);
                }
            }
            // The end of the deflate stream where a chunk could be, or within one.
            10 => {
                if with.is_multiple_of(2) {
                    let chunk = content(with, CHUNK);
                    let compressed = [fresh(&chunk[..100]), vec![3, 0]].concat();
                    add(&mut out, &chunk[..100], &compressed);
                } else {
                    out.extend([3, 0]);
                }
                trailer(&mut out, &data);
                ended = true;
            }
            // A chunk that lacks five bytes and ends in a stored block, which goes on behind a mark
            // within it, over what a reader may put there; the last block or not.
            16 => {
                let (last, left) = (with % 2 == 1, usize::from(with / 2));
                let front = content(5, CHUNK - 5 - FLUSH.len());
                let block = [FLUSH.as_slice(), &vec![b'e'; left]].concat();
                let compressed = [fresh(&front), stored(&block, last)].concat();
                add(&mut out, &[front, block].concat(), &compressed);
                if last {
                    trailer(&mut out, &data);
                    ended = true;
                }
            }
            // Another member.
            11 if ended => {
                data.clear();
                out.extend(header(CHUNK));
                ended = false;
            }
            // What is no deflate stream at all, and marks.
            12 => out.extend(content(with | 3, usize::from(with))),
            13 => out.extend(FLUSH.repeat(usize::from(with))),
            // Something is wrong somewhere.
            14 => {
                let at = usize::from(with) * out.len() / 256;
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= 1 << (with % 8);
                }
            }
            _ => {
                let length = out.len().saturating_sub(usize::from(with));
                out.truncate(length);
            }
        }
    }
    if !ended {
        end(&mut out, &data);
    }
    out
}

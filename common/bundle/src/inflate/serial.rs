//! Inflates one deflate stream from its beginning or, given what came before, from its middle.

use std::io::{self, BufRead};

use crc_fast::CrcAlgorithm::Crc32IsoHdlc;
use crc_fast::Digest;
use flate2::{Decompress, FlushDecompress, Status};

use super::block::{Block, Pool};
use super::member::{Sums, low_half};
use crate::sink::all_zero;

/// How far back a deflate stream refers at most, bytes.
pub(super) const WINDOW: usize = 32 * 1024;

/// Bytes in a block.
const BLOCK: usize = 256 * 1024;

/// Fewer compressed bytes than this in a whole block: it may well be zeros.
const ZEROS_AT_MOST: u64 = 1024;

/// Inflates what is left of the deflate stream at which `input` stands, and then checks checksum
/// and length of its member. `sums` are those of what came before, `window` is its end.
///
/// # Errors
/// Of kind `InvalidData` or `UnexpectedEof` if it is not whole; those of `input` and `output`.
pub(super) fn inflate(
    input: &mut impl BufRead,
    window: &[u8],
    mut sums: Sums,
    pool: &Pool,
    output: &mut dyn FnMut(Block) -> io::Result<()>,
) -> io::Result<()> {
    let mut state = Decompress::new(false);
    if !window.is_empty() {
        state.set_dictionary(window)?;
    }
    let mut checksum = Digest::new(Crc32IsoHdlc);
    let mut ended = None;
    while ended.is_none() {
        let mut buffer = pool.buffer(BLOCK);
        let (before_in, before_out) = (state.total_in(), state.total_out());
        let mut filled = 0;
        while filled < BLOCK && ended.is_none() {
            (filled, ended) = step(&mut state, input, &mut buffer[..BLOCK], filled)?;
        }
        debug_assert_eq!(state.total_out() - before_out, filled as u64);
        checksum.update(&buffer[..filled]);
        let small = state.total_in() - before_in < ZEROS_AT_MOST && filled == BLOCK;
        let zero = small && all_zero(&buffer[..filled]);
        if filled > 0 {
            output(pool.block(buffer, filled, zero))?;
        }
    }
    if let Some(Err(error)) = ended {
        return Err(error);
    }
    sums.add(low_half(checksum.finalize()), state.total_out());
    sums.check(input)
}

/// Inflates into `buffer` behind what is `filled`; gives how much is filled then, and how the
/// stream ended if it did.
fn step(
    state: &mut Decompress,
    input: &mut impl BufRead,
    buffer: &mut [u8],
    filled: usize,
) -> io::Result<(usize, Option<io::Result<()>>)> {
    let bytes = input.fill_buf()?;
    let at_end = bytes.is_empty();
    let (before_in, before_out) = (state.total_in(), state.total_out());
    let status = state.decompress(bytes, &mut buffer[filled..], FlushDecompress::None);
    let used = usize::try_from(state.total_in() - before_in).unwrap_or(usize::MAX);
    let made = usize::try_from(state.total_out() - before_out).unwrap_or(usize::MAX);
    input.consume(used);
    let ended = match status {
        Err(error) => Some(Err(io::Error::new(io::ErrorKind::InvalidData, error))),
        Ok(Status::StreamEnd) => Some(Ok(())),
        Ok(Status::Ok | Status::BufError) if used > 0 || made > 0 => None,
        Ok(_) if at_end => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        Ok(_) => Some(Err(io::Error::new(io::ErrorKind::InvalidData, "a deflate stream stalls"))),
    };
    Ok((filled.saturating_add(made).min(buffer.len()), ended))
}

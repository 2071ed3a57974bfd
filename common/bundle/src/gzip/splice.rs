//! Opens the end of a whole deflate stream, so that another can be put behind it.
//!
//! The fastest library of deflate knows whole streams only: its last block says that it is the
//! last. [`open`] takes that word back and ends the stream at a byte boundary by an empty stored
//! block, which is what a full flush of zlib leaves:
//!
//! ```text
//! … | last block, BFINAL 1 | 0…            before
//! … | last block, BFINAL 0 | 000 0… 00 00 ff ff   after
//! ```
//!
//! Where the last block begins is written nowhere. It is found by walking the stream from its
//! beginning: every code is looked at, none is carried out, which costs a tenth of what making
//! the stream did. A table says of the next [`STEP`] bits how many belong to codes that are whole
//! in them, several literals at a time. No guess is made: what is not exactly one stream of
//! deflate is refused. What comes next decides which half of the table is looked into, not which
//! way the program goes: nothing could predict it.

use std::ops::Range;

/// Bits that one look into a table goes by. A length and a distance of any size that it knows are
/// no more than the 56 bits that a refill gives at least.
const STEP: u32 = 11;

/// Where the half of a table begins that is for distances.
const DISTANCES: usize = 1 << STEP;

/// Zeros behind the stream while it is walked, so that eight bytes can always be read at a time; the
/// flush takes less.
pub(super) const MARGIN: usize = 16;

/// An empty stored block but for its three bits and the padding: length and its complement.
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// The error for what is not one whole stream of deflate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the compressed data are not one deflate stream")]
pub(super) struct Malformed;

/// Makes the one deflate stream in `stream` end at a byte boundary, with no last block.
pub(super) fn open(stream: &mut Vec<u8>) -> Result<(), Malformed> {
    let length = stream.len();
    stream.resize(length + MARGIN, 0);
    let walked = walk(stream);
    stream.truncate(length);
    let Range { start, end } = walked?;
    if end.div_ceil(8) != length {
        return Err(Malformed);
    }
    let first = stream.get_mut(start / 8).ok_or(Malformed)?;
    *first &= !(1 << (start % 8));
    let used = end % 8;
    if let (1.., Some(last)) = (used, stream.last_mut()) {
        *last &= (1 << used) - 1;
    }
    // Three zeros begin a stored block that is not the last; they may need a byte of their own.
    if used == 0 || used > 5 {
        stream.push(0);
    }
    stream.extend_from_slice(&EMPTY);
    Ok(())
}

/// Where the last block begins and ends, in bits. Behind the stream are [`MARGIN`] more bytes.
fn walk(bytes: &[u8]) -> Result<Range<usize>, Malformed> {
    let mut bits = Bits { bytes, next: 0, buffer: 0, held: 0 };
    let mut tables = Tables::new();
    loop {
        let start = bits.position();
        bits.refill()?;
        let last = bits.take(1) == 1;
        match bits.take(2) {
            0 => bits.skip_stored()?,
            1 => {
                tables.fixed()?;
                tables.skip_block(&mut bits)?;
            }
            2 => {
                tables.read(&mut bits)?;
                tables.skip_block(&mut bits)?;
            }
            _ => return Err(Malformed),
        }
        if last {
            return Ok(start..bits.position());
        }
    }
}

/// Bytes as bits, the lowest of a byte first.
#[derive(Clone, Copy)]
struct Bits<'a> {
    bytes: &'a [u8],
    next: usize,
    buffer: u64,
    /// Bits in the buffer.
    held: u32,
}

impl Bits<'_> {
    /// Holds at least 56 bits afterwards.
    #[inline]
    fn refill(&mut self) -> Result<(), Malformed> {
        let eight = self.bytes.get(self.next..).and_then(<[u8]>::first_chunk).ok_or(Malformed)?;
        self.buffer |= u64::from_le_bytes(*eight) << self.held;
        self.next += ((63 - self.held) >> 3) as usize;
        self.held |= 56;
        Ok(())
    }

    #[inline]
    fn peek(&self, count: u32) -> usize {
        // Never more bits than fit: no code and no extra is longer than 15.
        usize::try_from(self.buffer & ((1 << count) - 1)).unwrap_or_default()
    }

    /// Bits that were held by a refill are given up.
    #[inline]
    fn skip(&mut self, count: u32) {
        self.buffer >>= count;
        self.held -= count;
    }

    #[inline]
    fn take(&mut self, count: u32) -> usize {
        let taken = self.peek(count);
        self.skip(count);
        taken
    }

    /// Bits from the beginning.
    fn position(&self) -> usize {
        self.next * 8 - self.held as usize
    }

    /// Goes behind a stored block whose header was read.
    fn skip_stored(&mut self) -> Result<(), Malformed> {
        let at = self.position().div_ceil(8);
        let Some(&[a, b, c, d]) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return Err(Malformed);
        };
        let length = u16::from_le_bytes([a, b]);
        if length != !u16::from_le_bytes([c, d]) {
            return Err(Malformed);
        }
        self.next = at + 4 + usize::from(length);
        (self.buffer, self.held) = (0, 0);
        Ok(())
    }
}

/// What a step comes upon at its end: literals, or a distance.
const PLAIN: u16 = 0;
/// A length: a distance follows. The value is where its half of the table begins.
const MATCH: u16 = 1 << STEP;
/// The end of the block.
const END: u16 = 2 << STEP;
/// A code longer than a step, or none; in the half for distances [`MATCH`] is set, too.
const LONG: u16 = 4 << STEP;

const KIND: u16 = 7 << STEP;

/// The bits that the step goes by, extra bits included.
fn length(entry: u16) -> u32 {
    u32::from(entry & 0x3f)
}

/// Bits of the code alone, of an entry for one code.
fn code_length(entry: u16) -> u32 {
    u32::from((entry >> 6) & 0x1f)
}

/// A prefix code: how many codes there are of each length, and their symbols in order.
#[derive(Default)]
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    /// Sets the code with a length for each symbol, zero for those that have none.
    fn set(&mut self, lengths: &[u8]) -> Result<(), Malformed> {
        self.counts = [0; 16];
        for &length in lengths {
            *self.counts.get_mut(usize::from(length)).ok_or(Malformed)? += 1;
        }
        self.counts[0] = 0;
        // More codes than there are words of that many bits contradict each other.
        let mut left = 1_i32;
        for &count in &self.counts[1..] {
            left = left * 2 - i32::from(count);
            if left < 0 {
                return Err(Malformed);
            }
        }
        let mut at = [0_usize; 16];
        for length in 1..15 {
            at[length + 1] = at[length] + usize::from(self.counts[length]);
        }
        self.symbols.clear();
        self.symbols.resize(lengths.len(), 0);
        for (symbol, &length) in (0_u16..).zip(lengths) {
            if length > 0 {
                let at = &mut at[usize::from(length)];
                self.symbols[*at] = symbol;
                *at += 1;
            }
        }
        Ok(())
    }

    /// Reads a code bit by bit: for those that no table holds.
    fn decode(&self, bits: &mut Bits<'_>) -> Result<u16, Malformed> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts[1..] {
            code |= bits.take(1);
            let count = usize::from(count);
            if code < first + count {
                return self.symbols.get(index + code - first).copied().ok_or(Malformed);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Malformed)
    }

    /// Writes what `entry` makes of symbol and length wherever a code of at most [`STEP`] bits
    /// begins, `long` elsewhere.
    fn fill(&self, table: &mut [u16], long: u16, entry: impl Fn(u16, u16) -> u16) {
        table.fill(long);
        let mut code = 0_usize;
        let mut symbols = self.symbols.iter();
        for (length, &count) in (0_u16..).zip(&self.counts[..=STEP as usize]) {
            code <<= 1;
            for &symbol in symbols.by_ref().take(usize::from(count)) {
                // Codes stand in the stream with their highest bit first.
                let start = code.reverse_bits() >> (usize::BITS - u32::from(length));
                let entry = entry(symbol, length);
                for slot in table[start..].iter_mut().step_by(1 << length) {
                    *slot = entry;
                }
                code += 1;
            }
        }
    }
}

/// Extra bits behind a literal or length symbol from 257 on; the last two are no symbols.
fn extra_of_length(symbol: u16) -> Option<u16> {
    match symbol {
        257..=264 | 285 => Some(0),
        265..=284 => Some((symbol - 261) / 4),
        _ => None,
    }
}

fn extra_of_distance(symbol: u16) -> Option<u16> {
    match symbol {
        0..=3 => Some(0),
        4..=29 => Some(symbol / 2 - 1),
        _ => None,
    }
}

/// The two codes of a block, as such and as tables.
struct Tables {
    literals: Code,
    distances: Code,
    /// One code for each pattern of [`STEP`] bits.
    single: Vec<u16>,
    /// As many codes as fit; in the half for distances one.
    steps: Vec<u16>,
}

impl Tables {
    fn new() -> Self {
        Self {
            literals: Code::default(),
            distances: Code::default(),
            single: vec![0; 1 << STEP],
            steps: vec![0; 2 * DISTANCES],
        }
    }

    /// The codes that need not be written down.
    fn fixed(&mut self) -> Result<(), Malformed> {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        self.set(&lengths, &[5; 30])
    }

    /// Reads the codes of a block whose three bits were read.
    fn read(&mut self, bits: &mut Bits<'_>) -> Result<(), Malformed> {
        const ORDER: [usize; 19] =
            [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let literals = bits.take(5) + 257;
        let distances = bits.take(5) + 1;
        let given = bits.take(4) + 4;
        let mut lengths = [0; 19];
        for &symbol in &ORDER[..given] {
            bits.refill()?;
            lengths[symbol] = u8::try_from(bits.take(3)).map_err(|_| Malformed)?;
        }
        self.literals.set(&lengths)?;
        let mut lengths = [0_u8; 288 + 32 + 138];
        let (mut at, all) = (0, literals + distances);
        while at < all {
            bits.refill()?;
            let symbol = self.literals.decode(bits)?;
            let (length, times) = match symbol {
                0..=15 => (u8::try_from(symbol).map_err(|_| Malformed)?, 1),
                16 => (*lengths[..at].last().ok_or(Malformed)?, bits.take(2) + 3),
                17 => (0, bits.take(3) + 3),
                _ => (0, bits.take(7) + 11),
            };
            lengths.get_mut(at..at + times).ok_or(Malformed)?.fill(length);
            at += times;
        }
        if at > all {
            return Err(Malformed);
        }
        self.set(&lengths[..literals], &lengths[literals..all])
    }

    fn set(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), Malformed> {
        self.literals.set(literals)?;
        self.distances.set(distances)?;
        self.literals.fill(&mut self.single, LONG, |symbol, length| {
            let kind = match (symbol, extra_of_length(symbol)) {
                (..256, _) => PLAIN,
                (256, _) => END,
                (_, Some(extra)) => MATCH + extra,
                (_, None) => return LONG,
            };
            kind + length + (length << 6)
        });
        let (steps, distances) = self.steps.split_at_mut(DISTANCES);
        for (bits, slot) in steps.iter_mut().enumerate() {
            let mut step = self.single[bits] & (KIND + 0x3f);
            while step & KIND == PLAIN {
                let next = self.single[bits >> length(step)];
                let fits = length(step) + code_length(next) <= STEP;
                if next & KIND == LONG || !fits {
                    break;
                }
                step = (next & KIND) + (step & 0x3f) + (next & 0x3f);
            }
            *slot = step;
        }
        self.distances.fill(distances, LONG + MATCH, |symbol, length| {
            extra_of_distance(symbol).map_or(LONG + MATCH, |extra| length + extra)
        });
        Ok(())
    }

    /// Goes behind the end of the block.
    fn skip_block(&self, stream: &mut Bits<'_>) -> Result<(), Malformed> {
        // Of a known length, so that no look needs a check.
        let steps: &[u16; 2 * DISTANCES] =
            self.steps.as_slice().try_into().map_err(|_| Malformed)?;
        let mut half = 0;
        // A copy that is handed to nobody stays in registers.
        let mut bits = *stream;
        loop {
            bits.refill()?;
            for _ in 0..2 {
                let step = steps[half + bits.peek(STEP)];
                bits.skip(length(step));
                half = usize::from(step & MATCH);
                if step & (END + LONG) == 0 {
                    continue;
                }
                *stream = bits;
                if step & END != 0 || (step == LONG && self.skip_long(stream)?) {
                    return Ok(());
                }
                if step & MATCH != 0 {
                    self.skip_long_distance(stream)?;
                    half = 0;
                }
                bits = *stream;
                bits.refill()?;
            }
        }
    }

    /// Goes by a code that the table does not hold, and the distance if it needs one; whether it
    /// was the end of the block.
    fn skip_long(&self, bits: &mut Bits<'_>) -> Result<bool, Malformed> {
        bits.refill()?;
        match self.literals.decode(bits)? {
            ..256 => Ok(false),
            256 => Ok(true),
            symbol => {
                bits.skip(u32::from(extra_of_length(symbol).ok_or(Malformed)?));
                self.skip_long_distance(bits)?;
                Ok(false)
            }
        }
    }

    fn skip_long_distance(&self, bits: &mut Bits<'_>) -> Result<(), Malformed> {
        bits.refill()?;
        let symbol = self.distances.decode(bits)?;
        bits.skip(u32::from(extra_of_distance(symbol).ok_or(Malformed)?));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

    /// What an independent library makes of a stream that has no last block.
    fn inflate(stream: &[u8], length: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(length + 1);
        let mut state = Decompress::new(false);
        let status = state.decompress_vec(stream, &mut out, FlushDecompress::Sync).unwrap();
        assert!(status != Status::StreamEnd);
        assert_eq!(state.total_in(), stream.len() as u64);
        out
    }

    fn libdeflate(level: i32, data: &[u8]) -> Vec<u8> {
        let level = libdeflater::CompressionLvl::new(level).unwrap();
        let mut compressor = libdeflater::Compressor::new(level);
        let mut out = vec![0; compressor.deflate_compress_bound(data.len())];
        let length = compressor.deflate_compress(data, &mut out).unwrap();
        out.truncate(length);
        out
    }

    fn zlib(level: u32, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() + data.len() / 1000 + 100);
        let status = Compress::new(Compression::new(level), false).compress_vec(
            data,
            &mut out,
            FlushCompress::Finish,
        );
        assert_eq!(status.unwrap(), Status::StreamEnd);
        out
    }

    /// Random numbers, the same every time.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % sides
        }

        fn byte(&mut self, sides: usize) -> u8 {
            u8::try_from(self.roll(sides)).unwrap()
        }

        /// Bytes with all that deflate knows: noise, few symbols, repetitions near and far, runs.
        fn mixture(&mut self, length: usize) -> Vec<u8> {
            let mut out = Vec::new();
            while out.len() < length {
                let size = 1 + self.roll(1 + length / 3);
                match self.roll(6) {
                    0 => out.extend((0..size).map(|_| self.byte(256))),
                    1 => {
                        let sides = 1 + self.roll(40);
                        out.extend((0..size).map(|_| self.byte(sides)));
                    }
                    2 => out.resize(out.len() + size, self.byte(256)),
                    3 => {
                        // Symbols whose frequencies double: the longest codes there can be.
                        out.extend((0..size).map(|_| {
                            let wide = self.0 | (1 << 40);
                            self.roll(2);
                            u8::try_from(wide.trailing_zeros() * 5 % 256).unwrap()
                        }));
                    }
                    _ if !out.is_empty() => {
                        let back = 1 + self.roll(out.len().min(32_768));
                        let from = out.len() - back;
                        let again: Vec<u8> =
                            out[from..].iter().copied().cycle().take(size).collect();
                        out.extend(again);
                    }
                    _ => out.push(self.byte(256)),
                }
            }
            out.truncate(length);
            out
        }
    }

    #[test]
    fn opened_streams_inflate_to_the_same_and_join() {
        let mut dice = Dice(3);
        for round in 0..240 {
            let length = [0, 1, 2, 100, 5_000, 70_000, 400_000][round % 7];
            let more = dice.roll(3000);
            let data = [dice.mixture(length), dice.mixture(more)];
            for level in [0, 1, 3, 5, 6, 9, 12] {
                let mut joined = Vec::new();
                for piece in &data {
                    let mut stream = match round % 3 {
                        0 => zlib(u32::try_from(level).unwrap().min(9), piece),
                        _ => libdeflate(level, piece),
                    };
                    open(&mut stream).unwrap();
                    assert!(stream.ends_with(&EMPTY));
                    joined.extend(stream);
                }
                let plain = data.concat();
                assert!(inflate(&joined, plain.len()) == plain, "round {round}, level {level}");
            }
        }
    }

    #[test]
    fn every_kind_of_block_is_walked() {
        let fixed = [3, 0];
        let stored = [1, 2, 0, 0xfd, 0xff, 7, 8];
        for (stream, plain) in [(&fixed[..], &[][..]), (&stored, &[7, 8])] {
            let mut stream = stream.to_vec();
            open(&mut stream).unwrap();
            assert_eq!(inflate(&stream, plain.len()), plain);
        }
        let mut dynamic = libdeflate(6, &Dice(1).mixture(20_000));
        assert_eq!(dynamic[0] & 6, 4);
        open(&mut dynamic).unwrap();
    }

    #[test]
    fn what_is_not_one_stream_is_refused() {
        let data = Dice(9).mixture(30_000);
        let good = libdeflate(6, &data);
        let malformed = |bytes: &[u8]| open(&mut bytes.to_vec()) == Err(Malformed);
        for cut in (0..good.len()).step_by(97) {
            assert!(malformed(&good[..cut]), "{cut}");
        }
        assert!(malformed(&[good.as_slice(), &[0]].concat()));
        let mut opened = good.clone();
        open(&mut opened).unwrap();
        assert!(malformed(&opened));
        // A block of the fourth kind, lengths that contradict each other, a stored length that does.
        assert!(malformed(&[7, 0, 0]));
        assert!(malformed(&[5, 0, 0xff, 0xff, 0xff, 0xff, 0xff]));
        assert!(malformed(&[1, 2, 0, 0xfd, 0xfe, 7, 8]));
    }

    #[test]
    fn nothing_that_is_damaged_makes_a_panic() {
        let mut dice = Dice(5);
        let good = libdeflate(6, &dice.mixture(20_000));
        for _ in 0..20_000 {
            let mut bad = good.clone();
            for _ in 0..=dice.roll(3) {
                // Half of the damage goes where the codes are written.
                let reach = if dice.roll(2) == 0 { 80 } else { bad.len() };
                let at = dice.roll(reach.min(bad.len()));
                bad[at] = dice.byte(256);
            }
            let _ = open(&mut bad);
        }
    }
}

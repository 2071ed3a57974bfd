//! Chunks of a deflate stream that inflate on their own: where they may end, and whether they do.
//!
//! A chunk ends in an empty stored block, whose last four bytes are `00 00 FF FF`. The same four
//! bytes come by chance too, and whoever wants can put them anywhere: [`Cutter`] gives candidates,
//! and [`Opener`] tells whether one is right. It is, if the bytes up to it inflate, with nothing
//! before them, to exactly the size of a chunk, end exactly there between two blocks, and none of
//! those blocks is the last of the stream: inflating from its end on is then what inflating the
//! whole would do.
//!
//! To know it, a seal is put behind the candidate: a last stored block of random bytes, the mark.
//! The candidate is right if one chunk and the mark come out, and the chunk does not end in the
//! five bytes that are the head of the seal. Nothing else passes. Nobody who made the stream knew
//! the mark, hence it has to come out of the seal itself, whole and in its order; what the stream
//! can do to the seal depends on where the candidate ends:
//!
//! - Behind a last block, or in one that ends before the mark: nothing of the mark comes out.
//! - Between two blocks: the mark comes out. This is the right case.
//! - In the data of a stored block that misses `n` bytes. If `n` is more than the seal has, the
//!   input ends too early. If it is less and the block is the last, the end of the mark does not
//!   come out; if the block is not the last, other blocks begin within the seal (below). If it is
//!   the whole seal, and the block is not the last, the input ends without a last block; if it is
//!   the last, the mark comes out, and right before it the head of the seal, which would count as
//!   the end of the chunk: refused by it. A right chunk that ends so by itself is refused as well,
//!   which only means that the rest is inflated serially.
//! - In the head of a stored block, which `FF FF` and the head of the seal would go on: its length
//!   and the complement of it never agree.
//! - In the codes of a compressed block, or before one whose head lies partly in `FF FF`, or before
//!   blocks that begin within the seal: if the block ends within the first byte of the seal, a
//!   stored block can follow that copies the mark, but one that is not the last, so that the input
//!   ends too early; one that begins later has a length that is longer than the mark. All else
//!   reads the mark, or a part of it, as codes or as heads of blocks. For few marks only do these
//!   stand for the mark itself, because the order of the codes is prescribed by the format and not
//!   chosen by the stream: an estimate, not a proof, gives a fifth of all values for each byte, thus
//!   less than one in 2^64 of the marks of 32 bytes. The mark is chosen anew for each stream, and
//!   the digest of the manifest stands behind it.

use std::io::{self, BufRead};
use std::sync::mpsc::SyncSender;

use libdeflater::Decompressor;
use memchr::memmem::Finder;

use super::block::Pool;
use super::member::checksum;
use crate::sink::all_zero;

/// The end of an empty stored block.
const FLUSH: &[u8] = &[0, 0, 0xff, 0xff];

/// Random bytes in the block behind a candidate.
const MARK: usize = 32;

/// The head of a last stored block of that many bytes.
const MARK_HEAD: [u8; 5] = [1, 32, 0, 0xdf, 0xff];

/// Sizes of chunks that are worth a try, bytes: smaller ones are not faster, larger ones would let
/// the stream say how much memory it takes.
pub(super) const SIZES: std::ops::RangeInclusive<usize> = 64 * 1024..=4 * 1024 * 1024;

/// The most bytes that a chunk of `size` can be compressed to by anybody who compresses.
pub(super) fn longest(size: usize) -> usize {
    size + size / 8 + 4096
}

/// Cuts a stream behind each `00 00 FF FF`.
pub(super) struct Cutter {
    finder: Finder<'static>,
    buffer: Vec<u8>,
    /// Where the next segment begins.
    start: usize,
    /// What was looked through already.
    searched: usize,
    most: usize,
}

impl Cutter {
    /// Cuts segments of at most `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { finder: Finder::new(FLUSH), buffer: Vec::new(), start: 0, searched: 0, most }
    }

    /// The next segment of `input`; none if the stream ends or a segment would be too long.
    ///
    /// # Errors
    /// Those of `input`.
    pub(super) fn next(&mut self, input: &mut impl BufRead) -> io::Result<Option<&[u8]>> {
        loop {
            if let Some(at) = self.finder.find(&self.buffer[self.searched..]) {
                let end = self.searched + at + FLUSH.len();
                if end - self.start > self.most {
                    return Ok(None);
                }
                let start = std::mem::replace(&mut self.start, end);
                self.searched = end;
                return Ok(Some(&self.buffer[start..end]));
            }
            self.searched = self.buffer.len().saturating_sub(FLUSH.len() - 1).max(self.start);
            if self.buffer.len() - self.start > self.most {
                return Ok(None);
            }
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
            let bytes = input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.buffer.extend_from_slice(bytes);
            let used = bytes.len();
            input.consume(used);
        }
    }

    /// What was read and not given out.
    pub(super) fn into_rest(mut self) -> Vec<u8> {
        self.buffer.split_off(self.start)
    }
}

/// A candidate for a chunk, with what is put behind it.
pub(super) struct Segment {
    sealed: Vec<u8>,
    spare: SyncSender<Vec<u8>>,
}

impl Drop for Segment {
    fn drop(&mut self) {
        // A pool that is full or gone: the buffer is simply freed.
        let _ = self.spare.try_send(std::mem::take(&mut self.sealed));
    }
}

impl Segment {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.sealed[..self.sealed.len() - MARK_HEAD.len() - MARK]
    }
}

/// Tells chunks from segments that are none.
#[derive(Clone, Copy)]
pub(super) struct Opener {
    size: usize,
    mark: [u8; MARK],
}

/// What a right chunk holds.
pub(super) struct Opened {
    /// The buffer; what lies in it behind the size of a chunk means nothing.
    pub(super) buffer: Vec<u8>,
    pub(super) checksum: u32,
    /// Whether all of it is zero.
    pub(super) zero: bool,
}

impl Opener {
    /// For chunks that inflate to `size` bytes.
    ///
    /// # Errors
    /// If there is no randomness.
    pub(super) fn new(size: usize) -> io::Result<Self> {
        let mut mark = [0; MARK];
        getrandom::fill(&mut mark).map_err(io::Error::other)?;
        Ok(Self { size, mark })
    }

    /// Bytes that a buffer to open into must have.
    pub(super) fn room(&self) -> usize {
        self.size + MARK
    }

    /// Seals a candidate, in a buffer of `pool`.
    pub(super) fn segment(&self, bytes: &[u8], pool: &Pool) -> Segment {
        let mut sealed = pool.empty(bytes.len() + MARK_HEAD.len() + MARK);
        for part in [bytes, &MARK_HEAD, &self.mark] {
            sealed.extend_from_slice(part);
        }
        Segment { sealed, spare: pool.spare() }
    }

    /// Inflates `segment` into `buffer`, if it is a right chunk.
    pub(super) fn open(
        &self,
        inflater: &mut Decompressor,
        segment: &Segment,
        mut buffer: Vec<u8>,
    ) -> Option<Opened> {
        let room = buffer.get_mut(..self.room())?;
        let made = inflater.deflate_decompress(&segment.sealed, room).ok()?;
        let (chunk, mark) = room.split_at(self.size);
        if made != self.room() || mark != self.mark || chunk.ends_with(&MARK_HEAD) {
            return None;
        }
        let checksum = checksum(chunk);
        let zero = segment.sealed.len() < self.size / 64 && all_zero(chunk);
        Some(Opened { buffer, checksum, zero })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    const SIZE: usize = 64 * 1024;

    fn deflate(data: &[u8], flush: FlushCompress) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(data.len() + 1000);
        Compress::new(Compression::new(6), false).compress_vec(data, &mut bytes, flush).unwrap();
        bytes
    }

    fn stored(data: &[u8], last: bool) -> Vec<u8> {
        let length = u16::try_from(data.len()).unwrap();
        [&[u8::from(last)], &length.to_le_bytes()[..], &(!length).to_le_bytes(), data].concat()
    }

    fn opens(bytes: Vec<u8>) -> Option<Vec<u8>> {
        let opener = Opener::new(SIZE).unwrap();
        let segment = opener.segment(&bytes, &Pool::new(1));
        assert_eq!(segment.bytes(), bytes);
        let buffer = vec![7; opener.room() + 3];
        let opened = opener.open(&mut Decompressor::new(), &segment, buffer)?;
        assert_eq!(opened.checksum, checksum(&opened.buffer[..SIZE]));
        assert!(!opened.zero || all_zero(&opened.buffer[..SIZE]));
        Some(opened.buffer[..SIZE].to_vec())
    }

    #[test]
    fn a_chunk_is_right_only_if_it_ends_where_the_stream_goes_on() {
        let data: Vec<u8> = (0..=255).cycle().take(SIZE).collect();
        let right = deflate(&data, FlushCompress::Full);
        assert_eq!(opens(right.clone()).unwrap(), data);
        let zeros = vec![0; SIZE];
        assert_eq!(opens(deflate(&zeros, FlushCompress::Full)).unwrap(), zeros);
        let flushes = [right.as_slice(), &stored(b"", false), &stored(b"", false)].concat();
        assert_eq!(opens(flushes).unwrap(), data);

        let short = deflate(&data[1..], FlushCompress::Full);
        let long = [deflate(b"x", FlushCompress::Full), right.clone()].concat();
        let ended = deflate(&data, FlushCompress::Finish);
        let ended_before = [ended.as_slice(), &stored(b"", false)].concat();
        // A last block in the middle, with what an honest reader would not read behind it.
        let mark_in_vain = [short.as_slice(), &stored(b"x", true), &right].concat();
        // The candidate lies within a stored block that swallows what is put behind it.
        let inside = |left: usize| {
            let mut bytes = deflate(&data[..SIZE - 10], FlushCompress::Full);
            let block = stored(&vec![0xff; 10 + left], false);
            bytes.extend_from_slice(&block[..block.len() - left]);
            bytes
        };
        // The same, and the block is the last: it takes all of the seal, or a little less or more.
        let last_inside = |left: usize| {
            let before: Vec<u8> = (0..=255).cycle().take(SIZE + MARK - left - 4).collect();
            let mut bytes = deflate(&before, FlushCompress::Full);
            bytes.extend(stored(&[FLUSH, &vec![0; left]].concat(), true));
            bytes.truncate(bytes.len() - left);
            bytes
        };
        let like_the_seal = [&data[..SIZE - 5], &MARK_HEAD].concat();
        let like_the_seal = deflate(&like_the_seal, FlushCompress::Full);
        let cut = right[..right.len() - 5].to_vec();
        let far = [0x4b, 0x04, 0x11, 0x00].to_vec();
        for (number, wrong) in [
            vec![],
            short,
            long,
            ended,
            ended_before,
            mark_in_vain,
            cut,
            far,
            FLUSH.to_vec(),
            like_the_seal,
        ]
        .into_iter()
        .chain((1..60).map(inside))
        .chain((1..60).map(last_inside))
        .enumerate()
        {
            assert!(opens(wrong).is_none(), "{number}");
        }
    }

    #[test]
    fn cuts_do_not_depend_on_how_the_stream_arrives() {
        let stream: Vec<u8> =
            [b"abc".as_slice(), FLUSH, b"", FLUSH, &[0, 0, 0, 0], FLUSH, b"rest"].concat();
        for chunk in 1..stream.len() {
            let mut input = io::BufReader::with_capacity(chunk, stream.as_slice());
            let mut cutter = Cutter::new(100);
            let mut lengths = Vec::new();
            let mut joined = Vec::new();
            while let Some(segment) = cutter.next(&mut input).unwrap() {
                lengths.push(segment.len());
                joined.extend(segment);
            }
            assert_eq!(lengths, [7, 4, 8], "{chunk}");
            joined.extend(cutter.into_rest());
            assert_eq!(joined, stream);
        }
    }

    #[test]
    fn a_segment_that_does_not_end_is_given_up() {
        for stream in [vec![9; 5000], [vec![9; 200].as_slice(), FLUSH].concat()] {
            let mut input = io::BufReader::with_capacity(64, stream.as_slice());
            let mut cutter = Cutter::new(100);
            assert!(cutter.next(&mut input).unwrap().is_none());
            let rest = cutter.into_rest();
            assert!(rest.len() <= 300 && stream.starts_with(&rest));
            let mut left = Vec::new();
            io::Read::read_to_end(&mut input, &mut left).unwrap();
            assert_eq!([rest, left].concat(), stream);
        }
    }
}

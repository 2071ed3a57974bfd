//! A reader that refuses to give more than it was allowed to.
//!
//! A few kilobytes of gzip can inflate to terabytes. Whoever inflates reads through [`Bounded`],
//! which knows how much there can be at most, and reports an error, not an early end, when there
//! is more: a stream that is cut off silently would look like a shorter one that is whole.
//! [`gunzip`] is the only way to inflate.

use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;

/// The error inside the [`io::Error`] of a [`Bounded`] reader that met its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream holds more than {limit} bytes")]
pub struct LimitExceeded {
    /// The most bytes that the stream could hold.
    pub limit: u64,
}

/// Reads at most `limit` bytes and fails if there is one more.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R> Bounded<R> {
    /// Bounds `inner` to `limit` bytes.
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, left: limit }
    }

    /// Gives the bounded reader back.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The end of the stream still has to be asked for: only there does the inner reader
            // check its trailer.
            let mut probe = [0_u8; 1];
            return match self.inner.read(&mut probe)? {
                0 => Ok(0),
                _ => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    LimitExceeded { limit: self.limit },
                )),
            };
        }
        let most = usize::try_from(self.left).map_or(buf.len(), |left| left.min(buf.len()));
        let got = self.inner.read(&mut buf[..most])?;
        self.left = self.left.saturating_sub(got as u64);
        Ok(got)
    }
}

/// Inflates all members of a gzip stream, at most `limit` bytes of them. CRC and length of each
/// member are checked; what follows the last one is an error unless it is another.
#[expect(clippy::disallowed_methods, reason = "this is the bounded reader that they ask for")]
pub fn gunzip<R: BufRead>(compressed: R, limit: u64) -> Bounded<MultiGzDecoder<R>> {
    Bounded::new(MultiGzDecoder::new(compressed), limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_passes_and_one_more_fails() {
        for (held, limit, passes) in [(10_usize, 10_u64, true), (11, 10, false), (0, 0, true)] {
            let data = vec![7_u8; held];
            let mut out = Vec::new();
            let result = Bounded::new(data.as_slice(), limit).read_to_end(&mut out);
            assert_eq!(result.is_ok(), passes, "{held} bytes behind a limit of {limit}");
            assert!(out.len() as u64 <= limit);
        }
    }
}

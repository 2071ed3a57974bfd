//! Bodies in `aws-chunked` encoding: data wrapped in chunks of S3's own making, with or without
//! a signature for each, with or without headers that follow.
//!
//! ```text
//!   HEX[;chunk-signature=SIG]\r\n  data  \r\n      as often as there is data
//!   0[;chunk-signature=SIG]\r\n
//!   name:value\r\n                                  headers that follow, if they were announced
//!   x-amz-trailer-signature:SIG\r\n                 if chunks are signed
//!   \r\n
//!
//!   Head ──size──▶ Data ──all──▶ Break ──▶ Head        each arrow refuses what does not fit
//!     └──0──▶ Trailers ──empty line──▶ Done
//! ```
//! Each signature covers the one before it, the first that of the request, so that no chunk can
//! be changed, left out, moved or added. A chunk's signature is known to be right only at its end:
//! what was decoded must not be used before [`Decoder::finish`] has said that all of it is.
//!
//! The decoder takes pieces of any size and holds one line at most; it reads nothing and waits for
//! nothing.

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::super::canonical::same;
use super::super::scheme::Framing;
use super::chain::Chain;

/// The longest line that begins a chunk: size, word, signature.
const MAX_HEAD: usize = 128;

/// The longest line that follows the data.
const MAX_TRAILER: usize = 1024;

/// How many lines may follow the data.
const MAX_TRAILERS: usize = 8;

const SIGNATURE_WORD: &str = "chunk-signature=";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Says what is wrong with a chunked body.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChunkError {
    /// A line or the end of a chunk is not where or what it must be.
    #[error("the chunk at byte {at} of the data is malformed: {reason}")]
    Malformed {
        /// How much data came before it.
        at: u64,
        /// What is wrong.
        reason: &'static str,
    },

    /// A header that follows the data is malformed.
    #[error("a header after the data is malformed: {0}")]
    Trailer(&'static str),

    /// The chunks hold more data than the request says.
    #[error("the chunks hold more than the {0} bytes of x-amz-decoded-content-length")]
    TooLong(u64),

    /// The body ended too early.
    #[error("the chunks ended after {came} of the {length} bytes of x-amz-decoded-content-length")]
    TooShort {
        /// How much data came.
        came: u64,
        /// How much was announced.
        length: u64,
    },

    /// A chunk or the headers after the data are not what was signed.
    #[error("the signature of the chunk that ends at byte {at} of the data does not match")]
    Signature {
        /// How much data came before its end.
        at: u64,
    },
}

/// Says what became of a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many bytes were taken; all were if there is no more to come of them.
    pub taken: usize,
    /// How many of these, at their end, are data.
    pub data: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the line that begins a chunk.
    Head,
    /// In its data, of which so much is to come.
    Data(u64),
    /// Behind its data.
    Break,
    /// Behind all data.
    Trailers,
    /// At the end.
    Done,
}

/// Takes the chunks apart.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    length: u64,
    came: u64,
    state: State,
    line: Vec<u8>,
    chain: Option<Chain>,
    /// The signature that the chunk says it has.
    claimed: Vec<u8>,
    hash: Sha256,
    trailers: Vec<(String, String)>,
    /// Trailers as they are signed.
    canonical: Vec<u8>,
    trailer_proven: bool,
    /// Blank lines and stray line ends behind the last chunk: clients differ by some.
    blanks: usize,
}

impl Decoder {
    /// Makes a decoder for `length` bytes of data. Chunks are compared with `chain` if there is
    /// one, and must then be signed.
    pub fn new(trailers: bool, length: u64, chain: Option<Chain>) -> Decoder {
        Decoder {
            framing: Framing { signed: chain.is_some(), trailers },
            length,
            came: 0,
            state: State::Head,
            line: Vec::new(),
            chain,
            claimed: Vec::new(),
            hash: Sha256::new(),
            trailers: Vec::new(),
            canonical: Vec::new(),
            trailer_proven: false,
            blanks: 0,
        }
    }

    /// Takes the beginning of `input`: up to the end of the next stretch of data in it, or all.
    ///
    /// # Errors
    /// What is wrong with it. The decoder is of no use afterwards.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, ChunkError> {
        let mut taken = 0;
        while taken < input.len() {
            let rest = &input[taken..];
            if let State::Data(left) = self.state {
                let data = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                if self.framing.signed {
                    self.hash.update(&rest[..data]);
                }
                self.came += data as u64;
                let left = left - data as u64;
                self.state = if left == 0 { State::Break } else { State::Data(left) };
                return Ok(Step { taken: taken + data, data });
            }
            taken += self.take_line(rest)?;
        }
        Ok(Step { taken, data: 0 })
    }

    /// Takes what belongs to the present line; acts on the line if that is its end.
    fn take_line(&mut self, rest: &[u8]) -> Result<usize, ChunkError> {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let part = &rest[..end.map_or(rest.len(), |end| end + 1)];
        let limit = match self.state {
            State::Head | State::Data(_) => MAX_HEAD,
            State::Break | State::Done => 2,
            State::Trailers => MAX_TRAILER,
        };
        if self.line.len() + part.len() > limit {
            return Err(self.malformed("a line is too long"));
        }
        self.line.extend_from_slice(part);
        if end.is_some() {
            let line = std::mem::take(&mut self.line);
            let ended = line.strip_suffix(b"\r\n");
            match self.state {
                State::Head | State::Data(_) => match ended {
                    Some(line) => self.head(line)?,
                    None => return Err(self.malformed("a line ends without \\r\\n")),
                },
                State::Break if line == b"\r\n" => {
                    self.end_chunk()?;
                    self.state = State::Head;
                }
                State::Break => return Err(self.malformed("no \\r\\n follows its data")),
                State::Trailers => {
                    // Some clients end these lines by a line feed alone.
                    let bare = &line[..line.len() - 1];
                    self.trailer(ended.unwrap_or(bare))?;
                }
                State::Done => self.blank(&line)?,
            }
        }
        Ok(part.len())
    }

    fn head(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let line = std::str::from_utf8(line).map_err(|_| self.malformed("its size is no text"))?;
        let (size, extension) = match line.split_once(';') {
            Some((size, extension)) => (size, Some(extension)),
            None => (line, None),
        };
        if size.is_empty() || size.len() > 16 || !size.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(self.malformed("its size is no hexadecimal number"));
        }
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| self.malformed("its size is no hexadecimal number"))?;
        match (extension, self.framing.signed) {
            (Some(text), true) => {
                let claimed = text.strip_prefix(SIGNATURE_WORD).filter(|text| text.len() == 64);
                let claimed = claimed.ok_or_else(|| self.malformed("it bears no signature"))?;
                self.claimed = claimed.as_bytes().to_vec();
            }
            (None, true) => return Err(self.malformed("it bears no signature")),
            (Some(_), false) => return Err(self.malformed("its size is followed by something")),
            (None, false) => {}
        }
        if size > self.length - self.came {
            return Err(ChunkError::TooLong(self.length));
        }
        self.state = State::Data(size);
        if size == 0 {
            self.end_chunk()?;
            self.state = State::Trailers;
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ChunkError> {
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let hash = std::mem::take(&mut self.hash).finalize().into();
        match same(chain.chunk(hash).as_bytes(), &self.claimed) {
            true => Ok(()),
            false => Err(ChunkError::Signature { at: self.came }),
        }
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        let wants_signature = self.framing == Framing { signed: true, trailers: true };
        if line.is_empty() {
            // Before the signature there may be an empty line.
            if wants_signature && !self.trailer_proven {
                self.blanks += 1;
                if self.blanks > 1 {
                    return Err(ChunkError::Trailer("their signature is missing"));
                }
                return Ok(());
            }
            self.state = State::Done;
            return Ok(());
        }
        if !self.framing.trailers {
            return Err(ChunkError::Trailer("none was announced"));
        }
        if self.trailers.len() >= MAX_TRAILERS || self.trailer_proven {
            return Err(ChunkError::Trailer("there are too many"));
        }
        let text = std::str::from_utf8(line).map_err(|_| ChunkError::Trailer("it is no text"))?;
        let (name, value) = text.split_once(':').ok_or(ChunkError::Trailer("it has no colon"))?;
        let blank = [' ', '\t'];
        let name = name.trim_matches(blank).to_ascii_lowercase();
        let value = value.trim_matches(blank).to_owned();
        if name == TRAILER_SIGNATURE {
            let Some(chain) = self.chain.as_mut().filter(|_| wants_signature) else {
                return Err(ChunkError::Trailer("a signature was not announced"));
            };
            if !same(chain.trailer(&self.canonical).as_bytes(), value.as_bytes()) {
                return Err(ChunkError::Signature { at: self.came });
            }
            self.trailer_proven = true;
            return Ok(());
        }
        if self.trailers.iter().any(|(known, _)| *known == name) {
            return Err(ChunkError::Trailer("it occurs more than once"));
        }
        self.canonical.extend_from_slice(format!("{name}:{value}\n").as_bytes());
        self.trailers.push((name, value));
        Ok(())
    }

    fn blank(&mut self, line: &[u8]) -> Result<(), ChunkError> {
        self.blanks += 1;
        if line == b"\r\n" && self.blanks <= 2 {
            return Ok(());
        }
        Err(self.malformed("something follows the end"))
    }

    /// Ends the body: gives the headers that followed the data, names in lower case.
    ///
    /// # Errors
    /// If the body has no end, or another length than was announced.
    pub fn finish(self) -> Result<Vec<(String, String)>, ChunkError> {
        if self.came < self.length || self.state != State::Done || !self.line.is_empty() {
            return Err(ChunkError::TooShort { came: self.came, length: self.length });
        }
        Ok(self.trailers)
    }

    fn malformed(&self, reason: &'static str) -> ChunkError {
        ChunkError::Malformed { at: self.came, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::canonical::sha256;
    use super::*;

    fn decode(mut decoder: Decoder, pieces: &[&[u8]]) -> Result<(Vec<u8>, Trailers), ChunkError> {
        let mut data = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let step = decoder.step(rest)?;
                assert!(step.taken > 0 && step.data <= step.taken);
                data.extend_from_slice(&rest[step.taken - step.data..step.taken]);
                rest = &rest[step.taken..];
            }
        }
        decoder.finish().map(|trailers| (data, trailers))
    }

    type Trailers = Vec<(String, String)>;

    /// Wraps data as a client does.
    fn encode(chunks: &[&[u8]], signed: bool, trailer: Option<(&str, &str)>) -> Vec<u8> {
        let mut chain = Chain::example(Chain::SEED);
        let mut body = Vec::new();
        for data in chunks.iter().chain([&&b""[..]]) {
            body.extend_from_slice(format!("{:x}", data.len()).as_bytes());
            if signed {
                let signature = chain.chunk(sha256(data));
                body.extend_from_slice(format!(";chunk-signature={signature}").as_bytes());
            }
            body.extend_from_slice(b"\r\n");
            if !data.is_empty() {
                body.extend_from_slice(data);
                body.extend_from_slice(b"\r\n");
            }
        }
        if let Some((name, value)) = trailer {
            body.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
            if signed {
                let signature = chain.trailer(format!("{name}:{value}\n").as_bytes());
                let line = format!("x-amz-trailer-signature:{signature}\r\n");
                body.extend_from_slice(line.as_bytes());
            }
        }
        body.extend_from_slice(b"\r\n");
        body
    }

    fn decoder(signed: bool, trailers: bool, length: u64) -> Decoder {
        Decoder::new(trailers, length, signed.then(|| Chain::example(Chain::SEED)))
    }

    const CRC: Option<(&str, &str)> = Some(("x-amz-checksum-crc32", "NhCmhg=="));

    #[test]
    fn the_published_example_comes_out() {
        let data = vec![b'a'; 66560];
        let mut chain = Chain::example(Chain::SEED);
        let (first, second) = data.split_at(65536);
        assert_eq!(
            [chain.chunk(sha256(first)), chain.chunk(sha256(second)), chain.chunk(sha256(b""))],
            [
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ]
        );
        let body = encode(&[first, second], true, None);
        assert_eq!(body.len(), 66824);
        assert_eq!(decode(decoder(true, false, 66560), &[&body]), Ok((data, vec![])));
    }

    #[test]
    fn any_split_gives_the_same() {
        for (signed, trailer) in [(false, None), (false, CRC), (true, None), (true, CRC)] {
            let body = encode(&[b"hel", b"lo"], signed, trailer);
            let trailers = trailer.map(|(n, v)| (n.to_owned(), v.to_owned()));
            let expected = Ok((b"hello".to_vec(), trailers.into_iter().collect()));
            let new = || decoder(signed, trailer.is_some(), 5);
            for at in 0..=body.len() {
                let (first, second) = body.split_at(at);
                assert_eq!(decode(new(), &[first, second]), expected, "{at}");
            }
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(decode(new(), &bytes), expected);
        }
    }

    #[test]
    fn nothing_that_was_signed_can_be_changed() {
        let body = encode(&[b"hello, ", b"world"], true, CRC);
        for at in 0..body.len() {
            for flip in [0x01, 0x20, 0x80] {
                let mut changed = body.clone();
                changed[at] ^= flip;
                // Names of headers mean the same in any case.
                let same = changed.eq_ignore_ascii_case(&body)
                    && decode(decoder(true, true, 12), &[&changed]).is_ok_and(
                        |(data, trailers)| data == b"hello, world" && trailers.len() == 1,
                    );
                let refused = decode(decoder(true, true, 12), &[&changed]).is_err();
                assert!(refused || same, "{at} {flip}");
            }
            assert!(decode(decoder(true, true, 12), &[&body[..at]]).is_err(), "cut at {at}");
            let mut without = body.clone();
            without.remove(at);
            let left = decode(decoder(true, true, 12), &[&without]);
            // A carriage return in a line after the data is no part of what is signed.
            assert!(left.is_err() || body[at] == b'\r' || body[at] == b'\n', "without {at}");
        }
        let two = encode(&[b"aaaaa", b"bbbbb"], true, None);
        let chunk = 1 + 1 + 16 + 64 + 2 + 5 + 2;
        let (first, rest) = two.split_at(chunk);
        let (second, last) = rest.split_at(chunk);
        let order = |parts: &[&[u8]]| decode(decoder(true, false, 10), parts).is_ok();
        assert!(order(&[first, second, last]));
        assert!(!order(&[second, first, last]));
        assert!(!order(&[first, first, last]));
        let unsigned = encode(&[b"hello"], false, CRC);
        assert!(decode(decoder(true, true, 5), &[&unsigned]).is_err());
        let signed = encode(&[b"hello"], true, CRC);
        assert!(decode(decoder(false, true, 5), &[&signed]).is_err());
    }

    #[test]
    fn clients_end_bodies_differently() {
        let unsigned: [&[u8]; 4] = [
            b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            b"05\r\nhello\r\n0\r\nX-Amz-Checksum-Crc32: NhCmhg==\r\n\r\n",
            b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n",
            b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n\r\n",
        ];
        let trailer = vec![("x-amz-checksum-crc32".to_owned(), "NhCmhg==".to_owned())];
        for body in unsigned {
            let decoded = decode(decoder(false, true, 5), &[body]);
            assert_eq!(decoded, Ok((b"hello".to_vec(), trailer.clone())), "{body:?}");
        }
        // An empty line before the trailer's signature.
        let body = String::from_utf8(encode(&[b"hello"], true, CRC)).unwrap();
        let body = body.replace("==\r\nx-amz-trailer", "==\n\r\nx-amz-trailer");
        let decoded = decode(decoder(true, true, 5), &[body.as_bytes()]);
        assert_eq!(decoded, Ok((b"hello".to_vec(), trailer)));
        assert_eq!(decode(decoder(false, false, 0), &[b"0\r\n\r\n"]), Ok((vec![], vec![])));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        let long = format!("{}\r\n", "0".repeat(200));
        let trailer = format!("0\r\n{}", "a".repeat(2000));
        let many: String = (0..9).fold("0\r\n".to_owned(), |all, n| format!("{all}x-{n}:1\r\n"));
        let table: &[(&[u8], u64)] = &[
            (b"", 5),
            (b"5\r\nhello", 5),
            (b"5\r\nhello\r\n", 5),
            (b"5\r\nhello\r\n0\r\n", 5),
            (b"5\r\nhello\r\n0\r\n\r\nx", 5),
            (b"5\r\nhello\r\n0\r\n\r\n\r\n\r\n\r\n", 5),
            (b"5\nhello\r\n0\r\n\r\n", 5),
            (b"5\r\nhelloo\r\n0\r\n\r\n", 5),
            (b"5\r\nhello\n0\r\n\r\n", 5),
            (b"6\r\nhello!\r\n0\r\n\r\n", 5),
            (b"4\r\nhell\r\n0\r\n\r\n", 5),
            (b"\r\nhello\r\n0\r\n\r\n", 5),
            (b"+5\r\nhello\r\n0\r\n\r\n", 5),
            (b"0x5\r\nhello\r\n0\r\n\r\n", 5),
            (b"5;a=b\r\nhello\r\n0\r\n\r\n", 5),
            (b"ffffffffffffffff\r\nhello", 5),
            (b"10000000000000000\r\nhello", 5),
            (b"\xff\r\n", 5),
            (b"0\r\nnocolon\r\n\r\n", 0),
            (b"0\r\na:1\r\na:2\r\n\r\n", 0),
            (b"0\r\nx-amz-trailer-signature:00\r\n\r\n", 0),
            (b"0\r\na:\xff\r\n\r\n", 0),
            (long.as_bytes(), 5),
            (trailer.as_bytes(), 0),
            (many.as_bytes(), 0),
        ];
        for (body, length) in table {
            let decoded = decode(decoder(false, true, *length), &[body]);
            assert!(decoded.is_err(), "{:?}", String::from_utf8_lossy(body));
        }
        let unannounced = decode(decoder(false, false, 0), &[b"0\r\na:1\r\n\r\n"]);
        assert!(matches!(unannounced, Err(ChunkError::Trailer(_))));
        let unsigned = format!("0;chunk-signature={}\r\n", "0".repeat(64));
        let wrong = decode(decoder(true, false, 0), &[unsigned.as_bytes()]);
        assert_eq!(wrong, Err(ChunkError::Signature { at: 0 }));
        let mut missing = encode(&[], true, CRC);
        let cut = missing.windows(21).position(|w| w == b"x-amz-trailer-signatu").unwrap();
        missing.truncate(cut);
        missing.extend_from_slice(b"\r\n\r\n");
        assert!(decode(decoder(true, true, 0), &[&missing]).is_err());
    }
}

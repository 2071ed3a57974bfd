//! The bytes of a body as they come: bare, wrapped in chunks, or as the file of a form. Counts them,
//! takes off what is around them, and says what is missing or too much.

use bytes::Bytes;
use common::error::{ApiError, ErrorCode};
use common::s3::checksum::Algorithm;
use common::sign::{ChunkError, Decoder};

use super::hash::{Chunks, InForm};

/// What is around the bytes of a body.
pub(crate) enum Wrapping {
    /// Nothing.
    Bare {
        /// How many bytes come.
        length: u64,
        /// How many came.
        came: u64,
    },
    /// Chunks.
    Chunks {
        /// Takes them off.
        decoder: Box<Decoder>,
        /// How many bytes came without them.
        came: u64,
    },
    /// A form.
    Form {
        /// Takes it off.
        form: Box<InForm>,
        /// How many bytes came without it.
        came: u64,
    },
}

impl Wrapping {
    /// That of a body of `length` bytes.
    pub(crate) fn new(chunks: Option<Chunks>, length: u64) -> Self {
        match chunks {
            None => Self::Bare { length, came: 0 },
            Some(Chunks { trailers, chain }) => {
                Self::Chunks { decoder: Box::new(Decoder::new(trailers, length, chain)), came: 0 }
            }
        }
    }

    /// That of the file of a form.
    pub(crate) fn form(form: InForm) -> Self {
        Self::Form { form: Box::new(form), came: 0 }
    }

    /// How many more bytes of the body are wanted; `None` if all that come.
    pub(crate) fn wanted(&self) -> Option<u64> {
        match self {
            Self::Bare { length, came } => Some(length - came),
            Self::Chunks { .. } | Self::Form { .. } => None,
        }
    }

    /// How many bytes came, without what was around them.
    pub(crate) fn came(&self) -> u64 {
        match self {
            Self::Bare { came, .. } | Self::Chunks { came, .. } | Self::Form { came, .. } => *came,
        }
    }

    /// Takes off what is around the bytes of these pieces. Signatures cost time: blocks.
    ///
    /// # Errors
    /// `IncompleteBody` for more bytes than were announced, `EntityTooLarge` for more than a form
    /// may bring, or what is wrong with the chunks or the form.
    pub(crate) fn unwrap(&mut self, pieces: Vec<Bytes>) -> Result<Vec<Bytes>, ApiError> {
        match self {
            Self::Bare { length, came } => {
                *came += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
                if came > length {
                    let text = "The body holds more bytes than its Content-Length says";
                    return Err(ApiError::new(ErrorCode::IncompleteBody, text));
                }
                Ok(pieces)
            }
            Self::Chunks { decoder, came } => {
                // Chunks may be of one byte each: together they are written at once.
                let mut data = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
                for piece in &pieces {
                    let mut rest = &piece[..];
                    while !rest.is_empty() {
                        let step = decoder.step(rest).map_err(|error| refused(&error))?;
                        data.extend_from_slice(&rest[step.taken - step.data..step.taken]);
                        rest = &rest[step.taken..];
                    }
                }
                *came += data.len() as u64;
                Ok(vec![data.into()])
            }
            Self::Form { form, came } => {
                let mut data = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
                // Bytes may have come with the fields, and nothing after them.
                form.bytes.push(&[], &mut data)?;
                for piece in &pieces {
                    form.bytes.push(piece, &mut data)?;
                }
                *came += data.len() as u64;
                for sizes in form.sizes.iter().filter(|sizes| *came > sizes.most) {
                    sizes.check(*came)?;
                }
                Ok(vec![data.into()])
            }
        }
    }

    /// Ends the body; gives the checksum that followed it, if one was to.
    ///
    /// # Errors
    /// `IncompleteBody`, a trailer that was not announced, a form that is not whole or brings less
    /// than it may.
    pub(crate) fn finish(self, trailer: Option<Algorithm>) -> Result<Option<Vec<u8>>, ApiError> {
        match self {
            Self::Bare { length, came } if came < length => {
                let text = format!(
                    "The body ended after {came} of the {length} bytes of its Content-Length"
                );
                Err(ApiError::new(ErrorCode::IncompleteBody, text))
            }
            Self::Bare { .. } => Ok(None),
            Self::Form { form, came } => {
                let InForm { bytes, sizes } = *form;
                bytes.finish()?;
                sizes.iter().try_for_each(|sizes| sizes.check(came))?;
                Ok(None)
            }
            Self::Chunks { decoder, .. } => {
                let trailers = decoder.finish().map_err(|error| refused(&error))?;
                let mut found = None;
                for (name, value) in trailers {
                    let algorithm = trailer.filter(|one| one.header() == name);
                    let algorithm = algorithm.ok_or_else(|| {
                        let text = format!("The trailer {name} was not announced in x-amz-trailer");
                        ApiError::new(ErrorCode::MalformedTrailer, text)
                    })?;
                    found = Some(algorithm.read(&value)?);
                }
                Ok(found)
            }
        }
    }
}

fn refused(error: &ChunkError) -> ApiError {
    let code = match error {
        ChunkError::Signature { .. } => ErrorCode::SignatureDoesNotMatch,
        ChunkError::Trailer(_) => ErrorCode::MalformedTrailer,
        ChunkError::Malformed { .. } | ChunkError::TooLong(_) | ChunkError::TooShort { .. } => {
            ErrorCode::IncompleteBody
        }
    };
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    ApiError::new(code, first.into_iter().chain(letters).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunked(
        body: &'static str,
        length: u64,
        trailer: Option<Algorithm>,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), ErrorCode> {
        let chunks = Chunks { trailers: trailer.is_some(), chain: None };
        let mut wrapping = Wrapping::new(Some(chunks), length);
        let unwrapped = wrapping.unwrap(vec![Bytes::from_static(body.as_bytes())]);
        let data = unwrapped.map_err(|error| error.code())?.concat();
        assert_eq!(wrapping.came(), data.len() as u64);
        wrapping.finish(trailer).map(|found| (data, found)).map_err(|error| error.code())
    }

    #[test]
    fn chunks_come_off_and_what_follows_is_read() {
        let crc = Some(Algorithm::Crc32);
        let body = "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        let value = vec![0x36, 0x10, 0xa6, 0x86];
        assert_eq!(chunked(body, 5, crc), Ok((b"hello".to_vec(), Some(value))));
        assert_eq!(chunked("0\r\n\r\n", 0, None), Ok((vec![], None)));
        assert_eq!(chunked("0\r\n\r\n", 0, crc), Ok((vec![], None)), "it is asked for elsewhere");
        let sha = Some(Algorithm::Sha1);
        assert_eq!(chunked(body, 5, sha), Err(ErrorCode::MalformedTrailer));
        assert_eq!(chunked(body, 5, None), Err(ErrorCode::MalformedTrailer));
        assert_eq!(chunked(body, 4, crc), Err(ErrorCode::IncompleteBody));
        assert_eq!(chunked(body, 6, crc), Err(ErrorCode::IncompleteBody));
        let bad = "0\r\nx-amz-checksum-crc32:x\r\n\r\n";
        assert_eq!(chunked(bad, 0, crc), Err(ErrorCode::InvalidRequest));
    }

    #[test]
    fn bare_bytes_are_counted() {
        let mut bare = Wrapping::new(None, 5);
        assert_eq!(bare.wanted(), Some(5));
        bare.unwrap(vec![Bytes::from_static(b"hell")]).unwrap();
        assert_eq!(bare.wanted(), Some(1));
        assert!(bare.unwrap(vec![Bytes::from_static(b"o!")]).is_err());
        let short = Wrapping::new(None, 5).finish(None).unwrap_err();
        assert_eq!(short.code(), ErrorCode::IncompleteBody);
    }
}

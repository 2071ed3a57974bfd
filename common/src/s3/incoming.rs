//! What a request says about the bytes it brings: how many, how they are wrapped, and what they
//! must turn out to be.
//!
//! Bytes come bare, with a Content-Length, or wrapped in chunks (`aws-chunked`), with their number
//! in `x-amz-decoded-content-length` and around them whatever framing HTTP has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::checksum::Given;
use super::request::Request;
use crate::error::{ApiError, ErrorCode};
use crate::sign::Framing;

/// How chunks are called as an encoding.
const CHUNKED: &str = "aws-chunked";

/// The bytes of a request, as its headers announce them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// How many come, without their wrapping.
    pub length: u64,
    /// How they are wrapped, if they are.
    pub chunks: Option<Framing>,
    /// The MD5 they must have, if the request says.
    pub md5: Option<Vec<u8>>,
    /// The checksum they must have, if the request says.
    pub checksum: Option<Given>,
}

impl Incoming {
    /// Reads what stands in the headers.
    ///
    /// # Errors
    /// `MissingContentLength`, `InvalidArgument` for a length that is none, `InvalidDigest`,
    /// `InvalidRequest` for a checksum that cannot be.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let chunks = framing(request);
        let length = match chunks {
            None => number(request, "content-length", "Content-Length")?,
            Some(_) => number(request, DECODED, DECODED)?,
        };
        let md5 = content_md5(request)?;
        let checksum = Given::read(request)?;
        if let Some(Given::Trailer(_)) = checksum
            && !chunks.is_some_and(|framing| framing.trailers)
        {
            let text = "x-amz-trailer is set, but the body is of a kind that nothing follows";
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        Ok(Self { length, chunks, md5, checksum })
    }
}

/// The MD5 that the bytes must have, if the request says.
pub(super) fn content_md5(request: &Request<'_>) -> Result<Option<Vec<u8>>, ApiError> {
    let read = |text: &str| {
        let bytes = BASE64.decode(text).ok().filter(|bytes| bytes.len() == 16);
        bytes.ok_or_else(|| {
            let text = format!("The Content-MD5 you specified is not valid: '{text}'");
            ApiError::new(ErrorCode::InvalidDigest, text)
        })
    };
    request.header("content-md5").map(read).transpose()
}

/// The header that tells how many bytes are wrapped in chunks.
const DECODED: &str = "x-amz-decoded-content-length";

/// How the body is wrapped: as `x-amz-content-sha256` says; without its word, a body is wrapped if
/// it is said to be and to how many bytes it unwraps.
fn framing(request: &Request<'_>) -> Option<Framing> {
    if let Some(declared) = request.header("x-amz-content-sha256")
        && let Some(framing) = Framing::of(declared)
    {
        return Some(framing);
    }
    let mut encodings = request.headers.iter().filter(|(name, _)| name == "content-encoding");
    let said = encodings.any(|(_, value)| without_chunks(value).as_deref() != Some(value.trim()));
    let wrapped = said && request.header(DECODED).is_some();
    let trailers = request.header("x-amz-trailer").is_some();
    wrapped.then_some(Framing { signed: false, trailers })
}

fn number(request: &Request<'_>, name: &str, shown: &str) -> Result<u64, ApiError> {
    let missing = || {
        let text = format!("You must provide the {shown} HTTP header");
        ApiError::new(ErrorCode::MissingContentLength, text)
    };
    let text = request.header(name).ok_or_else(missing)?;
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::InvalidArgument, format!("{shown}: '{text}' is no number"))
    })
}

/// A Content-Encoding as it is kept: without the chunks, which were taken off; `None` if nothing
/// is left of it.
pub fn without_chunks(encoding: &str) -> Option<String> {
    let is_chunked = |one: &str| one.trim().eq_ignore_ascii_case(CHUNKED);
    if !encoding.split(',').any(is_chunked) {
        return Some(encoding.trim().to_owned());
    }
    let left: Vec<&str> =
        encoding.split(',').map(str::trim).filter(|one| !is_chunked(one)).collect();
    (!left.is_empty()).then(|| left.join(","))
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    fn incoming(headers: &[(&str, &str)]) -> Result<Incoming, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let (address, query) = (Address::Service, Query::default());
        let request = Request { address: &address, query: &query, headers: &headers };
        Incoming::read(&request).map_err(|error| error.code())
    }

    #[test]
    fn wrapping_and_length() {
        const SHA: &str = "x-amz-content-sha256";
        let framing = |signed, trailers| Some(Framing { signed, trailers });
        type Row<'a> = (&'a [(&'a str, &'a str)], Result<(u64, Option<Framing>), ErrorCode>);
        let table: &[Row<'_>] = &[
            (&[("content-length", "5")], Ok((5, None))),
            (&[("content-length", "5"), (SHA, "UNSIGNED-PAYLOAD")], Ok((5, None))),
            (
                &[(SHA, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), (DECODED, "5")],
                Ok((5, framing(false, true))),
            ),
            (
                &[
                    (SHA, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
                    (DECODED, "5"),
                    ("content-length", "200"),
                ],
                Ok((5, framing(true, false))),
            ),
            (
                &[(SHA, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), (DECODED, "5")],
                Ok((5, framing(true, true))),
            ),
            (
                &[("content-encoding", "gzip, AWS-chunked"), (DECODED, "5")],
                Ok((5, framing(false, false))),
            ),
            // Clients say it of bare bodies, too.
            (&[("content-encoding", "aws-chunked"), ("content-length", "5")], Ok((5, None))),
            (&[], Err(ErrorCode::MissingContentLength)),
            (&[("content-length", "x")], Err(ErrorCode::InvalidArgument)),
            (&[("content-length", "-1")], Err(ErrorCode::InvalidArgument)),
            (
                &[(SHA, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("content-length", "5")],
                Err(ErrorCode::MissingContentLength),
            ),
            (
                &[("content-length", "5"), ("x-amz-trailer", "x-amz-checksum-crc32")],
                Err(ErrorCode::InvalidRequest),
            ),
            (
                &[("content-length", "1"), ("content-md5", "nonsense")],
                Err(ErrorCode::InvalidDigest),
            ),
            (&[("content-length", "1"), ("content-md5", "")], Err(ErrorCode::InvalidDigest)),
        ];
        for (headers, expected) in table {
            let read = incoming(headers).map(|read| (read.length, read.chunks));
            assert_eq!(&read, expected, "{headers:?}");
        }
    }

    #[test]
    fn encodings_lose_only_the_chunks() {
        let table = [
            ("gzip", Some("gzip")),
            ("aws-chunked", None),
            ("Aws-Chunked,gzip", Some("gzip")),
            ("gzip, aws-chunked, br", Some("gzip,br")),
            ("my-aws-chunked", Some("my-aws-chunked")),
        ];
        for (encoding, left) in table {
            assert_eq!(without_chunks(encoding).as_deref(), left, "{encoding}");
        }
    }
}

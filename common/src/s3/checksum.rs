//! Checksums of objects: `x-amz-checksum-*`, as they are asked for, kept and answered.
//!
//! A checksum either covers the bytes of an object from first to last, or is computed over the
//! checksums of its parts. Which bytes it is computed from, and how, is not known here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::request::Request;
use crate::error::{ApiError, ErrorCode};

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 as in gzip, 4 bytes.
    #[serde(rename = "CRC32")]
    Crc32,
    /// CRC-32 with Castagnoli's polynomial, 4 bytes.
    #[serde(rename = "CRC32C")]
    Crc32c,
    /// CRC-64/NVME, 8 bytes.
    #[serde(rename = "CRC64NVME")]
    Crc64Nvme,
    /// SHA-1, 20 bytes.
    #[serde(rename = "SHA1")]
    Sha1,
    /// SHA-256, 32 bytes.
    #[serde(rename = "SHA256")]
    Sha256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    const fn row(self) -> (&'static str, &'static str, &'static str, usize) {
        match self {
            Self::Crc32 => ("CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4),
            Self::Crc32c => ("CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4),
            Self::Crc64Nvme => ("CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8),
            Self::Sha1 => ("SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", 20),
            Self::Sha256 => ("SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", 32),
        }
    }

    /// Its name, as in `x-amz-sdk-checksum-algorithm`.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The header or trailer that bears its values, in lower case.
    pub const fn header(self) -> &'static str {
        self.row().1
    }

    /// The XML element that bears its values.
    pub const fn element(self) -> &'static str {
        self.row().2
    }

    /// Bytes of a value.
    pub const fn size(self) -> usize {
        self.row().3
    }

    /// Whether the value of a whole follows from those of its parts, so that an object that came
    /// in parts can have a [`Kind::FullObject`] checksum.
    pub const fn combines(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    /// The algorithm of that name, in any case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// The algorithm whose values that header or trailer bears, in any case.
    pub fn of_header(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.header().eq_ignore_ascii_case(name))
    }

    /// Reads a value as it is written in headers and documents.
    ///
    /// # Errors
    /// `InvalidRequest` if it is not base64 or has another size than the algorithm's.
    pub fn read(self, text: &str) -> Result<Vec<u8>, ApiError> {
        let bytes = BASE64.decode(text.trim()).ok().filter(|bytes| bytes.len() == self.size());
        bytes.ok_or_else(|| {
            let text = format!("Value for {} header is invalid", self.header());
            ApiError::new(ErrorCode::InvalidRequest, text)
        })
    }

    /// The error of bytes that do not have the checksum their sender gave.
    pub fn mismatch(self) -> ApiError {
        let name = self.name();
        let text = format!("The {name} you specified did not match the calculated checksum");
        ApiError::new(ErrorCode::BadDigest, text)
    }
}

/// What a checksum is computed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The object's bytes.
    #[serde(rename = "FULL_OBJECT")]
    FullObject,
    /// The checksums of its parts, one after another.
    #[serde(rename = "COMPOSITE")]
    Composite {
        /// How many parts.
        parts: u32,
    },
}

impl Kind {
    /// Its name, as in `x-amz-checksum-type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite { .. } => "COMPOSITE",
        }
    }
}

/// A checksum of an object or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Its bytes, most significant first.
    #[serde(with = "text")]
    pub value: Vec<u8>,
    /// What it is computed over.
    pub kind: Kind,
}

impl Checksum {
    /// A checksum of bytes.
    pub fn full(algorithm: Algorithm, value: Vec<u8>) -> Self {
        Self { algorithm, value, kind: Kind::FullObject }
    }

    /// As headers and documents show it: base64, and `-` and the number of parts if it was
    /// computed over parts.
    pub fn text(&self) -> String {
        let value = BASE64.encode(&self.value);
        match self.kind {
            Kind::FullObject => value,
            Kind::Composite { parts } => format!("{value}-{parts}"),
        }
    }

    /// As headers of an answer: the value and its type.
    pub fn to_headers(&self) -> [(String, String); 2] {
        [
            (self.algorithm.header().to_owned(), self.text()),
            ("x-amz-checksum-type".to_owned(), self.kind.name().to_owned()),
        ]
    }
}

/// A value as text in records.
mod text {
    use base64::Engine as _;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::BASE64;

    pub(super) fn serialize<S: Serializer>(value: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// What a request says about the checksum of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// The value stands in a header.
    Value(Algorithm, Vec<u8>),
    /// The value follows the body.
    Trailer(Algorithm),
}

impl Given {
    /// How it is computed.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Value(algorithm, _) | Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// Reads `x-amz-checksum-*`, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`.
    ///
    /// # Errors
    /// `InvalidRequest` for a value that is none, several checksums, a trailer that bears none or
    /// an announced algorithm without its checksum; `NotImplemented` for an algorithm that is not
    /// offered.
    pub fn read(request: &Request<'_>) -> Result<Option<Self>, ApiError> {
        let mut given = None;
        let mut give = |one: Self| match given.replace(one) {
            None => Ok(()),
            Some(_) => Err(invalid(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not \
                 allowed",
            )),
        };
        for (name, value) in request.headers {
            if !name.starts_with("x-amz-checksum-") || SAYS_HOW.contains(&name.as_str()) {
                continue;
            }
            let algorithm = Algorithm::of_header(name).ok_or_else(|| unknown(name))?;
            give(Self::Value(algorithm, algorithm.read(value)?))?;
        }
        for name in request.header("x-amz-trailer").into_iter().flat_map(|all| all.split(',')) {
            let name = name.trim();
            let algorithm = Algorithm::of_header(name).ok_or_else(|| {
                if name.to_ascii_lowercase().starts_with("x-amz-checksum-") {
                    return unknown(name);
                }
                invalid("The value specified in the x-amz-trailer header is not supported")
            })?;
            give(Self::Trailer(algorithm))?;
        }
        let Some(announced) = request.header("x-amz-sdk-checksum-algorithm") else {
            return Ok(given);
        };
        let announced = Algorithm::of_name(announced)
            .ok_or_else(|| invalid("Value for x-amz-sdk-checksum-algorithm header is invalid"))?;
        match &given {
            Some(given) if given.algorithm() != announced => {
                Err(invalid("Value for x-amz-sdk-checksum-algorithm header is invalid"))
            }
            // Older clients announce an algorithm and send Content-MD5 instead.
            None if request.header("content-md5").is_none() => Err(invalid(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or \
                 x-amz-trailer headers were found",
            )),
            _ => Ok(given),
        }
    }
}

/// Headers of the family that say how, not what.
const SAYS_HOW: [&str; 3] =
    ["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"];

fn invalid(text: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, text)
}

fn unknown(name: &str) -> ApiError {
    let text = format!("The checksum {name} is not offered here");
    ApiError::new(ErrorCode::NotImplemented, text)
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    fn given(headers: &[(&str, &str)]) -> Result<Option<Given>, ErrorCode> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let (address, query) = (Address::Service, Query::default());
        let request = Request { address: &address, query: &query, headers: &headers };
        Given::read(&request).map_err(|error| error.code())
    }

    #[test]
    fn what_a_request_gives() {
        let crc = || Ok(Some(Given::Value(Algorithm::Crc32, vec![0x36, 0x10, 0xa6, 0x86])));
        let trailer = || Ok(Some(Given::Trailer(Algorithm::Crc64Nvme)));
        let bad = || Err(ErrorCode::InvalidRequest);
        let not_offered = || Err(ErrorCode::NotImplemented);
        const CRC: (&str, &str) = ("x-amz-checksum-crc32", "NhCmhg==");
        const TRAILER: (&str, &str) = ("x-amz-trailer", "X-Amz-Checksum-Crc64nvme");
        const SDK: &str = "x-amz-sdk-checksum-algorithm";
        let table: &[(&[(&str, &str)], Result<Option<Given>, ErrorCode>)] = &[
            (&[], Ok(None)),
            (&[CRC], crc()),
            (&[CRC, (SDK, "crc32"), ("x-amz-checksum-type", "FULL_OBJECT")], crc()),
            (&[TRAILER], trailer()),
            (&[TRAILER, (SDK, "CRC64NVME")], trailer()),
            (&[(SDK, "SHA256"), ("content-md5", "")], Ok(None)),
            (&[("x-amz-checksum-mode", "ENABLED")], Ok(None)),
            (&[CRC, TRAILER], bad()),
            (&[CRC, ("x-amz-checksum-crc32c", "NhCmhg==")], bad()),
            (&[CRC, CRC], bad()),
            (&[("x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1")], bad()),
            (&[("x-amz-trailer", "x-amz-meta-a")], bad()),
            (&[("x-amz-checksum-crc32", "NhCmhg==-2")], bad()),
            (&[("x-amz-checksum-sha1", "NhCmhg==")], bad()),
            (&[("x-amz-checksum-sha1", "")], bad()),
            (&[CRC, (SDK, "SHA1")], bad()),
            (&[(SDK, "SHA1")], bad()),
            (&[CRC, (SDK, "MD5")], bad()),
            (&[("x-amz-checksum-xxhash64", "NhCmhg==")], not_offered()),
            (&[("x-amz-trailer", "x-amz-checksum-xxhash64")], not_offered()),
        ];
        for (headers, expected) in table {
            assert_eq!(&given(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn checksums_are_kept_and_shown_as_text() {
        let full = Checksum::full(Algorithm::Crc32c, vec![1, 2, 3, 4]);
        assert_eq!(full.text(), "AQIDBA==");
        let json = serde_json::to_string(&full).unwrap();
        assert_eq!(json, r#"{"algorithm":"CRC32C","value":"AQIDBA==","kind":"FULL_OBJECT"}"#);
        let composite = Checksum { kind: Kind::Composite { parts: 3 }, ..full };
        assert_eq!(composite.text(), "AQIDBA==-3");
        assert_eq!(composite.to_headers()[1].1, "COMPOSITE");
        let json = serde_json::to_string(&composite).unwrap();
        assert_eq!(serde_json::from_str::<Checksum>(&json).unwrap(), composite);
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of_name(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::of_header(algorithm.header()), Some(algorithm));
            assert!(algorithm.read(&BASE64.encode(vec![0; algorithm.size()])).is_ok());
        }
    }
}

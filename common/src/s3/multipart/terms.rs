//! What operations on uploads have in common: which upload is meant, the checksum it is to have,
//! and how keys and checksums are written.

use percent_encoding::utf8_percent_encode;

use super::super::buckets::KEY;
use super::super::checksum::{Algorithm, Checksum};
use super::super::request::Request;
use super::super::types::{BucketName, ObjectKey};
use super::super::xml::Writer;
use crate::error::{ApiError, ErrorCode};

/// The fewest bytes of every part but the last.
pub const MIN_PART: u64 = 5 << 20;

/// Which upload is meant. All three must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadName {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The id that was answered when it was begun.
    pub id: String,
}

impl UploadName {
    /// Reads the id from the query.
    pub fn read(bucket: BucketName, key: ObjectKey, request: &Request<'_>) -> Self {
        let id = request.query.get("uploadId").unwrap_or_default().to_owned();
        Self { bucket, key, id }
    }

    /// The error of an upload that is not there.
    pub fn absent() -> ApiError {
        let text = "The specified upload does not exist. The upload ID may be invalid, or the \
                    upload may have been aborted or completed";
        ApiError::new(ErrorCode::NoSuchUpload, text)
    }
}

/// The checksum that an upload is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Whether it is to cover the object's bytes, and not the checksums of its parts.
    pub full_object: bool,
}

/// The names of the two types.
const TYPES: [(&str, bool); 2] = [("FULL_OBJECT", true), ("COMPOSITE", false)];

/// Reads `x-amz-checksum-type`: whether it is that of the whole object.
///
/// # Errors
/// `InvalidRequest` for another word.
pub(super) fn checksum_type(request: &Request<'_>) -> Result<Option<bool>, ApiError> {
    let Some(text) = request.header("x-amz-checksum-type") else { return Ok(None) };
    let known = TYPES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
    known.map(|(_, full)| Some(*full)).ok_or_else(|| {
        let text = format!("Value for x-amz-checksum-type header is invalid: '{text}'");
        ApiError::new(ErrorCode::InvalidRequest, text)
    })
}

impl Wanted {
    /// Reads `x-amz-checksum-algorithm` and `x-amz-checksum-type`.
    ///
    /// # Errors
    /// `InvalidRequest` for an unknown word and for a type that the algorithm cannot have.
    pub fn read(request: &Request<'_>) -> Result<Option<Self>, ApiError> {
        let refuse = |text: String| Err(ApiError::new(ErrorCode::InvalidRequest, text));
        let full_object = checksum_type(request)?;
        let Some(name) = request.header("x-amz-checksum-algorithm") else {
            return match full_object {
                None => Ok(None),
                Some(_) => refuse(
                    "The x-amz-checksum-type header can only be used with the \
                     x-amz-checksum-algorithm header"
                        .into(),
                ),
            };
        };
        let Some(algorithm) = Algorithm::of_name(name) else {
            return refuse(format!(
                "Checksum algorithm provided is unsupported: '{name}'. Please try again with any \
                 of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]"
            ));
        };
        let crc64 = algorithm == Algorithm::Crc64Nvme;
        let full_object = full_object.unwrap_or(crc64);
        if (full_object && !algorithm.combines()) || (crc64 && !full_object) {
            let kind = if full_object { "FULL_OBJECT" } else { "COMPOSITE" };
            return refuse(format!(
                "The {kind} checksum type cannot be used with the {} checksum algorithm",
                algorithm.name()
            ));
        }
        Ok(Some(Self { algorithm, full_object }))
    }

    /// The name of its type.
    pub fn type_name(self) -> &'static str {
        if self.full_object { "FULL_OBJECT" } else { "COMPOSITE" }
    }

    /// As headers of an answer.
    pub fn to_headers(self) -> [(String, String); 2] {
        [
            ("x-amz-checksum-algorithm".to_owned(), self.algorithm.name().to_owned()),
            ("x-amz-checksum-type".to_owned(), self.type_name().to_owned()),
        ]
    }
}

/// Reads `encoding-type`.
///
/// # Errors
/// `InvalidArgument` for another one than `url`.
pub(super) fn url_encoding(request: &Request<'_>) -> Result<bool, ApiError> {
    match request.query.get("encoding-type").unwrap_or_default() {
        "" => Ok(false),
        "url" => Ok(true),
        other => {
            let text = format!("encoding-type: '{other}' is not 'url'");
            Err(ApiError::new(ErrorCode::InvalidArgument, text))
        }
    }
}

/// A key as it is answered.
pub(super) fn name(text: &str, url_encoding: bool) -> String {
    match url_encoding {
        true => utf8_percent_encode(text, KEY).to_string(),
        false => text.to_owned(),
    }
}

/// A checksum as an element of a document.
pub(in crate::s3) fn checksum_to(to: &mut Writer, checksum: &Checksum) {
    to.leaf(checksum.algorithm.element(), &checksum.text());
}

//! Operations on objects: what they are read from and how they are answered.

use serde::{Deserialize, Serialize};

use super::buckets::acl_of;
use super::conditions::{Conditions, WriteConditions};
use super::incoming::{Incoming, without_chunks};
use super::overrides::{Overrides, Version, wants_checksum};
use super::request::Request;
use super::types::{BucketName, CannedAcl, ObjectKey, part_number};
use crate::error::{ApiError, ErrorCode};

/// The most bytes of names and values of `x-amz-meta-*` together.
pub const MAX_METADATA: usize = 2048;

/// The longest value of a header that is kept, in bytes.
const MAX_KEPT: usize = 2048;

/// Headers that are kept with an object and answered with it, beside its type.
const KEPT: [&str; 5] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];

/// What is kept with an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Its media type as it was given.
    pub content_type: Option<String>,
    /// Other standard headers, by lower-case name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The user's own, by lower-case name without `x-amz-meta-`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
}

impl Attributes {
    /// Reads them from the headers.
    ///
    /// # Errors
    /// `MetadataTooLarge`.
    pub(super) fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let mut read = Self {
            content_type: request.header("content-type").map(str::to_owned),
            ..Self::default()
        };
        let mut size = 0;
        for (name, value) in request.headers {
            if let Some(own) = name.strip_prefix("x-amz-meta-") {
                // What was no UTF-8 cannot be answered as it was sent.
                if value.contains(char::REPLACEMENT_CHARACTER) {
                    let text = format!("The value of {name} is not UTF-8");
                    return Err(ApiError::new(ErrorCode::InvalidArgument, text));
                }
                size += own.len() + value.trim().len();
                // Several headers of one name mean one value, joined by commas.
                match read.metadata.iter_mut().find(|(other, _)| other == own) {
                    Some((_, known)) => *known = format!("{known},{}", value.trim()),
                    None => read.metadata.push((own.to_owned(), value.trim().to_owned())),
                }
            } else if name == "content-encoding" {
                let kept = without_chunks(value).map(|value| (name.clone(), value));
                read.headers.extend(kept);
            } else if KEPT.contains(&name.as_str()) {
                read.headers.push((name.clone(), value.trim().to_owned()));
            }
        }
        if size > MAX_METADATA {
            return Err(ApiError::new(
                ErrorCode::MetadataTooLarge,
                format!("Your metadata headers are too large: {size} of {MAX_METADATA} bytes"),
            ));
        }
        let kept = read.headers.iter().map(|(_, value)| value).chain(&read.content_type);
        if kept.into_iter().any(|value| value.len() > MAX_KEPT) {
            let text = format!("A header that is kept is longer than {MAX_KEPT} bytes");
            return Err(ApiError::new(ErrorCode::MetadataTooLarge, text));
        }
        Ok(read)
    }

    /// As headers of an answer.
    pub fn to_headers(&self) -> Vec<(String, String)> {
        let content_type = self.content_type.as_deref().unwrap_or("binary/octet-stream");
        let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
        headers.extend(self.headers.iter().cloned());
        let own = self.metadata.iter();
        headers.extend(own.map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone())));
        headers
    }
}

/// Writes an object.
#[derive(Debug, Clone)]
pub struct PutObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// Who may read it.
    pub acl: CannedAcl,
    /// Its bytes.
    pub incoming: Incoming,
    /// What must be there or not.
    pub conditions: WriteConditions,
    /// What is kept with them.
    pub attributes: Attributes,
}

impl PutObject {
    /// Reads the operation from the request's headers.
    ///
    /// # Errors
    /// `MissingContentLength`, `InvalidDigest`, `InvalidRequest`, `MetadataTooLarge`, or an unknown
    /// canned access control list.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            bucket,
            key,
            acl: acl_of(request)?,
            incoming: Incoming::read(request)?,
            conditions: WriteConditions::read(request)?,
            attributes: Attributes::read(request)?,
        })
    }
}

/// Reads an object.
#[derive(Debug, Clone)]
pub struct GetObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// The Range header, if there is one.
    pub range: Option<String>,
    /// The If-Range header, if there is one.
    pub if_range: Option<String>,
    /// Only the part of that number.
    pub part: Option<u32>,
    /// What must be so.
    pub conditions: Conditions,
    /// Headers that are wanted otherwise.
    pub overrides: Overrides,
    /// Which version.
    pub version: Version,
    /// Whether checksums are wanted.
    pub checksum: bool,
}

impl GetObject {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for a version, an override or a part's number that cannot be,
    /// `InvalidRequest` if a part and a range are asked for.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        let text = |name: &str| request.header(name).map(str::to_owned);
        let part = request.query.get("partNumber").map(part_number).transpose()?;
        if part.is_some() && request.header("range").is_some() {
            let text = "Cannot specify both Range header and partNumber query parameter";
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        Ok(Self {
            bucket,
            key,
            range: text("range"),
            if_range: text("if-range"),
            part,
            conditions: Conditions::read(request, ""),
            overrides: Overrides::read(request)?,
            version: Version::read(request)?,
            checksum: wants_checksum(request),
        })
    }
}

/// Reads what is known of an object; takes a Range as GET does.
#[derive(Debug, Clone)]
pub struct HeadObject(pub GetObject);

/// Removes an object; one that does not exist is removed already.
#[derive(Debug, Clone)]
pub struct DeleteObject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What must be there.
    pub conditions: WriteConditions,
    /// Which version.
    pub version: Version,
}

impl DeleteObject {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for a version that cannot be.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        let conditions = WriteConditions::read(request)?;
        Ok(Self { bucket, key, conditions, version: Version::read(request)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    fn put(headers: &[(&str, &str)]) -> Result<PutObject, ApiError> {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let query = Query::default();
        let request = Request { address: &Address::Service, query: &query, headers: &headers };
        PutObject::read("buck".parse()?, "key".parse()?, &request)
    }

    #[test]
    fn what_is_kept_is_answered() {
        let put = put(&[
            ("content-length", "5"),
            ("content-type", "text/plain"),
            ("cache-control", "no-store"),
            ("x-amz-meta-a", "1"),
            ("x-amz-meta-b", " zwei "),
            ("x-amz-meta-a", "2"),
            ("x-amz-acl", "public-read"),
            ("user-agent", "x"),
        ])
        .unwrap();
        assert_eq!((put.incoming.length, put.acl), (5, CannedAcl::PublicRead));
        let headers = put.attributes.to_headers();
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("content-type", "text/plain"),
                ("cache-control", "no-store"),
                ("x-amz-meta-a", "1,2"),
                ("x-amz-meta-b", "zwei"),
            ]
        );
    }

    #[test]
    fn chunks_are_no_encoding_of_what_is_kept() {
        for (encoding, kept) in [("aws-chunked", None), ("gzip,aws-chunked", Some("gzip"))] {
            let headers = [("content-length", "0"), ("content-encoding", encoding)];
            let headers = put(&headers).unwrap().attributes.headers;
            assert_eq!(headers.first().map(|(_, value)| value.as_str()), kept);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = "v".repeat(MAX_METADATA);
        let error = put(&[("content-length", "1"), ("x-amz-meta-k", &long)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MetadataTooLarge);
        let odd = put(&[("content-length", "1"), ("x-amz-meta-k", "\u{fffd}")]).unwrap_err();
        assert_eq!(odd.code(), ErrorCode::InvalidArgument);
    }
}

//! Operations on objects: what they are read from and how they are answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::buckets::acl_of;
use super::checksum::Given;
use super::request::Request;
use super::types::{BucketName, CannedAcl, ObjectKey};
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
    fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let mut read = Self {
            content_type: request.header("content-type").map(str::to_owned),
            ..Self::default()
        };
        let mut size = 0;
        for (name, value) in request.headers {
            if let Some(own) = name.strip_prefix("x-amz-meta-") {
                size += own.len() + value.trim().len();
                // Several headers of one name mean one value, joined by commas.
                match read.metadata.iter_mut().find(|(other, _)| other == own) {
                    Some((_, known)) => *known = format!("{known},{}", value.trim()),
                    None => read.metadata.push((own.to_owned(), value.trim().to_owned())),
                }
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
    /// How many bytes come.
    pub length: u64,
    /// The MD5 they must have, if the request says.
    pub md5: Option<Vec<u8>>,
    /// The checksum they must have, if the request says.
    pub checksum: Option<Given>,
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
        let encoding = request.header("content-encoding").unwrap_or_default();
        if encoding.split(',').any(|one| one.trim().eq_ignore_ascii_case("aws-chunked")) {
            let text = "A body in aws-chunked encoding is not offered here";
            return Err(ApiError::new(ErrorCode::NotImplemented, text));
        }
        let length = length_of(request)?;
        let md5 = request.header("content-md5").map(|text| {
            digest(text, 16).ok_or_else(|| {
                let text = format!("The Content-MD5 you specified is not valid: '{text}'");
                ApiError::new(ErrorCode::InvalidDigest, text)
            })
        });
        Ok(Self {
            bucket,
            key,
            acl: acl_of(request)?,
            length,
            md5: md5.transpose()?,
            checksum: Given::read(request)?,
            attributes: Attributes::read(request)?,
        })
    }
}

fn length_of(request: &Request<'_>) -> Result<u64, ApiError> {
    let missing = || {
        let text = "You must provide the Content-Length HTTP header";
        ApiError::new(ErrorCode::MissingContentLength, text)
    };
    let text = request.header("content-length").ok_or_else(missing)?;
    text.parse().map_err(|_| {
        ApiError::new(ErrorCode::InvalidArgument, format!("Content-Length: '{text}' is no number"))
    })
}

fn digest(text: &str, size: usize) -> Option<Vec<u8>> {
    BASE64.decode(text).ok().filter(|bytes| bytes.len() == size)
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
}

impl GetObject {
    /// Reads the operation.
    pub fn read(bucket: BucketName, key: ObjectKey, request: &Request<'_>) -> Self {
        let text = |name: &str| request.header(name).map(str::to_owned);
        Self { bucket, key, range: text("range"), if_range: text("if-range") }
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
}

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::checksum::Algorithm;
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
        assert_eq!((put.length, put.acl), (5, CannedAcl::PublicRead));
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
    fn digests_are_read_or_refused() {
        let read = put(&[
            ("content-length", "5"),
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("x-amz-checksum-crc32", "NhCmhg=="),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ])
        .unwrap();
        assert_eq!(read.md5.unwrap().len(), 16);
        assert_eq!(read.checksum.unwrap().algorithm(), Algorithm::Crc32);
        let table = [
            (vec![], ErrorCode::MissingContentLength),
            (vec![("content-length", "x")], ErrorCode::InvalidArgument),
            (vec![("content-length", "-1")], ErrorCode::InvalidArgument),
            (vec![("content-length", "1"), ("content-md5", "nonsense")], ErrorCode::InvalidDigest),
            (vec![("content-length", "1"), ("content-md5", "")], ErrorCode::InvalidDigest),
            (
                vec![("content-length", "1"), ("x-amz-checksum-sha1", "NhCmhg==")],
                ErrorCode::InvalidRequest,
            ),
            (
                vec![("content-length", "1"), ("x-amz-checksum-xxhash", "NhCmhg==")],
                ErrorCode::NotImplemented,
            ),
            (
                vec![("content-length", "1"), ("content-encoding", "gzip, aws-chunked")],
                ErrorCode::NotImplemented,
            ),
        ];
        for (headers, code) in table {
            assert_eq!(put(&headers).unwrap_err().code(), code, "{headers:?}");
        }
        let long = "v".repeat(MAX_METADATA);
        let error = put(&[("content-length", "1"), ("x-amz-meta-k", &long)]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MetadataTooLarge);
    }
}

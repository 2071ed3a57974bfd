//! Copies: an object made from another (CopyObject), and a part made from one (UploadPartCopy).
//!
//! Both are a PUT that names its source in `x-amz-copy-source` and brings no bytes. Everywhere else
//! that header, and those of its family, are refused.

use super::address::{Address, decode};
use super::buckets::acl_of;
use super::checksum::{Algorithm, Checksum};
use super::conditions::{Conditions, Verdict, failed};
use super::multipart::terms::{UploadName, checksum_to};
use super::objects::Attributes;
use super::request::Request;
use super::types::{BucketName, CannedAcl, ObjectKey, part_number};
use super::xml::Writer;
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// The header that makes a PUT a copy.
pub const SOURCE: &str = "x-amz-copy-source";

/// What a copy is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: ObjectKey,
    /// What must be so of it.
    pub conditions: Conditions,
}

fn invalid(text: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidArgument, text)
}

impl CopySource {
    /// Reads `x-amz-copy-source` and the conditions on it. Clients write it with and without a
    /// slash before it, and escape all of it, the key alone, or nothing.
    ///
    /// # Errors
    /// `InvalidArgument` if it names no object or a version, `InvalidBucketName`,
    /// `KeyTooLongError`.
    pub fn read(request: &Request<'_>) -> Result<Self, ApiError> {
        let text = request.header(SOURCE).unwrap_or_default();
        let conditions = Conditions::read(request, "x-amz-copy-source-");
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        match query.split_once('=').unwrap_or((query, "")) {
            // No bucket keeps any version but the present one.
            ("", "") | ("versionId", "null") => {}
            ("versionId", _) => return Err(invalid("Invalid version id specified")),
            _ => return Err(invalid(format!("Copy Source holds an unknown parameter: '{query}'"))),
        }
        let unnamed = || {
            invalid("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
        };
        let bare = path.trim_start_matches('/');
        let address = match bare.contains('/') {
            true => Address::parse(None, &format!("/{bare}"))?,
            // The slash between them is escaped, too.
            false => {
                let decoded = decode(bare)?;
                let (bucket, key) =
                    decoded.trim_start_matches('/').split_once('/').ok_or_else(unnamed)?;
                Address::Object(bucket.parse()?, key.parse().map_err(|_| unnamed())?)
            }
        };
        match address {
            Address::Object(bucket, key) => Ok(Self { bucket, key, conditions }),
            Address::Bucket(_) | Address::Service => Err(unnamed()),
        }
    }

    /// Whether the source may be copied as it is now; `etag` is its tag without quotes.
    ///
    /// # Errors
    /// `PreconditionFailed`: for a copy there is no "not modified".
    pub fn check(&self, etag: &str, modified: Timestamp) -> Result<(), ApiError> {
        match self.conditions.verdict(etag, modified) {
            Verdict::Holds => Ok(()),
            Verdict::Known(name) | Verdict::Fails(name) => Err(failed(name)),
        }
    }
}

/// Makes an object from another one.
#[derive(Debug, Clone)]
pub struct CopyObject {
    /// The bucket of the copy.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
    /// What it is made from.
    pub source: CopySource,
    /// Who may read it: that is never copied.
    pub acl: CannedAcl,
    /// What is kept with it, if not what is kept with the source.
    pub attributes: Option<Attributes>,
    /// How its checksum is computed, if the request says.
    pub checksum: Option<Algorithm>,
}

impl CopyObject {
    /// Reads the operation.
    ///
    /// # Errors
    /// What [`CopySource::read`] refuses; `InvalidArgument` for an unknown directive,
    /// `InvalidRequest` for an unknown checksum or a copy onto itself that changes nothing,
    /// `MetadataTooLarge`, or an unknown canned access control list.
    pub fn read(
        bucket: BucketName,
        key: ObjectKey,
        request: &Request<'_>,
    ) -> Result<Self, ApiError> {
        let source = CopySource::read(request)?;
        let attributes = match directive(request, "x-amz-metadata-directive")? {
            true => Some(Attributes::read(request)?),
            false => None,
        };
        // Objects bear no tags: those of the source and none are the same.
        directive(request, "x-amz-tagging-directive")?;
        let checksum = request.header("x-amz-checksum-algorithm").map(|name| {
            Algorithm::of_name(name).ok_or_else(|| {
                let text = format!("Checksum algorithm provided is unsupported: '{name}'");
                ApiError::new(ErrorCode::InvalidRequest, text)
            })
        });
        if source.bucket == bucket && source.key == key && attributes.is_none() {
            let text = "This copy request is illegal because it is trying to copy an object to \
                        itself without changing the object's metadata, storage class, website \
                        redirect location or encryption attributes";
            return Err(ApiError::new(ErrorCode::InvalidRequest, text));
        }
        Ok(Self {
            bucket,
            key,
            source,
            acl: acl_of(request)?,
            attributes,
            checksum: checksum.transpose()?,
        })
    }
}

/// Reads a directive: whether it is `REPLACE` and not `COPY`, which is meant by nothing, too.
fn directive(request: &Request<'_>, name: &str) -> Result<bool, ApiError> {
    match request.header(name).unwrap_or("COPY") {
        "COPY" => Ok(false),
        "REPLACE" => Ok(true),
        other => Err(invalid(format!("Unknown directive '{other}' in {name}"))),
    }
}

/// Makes a part from an object, or from a range of its bytes.
#[derive(Debug, Clone)]
pub struct UploadPartCopy {
    /// The upload.
    pub upload: UploadName,
    /// The part's number.
    pub number: u32,
    /// What it is made from.
    pub source: CopySource,
    /// The first and the last of the bytes, if it is not all of them.
    pub range: Option<(u64, u64)>,
}

impl UploadPartCopy {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for the number or the range, or what [`CopySource::read`] refuses.
    pub fn read(upload: UploadName, request: &Request<'_>) -> Result<Self, ApiError> {
        let number = part_number(request.query.get("partNumber").unwrap_or_default())?;
        let source = CopySource::read(request)?;
        let range = request.header("x-amz-copy-source-range").map(|text| {
            range(text).ok_or_else(|| {
                invalid(
                    "The x-amz-copy-source-range value must be of the form bytes=first-last where \
                     first and last are the zero-based offsets of the first and last bytes to copy",
                )
            })
        });
        Ok(Self { upload, number, source, range: range.transpose()? })
    }
}

/// Reads `bytes=first-last`, both given.
fn range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

/// The document that tells what was made: `root` is `CopyObjectResult` or `CopyPartResult`.
pub fn copied_to_xml(
    root: &str,
    etag: &str,
    modified: Timestamp,
    checksum: Option<&Checksum>,
) -> String {
    Writer::document(root, |to| {
        to.leaf("LastModified", &modified.iso());
        to.leaf("ETag", &format!("\"{etag}\""));
        if let Some(checksum) = checksum {
            checksum_to(to, checksum);
            if root == "CopyObjectResult" {
                to.leaf("ChecksumType", checksum.kind.name());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::request::Query;
    use super::*;

    fn with<T>(headers: &[(&str, &str)], query: &str, read: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> =
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let query = Query::parse(query).unwrap();
        read(&Request { address: &Address::Service, query: &query, headers: &headers })
    }

    #[test]
    fn the_ways_clients_name_a_source() {
        for (text, key) in [
            ("buck/key", "key"),
            ("/buck/key", "key"),
            ("/buck/a%20b+%2B/c", "a b++/c"),
            ("buck%2Fa%2Fb", "a/b"),
            ("%2Fbuck%2Fkey", "key"),
            ("buck/%E6%97%A5", "日"),
            ("buck/日", "日"),
            ("buck/a b&c", "a b&c"),
            ("buck/key?versionId=null", "key"),
            ("buck/what%3FversionId=1", "what?versionId=1"),
            ("/services/Walrus/buck/key", "key"),
            ("buck//a", "/a"),
        ] {
            let read = with(&[(SOURCE, text)], "", CopySource::read);
            let read = read.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((read.bucket.as_str(), read.key.as_str()), ("buck", key), "{text}");
        }
        for (text, code) in [
            ("", ErrorCode::InvalidArgument),
            ("buck", ErrorCode::InvalidArgument),
            ("/buck/", ErrorCode::InvalidArgument),
            ("buck/key?versionId=3", ErrorCode::InvalidArgument),
            ("buck/key?acl", ErrorCode::InvalidArgument),
            ("b/key", ErrorCode::InvalidBucketName),
            ("buck/%zz", ErrorCode::InvalidUri),
        ] {
            let error = with(&[(SOURCE, text)], "", CopySource::read).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
        }
    }

    #[test]
    fn metadata_is_copied_or_replaced() {
        let copy = |source: &str, directive: &str| {
            let headers = [
                (SOURCE, source),
                ("x-amz-metadata-directive", directive),
                ("x-amz-meta-a", "b"),
                ("x-amz-acl", "public-read"),
            ];
            with(&headers, "", |request| {
                CopyObject::read("buck".parse().unwrap(), "key".parse().unwrap(), request)
            })
            .map_err(|error| error.code())
        };
        assert!(copy("other/key", "COPY").unwrap().attributes.is_none());
        let replaced = copy("other/key", "REPLACE").unwrap();
        assert_eq!(replaced.attributes.unwrap().metadata, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(replaced.acl, CannedAcl::PublicRead);
        assert_eq!(copy("buck/key", "COPY").unwrap_err(), ErrorCode::InvalidRequest);
        assert!(copy("buck/key", "REPLACE").is_ok());
        assert_eq!(copy("other/key", "copy").unwrap_err(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn parts_are_made_from_ranges() {
        let part = |range: &str| {
            let headers = [(SOURCE, "buck/key"), ("x-amz-copy-source-range", range)];
            with(&headers, "partNumber=3&uploadId=x", |request| {
                let upload =
                    UploadName::read("buck".parse().unwrap(), "k".parse().unwrap(), request);
                UploadPartCopy::read(upload, request)
            })
            .map_err(|error| error.code())
        };
        assert_eq!(part("bytes=0-9").unwrap().range, Some((0, 9)));
        assert_eq!(part("bytes=5-5").unwrap().range, Some((5, 5)));
        for bad in ["", "0-9", "bytes=9-0", "bytes=-9", "bytes=9-", "bytes=0-1,3-4", "bytes=+0-1"] {
            assert_eq!(part(bad).unwrap_err(), ErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn a_copy_is_told() {
        let checksum = Checksum::full(Algorithm::Crc32, vec![0; 4]);
        let modified = Timestamp::from_millis(0);
        let text = copied_to_xml("CopyObjectResult", "ab", modified, Some(&checksum));
        for part in [
            "<LastModified>1970-01-01T00:00:00.000Z</LastModified><ETag>&quot;ab&quot;</ETag>",
            "<ChecksumCRC32>AAAAAA==</ChecksumCRC32><ChecksumType>FULL_OBJECT</ChecksumType>",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let text = copied_to_xml("CopyPartResult", "ab", modified, Some(&checksum));
        assert!(!text.contains("ChecksumType"));
    }
}

//! Operations on buckets and on the service: what they are read from and how they are answered.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::request::Request;
use super::types::{BucketName, CannedAcl, Owner};
use super::xml::{Writer, text_of_child};
use crate::error::{ApiError, ErrorCode};
use crate::time::Timestamp;

/// The most entries of one page of a listing.
pub const MAX_KEYS: usize = 1000;

/// The caller's buckets.
#[derive(Debug, Clone)]
pub struct ListBuckets;

/// Makes a bucket.
#[derive(Debug, Clone)]
pub struct CreateBucket {
    /// Its name.
    pub bucket: BucketName,
    /// Who may read it.
    pub acl: CannedAcl,
    /// Where it is to lie, if the request says; empty text counts as nothing.
    pub location: Option<String>,
}

impl CreateBucket {
    /// Reads the operation; `body` is a CreateBucketConfiguration of any namespace, or nothing.
    ///
    /// # Errors
    /// `MalformedXML`, or an unknown canned access control list.
    pub fn read(bucket: BucketName, request: &Request<'_>, body: &[u8]) -> Result<Self, ApiError> {
        let location = text_of_child(body, "CreateBucketConfiguration", "LocationConstraint")?;
        let location = location.filter(|place| !place.is_empty());
        Ok(Self { bucket, acl: acl_of(request)?, location })
    }
}

/// Reads `x-amz-acl`.
///
/// # Errors
/// `NotImplemented` or `InvalidArgument` for a list that is not offered.
pub(super) fn acl_of(request: &Request<'_>) -> Result<CannedAcl, ApiError> {
    request.header("x-amz-acl").map_or(Ok(CannedAcl::Private), str::parse)
}

/// Whether there is a bucket that the caller may list.
#[derive(Debug, Clone)]
pub struct HeadBucket {
    /// Its name.
    pub bucket: BucketName,
}

/// Removes an empty bucket.
#[derive(Debug, Clone)]
pub struct DeleteBucket {
    /// Its name.
    pub bucket: BucketName,
}

/// Where a bucket lies.
#[derive(Debug, Clone)]
pub struct GetBucketLocation {
    /// Its name.
    pub bucket: BucketName,
}

/// A page of a bucket's objects, first version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListObjects {
    /// The bucket.
    pub bucket: BucketName,
    /// Only keys that begin so.
    pub prefix: String,
    /// Only keys behind this one.
    pub marker: String,
    /// Keys that share everything up to this text behind the prefix are shown as one; never empty.
    pub delimiter: Option<String>,
    /// The most entries, keys and common prefixes together; at most [`MAX_KEYS`].
    pub max_keys: usize,
    /// Whether keys are to be answered percent-encoded.
    pub url_encoding: bool,
}

impl ListObjects {
    /// Reads the operation.
    ///
    /// # Errors
    /// `InvalidArgument` for a max-keys that is no number and for another encoding than `url`.
    pub fn read(bucket: BucketName, request: &Request<'_>) -> Result<Self, ApiError> {
        let text = |name: &str| request.query.get(name).unwrap_or_default().to_owned();
        let invalid = |why: String| ApiError::new(ErrorCode::InvalidArgument, why);
        let max_keys = match request.query.get("max-keys").unwrap_or_default() {
            "" => MAX_KEYS,
            text => text
                .parse::<u32>()
                .ok()
                .filter(|n| i32::try_from(*n).is_ok())
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| {
                    invalid(format!("max-keys: '{text}' is no number from 0 to 2147483647"))
                })?
                .min(MAX_KEYS),
        };
        let url_encoding = match request.query.get("encoding-type").unwrap_or_default() {
            "" => false,
            "url" => true,
            other => return Err(invalid(format!("encoding-type: '{other}' is not 'url'"))),
        };
        let delimiter = Some(text("delimiter")).filter(|text| !text.is_empty());
        Ok(Self {
            bucket,
            prefix: text("prefix"),
            marker: text("marker"),
            delimiter,
            max_keys,
            url_encoding,
        })
    }
}

/// The answer to [`ListBuckets`].
#[derive(Debug, Clone)]
pub struct BucketList {
    /// Whose they are.
    pub owner: Owner,
    /// Name and time of making, by name.
    pub buckets: Vec<(BucketName, Timestamp)>,
}

impl BucketList {
    /// The document.
    pub fn to_xml(&self) -> String {
        Writer::document("ListAllMyBucketsResult", |to| {
            owner_to(to, &self.owner);
            to.element("Buckets", |to| {
                for (name, created) in &self.buckets {
                    to.element("Bucket", |to| {
                        to.leaf("Name", name.as_str());
                        to.leaf("CreationDate", &created.iso());
                    });
                }
            });
        })
    }
}

pub(super) fn owner_to(to: &mut Writer, owner: &Owner) {
    to.element("Owner", |to| {
        to.leaf("ID", owner.account.as_str());
        to.leaf("DisplayName", &owner.alias);
    });
}

/// The answer to [`GetBucketLocation`]: the region, or nothing for the default one.
pub fn location_to_xml(location: &str) -> String {
    Writer::document("LocationConstraint", |to| to.text(location))
}

/// An object in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its key.
    pub key: String,
    /// When it was written.
    pub modified: Timestamp,
    /// The MD5 of its bytes, lower-case hex.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whose it is.
    pub owner: Owner,
}

/// The answer to [`ListObjects`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectList {
    /// What was asked.
    pub request: ListObjects,
    /// The keys of this page.
    pub objects: Vec<ListedObject>,
    /// The common prefixes of this page, the asked prefix included.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next_marker: Option<String>,
}

impl ObjectList {
    /// The document.
    pub fn to_xml(&self) -> String {
        let asked = &self.request;
        let name = |text: &str| match asked.url_encoding {
            true => utf8_percent_encode(text, KEY).to_string(),
            false => text.to_owned(),
        };
        Writer::document("ListBucketResult", |to| {
            to.leaf("Name", asked.bucket.as_str());
            to.leaf("Prefix", &name(&asked.prefix));
            to.leaf("Marker", &name(&asked.marker));
            // boto 2 pages by NextMarker only if there is one; S3 sends it with a delimiter only.
            if let (Some(next), Some(_)) = (&self.next_marker, &asked.delimiter) {
                to.leaf("NextMarker", &name(next));
            }
            to.leaf("MaxKeys", &asked.max_keys.to_string());
            if let Some(delimiter) = &asked.delimiter {
                to.leaf("Delimiter", &name(delimiter));
            }
            to.leaf("IsTruncated", if self.next_marker.is_some() { "true" } else { "false" });
            if asked.url_encoding {
                to.leaf("EncodingType", "url");
            }
            for object in &self.objects {
                to.element("Contents", |to| {
                    to.leaf("Key", &name(&object.key));
                    to.leaf("LastModified", &object.modified.iso());
                    to.leaf("ETag", &format!("\"{}\"", object.etag));
                    to.leaf("Size", &object.size.to_string());
                    owner_to(to, &object.owner);
                    to.leaf("StorageClass", "STANDARD");
                });
            }
            for prefix in &self.common_prefixes {
                to.element("CommonPrefixes", |to| to.leaf("Prefix", &name(prefix)));
            }
        })
    }
}

/// What is escaped in a key when a listing is asked for with `encoding-type=url`.
pub(super) const KEY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

#[cfg(test)]
mod tests {
    use super::super::address::Address;
    use super::super::request::Query;
    use super::*;

    fn list(query: &str) -> Result<ListObjects, ApiError> {
        let query = Query::parse(query)?;
        let request = Request { address: &Address::Service, query: &query, headers: &[] };
        ListObjects::read("buck".parse()?, &request)
    }

    #[test]
    fn listings_are_read_with_their_defaults() {
        let plain = list("").unwrap();
        assert_eq!((plain.max_keys, plain.url_encoding, plain.delimiter), (1000, false, None));
        let full = list("prefix=a%2F&delimiter=%2F&max-keys=7&encoding-type=url&marker=b").unwrap();
        assert_eq!((full.prefix.as_str(), full.delimiter.as_deref()), ("a/", Some("/")));
        assert_eq!((full.max_keys, full.url_encoding, full.marker.as_str()), (7, true, "b"));
        assert_eq!(list("max-keys=0").unwrap().max_keys, 0);
        assert_eq!(list("max-keys=2147483647").unwrap().max_keys, 1000);
        for bad in ["max-keys=-1", "max-keys=x", "max-keys=2147483648", "encoding-type=base64"] {
            assert_eq!(list(bad).unwrap_err().code(), ErrorCode::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn listings_are_written() {
        let owner = Owner { account: "000000000001".parse().unwrap(), alias: "a&b".into() };
        let object = ListedObject {
            key: "x/a b<".into(),
            modified: Timestamp::from_millis(0),
            etag: "0cc1".into(),
            size: 3,
            owner,
        };
        let mut answer = ObjectList {
            request: list("prefix=x/&delimiter=/").unwrap(),
            objects: vec![object],
            common_prefixes: vec!["x/y/".into()],
            next_marker: Some("x/y/".into()),
        };
        let text = answer.to_xml();
        for part in [
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>buck</Name>",
            "<NextMarker>x/y/</NextMarker>",
            "<IsTruncated>true</IsTruncated>",
            "<Key>x/a b&lt;</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>",
            "<ETag>&quot;0cc1&quot;</ETag><Size>3</Size>",
            "<DisplayName>a&amp;b</DisplayName>",
            "<CommonPrefixes><Prefix>x/y/</Prefix></CommonPrefixes>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        answer.request.url_encoding = true;
        assert!(answer.to_xml().contains("<Key>x/a%20b%3C</Key>"));
        assert!(answer.to_xml().contains("<EncodingType>url</EncodingType>"));
    }

    #[test]
    fn a_location_may_be_nothing() {
        let empty = "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        assert!(location_to_xml("").ends_with(&format!("{empty}</LocationConstraint>")));
        assert!(location_to_xml("eu<").contains(">eu&lt;<"));
    }
}

//! What a path names: the service, a bucket, or an object.
//!
//! The path is taken as it was sent and decoded exactly once, piece by piece: `%252F` is the three
//! characters `%2F` of a key, a raw `&` or `+` is itself, `//` and `..` are part of the key.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::types::{BucketName, ObjectKey};
use crate::error::{ApiError, ErrorCode};
use crate::sign::split_service_prefix;

/// What kind of thing is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The service itself: all buckets of the caller.
    Service,
    /// A bucket.
    Bucket,
    /// An object.
    Object,
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Service => "the service",
            Self::Bucket => "a bucket",
            Self::Object => "an object",
        })
    }
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The service itself.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object.
    Object(BucketName, ObjectKey),
}

impl Address {
    /// Reads the raw path of a request; `virtual_bucket` is the bucket that its host stands for.
    ///
    /// # Errors
    /// `InvalidURI` if an escape is broken or the text is not UTF-8; `InvalidBucketName`;
    /// `KeyTooLongError`.
    pub fn parse(virtual_bucket: Option<&str>, raw_path: &str) -> Result<Self, ApiError> {
        // Beside `/`, the service lies under two prefixes, in any case, because s3cmd lowers them.
        let rest = split_service_prefix(raw_path).map_or(raw_path, |(_, rest)| rest);
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        if let Some(bucket) = virtual_bucket {
            return Self::within(bucket.parse()?, rest);
        }
        if rest.is_empty() {
            return Ok(Self::Service);
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Self::within(decode(bucket)?.parse()?, key)
    }

    fn within(bucket: BucketName, key: &str) -> Result<Self, ApiError> {
        Ok(match key {
            "" => Self::Bucket(bucket),
            key => Self::Object(bucket, decode(key)?.parse()?),
        })
    }

    /// What kind of thing it is.
    pub fn level(&self) -> Level {
        match self {
            Self::Service => Level::Service,
            Self::Bucket(_) => Level::Bucket,
            Self::Object(..) => Level::Object,
        }
    }

    /// The path as errors show it: `/`, `/bucket`, `/bucket/key`.
    pub fn resource(&self) -> String {
        match self {
            Self::Service => "/".to_owned(),
            Self::Bucket(bucket) => format!("/{bucket}"),
            Self::Object(bucket, key) => format!("/{bucket}/{key}"),
        }
    }
}

/// Decodes percent escapes once; `+` is itself.
///
/// # Errors
/// `InvalidURI` for an escape without two hexadecimal digits and for bytes that are not UTF-8.
pub fn decode(raw: &str) -> Result<String, ApiError> {
    let refuse = |why: &str| ApiError::new(ErrorCode::InvalidUri, format!("'{raw}' {why}"));
    for (at, _) in raw.match_indices('%') {
        let digits = raw.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            return Err(refuse("holds a '%' without two hexadecimal digits"));
        }
    }
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| refuse("is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bucket: &str, key: &str) -> Address {
        Address::Object(bucket.parse().unwrap(), key.parse().unwrap())
    }

    #[test]
    fn the_three_ways_to_the_same_object() {
        for path in [
            "/services/Walrus/buck/a/b",
            "/services/walrus/buck/a/b",
            "/SERVICES/OBJECTSTORAGE/buck/a/b",
            "/buck/a/b",
        ] {
            assert_eq!(Address::parse(None, path).unwrap(), object("buck", "a/b"), "{path}");
        }
        for path in ["/", "/services/Walrus", "/services/Walrus/", "/services/objectstorage/"] {
            assert_eq!(Address::parse(None, path).unwrap(), Address::Service, "{path}");
        }
        for path in ["/buck", "/buck/", "/services/Walrus/buck", "/services/Walrus/buck/"] {
            assert_eq!(Address::parse(None, path).unwrap().resource(), "/buck", "{path}");
        }
    }

    #[test]
    fn keys_are_decoded_once_and_never_normalised() {
        let table = [
            ("/buck/a%20b+c%2B", "a b+c+"),
            ("/buck/a&b%3Cc%3E.part.00", "a&b<c>.part.00"),
            ("/buck/%252F", "%2F"),
            ("/buck//a/../b/./", "/a/../b/./"),
            ("/buck/%2e%2e%2f", "../"),
            ("/buck/%E6%97%A5", "日"),
            ("/services/WalrusX/key", ""),
            ("/buck/services/Walrus/x", "services/Walrus/x"),
        ];
        for (path, key) in table {
            match Address::parse(None, path) {
                Ok(address) => assert_eq!(address, object("buck", key), "{path}"),
                Err(error) => {
                    assert_eq!((key, error.code()), ("", ErrorCode::InvalidBucketName), "{path}");
                }
            }
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for path in ["/buck/%", "/buck/%4", "/buck/%zz", "/buck/%ff", "/buck/a%2"] {
            assert_eq!(
                Address::parse(None, path).unwrap_err().code(),
                ErrorCode::InvalidUri,
                "{path}"
            );
        }
        let error = Address::parse(None, "/services/Eucalyptus/").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidBucketName);
    }

    #[test]
    fn below_a_virtual_host_the_path_is_the_key() {
        for (path, resource) in [
            ("/", "/buck"),
            ("", "/buck"),
            ("/a/b", "/buck/a/b"),
            ("/services/Walrus", "/buck"),
            ("/services/Walrus/", "/buck"),
            ("/services/walrus/a%20b", "/buck/a b"),
            ("//a", "/buck//a"),
        ] {
            assert_eq!(Address::parse(Some("buck"), path).unwrap().resource(), resource, "{path}");
        }
        let error = Address::parse(Some("b"), "/k").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidBucketName);
    }
}

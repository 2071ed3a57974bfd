//! Where a manifest lies, as clients write it: `BUCKET/KEY`.

use common::error::{ApiError, ErrorCode};
use common::s3::{BucketName, ObjectKey};

/// A manifest's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// The key.
    pub(crate) key: ObjectKey,
}

impl Location {
    /// Reads a location: what stands before the first slash, leading ones aside, is the bucket; the
    /// rest is the key and may hold more of them.
    ///
    /// # Errors
    /// `InvalidParameterValue`, naming ImageLocation.
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let bad = |why: String| {
            ApiError::new(
                ErrorCode::InvalidParameterValue,
                format!("Invalid value for ImageLocation: '{text}' {why}"),
            )
        };
        let (bucket, key) = text
            .trim_start_matches('/')
            .split_once('/')
            .ok_or_else(|| bad("is not BUCKET/KEY of a manifest".into()))?;
        let because = |error: ApiError| bad(format!("names no object: {}", error.text()));
        Ok(Self { bucket: bucket.parse().map_err(because)?, key: key.parse().map_err(because)? })
    }

    /// What stands before the manifest's own name in its key, the last slash included.
    pub(crate) fn prefix(&self) -> &str {
        let key = self.key.as_str();
        key.rfind('/').map_or("", |at| &key[..=at])
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.bucket, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (text, bucket, key, prefix) in [
            ("buck/m.xml", "buck", "m.xml", ""),
            ("//buck/a/b/m.xml", "buck", "a/b/m.xml", "a/b/"),
            ("buck//m.xml", "buck", "/m.xml", "/"),
        ] {
            let place = Location::parse(text).unwrap();
            assert_eq!((place.bucket.as_str(), place.key.as_str()), (bucket, key), "{text}");
            assert_eq!(place.prefix(), prefix, "{text}");
        }
        for text in ["", "/", "buck", "buck/", "b!d/m.xml", "/buck", "services/x"] {
            let error = Location::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidParameterValue, "{text}");
            assert!(error.text().contains("ImageLocation"));
        }
    }
}

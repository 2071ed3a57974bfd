//! Operations on buckets and on the service: what they are read from and how they are answered.

use super::listing::page::owner_to;
use super::request::Request;
use super::types::{BucketName, CannedAcl, Owner};
use super::xml::{Writer, text_of_child};
use crate::error::ApiError;
use crate::time::Timestamp;

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

/// The answer to [`GetBucketLocation`]: the region, or nothing for the default one.
pub fn location_to_xml(location: &str) -> String {
    Writer::document("LocationConstraint", |to| to.text(location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_may_be_nothing() {
        let empty = "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        assert!(location_to_xml("").ends_with(&format!("{empty}</LocationConstraint>")));
        assert!(location_to_xml("eu<").contains(">eu&lt;<"));
    }
}

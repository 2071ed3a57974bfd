//! The table of S3: method, level and marker → operation.
//!
//! A marker is the query parameter that makes another operation of the same method and path. All
//! of S3's operations stand here, also those that are not offered, because a sub-resource that is
//! not recognised must never fall through to the plain operation: `DELETE /bucket?lifecycle` is
//! not DeleteBucket. For the same reason a parameter that no row knows is refused.

use super::address::Level::{self, Bucket, Object, Service};
use super::request::Query;
use crate::error::{ApiError, ErrorCode};

/// An operation that is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The caller's buckets.
    ListBuckets,
    /// Makes a bucket.
    CreateBucket,
    /// Whether there is a bucket that may be read.
    HeadBucket,
    /// Removes an empty bucket.
    DeleteBucket,
    /// Where a bucket lies.
    GetBucketLocation,
    /// The objects of a bucket, first version of the listing.
    ListObjects,
    /// Writes an object.
    PutObject,
    /// Reads an object.
    GetObject,
    /// Reads what is known of an object.
    HeadObject,
    /// Removes an object.
    DeleteObject,
    /// Makes an object from another: a PutObject that names a source.
    CopyObject,
    /// Begins a multipart upload.
    CreateMultipartUpload,
    /// Sends a part.
    UploadPart,
    /// Makes a part from an object: an UploadPart that names a source.
    UploadPartCopy,
    /// Puts the parts together.
    CompleteMultipartUpload,
    /// Gives an upload up.
    AbortMultipartUpload,
    /// The parts of an upload.
    ListParts,
    /// The open uploads of a bucket.
    ListMultipartUploads,
}

/// The headers of a copy.
const COPYING: &[&str] = &[
    "x-amz-copy-source",
    "x-amz-copy-source-range",
    "x-amz-copy-source-if-match",
    "x-amz-copy-source-if-none-match",
    "x-amz-copy-source-if-modified-since",
    "x-amz-copy-source-if-unmodified-since",
];

impl Operation {
    /// The operation if the request names a source to copy from.
    #[must_use]
    pub fn copying(self, names_source: bool) -> Self {
        match self {
            Self::PutObject if names_source => Self::CopyObject,
            Self::UploadPart if names_source => Self::UploadPartCopy,
            other => other,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// What the path names.
    pub level: Level,
    /// The parameter that selects the row; empty for the plain operation.
    pub marker: &'static str,
    /// The name of the operation.
    pub name: &'static str,
    /// The operation, if it is offered.
    pub operation: Option<Operation>,
    /// What other parameters an offered operation understands.
    pub parameters: &'static [&'static str],
}

const fn offered(
    method: &'static str,
    level: Level,
    marker: &'static str,
    (name, operation): (&'static str, Operation),
    parameters: &'static [&'static str],
) -> Route {
    Route { method, level, marker, name, operation: Some(operation), parameters }
}

const fn known(
    method: &'static str,
    level: Level,
    marker: &'static str,
    name: &'static str,
) -> Route {
    Route { method, level, marker, name, operation: None, parameters: &[] }
}

/// Some clients say the operation's name (`x-id=PutObject`) or the API's version
/// (`Version=2006-03-01`, libcloud); that changes nothing.
const HARMLESS: [&str; 2] = ["x-id", "Version"];

/// What reading an object understands.
const READING: &[&str] = &[
    "versionId",
    "partNumber",
    "response-content-type",
    "response-content-language",
    "response-expires",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
];

impl Operation {
    /// Headers that most operations refuse and this one honours.
    pub fn honours(self) -> &'static [&'static str] {
        match self {
            Self::GetObject | Self::HeadObject => {
                &["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"]
            }
            Self::PutObject => &["if-match", "if-none-match", "x-amz-trailer"],
            Self::DeleteObject => &["if-match"],
            Self::CopyObject | Self::UploadPartCopy => COPYING,
            Self::UploadPart => &["x-amz-trailer"],
            Self::CompleteMultipartUpload => &["if-match", "if-none-match"],
            _ => &[],
        }
    }
}

/// The table.
pub const ROUTES: &[Route] = &[
    offered("GET", Service, "", ("ListBuckets", Operation::ListBuckets), &[]),
    offered("PUT", Bucket, "", ("CreateBucket", Operation::CreateBucket), &[]),
    offered("HEAD", Bucket, "", ("HeadBucket", Operation::HeadBucket), &[]),
    offered("DELETE", Bucket, "", ("DeleteBucket", Operation::DeleteBucket), &[]),
    offered("GET", Bucket, "location", ("GetBucketLocation", Operation::GetBucketLocation), &[]),
    offered(
        "GET",
        Bucket,
        "",
        ("ListObjects", Operation::ListObjects),
        &["prefix", "marker", "delimiter", "max-keys", "encoding-type"],
    ),
    offered("PUT", Object, "", ("PutObject", Operation::PutObject), &[]),
    offered("GET", Object, "", ("GetObject", Operation::GetObject), READING),
    offered("HEAD", Object, "", ("HeadObject", Operation::HeadObject), READING),
    offered("DELETE", Object, "", ("DeleteObject", Operation::DeleteObject), &["versionId"]),
    offered(
        "GET",
        Bucket,
        "uploads",
        ("ListMultipartUploads", Operation::ListMultipartUploads),
        &["prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"],
    ),
    offered(
        "POST",
        Object,
        "uploads",
        ("CreateMultipartUpload", Operation::CreateMultipartUpload),
        &["encoding-type"],
    ),
    offered("PUT", Object, "uploadId", ("UploadPart", Operation::UploadPart), &["partNumber"]),
    offered(
        "POST",
        Object,
        "uploadId",
        ("CompleteMultipartUpload", Operation::CompleteMultipartUpload),
        &[],
    ),
    offered(
        "DELETE",
        Object,
        "uploadId",
        ("AbortMultipartUpload", Operation::AbortMultipartUpload),
        &[],
    ),
    offered(
        "GET",
        Object,
        "uploadId",
        ("ListParts", Operation::ListParts),
        &["max-parts", "part-number-marker", "encoding-type"],
    ),
    known("GET", Bucket, "list-type", "ListObjectsV2"),
    known("GET", Bucket, "versions", "ListObjectVersions"),
    known("POST", Bucket, "delete", "DeleteObjects"),
    known("POST", Bucket, "", "PostObject"),
    known("GET", Bucket, "session", "CreateSession"),
    known("GET", Object, "attributes", "GetObjectAttributes"),
    known("GET", Object, "torrent", "GetObjectTorrent"),
    known("POST", Object, "select", "SelectObjectContent"),
    known("POST", Object, "restore", "RestoreObject"),
    known("PUT", Object, "renameObject", "RenameObject"),
    known("PUT", Object, "encryption", "UpdateObjectEncryption"),
    known("PUT", Object, "annotation", "PutObjectAnnotation"),
    known("GET", Object, "annotation", "GetObjectAnnotation"),
    known("DELETE", Object, "annotation", "DeleteObjectAnnotation"),
    known("GET", Object, "annotations", "ListObjectAnnotations"),
    known("GET", Object, "acl", "GetObjectAcl"),
    known("PUT", Object, "acl", "PutObjectAcl"),
    known("GET", Object, "tagging", "GetObjectTagging"),
    known("PUT", Object, "tagging", "PutObjectTagging"),
    known("DELETE", Object, "tagging", "DeleteObjectTagging"),
    known("GET", Object, "retention", "GetObjectRetention"),
    known("PUT", Object, "retention", "PutObjectRetention"),
    known("GET", Object, "legal-hold", "GetObjectLegalHold"),
    known("PUT", Object, "legal-hold", "PutObjectLegalHold"),
    known("GET", Bucket, "acl", "GetBucketAcl"),
    known("PUT", Bucket, "acl", "PutBucketAcl"),
    known("GET", Bucket, "policy", "GetBucketPolicy"),
    known("PUT", Bucket, "policy", "PutBucketPolicy"),
    known("DELETE", Bucket, "policy", "DeleteBucketPolicy"),
    known("GET", Bucket, "policyStatus", "GetBucketPolicyStatus"),
    known("GET", Bucket, "publicAccessBlock", "GetPublicAccessBlock"),
    known("PUT", Bucket, "publicAccessBlock", "PutPublicAccessBlock"),
    known("DELETE", Bucket, "publicAccessBlock", "DeletePublicAccessBlock"),
    known("GET", Bucket, "ownershipControls", "GetBucketOwnershipControls"),
    known("PUT", Bucket, "ownershipControls", "PutBucketOwnershipControls"),
    known("DELETE", Bucket, "ownershipControls", "DeleteBucketOwnershipControls"),
    known("GET", Bucket, "versioning", "GetBucketVersioning"),
    known("PUT", Bucket, "versioning", "PutBucketVersioning"),
    known("GET", Bucket, "object-lock", "GetObjectLockConfiguration"),
    known("PUT", Bucket, "object-lock", "PutObjectLockConfiguration"),
    known("GET", Bucket, "tagging", "GetBucketTagging"),
    known("PUT", Bucket, "tagging", "PutBucketTagging"),
    known("DELETE", Bucket, "tagging", "DeleteBucketTagging"),
    known("GET", Bucket, "lifecycle", "GetBucketLifecycleConfiguration"),
    known("PUT", Bucket, "lifecycle", "PutBucketLifecycleConfiguration"),
    known("DELETE", Bucket, "lifecycle", "DeleteBucketLifecycle"),
    known("GET", Bucket, "encryption", "GetBucketEncryption"),
    known("PUT", Bucket, "encryption", "PutBucketEncryption"),
    known("DELETE", Bucket, "encryption", "DeleteBucketEncryption"),
    known("GET", Bucket, "cors", "GetBucketCors"),
    known("PUT", Bucket, "cors", "PutBucketCors"),
    known("DELETE", Bucket, "cors", "DeleteBucketCors"),
    known("GET", Bucket, "website", "GetBucketWebsite"),
    known("PUT", Bucket, "website", "PutBucketWebsite"),
    known("DELETE", Bucket, "website", "DeleteBucketWebsite"),
    known("GET", Bucket, "notification", "GetBucketNotificationConfiguration"),
    known("PUT", Bucket, "notification", "PutBucketNotificationConfiguration"),
    known("GET", Bucket, "logging", "GetBucketLogging"),
    known("PUT", Bucket, "logging", "PutBucketLogging"),
    known("GET", Bucket, "replication", "GetBucketReplication"),
    known("PUT", Bucket, "replication", "PutBucketReplication"),
    known("DELETE", Bucket, "replication", "DeleteBucketReplication"),
    known("GET", Bucket, "requestPayment", "GetBucketRequestPayment"),
    known("PUT", Bucket, "requestPayment", "PutBucketRequestPayment"),
    known("GET", Bucket, "accelerate", "GetBucketAccelerateConfiguration"),
    known("PUT", Bucket, "accelerate", "PutBucketAccelerateConfiguration"),
    known("GET", Bucket, "inventory", "GetBucketInventoryConfiguration"),
    known("PUT", Bucket, "inventory", "PutBucketInventoryConfiguration"),
    known("DELETE", Bucket, "inventory", "DeleteBucketInventoryConfiguration"),
    known("GET", Bucket, "analytics", "GetBucketAnalyticsConfiguration"),
    known("PUT", Bucket, "analytics", "PutBucketAnalyticsConfiguration"),
    known("DELETE", Bucket, "analytics", "DeleteBucketAnalyticsConfiguration"),
    known("GET", Bucket, "metrics", "GetBucketMetricsConfiguration"),
    known("PUT", Bucket, "metrics", "PutBucketMetricsConfiguration"),
    known("DELETE", Bucket, "metrics", "DeleteBucketMetricsConfiguration"),
    known("GET", Bucket, "intelligent-tiering", "GetBucketIntelligentTieringConfiguration"),
    known("PUT", Bucket, "intelligent-tiering", "PutBucketIntelligentTieringConfiguration"),
    known("DELETE", Bucket, "intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration"),
    known("GET", Bucket, "abac", "GetBucketAbac"),
    known("PUT", Bucket, "abac", "PutBucketAbac"),
    known("POST", Bucket, "metadataConfiguration", "CreateBucketMetadataConfiguration"),
    known("GET", Bucket, "metadataConfiguration", "GetBucketMetadataConfiguration"),
    known("DELETE", Bucket, "metadataConfiguration", "DeleteBucketMetadataConfiguration"),
    known("POST", Bucket, "metadataTable", "CreateBucketMetadataTableConfiguration"),
    known("GET", Bucket, "metadataTable", "GetBucketMetadataTableConfiguration"),
    known("DELETE", Bucket, "metadataTable", "DeleteBucketMetadataTableConfiguration"),
    known(
        "PUT",
        Bucket,
        "metadataInventoryTable",
        "UpdateBucketMetadataInventoryTableConfiguration",
    ),
    known("PUT", Bucket, "metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"),
    known(
        "PUT",
        Bucket,
        "metadataAnnotationTable",
        "UpdateBucketMetadataAnnotationTableConfiguration",
    ),
];

/// Operations without a row of their own: those that a source to copy from makes of others.
pub const BY_SOURCE: [&str; 2] = ["CopyObject", "UploadPartCopy"];

/// Finds the operation of a request.
///
/// # Errors
/// `NotImplemented` for an operation or parameter that is not offered, `MethodNotAllowed` for a
/// method that nothing of that kind has.
pub fn find(method: &str, level: Level, query: &Query) -> Result<Operation, ApiError> {
    let here = |marker: &str| {
        ROUTES.iter().find(|r| r.method == method && r.level == level && r.marker == marker)
    };
    let marked: Vec<&str> = query.names().filter(|name| is_marker(name)).collect();
    let rows: Vec<&Route> = marked.iter().filter_map(|marker| here(marker)).collect();
    // A row that is not offered wins over one that is: ?acl&location is refused, not answered.
    let chosen = rows.iter().find(|row| row.operation.is_none()).or(rows.first()).copied();
    let route = match (chosen, marked.first()) {
        (Some(route), _) => route,
        (None, Some(marker)) => return Err(refuse_method(method, level, Some(marker))),
        (None, None) => here("").ok_or_else(|| refuse_method(method, level, None))?,
    };
    let Some(operation) = route.operation else {
        let text = format!("The operation {} is not offered here", route.name);
        return Err(ApiError::new(ErrorCode::NotImplemented, text));
    };
    let understood = |name: &str| {
        name == route.marker || HARMLESS.contains(&name) || route.parameters.contains(&name)
    };
    match query.names().find(|name| !understood(name)) {
        None => Ok(operation),
        Some(odd) => Err(ApiError::new(
            ErrorCode::NotImplemented,
            format!("{} does not offer the parameter '{odd}' here", route.name),
        )),
    }
}

fn is_marker(name: &str) -> bool {
    !name.is_empty() && ROUTES.iter().any(|route| route.marker == name)
}

fn refuse_method(method: &str, level: Level, marker: Option<&str>) -> ApiError {
    let with = marker.map(|name| format!(" with '{name}'")).unwrap_or_default();
    let text = format!("The method {method}{with} is not allowed against {level}");
    ApiError::new(ErrorCode::MethodNotAllowed, text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn route(method: &str, level: Level, query: &str) -> Result<Operation, ErrorCode> {
        find(method, level, &Query::parse(query).unwrap()).map_err(|error| error.code())
    }

    #[test]
    fn what_is_offered_is_found() {
        assert_eq!(route("GET", Service, ""), Ok(Operation::ListBuckets));
        assert_eq!(route("GET", Bucket, "&max-keys=0"), Ok(Operation::ListObjects));
        assert_eq!(route("GET", Bucket, "location"), Ok(Operation::GetBucketLocation));
        assert_eq!(route("GET", Bucket, "location="), Ok(Operation::GetBucketLocation));
        assert_eq!(route("PUT", Object, "x-id=PutObject"), Ok(Operation::PutObject));
        assert_eq!(route("HEAD", Object, ""), Ok(Operation::HeadObject));
        assert_eq!(route("GET", Object, "Version=2006-03-01"), Ok(Operation::GetObject));
        assert_eq!(route("HEAD", Object, "partNumber=2"), Ok(Operation::HeadObject));
        assert_eq!(route("PUT", Object, "partNumber=1&uploadId=x"), Ok(Operation::UploadPart));
        assert_eq!(route("GET", Object, "uploadId=x"), Ok(Operation::ListParts));
    }

    #[test]
    fn a_sub_resource_never_becomes_the_plain_operation() {
        for (method, level, query) in [
            ("PUT", Object, "annotation"),
            ("DELETE", Object, "annotation&annotationName=a"),
            ("PUT", Object, "renameObject"),
            ("DELETE", Bucket, "metadataConfiguration"),
            ("DELETE", Bucket, "invented"),
            ("DELETE", Object, "invented=1"),
            ("PUT", Object, "partNumber=1"),
            ("PUT", Object, "partNumber=1&uploadId=x&acl"),
            ("POST", Object, "uploads&uploadId=x&acl"),
            ("PUT", Object, "acl="),
            ("GET", Bucket, "list-type=2"),
            ("GET", Bucket, "location&acl"),
            ("PUT", Object, "response-content-type=text/plain"),
            ("PUT", Object, "versionId=null"),
            ("GET", Object, "X-Amz-Signature=00"),
            ("GET", Bucket, "id=1&inventory"),
            ("POST", Bucket, ""),
        ] {
            let answer = route(method, level, query);
            let refused = [ErrorCode::NotImplemented, ErrorCode::MethodNotAllowed];
            assert!(answer.is_err_and(|code| refused.contains(&code)), "{method} ?{query}");
        }
    }

    #[test]
    fn wrong_methods_are_told() {
        for (method, level, query) in [
            ("PATCH", Object, ""),
            ("POST", Service, ""),
            ("DELETE", Service, ""),
            ("PUT", Bucket, "location"),
            ("GET", Service, "acl"),
        ] {
            assert_eq!(route(method, level, query), Err(ErrorCode::MethodNotAllowed), "{method}");
        }
    }

    #[test]
    fn no_row_stands_twice() {
        let rows: BTreeSet<_> =
            ROUTES.iter().map(|r| (r.method, r.level.to_string(), r.marker)).collect();
        assert_eq!(rows.len(), ROUTES.len());
    }
}

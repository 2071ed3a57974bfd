//! The table of S3: method, level and marker → operation.
//!
//! A marker is the query parameter that makes another operation of the same method and path. All
//! of S3's operations stand here, also those that are not offered, because a sub-resource that is
//! not recognised must never fall through to the plain operation: `DELETE /bucket?lifecycle` is
//! not DeleteBucket. For the same reason a parameter that no row knows is refused.

use super::address::Level::{self, Bucket, Object, Service};
use super::configuration::Configuration;
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
    /// The objects of a bucket, second version of the listing.
    ListObjectsV2,
    /// The versions of a bucket's objects.
    ListObjectVersions,
    /// Removes many objects.
    DeleteObjects,
    /// A configuration that a bucket never has.
    GetConfiguration(Configuration),
    /// Who may use a bucket.
    GetBucketAcl,
    /// Changes who may use a bucket.
    PutBucketAcl,
    /// Who may use an object.
    GetObjectAcl,
    /// Changes who may use an object.
    PutObjectAcl,
    /// The tags of an object.
    GetObjectTagging,
    /// What is known of an object, as a document.
    GetObjectAttributes,
    /// Writes an object.
    PutObject,
    /// Writes an object by a form.
    PostObject,
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

/// A configuration that is answered as that of a bucket that was never configured.
const fn never(marker: &'static str, name: &'static str, which: Configuration) -> Route {
    offered("GET", Bucket, marker, (name, Operation::GetConfiguration(which)), &[])
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
    offered("POST", Bucket, "", ("PostObject", Operation::PostObject), &[]),
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
    offered(
        "GET",
        Bucket,
        "list-type",
        ("ListObjectsV2", Operation::ListObjectsV2),
        &[
            "prefix",
            "delimiter",
            "max-keys",
            "encoding-type",
            "continuation-token",
            "start-after",
            "fetch-owner",
        ],
    ),
    offered(
        "GET",
        Bucket,
        "versions",
        ("ListObjectVersions", Operation::ListObjectVersions),
        &["prefix", "delimiter", "max-keys", "encoding-type", "key-marker", "version-id-marker"],
    ),
    offered("POST", Bucket, "delete", ("DeleteObjects", Operation::DeleteObjects), &[]),
    offered("GET", Bucket, "acl", ("GetBucketAcl", Operation::GetBucketAcl), &[]),
    offered("PUT", Bucket, "acl", ("PutBucketAcl", Operation::PutBucketAcl), &[]),
    offered(
        "GET",
        Object,
        "attributes",
        ("GetObjectAttributes", Operation::GetObjectAttributes),
        &["versionId"],
    ),
    offered("GET", Object, "acl", ("GetObjectAcl", Operation::GetObjectAcl), &[]),
    offered("PUT", Object, "acl", ("PutObjectAcl", Operation::PutObjectAcl), &[]),
    offered("GET", Object, "tagging", ("GetObjectTagging", Operation::GetObjectTagging), &[]),
    never("policy", "GetBucketPolicy", Configuration::Policy),
    never("policyStatus", "GetBucketPolicyStatus", Configuration::PolicyStatus),
    never("publicAccessBlock", "GetPublicAccessBlock", Configuration::PublicAccessBlock),
    never("ownershipControls", "GetBucketOwnershipControls", Configuration::OwnershipControls),
    never("versioning", "GetBucketVersioning", Configuration::Versioning),
    never("object-lock", "GetObjectLockConfiguration", Configuration::ObjectLock),
    never("tagging", "GetBucketTagging", Configuration::Tagging),
    never("lifecycle", "GetBucketLifecycleConfiguration", Configuration::Lifecycle),
    never("encryption", "GetBucketEncryption", Configuration::Encryption),
    never("cors", "GetBucketCors", Configuration::Cors),
    never("website", "GetBucketWebsite", Configuration::Website),
    never("notification", "GetBucketNotificationConfiguration", Configuration::Notification),
    never("logging", "GetBucketLogging", Configuration::Logging),
    never("replication", "GetBucketReplication", Configuration::Replication),
    never("requestPayment", "GetBucketRequestPayment", Configuration::RequestPayment),
    never("accelerate", "GetBucketAccelerateConfiguration", Configuration::Accelerate),
    known("GET", Bucket, "session", "CreateSession"),
    known("GET", Object, "torrent", "GetObjectTorrent"),
    known("POST", Object, "select", "SelectObjectContent"),
    known("POST", Object, "restore", "RestoreObject"),
    known("PUT", Object, "renameObject", "RenameObject"),
    known("PUT", Object, "encryption", "UpdateObjectEncryption"),
    known("PUT", Object, "annotation", "PutObjectAnnotation"),
    known("GET", Object, "annotation", "GetObjectAnnotation"),
    known("DELETE", Object, "annotation", "DeleteObjectAnnotation"),
    known("GET", Object, "annotations", "ListObjectAnnotations"),
    known("PUT", Object, "tagging", "PutObjectTagging"),
    known("DELETE", Object, "tagging", "DeleteObjectTagging"),
    known("GET", Object, "retention", "GetObjectRetention"),
    known("PUT", Object, "retention", "PutObjectRetention"),
    known("GET", Object, "legal-hold", "GetObjectLegalHold"),
    known("PUT", Object, "legal-hold", "PutObjectLegalHold"),
    known("PUT", Bucket, "policy", "PutBucketPolicy"),
    known("DELETE", Bucket, "policy", "DeleteBucketPolicy"),
    known("PUT", Bucket, "publicAccessBlock", "PutPublicAccessBlock"),
    known("DELETE", Bucket, "publicAccessBlock", "DeletePublicAccessBlock"),
    known("PUT", Bucket, "ownershipControls", "PutBucketOwnershipControls"),
    known("DELETE", Bucket, "ownershipControls", "DeleteBucketOwnershipControls"),
    known("PUT", Bucket, "versioning", "PutBucketVersioning"),
    known("PUT", Bucket, "object-lock", "PutObjectLockConfiguration"),
    known("PUT", Bucket, "tagging", "PutBucketTagging"),
    known("DELETE", Bucket, "tagging", "DeleteBucketTagging"),
    known("PUT", Bucket, "lifecycle", "PutBucketLifecycleConfiguration"),
    known("DELETE", Bucket, "lifecycle", "DeleteBucketLifecycle"),
    known("PUT", Bucket, "encryption", "PutBucketEncryption"),
    known("DELETE", Bucket, "encryption", "DeleteBucketEncryption"),
    known("PUT", Bucket, "cors", "PutBucketCors"),
    known("DELETE", Bucket, "cors", "DeleteBucketCors"),
    known("PUT", Bucket, "website", "PutBucketWebsite"),
    known("DELETE", Bucket, "website", "DeleteBucketWebsite"),
    known("PUT", Bucket, "notification", "PutBucketNotificationConfiguration"),
    known("PUT", Bucket, "logging", "PutBucketLogging"),
    known("PUT", Bucket, "replication", "PutBucketReplication"),
    known("DELETE", Bucket, "replication", "DeleteBucketReplication"),
    known("PUT", Bucket, "requestPayment", "PutBucketRequestPayment"),
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

/// Finds the row that a request means, whether or not its operation is offered.
///
/// # Errors
/// `MethodNotAllowed` for a method that nothing of that kind has.
pub fn row(method: &str, level: Level, query: &Query) -> Result<&'static Route, ApiError> {
    let here = |marker: &str| {
        ROUTES.iter().find(|r| r.method == method && r.level == level && r.marker == marker)
    };
    let marked: Vec<&str> = query.names().filter(|name| is_marker(name)).collect();
    let rows: Vec<&Route> = marked.iter().filter_map(|marker| here(marker)).collect();
    // A row that is not offered wins over one that is: ?acl&location is refused, not answered.
    let chosen = rows.iter().find(|row| row.operation.is_none()).or(rows.first()).copied();
    match (chosen, marked.first()) {
        (Some(route), _) => Ok(route),
        (None, Some(marker)) => Err(refuse_method(method, level, Some(marker))),
        (None, None) => here("").ok_or_else(|| refuse_method(method, level, None)),
    }
}

/// Finds the operation of a request.
///
/// # Errors
/// `NotImplemented` for an operation or parameter that is not offered, `MethodNotAllowed` for a
/// method that nothing of that kind has.
pub fn find(method: &str, level: Level, query: &Query) -> Result<Operation, ApiError> {
    let route = row(method, level, query)?;
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
        assert_eq!(route("GET", Bucket, "list-type=2&prefix=a"), Ok(Operation::ListObjectsV2));
        assert_eq!(route("POST", Bucket, ""), Ok(Operation::PostObject));
        assert_eq!(route("POST", Bucket, "delete"), Ok(Operation::DeleteObjects));
        assert_eq!(route("GET", Bucket, "acl="), Ok(Operation::GetBucketAcl));
        let policy = Operation::GetConfiguration(Configuration::Policy);
        assert_eq!(route("GET", Bucket, "policy="), Ok(policy));
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
            ("PUT", Object, "tagging="),
            ("DELETE", Bucket, "policy"),
            ("PUT", Bucket, "versioning"),
            ("DELETE", Object, "acl"),
            ("PUT", Object, "partNumber=1"),
            ("PUT", Object, "partNumber=1&uploadId=x&acl"),
            ("POST", Object, "uploads&uploadId=x&acl"),
            ("GET", Bucket, "location&acl"),
            ("PUT", Object, "response-content-type=text/plain"),
            ("PUT", Object, "versionId=null"),
            ("GET", Object, "X-Amz-Signature=00"),
            ("GET", Bucket, "id=1&inventory"),
            ("POST", Bucket, "uploads"),
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

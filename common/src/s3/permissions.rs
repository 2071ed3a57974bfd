//! What each operation needs to be allowed: actions of IAM, on which bucket or object, and what
//! conditions may ask of the request.
//!
//! The names are those of AWS' published table, where several operations share an action (HeadObject
//! is `s3:GetObject`) and some need two (a copy reads its source and writes its target). An operation
//! that is added has to say here what it needs: the match knows no rest.
//!
//! Two operations name what they are done to in their body: DeleteObjects asks for each key when it
//! has read them ([`removing`]), PostObject when it has read its form ([`posting`]).

use super::address::Address;
use super::configuration::Configuration;
use super::copy::CopySource;
use super::request::Request;
use super::routes::Operation;
use super::types::{BucketName, ObjectKey};
use crate::error::ApiError;
use crate::iam::{Context, Resource};
use crate::sign::Scheme;
use crate::time::Timestamp;

/// One thing that must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// `s3:GetObject`.
    pub action: &'static str,
    /// On what: its ARN.
    pub resource: String,
}

/// The resource of what is done to no bucket: it is named so that both `*` and `arn:aws:s3:::*` say
/// it.
const ALL: &str = "arn:aws:s3:::*";

fn on(action: &'static str, resource: &Resource) -> Need {
    let resource = match resource {
        Resource::Bucket(bucket) => format!("arn:aws:s3:::{bucket}"),
        Resource::Object(bucket, key) => format!("arn:aws:s3:::{bucket}/{key}"),
        _ => ALL.to_owned(),
    };
    Need { action, resource }
}

/// The ARN of a bucket.
pub fn bucket_arn(bucket: &BucketName) -> String {
    format!("arn:aws:s3:::{bucket}")
}

fn object(bucket: &BucketName, key: &str) -> Resource {
    Resource::Object(bucket.to_string(), key.to_owned())
}

/// What removing an object among others needs, as the document names it.
pub fn removing(bucket: &BucketName, key: &str, version: Option<&str>) -> Need {
    on(delete(version.is_some()), &object(bucket, key))
}

/// What an object by a form needs.
pub fn posting(bucket: &BucketName, key: &ObjectKey, acl: bool) -> Vec<Need> {
    writing(&object(bucket, key.as_str()), acl)
}

fn delete(version: bool) -> &'static str {
    if version { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }
}

fn writing(target: &Resource, acl: bool) -> Vec<Need> {
    let mut needs = vec![on("s3:PutObject", target)];
    if acl {
        needs.push(on("s3:PutObjectAcl", target));
    }
    needs
}

impl Operation {
    /// What must be allowed, all of it.
    ///
    /// # Errors
    /// If a copy names a source that can be none.
    pub fn needs(self, request: &Request<'_>) -> Result<Vec<Need>, ApiError> {
        let target = match request.address {
            Address::Service => Resource::Arn(ALL.to_owned()),
            Address::Bucket(bucket) => Resource::Bucket(bucket.to_string()),
            Address::Object(bucket, key) => object(bucket, key.as_str()),
        };
        let version = request.query.get("versionId").is_some();
        let acl = request.header("x-amz-acl");
        let of = |plain: &'static str, versioned: &'static str| {
            on(if version { versioned } else { plain }, &target)
        };
        let one = |action: &'static str| Ok(vec![on(action, &target)]);
        match self {
            Self::ListBuckets => one("s3:ListAllMyBuckets"),
            Self::CreateBucket => {
                let mut needs = vec![on("s3:CreateBucket", &target)];
                // A private one is what is made without saying so.
                if acl.is_some_and(|acl| acl != "private") {
                    needs.push(on("s3:PutBucketAcl", &target));
                }
                Ok(needs)
            }
            Self::DeleteBucket => one("s3:DeleteBucket"),
            Self::GetBucketLocation => one("s3:GetBucketLocation"),
            Self::HeadBucket | Self::ListObjects | Self::ListObjectsV2 => one("s3:ListBucket"),
            Self::ListObjectVersions => one("s3:ListBucketVersions"),
            Self::ListMultipartUploads => one("s3:ListBucketMultipartUploads"),
            // Asked for each key, or for the key of the form, when it is known.
            Self::DeleteObjects | Self::PostObject => Ok(Vec::new()),
            Self::GetConfiguration(which) => one(reading(which)),
            Self::GetBucketAcl => one("s3:GetBucketAcl"),
            Self::PutBucketAcl => one("s3:PutBucketAcl"),
            Self::GetObjectAcl => Ok(vec![of("s3:GetObjectAcl", "s3:GetObjectVersionAcl")]),
            Self::PutObjectAcl => Ok(vec![of("s3:PutObjectAcl", "s3:PutObjectVersionAcl")]),
            Self::GetObjectTagging => {
                Ok(vec![of("s3:GetObjectTagging", "s3:GetObjectVersionTagging")])
            }
            Self::GetObjectAttributes => Ok(vec![
                of("s3:GetObject", "s3:GetObjectVersion"),
                of("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"),
            ]),
            Self::GetObject | Self::HeadObject => {
                Ok(vec![of("s3:GetObject", "s3:GetObjectVersion")])
            }
            Self::DeleteObject => one(delete(version)),
            Self::PutObject | Self::CreateMultipartUpload => Ok(writing(&target, acl.is_some())),
            Self::UploadPart | Self::CompleteMultipartUpload => one("s3:PutObject"),
            Self::CopyObject | Self::UploadPartCopy => {
                let source = CopySource::read(request)?;
                let read = on("s3:GetObject", &object(&source.bucket, source.key.as_str()));
                let acl = acl.is_some() && self == Self::CopyObject;
                Ok(std::iter::once(read).chain(writing(&target, acl)).collect())
            }
            Self::AbortMultipartUpload => one("s3:AbortMultipartUpload"),
            Self::ListParts => one("s3:ListMultipartUploadParts"),
        }
    }

    /// What the request says that conditions may ask for, beside what is known of every request.
    pub fn said(self, request: &Request<'_>) -> Context {
        let headers = [
            "x-amz-acl",
            "x-amz-storage-class",
            "x-amz-content-sha256",
            "x-amz-metadata-directive",
        ];
        let mut context = Context::new();
        for name in headers {
            context = context.with_some(&format!("s3:{name}"), request.header(name));
        }
        let lists =
            matches!(self, Self::ListObjects | Self::ListObjectsV2 | Self::ListObjectVersions);
        for name in ["prefix", "delimiter", "max-keys"].into_iter().filter(|_| lists) {
            context = context.with_some(&format!("s3:{name}"), request.query.get(name));
        }
        if let Self::CopyObject | Self::UploadPartCopy = self {
            let source = CopySource::read(request).ok();
            let source = source.map(|source| format!("{}/{}", source.bucket, source.key));
            context = context.with_some("s3:x-amz-copy-source", source);
        }
        if let Some(creates) = self.creates() {
            context = context
                .with("s3:objectcreationoperation", creates.to_string())
                .with_some("s3:if-match", request.header("if-match"))
                .with_some("s3:if-none-match", request.header("if-none-match"));
        }
        context.with_some("s3:versionid", request.query.get("versionId"))
    }

    /// Whether an operation that writes makes an object, and not only a part of one.
    fn creates(self) -> Option<bool> {
        match self {
            Self::PutObject | Self::PostObject | Self::CopyObject => Some(true),
            Self::CompleteMultipartUpload => Some(true),
            Self::CreateMultipartUpload | Self::UploadPart | Self::UploadPartCopy => Some(false),
            _ => None,
        }
    }
}

/// What is known of how a request was signed; `dated` is when, where its URL says so.
pub fn signed(scheme: Scheme, dated: Option<Timestamp>, now: Timestamp) -> Context {
    let (version, kind) = match scheme {
        Scheme::QueryV2 | Scheme::HeaderV2 => ("AWS", "REST-HEADER"),
        Scheme::V4 => ("AWS4-HMAC-SHA256", "REST-HEADER"),
        Scheme::PresignedV2 => ("AWS", "REST-QUERY-STRING"),
        Scheme::PresignedV4 => ("AWS4-HMAC-SHA256", "REST-QUERY-STRING"),
    };
    let age = dated.filter(|_| scheme == Scheme::PresignedV4);
    Context::new()
        .with("s3:signatureversion", version)
        .with("s3:authtype", kind)
        .with_some("s3:signatureage", age.map(|dated| now.since(dated).as_millis().to_string()))
}

/// What is known of how a form was signed.
pub fn signed_form(version4: bool) -> Context {
    let version = if version4 { "AWS4-HMAC-SHA256" } else { "AWS" };
    Context::new().with("s3:signatureversion", version).with("s3:authtype", "POST")
}

fn reading(which: Configuration) -> &'static str {
    match which {
        Configuration::Accelerate => "s3:GetAccelerateConfiguration",
        Configuration::Cors => "s3:GetBucketCORS",
        Configuration::Encryption => "s3:GetEncryptionConfiguration",
        Configuration::Lifecycle => "s3:GetLifecycleConfiguration",
        Configuration::Logging => "s3:GetBucketLogging",
        Configuration::Notification => "s3:GetBucketNotification",
        Configuration::ObjectLock => "s3:GetBucketObjectLockConfiguration",
        Configuration::OwnershipControls => "s3:GetBucketOwnershipControls",
        Configuration::Policy => "s3:GetBucketPolicy",
        Configuration::PolicyStatus => "s3:GetBucketPolicyStatus",
        Configuration::PublicAccessBlock => "s3:GetBucketPublicAccessBlock",
        Configuration::Replication => "s3:GetReplicationConfiguration",
        Configuration::RequestPayment => "s3:GetBucketRequestPayment",
        Configuration::Tagging => "s3:GetBucketTagging",
        Configuration::Versioning => "s3:GetBucketVersioning",
        Configuration::Website => "s3:GetBucketWebsite",
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::Query;
    use super::super::routes::{ROUTES, find};
    use super::*;

    fn needs(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> Vec<String> {
        let (address, query) = (Address::parse(None, path).unwrap(), Query::parse(query).unwrap());
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let copies = headers.iter().any(|(name, _)| name == "x-amz-copy-source");
        let operation = find(method, address.level(), &query).unwrap().copying(copies);
        let request = Request { address: &address, query: &query, headers: &headers };
        let told = |need: Need| {
            let (action, resource) = (need.action, need.resource);
            let named = (action.strip_prefix("s3:"), resource.strip_prefix("arn:aws:s3:::"));
            format!("{} {}", named.0.unwrap(), named.1.unwrap())
        };
        operation.needs(&request).unwrap().into_iter().map(told).collect()
    }

    #[test]
    fn operations_need_what_the_published_table_says() {
        type Row<'a> = ((&'a str, &'a str, &'a str), &'a [(&'a str, &'a str)], &'a [&'a str]);
        let public = [("x-amz-acl", "public-read")];
        let source = [("x-amz-copy-source", "/from/a%2Fb")];
        let table: &[Row<'_>] = &[
            (("GET", "/", ""), &[], &["ListAllMyBuckets *"]),
            (("PUT", "/buck", ""), &[], &["CreateBucket buck"]),
            (("PUT", "/buck", ""), &[("x-amz-acl", "private")], &["CreateBucket buck"]),
            (("PUT", "/buck", ""), &public, &["CreateBucket buck", "PutBucketAcl buck"]),
            (("HEAD", "/buck", ""), &[], &["ListBucket buck"]),
            (("DELETE", "/buck", ""), &[], &["DeleteBucket buck"]),
            (("GET", "/buck", "location"), &[], &["GetBucketLocation buck"]),
            (("GET", "/buck", "prefix=a"), &[], &["ListBucket buck"]),
            (("GET", "/buck", "list-type=2"), &[], &["ListBucket buck"]),
            (("GET", "/buck", "versions"), &[], &["ListBucketVersions buck"]),
            (("GET", "/buck", "uploads"), &[], &["ListBucketMultipartUploads buck"]),
            (("GET", "/buck", "acl"), &[], &["GetBucketAcl buck"]),
            (("PUT", "/buck", "acl"), &[], &["PutBucketAcl buck"]),
            (("GET", "/buck", "cors"), &[], &["GetBucketCORS buck"]),
            (("GET", "/buck", "policy"), &[], &["GetBucketPolicy buck"]),
            (("POST", "/buck", "delete"), &[], &[]),
            (("POST", "/buck", ""), &[], &[]),
            (("GET", "/buck/k/l", ""), &[], &["GetObject buck/k/l"]),
            (("GET", "/buck/k", "versionId=null"), &[], &["GetObjectVersion buck/k"]),
            (("HEAD", "/buck/k", ""), &[], &["GetObject buck/k"]),
            (("GET", "/buck/k", "acl"), &[], &["GetObjectAcl buck/k"]),
            (("PUT", "/buck/k", "acl"), &[], &["PutObjectAcl buck/k"]),
            (("GET", "/buck/k", "tagging"), &[], &["GetObjectTagging buck/k"]),
            (
                ("GET", "/buck/k", "attributes"),
                &[],
                &["GetObject buck/k", "GetObjectAttributes buck/k"],
            ),
            (("PUT", "/buck/k", ""), &[], &["PutObject buck/k"]),
            (("PUT", "/buck/k", ""), &public, &["PutObject buck/k", "PutObjectAcl buck/k"]),
            (("PUT", "/buck/k", ""), &source, &["GetObject from/a/b", "PutObject buck/k"]),
            (("DELETE", "/buck/k", ""), &[], &["DeleteObject buck/k"]),
            (("DELETE", "/buck/k", "versionId=null"), &[], &["DeleteObjectVersion buck/k"]),
            (("POST", "/buck/k", "uploads"), &[], &["PutObject buck/k"]),
            (("POST", "/buck/k", "uploads"), &public, &["PutObject buck/k", "PutObjectAcl buck/k"]),
            (("PUT", "/buck/k", "uploadId=u&partNumber=1"), &[], &["PutObject buck/k"]),
            (
                ("PUT", "/buck/k", "uploadId=u&partNumber=1"),
                &source,
                &["GetObject from/a/b", "PutObject buck/k"],
            ),
            (("POST", "/buck/k", "uploadId=u"), &[], &["PutObject buck/k"]),
            (("DELETE", "/buck/k", "uploadId=u"), &[], &["AbortMultipartUpload buck/k"]),
            (("GET", "/buck/k", "uploadId=u"), &[], &["ListMultipartUploadParts buck/k"]),
        ];
        for ((method, path, query), headers, expected) in table {
            assert_eq!(needs(method, path, query, headers), *expected, "{method} {path}?{query}");
        }
    }

    #[test]
    fn every_operation_that_is_offered_needs_something() {
        let paths = |level: super::super::Level| match level {
            super::super::Level::Service => "/",
            super::super::Level::Bucket => "/buck",
            super::super::Level::Object => "/buck/k",
        };
        for route in ROUTES {
            let Some(operation) = route.operation else { continue };
            let address = Address::parse(None, paths(route.level)).unwrap();
            let query = Query::parse(route.marker).unwrap();
            let request = Request { address: &address, query: &query, headers: &[] };
            let body = matches!(operation, Operation::DeleteObjects | Operation::PostObject);
            assert_eq!(operation.needs(&request).unwrap().is_empty(), body, "{operation:?}");
        }
    }

    #[test]
    fn conditions_may_ask_for_what_was_said() {
        let address = Address::parse(None, "/buck").unwrap();
        let query = Query::parse("prefix=home/&max-keys=7&list-type=2").unwrap();
        let headers = [("x-amz-content-sha256".to_owned(), "UNSIGNED-PAYLOAD".to_owned())];
        let request = Request { address: &address, query: &query, headers: &headers };
        let said = Operation::ListObjectsV2.said(&request);
        let told = |key: &str| said.get(key).and_then(|values| values.first()).map(String::as_str);
        assert_eq!(told("s3:prefix"), Some("home/"));
        assert_eq!(told("s3:max-keys"), Some("7"));
        assert_eq!(told("s3:x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
        assert_eq!((told("s3:delimiter"), told("s3:objectcreationoperation")), (None, None));
        let (then, now) = (Timestamp::from_secs(5), Timestamp::from_secs(7));
        let context = signed(Scheme::PresignedV4, Some(then), now);
        assert_eq!(context.get("s3:signatureage"), Some(&["2000".to_owned()][..]));
        assert_eq!(context.get("s3:authtype"), Some(&["REST-QUERY-STRING".to_owned()][..]));
        assert_eq!(signed(Scheme::HeaderV2, Some(then), now).get("s3:signatureage"), None);
    }
}

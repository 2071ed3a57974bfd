//! What clients read of a bucket that was never configured.
//!
//! Nothing of this can be configured here, and setting it is refused. But clients ask before they
//! do anything else (s3cmd info, terraform's refresh), and S3 has two kinds of answers for a
//! bucket as it was made: an empty document, or a code that says that there is none.

use super::types::BucketName;
use super::xml::Writer;
use crate::error::{ApiError, ErrorCode};

/// A configuration that a bucket may have in S3 and never has here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Configuration {
    /// `?accelerate`.
    Accelerate,
    /// `?cors`.
    Cors,
    /// `?encryption`.
    Encryption,
    /// `?lifecycle`.
    Lifecycle,
    /// `?logging`.
    Logging,
    /// `?notification`.
    Notification,
    /// `?object-lock`.
    ObjectLock,
    /// `?ownershipControls`.
    OwnershipControls,
    /// `?policy`.
    Policy,
    /// `?policyStatus`.
    PolicyStatus,
    /// `?publicAccessBlock`.
    PublicAccessBlock,
    /// `?replication`.
    Replication,
    /// `?requestPayment`.
    RequestPayment,
    /// `?tagging`.
    Tagging,
    /// `?versioning`.
    Versioning,
    /// `?website`.
    Website,
}

/// Reads a configuration of a bucket.
#[derive(Debug, Clone)]
pub struct GetConfiguration {
    /// The bucket.
    pub bucket: BucketName,
    /// Which one.
    pub configuration: Configuration,
}

impl Configuration {
    /// What is answered for every bucket.
    ///
    /// # Errors
    /// The code that says that the bucket has none.
    pub fn answer(self) -> Result<String, ApiError> {
        let none = |code, what: &str| Err(ApiError::new(code, format!("The bucket has no {what}")));
        let empty = |root: &str| Ok(Writer::document(root, |_| {}));
        match self {
            Self::Accelerate => empty("AccelerateConfiguration"),
            Self::Logging => empty("BucketLoggingStatus"),
            Self::Notification => empty("NotificationConfiguration"),
            Self::Versioning => empty("VersioningConfiguration"),
            Self::RequestPayment => Ok(Writer::document("RequestPaymentConfiguration", |to| {
                to.leaf("Payer", "BucketOwner");
            })),
            Self::Cors => none(ErrorCode::NoSuchCorsConfiguration, "CORS configuration"),
            Self::Encryption => {
                none(ErrorCode::NoSuchEncryptionConfiguration, "encryption configuration")
            }
            Self::Lifecycle => {
                none(ErrorCode::NoSuchLifecycleConfiguration, "lifecycle configuration")
            }
            Self::ObjectLock => {
                none(ErrorCode::NoSuchObjectLockConfiguration, "object lock configuration")
            }
            Self::OwnershipControls => {
                none(ErrorCode::NoSuchOwnershipControls, "ownership controls")
            }
            Self::Policy | Self::PolicyStatus => none(ErrorCode::NoSuchBucketPolicy, "policy"),
            Self::PublicAccessBlock => {
                none(ErrorCode::NoSuchPublicAccessBlock, "public access block configuration")
            }
            Self::Replication => {
                none(ErrorCode::NoSuchReplicationConfiguration, "replication configuration")
            }
            Self::Tagging => none(ErrorCode::NoSuchTagSet, "tags"),
            Self::Website => none(ErrorCode::NoSuchWebsiteConfiguration, "website configuration"),
        }
    }
}

/// The answer to who asks for an object's tags: none.
pub fn no_tags_to_xml() -> String {
    Writer::document("Tagging", |to| to.element("TagSet", |_| {}))
}

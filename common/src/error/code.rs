//! The one table of error codes: Rust name, wire name, HTTP status, worth trying again.
//!
//! The statuses are those of EC2 and S3 as clients know them; `retryable` says whether the same
//! request may succeed later without anybody changing anything. A row that nothing raises fails
//! the tidy test.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $status:literal, $retry:literal;)*) => {
        /// What went wrong, by the name its API gives it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* #[doc = concat!("`", $wire, "`, status ", stringify!($status), ".")] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name on the wire.
            pub fn wire(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The HTTP status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whether the same request may succeed later.
            pub fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// Finds a code by its wire name and, where two APIs share one, its status.
            pub fn find(wire: &str, status: u16) -> Option<Self> {
                let mut named = Self::ALL.iter().copied().filter(|c| c.wire() == wire);
                let first = named.next()?;
                if first.status() == status {
                    return Some(first);
                }
                Some(named.find(|c| c.status() == status).unwrap_or(first))
            }
        }
    };
}

codes! {
    // Who is calling.
    MissingAuthenticationToken = "MissingAuthenticationToken", 403, false;
    IncompleteSignature = "IncompleteSignature", 400, false;
    AuthFailure = "AuthFailure", 401, false;
    InvalidClientTokenId = "InvalidClientTokenId", 403, false;
    SignatureDoesNotMatch = "SignatureDoesNotMatch", 403, false;
    RequestExpired = "RequestExpired", 400, false;
    OperationNotPermitted = "OperationNotPermitted", 400, false;
    /// What a rehearsal of an action answers whose caller may not do it.
    UnauthorizedOperation = "UnauthorizedOperation", 403, false;

    // What is asked.
    InvalidAction = "InvalidAction", 400, false;
    MissingParameter = "MissingParameter", 400, false;
    MalformedQueryString = "MalformedQueryString", 404, false;
    InvalidParameterValue = "InvalidParameterValue", 400, false;
    InvalidParameterCombination = "InvalidParameterCombination", 400, false;
    UnsupportedOperation = "UnsupportedOperation", 400, false;
    /// Good news as an error: what a rehearsal answers when the action could be done.
    DryRunOperation = "DryRunOperation", 412, false;

    // Looking up what was asked.
    InvalidLookupAttributes = "InvalidLookupAttributesException", 400, false;
    InvalidMaxResults = "InvalidMaxResultsException", 400, false;
    InvalidLookupToken = "InvalidNextTokenException", 400, false;
    InvalidTimeRange = "InvalidTimeRangeException", 400, false;

    // Images.
    InvalidAmiIdMalformed = "InvalidAMIID.Malformed", 400, false;
    InvalidAmiIdNotFound = "InvalidAMIID.NotFound", 400, false;
    InvalidAmiIdUnavailable = "InvalidAMIID.Unavailable", 400, false;
    InvalidAmiNameMalformed = "InvalidAMIName.Malformed", 400, false;
    InvalidAmiNameDuplicate = "InvalidAMIName.Duplicate", 400, false;
    InvalidAmiAttributeItemValue = "InvalidAMIAttributeItemValue", 400, false;
    InvalidManifest = "InvalidManifest", 400, false;
    ResourceLimitExceeded = "ResourceLimitExceeded", 400, false;

    // Instances.
    InvalidInstanceIdMalformed = "InvalidInstanceID.Malformed", 400, false;
    InvalidInstanceIdNotFound = "InvalidInstanceID.NotFound", 400, false;
    InvalidAssociationIdNotFound = "InvalidAssociationID.NotFound", 400, false;
    InvalidInstanceType = "InvalidInstanceType", 400, false;
    InstanceLimitExceeded = "InstanceLimitExceeded", 400, false;
    IdempotentParameterMismatch = "IdempotentParameterMismatch", 400, false;
    IncorrectInstanceState = "IncorrectInstanceState", 400, false;
    BundlingInProgress = "BundlingInProgress", 400, false;
    InvalidBundleIdNotFound = "InvalidBundleID.NotFound", 400, false;
    InvalidConversionTaskId = "InvalidConversionTaskId", 400, false;
    InvalidConversionTaskIdMalformed = "InvalidConversionTaskId.Malformed", 400, false;
    InvalidBundleIdMalformed = "InvalidBundleID.Malformed", 400, false;
    IncorrectState = "IncorrectState", 400, false;
    /// Said at once and not as AWS's 500, which would make clients wait through five tries for
    /// room that a small cloud will not have.
    InsufficientInstanceCapacity = "InsufficientInstanceCapacity", 400, false;

    // Addresses.
    InvalidAddressNotFound = "InvalidAddress.NotFound", 400, false;
    InvalidAllocationIdNotFound = "InvalidAllocationID.NotFound", 400, false;

    // Key pairs.
    InvalidKeyPairNotFound = "InvalidKeyPair.NotFound", 400, false;
    InvalidKeyFormat = "InvalidKey.Format", 400, false;
    InvalidKeyPairDuplicate = "InvalidKeyPair.Duplicate", 400, false;

    // Tags and filters.
    FilterLimitExceeded = "FilterLimitExceeded", 400, false;
    InvalidId = "InvalidID", 400, false;
    TagLimitExceeded = "TagLimitExceeded", 400, false;

    // Identity.
    NoSuchEntity = "NoSuchEntity", 404, false;
    EntityAlreadyExists = "EntityAlreadyExists", 409, false;
    DeleteConflict = "DeleteConflict", 409, false;
    LimitExceeded = "LimitExceeded", 409, false;
    ValidationError = "ValidationError", 400, false;
    MalformedPolicyDocument = "MalformedPolicyDocument", 400, false;
    UnmodifiableEntity = "UnmodifiableEntity", 400, false;
    ExpiredToken = "ExpiredToken", 400, false;
    /// A password that breaks a rule.
    PasswordPolicyViolation = "PasswordPolicyViolation", 400, false;
    /// Codes that a second factor has not shown.
    InvalidAuthenticationCode = "InvalidAuthenticationCode", 403, false;
    PackedPolicyTooLarge = "PackedPolicyTooLarge", 400, false;
    InvalidInput = "InvalidInput", 400, false;
    DuplicateCertificate = "DuplicateCertificate", 409, false;
    MalformedCertificate = "MalformedCertificate", 400, false;
    InvalidCertificate = "InvalidCertificate", 400, false;

    // The service itself.
    RequestLimitExceeded = "RequestLimitExceeded", 503, true;
    Unavailable = "Unavailable", 503, true;
    InternalError = "InternalError", 500, true;

    // S3.
    AccessDenied = "AccessDenied", 403, false;
    InvalidAccessKeyId = "InvalidAccessKeyId", 403, false;
    RequestTimeTooSkewed = "RequestTimeTooSkewed", 403, false;
    AuthorizationHeaderMalformed = "AuthorizationHeaderMalformed", 400, false;
    AuthorizationQueryParametersError = "AuthorizationQueryParametersError", 400, false;
    InvalidToken = "InvalidToken", 400, false;
    InvalidArgument = "InvalidArgument", 400, false;
    InvalidRequest = "InvalidRequest", 400, false;
    InvalidBucketName = "InvalidBucketName", 400, false;
    InvalidUri = "InvalidURI", 400, false;
    KeyTooLong = "KeyTooLongError", 400, false;
    BucketAlreadyExists = "BucketAlreadyExists", 409, false;
    BucketAlreadyOwnedByYou = "BucketAlreadyOwnedByYou", 409, false;
    BucketNotEmpty = "BucketNotEmpty", 409, false;
    OperationAborted = "OperationAborted", 409, true;
    NoSuchBucket = "NoSuchBucket", 404, false;
    NoSuchKey = "NoSuchKey", 404, false;
    NoSuchVersion = "NoSuchVersion", 404, false;
    NoSuchBucketPolicy = "NoSuchBucketPolicy", 404, false;
    NoSuchCorsConfiguration = "NoSuchCORSConfiguration", 404, false;
    NoSuchEncryptionConfiguration = "ServerSideEncryptionConfigurationNotFoundError", 404, false;
    NoSuchLifecycleConfiguration = "NoSuchLifecycleConfiguration", 404, false;
    NoSuchObjectLockConfiguration = "ObjectLockConfigurationNotFoundError", 404, false;
    NoSuchOwnershipControls = "OwnershipControlsNotFoundError", 404, false;
    NoSuchPublicAccessBlock = "NoSuchPublicAccessBlockConfiguration", 404, false;
    NoSuchReplicationConfiguration = "ReplicationConfigurationNotFoundError", 404, false;
    NoSuchTagSet = "NoSuchTagSet", 404, false;
    NoSuchWebsiteConfiguration = "NoSuchWebsiteConfiguration", 404, false;
    MalformedAcl = "MalformedACLError", 400, false;
    MissingSecurityHeader = "MissingSecurityHeader", 400, false;
    QuotaExceeded = "QuotaExceeded", 403, false;
    TooManyBuckets = "TooManyBuckets", 400, false;
    BadDigest = "BadDigest", 400, false;
    InvalidDigest = "InvalidDigest", 400, false;
    ContentSha256Mismatch = "XAmzContentSHA256Mismatch", 400, false;
    IncompleteBody = "IncompleteBody", 400, false;
    MalformedTrailer = "MalformedTrailerError", 400, false;
    RequestTimeout = "RequestTimeout", 400, true;
    MissingContentLength = "MissingContentLength", 411, false;
    EntityTooLarge = "EntityTooLarge", 400, false;
    EntityTooSmall = "EntityTooSmall", 400, false;
    NoSuchUpload = "NoSuchUpload", 404, false;
    InvalidPart = "InvalidPart", 400, false;
    InvalidPartOrder = "InvalidPartOrder", 400, false;
    InvalidPartNumber = "InvalidPartNumber", 416, false;
    MalformedPostRequest = "MalformedPOSTRequest", 400, false;
    MaxPostPreDataLengthExceeded = "MaxPostPreDataLengthExceededError", 400, false;
    InvalidPolicyDocument = "InvalidPolicyDocument", 400, false;
    MetadataTooLarge = "MetadataTooLarge", 400, false;
    MalformedXml = "MalformedXML", 400, false;
    InvalidRange = "InvalidRange", 416, false;
    PreconditionFailed = "PreconditionFailed", 412, false;
    MethodNotAllowed = "MethodNotAllowed", 405, false;
    NotImplemented = "NotImplemented", 501, false;
    SlowDown = "SlowDown", 503, true;
    ServiceUnavailable = "ServiceUnavailable", 503, true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_again_by_its_name_and_status() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::find(code.wire(), code.status()), Some(*code));
        }
        assert_eq!(ErrorCode::find("NoSuchThing", 400), None);
    }
}

//! Why a signed request is refused.
//!
//! One variant for each thing that a caller answers with a code of its own; which code that is
//! differs between EC2, IAM and S3 and is decided where answers are written. Texts may be shown
//! to the client: they never hold a secret nor the signature that would have been right.

use std::time::Duration;

use crate::time::Timestamp;

/// Says why a request could not be traced to the owner of its access key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The request carries no signature at all, and this API answers nobody unnamed.
    #[error("the request is not signed: neither an Authorization header nor signature parameters")]
    MissingAuthenticationToken,

    /// The request is signed twice, so that two readers could see two owners.
    #[error(
        "the request is signed in more than one way: only one of the Authorization header, the \
         parameter X-Amz-Algorithm and the parameter Signature may be there"
    )]
    SignedTwice,

    /// A part that every signature of this kind needs is absent or empty.
    #[error("the signature lacks {part}")]
    IncompleteSignature {
        /// Name of the absent parameter, header or component.
        part: &'static str,
    },

    /// The Authorization header or a signature parameter cannot be read.
    #[error("{part} is malformed: {reason}")]
    MalformedAuthorization {
        /// Name of the parameter, header or component.
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// `SignatureVersion` is 0, 1 or something unheard of.
    #[error("signature version {0:?} is not supported, use version 2 or AWS4-HMAC-SHA256")]
    UnsupportedVersion(String),

    /// `SignatureMethod` or the scheme of the Authorization header is not one of ours.
    #[error("signature algorithm {0:?} is not supported")]
    UnsupportedAlgorithm(String),

    /// The request is signed in a known way that this cloud does not offer.
    #[error("{0} are not supported")]
    UnsupportedFeature(&'static str),

    /// The session token of temporary credentials cannot be taken: it is absurd, or stands where
    /// it should not.
    #[error("the session token is not valid: {reason}")]
    InvalidSessionToken {
        /// What is wrong with it.
        reason: &'static str,
    },

    /// No header or parameter tells when the request was signed.
    #[error("the request is not dated: {0} is required")]
    MissingDate(&'static str),

    /// The date of the request cannot be read.
    #[error("{name} is no valid date: {value:?}")]
    InvalidDate {
        /// Name of the header or parameter.
        name: &'static str,
        /// Its value as sent.
        value: String,
    },

    /// The scope of a version 4 signature does not fit the request.
    #[error("the credential scope {scope:?} is not valid: {reason}")]
    InvalidScope {
        /// The scope as sent, without the access key.
        scope: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// A header that must be among the signed ones is not.
    #[error("the header {0:?} is present but not signed")]
    UnsignedHeader(String),

    /// A header that is listed as signed did not arrive.
    #[error("the header {0:?} is listed as signed but was not sent")]
    AbsentSignedHeader(String),

    /// The declared hash of the body is neither SHA-256 in hexadecimal nor a known keyword.
    #[error("x-amz-content-sha256 is not valid: {0:?}")]
    InvalidPayloadHash(String),

    /// The body that arrived is not the one whose hash was declared.
    #[error("the body does not match x-amz-content-sha256")]
    PayloadMismatch,

    /// The signature was not made with this secret over this request.
    #[error(
        "the signature calculated for the request does not match the one provided; \
         check the secret key and the way of signing"
    )]
    SignatureDoesNotMatch,

    /// The request is dated too far from the server's clock, in either direction.
    #[error(
        "the request is dated {request}, the server's clock says {server}: \
         they may differ by at most {} seconds", .allowed.as_secs()
    )]
    RequestTimeTooSkewed {
        /// When the request says it was made.
        request: Timestamp,
        /// When it arrived.
        server: Timestamp,
        /// The greatest difference accepted.
        allowed: Duration,
    },

    /// The request said until when it is good, and that is over.
    #[error("the request expired at {expires}, the server's clock says {server}")]
    RequestExpired {
        /// When it ceased to be good.
        expires: Timestamp,
        /// When it arrived.
        server: Timestamp,
    },

    /// The request says that it is good for longer than is accepted.
    #[error(
        "the request expires at {expires}, the server's clock says {server}: \
         at most {} seconds ahead are accepted", .allowed.as_secs()
    )]
    ExpiresTooLate {
        /// When it would cease to be good.
        expires: Timestamp,
        /// When it arrived.
        server: Timestamp,
        /// The longest life accepted.
        allowed: Duration,
    },

    /// A presigned request is dated later than the server's clock.
    #[error("the request is not valid yet: it is dated {from}, the server's clock says {server}")]
    NotYetValid {
        /// When it says it was made.
        from: Timestamp,
        /// When it arrived.
        server: Timestamp,
    },
}

//! How S3 tells that a signature cannot be believed: the code, the sentence, and what else its
//! document shows. A URL that is presigned has codes of its own.

use common::error::{ApiError, ErrorCode};
use common::sign::{Explanation, Scheme, SignError};
use common::time::Timestamp;

use super::access::denied;

/// A refusal, with what else its document shows.
pub(crate) struct Refusal {
    pub(crate) error: ApiError,
    pub(crate) further: Vec<(&'static str, String)>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, further: Vec::new() }
    }
}

/// The refusal of a signature; `presigned` says how the URL is signed, if it is.
pub(crate) fn refused(error: &SignError, presigned: Option<Scheme>) -> Refusal {
    match error {
        SignError::RequestExpired { expires, server } if presigned.is_some() => Refusal {
            error: ApiError::new(denied().code(), "Request has expired"),
            further: vec![("Expires", whole(*expires)), ("ServerTime", whole(*server))],
        },
        SignError::NotYetValid { from, server } => Refusal {
            error: ApiError::new(denied().code(), "Request is not valid yet"),
            further: vec![("X-Amz-Date", whole(*from)), ("ServerTime", whole(*server))],
        },
        SignError::UnsignedHeader(name) => Refusal {
            error: ApiError::new(denied().code(), sentence(error)),
            further: vec![("HeadersNotSigned", name.clone())],
        },
        _ => ApiError::new(code(error, presigned), sentence(error)).into(),
    }
}

/// The refusal of a form whose policy is not signed as it must be.
pub(crate) fn refused_form(error: &SignError) -> Refusal {
    let code = match error {
        SignError::IncompleteSignature { .. }
        | SignError::MalformedAuthorization { .. }
        | SignError::InvalidScope { .. }
        | SignError::InvalidDate { .. } => ErrorCode::InvalidArgument,
        other => code(other, None),
    };
    let text = match error {
        SignError::IncompleteSignature { part } => format!(
            "Bucket POST must contain a field named '{part}'. If it is specified, please check the \
             order of the fields"
        ),
        other => sentence(other),
    };
    ApiError::new(code, text).into()
}

/// The refusal of a signature that is not that of the request, with all that its author needs to
/// find out why.
pub(crate) fn mismatch(explained: Explanation) -> Refusal {
    let error = ApiError::new(
        ErrorCode::SignatureDoesNotMatch,
        sentence(&SignError::SignatureDoesNotMatch),
    );
    let mut further = vec![
        ("AWSAccessKeyId", explained.access_key_id),
        ("SignatureProvided", explained.signature_provided),
        ("StringToSign", explained.string_to_sign),
    ];
    further.extend(explained.canonical_request.map(|text| ("CanonicalRequest", text)));
    Refusal { error, further }
}

fn code(error: &SignError, presigned: Option<Scheme>) -> ErrorCode {
    let of_form = match presigned {
        Some(Scheme::PresignedV4) => ErrorCode::AuthorizationQueryParametersError,
        Some(_) => ErrorCode::AccessDenied,
        None => ErrorCode::AuthorizationHeaderMalformed,
    };
    match error {
        SignError::SignatureDoesNotMatch => ErrorCode::SignatureDoesNotMatch,
        SignError::RequestTimeTooSkewed { .. } => ErrorCode::RequestTimeTooSkewed,
        SignError::IncompleteSignature { .. }
        | SignError::MalformedAuthorization { .. }
        | SignError::InvalidScope { .. } => of_form,
        SignError::InvalidDate { .. } | SignError::UnsupportedAlgorithm(_)
            if presigned.is_some() =>
        {
            of_form
        }
        SignError::UnsupportedVersion(_)
        | SignError::UnsupportedAlgorithm(_)
        | SignError::SignedTwice
        | SignError::InvalidPayloadHash(_) => ErrorCode::InvalidArgument,
        SignError::UnsupportedFeature(_) => ErrorCode::NotImplemented,
        SignError::InvalidSessionToken { .. } => ErrorCode::InvalidToken,
        SignError::PayloadMismatch => ErrorCode::ContentSha256Mismatch,
        SignError::MissingAuthenticationToken
        | SignError::MissingDate(_)
        | SignError::InvalidDate { .. }
        | SignError::UnsignedHeader(_)
        | SignError::AbsentSignedHeader(_)
        | SignError::NotYetValid { .. }
        | SignError::RequestExpired { .. }
        | SignError::ExpiresTooLate { .. } => ErrorCode::AccessDenied,
    }
}

/// A time as AWS writes it here, without a fraction.
fn whole(moment: Timestamp) -> String {
    Timestamp::from_secs(moment.as_secs()).iso().replace(".000Z", "Z")
}

/// The error's text as a sentence.
fn sentence(error: &SignError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

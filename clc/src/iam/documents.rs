//! Policies as texts: read, measured, written into answers.

use common::error::{ApiError, ErrorCode};
use common::euare::names::violation;
use common::iam::policy::{Policy, PolicyKind, size};
use common::sign::percent_encode;

use super::limits;

/// The most bytes of a text, white space included. Five versions of a policy fit into a record, too,
/// if they are nothing but line breaks, which are recorded as two bytes each.
pub(super) const MOST: usize = 65_536;

/// Checks a policy of a user, group or role.
///
/// # Errors
/// `ValidationError`, `MalformedPolicyDocument`.
pub(super) fn check(at: &str, text: &str) -> Result<(), ApiError> {
    read(at, text, PolicyKind::Identity).map(drop)
}

/// Checks a managed policy.
///
/// # Errors
/// The same, and `LimitExceeded` if it is too long.
pub(super) fn check_managed(text: &str) -> Result<(), ApiError> {
    check("policyDocument", text)?;
    if size(text) > limits::POLICY_SIZE {
        let told = format!("Cannot exceed quota for PolicySize: {}", limits::POLICY_SIZE);
        return Err(ApiError::new(ErrorCode::LimitExceeded, told));
    }
    Ok(())
}

/// Checks a trust policy.
///
/// # Errors
/// The same.
pub(super) fn check_trust(at: &str, text: &str) -> Result<(), ApiError> {
    read(at, text, PolicyKind::Trust)?;
    if size(text) > limits::TRUST_POLICY_SIZE {
        let told = format!("Cannot exceed quota for ACLSizePerRole: {}", limits::TRUST_POLICY_SIZE);
        return Err(ApiError::new(ErrorCode::LimitExceeded, told));
    }
    Ok(())
}

/// Reads a policy of a request; `at` is the parameter in camel case.
///
/// # Errors
/// `ValidationError`, `MalformedPolicyDocument`.
pub(super) fn read(at: &str, text: &str, kind: PolicyKind) -> Result<Policy, ApiError> {
    if text.is_empty() || text.len() > MOST {
        let constraint = format!("Member must have length between 1 and {MOST} bytes");
        return Err(violation("…", at, &constraint));
    }
    Policy::parse(text, kind)
        .map_err(|error| ApiError::new(ErrorCode::MalformedPolicyDocument, error.to_string()))
}

/// A policy as answers bear it.
pub(super) fn written(text: &str) -> String {
    percent_encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_bear_texts_encoded() {
        assert_eq!(written("{ \"a\":\"*/~+日\"}"), "%7B%20%22a%22%3A%22%2A%2F~%2B%E6%97%A5%22%7D");
    }
}

//! The parts that the Authorization header and a presigned URL have in common: the credential with
//! its scope, and the signature itself.

use super::super::error::SignError;
use super::{Scope, TERMINATOR};
use crate::time::Timestamp;

/// Is `AccessKeyId/day/region/service/aws4_request`, taken apart.
pub(super) struct Credential<'a> {
    access_key_id: &'a str,
    scope_text: &'a str,
    scope: Scope,
}

impl<'a> Credential<'a> {
    pub(super) fn parse(credential: &'a str) -> Result<Credential<'a>, SignError> {
        let (access_key_id, scope_text) = credential
            .split_once('/')
            .filter(|(access_key_id, _)| !access_key_id.is_empty())
            .ok_or(SignError::MalformedAuthorization {
                part: "Credential",
                reason: "it lacks an access key or a scope",
            })?;
        let invalid = |reason| SignError::InvalidScope { scope: scope_text.to_owned(), reason };
        let [day, region, service, terminator] = scope_text.split('/').collect::<Vec<_>>()[..]
        else {
            return Err(invalid("it must be date/region/service/aws4_request"));
        };
        if terminator != TERMINATOR {
            return Err(invalid("it must end in aws4_request"));
        }
        let [day, region, service] = [day, region, service].map(str::to_owned);
        Ok(Credential { access_key_id, scope_text, scope: Scope { day, region, service } })
    }

    /// Refuses a scope of another day than the request's.
    pub(super) fn check_day(&self, moment: Timestamp) -> Result<(), SignError> {
        if moment.date() == self.scope.day {
            return Ok(());
        }
        Err(SignError::InvalidScope {
            scope: self.scope_text.to_owned(),
            reason: "its date is not the day of the request",
        })
    }

    /// Gives the access key's id and the scope.
    pub(super) fn owned(self) -> (String, Scope) {
        (self.access_key_id.to_owned(), self.scope)
    }
}

/// Reads a signature: 64 hexadecimal digits.
pub(super) fn parse_signature(text: &str) -> Result<Vec<u8>, SignError> {
    hex::decode(text).ok().filter(|bytes| bytes.len() == 32).ok_or(
        SignError::MalformedAuthorization {
            part: "Signature",
            reason: "it is not 64 hexadecimal digits",
        },
    )
}

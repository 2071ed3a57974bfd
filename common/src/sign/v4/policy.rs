//! The signature over the policy of a form, by version 4: the string to sign is the policy itself,
//! in base64 as it was sent. Nothing else of the form is covered; the policy says what may stand
//! there.

use super::super::canonical::same;
use super::super::error::SignError;
use super::super::scheme::Credentials;
use super::credential::{Credential, parse_signature};
use super::{ALGORITHM, Scope, compute};
use crate::time::Timestamp;

/// Is the signature of a form, taken apart.
#[derive(Clone, Debug)]
pub(in crate::sign) struct PolicyProof {
    scope: Scope,
    signature: Vec<u8>,
}

impl PolicyProof {
    /// Reads the fields `x-amz-algorithm`, `x-amz-credential`, `x-amz-date` and `x-amz-signature`;
    /// gives the access key's id with the proof.
    pub(in crate::sign) fn read(
        [algorithm, credential, date, signature]: [&str; 4],
    ) -> Result<(String, Self), SignError> {
        if algorithm != ALGORITHM {
            return Err(SignError::UnsupportedAlgorithm(algorithm.to_owned()));
        }
        let at = Timestamp::parse_basic(date)
            .map_err(|_| SignError::InvalidDate { name: "x-amz-date", value: date.to_owned() })?;
        let credential = Credential::parse(credential)?;
        credential.check_day(at)?;
        let signature = parse_signature(signature)?;
        let (access_key_id, scope) = credential.owned();
        Ok((access_key_id, Self { scope, signature }))
    }

    /// Whether the signature is that of the policy.
    pub(in crate::sign) fn proves(&self, secret: &str, policy: &str) -> bool {
        same(&compute(&self.scope.signing_key(secret), policy), &self.signature)
    }

    pub(in crate::sign) fn sent(&self) -> String {
        hex::encode(&self.signature)
    }
}

/// Gives what a form's policy must allow beside the rest when it is signed with version 4: the
/// fields `x-amz-algorithm`, `x-amz-credential` and `x-amz-date`. They belong into the form too.
pub fn policy_fields_v4(
    access_key_id: &str,
    region: &str,
    now: Timestamp,
) -> [(&'static str, String); 3] {
    let scope = Scope { day: now.date(), region: region.to_owned(), service: "s3".to_owned() };
    [
        ("x-amz-algorithm", ALGORITHM.to_owned()),
        ("x-amz-credential", format!("{access_key_id}/{}", scope.text())),
        ("x-amz-date", now.basic_iso()),
    ]
}

/// Signs the policy of a form, in base64, with version 4: gives the field `x-amz-signature`.
pub fn sign_policy_v4(
    credentials: Credentials<'_>,
    region: &str,
    now: Timestamp,
    policy: &str,
) -> String {
    let scope = Scope { day: now.date(), region: region.to_owned(), service: "s3".to_owned() };
    hex::encode(compute(&scope.signing_key(credentials.secret), policy))
}

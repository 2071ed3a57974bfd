//! The signature over a policy: a document in base64 that its owner signs once and hands to others,
//! who send it along with what it allows (S3's upload by form, EC2's BundleInstance).
//!
//! It covers the policy's text exactly as it was sent and nothing else, so it is good for as many
//! requests as the policy allows, until the policy says it has expired: whoever reads the policy
//! (`s3::post_policy`) looks at the clock, and nobody refuses a repetition.
//!
//! | version | fields of a form |
//! |---|---|
//! | 2 | `AWSAccessKeyId`, `signature` |
//! | 4 | `x-amz-algorithm`, `x-amz-credential`, `x-amz-date`, `x-amz-signature` |

use super::canonical::same;
use super::claim::Explanation;
use super::error::SignError;
use super::scheme::Credentials;
use super::token::{self, SessionToken};
use super::v2::decode_signature;
use super::{s3_v2, v4};

/// Is what a signed policy says about who signed it, not believed yet.
#[derive(Clone, Debug)]
pub struct PolicyClaim {
    access_key_id: String,
    token: Option<SessionToken>,
    policy: String,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    V2(Vec<u8>),
    V4(v4::PolicyProof),
}

/// The fields of a form that are signed by version 4.
const FIELDS_V4: [&str; 4] =
    ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"];

impl PolicyClaim {
    /// Takes a policy, in base64, that is signed with version 2.
    ///
    /// # Errors
    /// For what is empty or no base64.
    pub fn v2(access_key_id: &str, policy: &str, signature: &str) -> Result<Self, SignError> {
        for (part, text) in
            [("AWSAccessKeyId", access_key_id), ("policy", policy), ("signature", signature)]
        {
            if text.trim().is_empty() {
                return Err(SignError::IncompleteSignature { part });
            }
        }
        let proof = Proof::V2(decode_signature(signature.trim())?);
        let access_key_id = access_key_id.trim().to_owned();
        Ok(Self { access_key_id, token: None, policy: policy.to_owned(), proof })
    }

    /// Reads the fields of a form, their names in lower case; `None` if it is not signed and comes
    /// from nobody.
    ///
    /// # Errors
    /// For a signature that is incomplete, unreadable or of both versions, and for a session token
    /// that nothing is signed with.
    pub fn read(fields: &[(String, String)]) -> Result<Option<Self>, SignError> {
        let field = |wanted: &str| {
            let found = fields.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
        };
        let token = fields.iter().filter(|(name, _)| name == token::NAME);
        let token = SessionToken::only(token.map(|(_, value)| value))?;
        let of_v2 = ["awsaccesskeyid", "signature"].iter().any(|name| field(name).is_some());
        // A date or an algorithm alone signs nothing.
        let of_v4 = ["x-amz-credential", "x-amz-signature"].iter().any(|n| field(n).is_some());
        let policy = fields.iter().find(|(name, _)| name == "policy").map(|(_, text)| text);
        match (of_v2, of_v4, policy) {
            (true, true, _) => Err(SignError::SignedTwice),
            (false, false, None) if token.is_some() => {
                Err(SignError::InvalidSessionToken { reason: "nothing is signed with it" })
            }
            (false, false, None) => Ok(None),
            (true, false, policy) => {
                let text = |name| field(name).unwrap_or_default();
                let policy = policy.map_or("", String::as_str);
                let claim = Self::v2(text("awsaccesskeyid"), policy, text("signature"))?;
                Ok(Some(Self { token, ..claim }))
            }
            (false, _, policy) => {
                let part = "policy";
                let policy = policy.ok_or(SignError::IncompleteSignature { part })?.to_owned();
                let mut sent = [""; 4];
                for (value, part) in sent.iter_mut().zip(FIELDS_V4) {
                    *value = field(part).ok_or(SignError::IncompleteSignature { part })?;
                }
                let (access_key_id, proof) = v4::PolicyProof::read(sent)?;
                Ok(Some(Self { access_key_id, token, policy, proof: Proof::V4(proof) }))
            }
        }
    }

    /// Gives the id of the access key that the policy says it was signed with.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Gives the session token that came with the access key: temporary credentials have one.
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_ref().map(SessionToken::as_str)
    }

    /// Gives the policy in base64, as it was sent.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Proves, or refutes, the claim with the secret of [`PolicyClaim::access_key_id`].
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`.
    pub fn verify(&self, secret: &str) -> Result<(), SignError> {
        let proven = match &self.proof {
            Proof::V2(sent) => same(&s3_v2::compute(secret, self.policy.as_bytes()), sent),
            Proof::V4(proof) => proof.proves(secret, &self.policy),
        };
        if proven { Ok(()) } else { Err(SignError::SignatureDoesNotMatch) }
    }

    /// Shows what should have been signed, for an answer to a signature that does not match.
    pub fn explain(&self) -> Explanation {
        Explanation {
            access_key_id: self.access_key_id.clone(),
            signature_provided: match &self.proof {
                Proof::V2(sent) => s3_v2::encode_signature(sent),
                Proof::V4(proof) => proof.sent(),
            },
            string_to_sign: self.policy.clone(),
            canonical_request: None,
        }
    }
}

/// Signs a policy, in base64, with version 2: gives the field `signature`.
pub fn sign_policy_v2(credentials: Credentials<'_>, policy: &str) -> String {
    s3_v2::encode_signature(&s3_v2::compute(credentials.secret, policy.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::v4::{policy_fields_v4, sign_policy_v4};
    use super::*;
    use crate::time::Timestamp;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const KEY: Credentials<'_> = Credentials { access_key_id: "AK", secret: "secret" };
    const POLICY: &str = "eyJjb25kaXRpb25zIjogW119";

    fn read(fields: &[(&str, &str)]) -> Result<Option<PolicyClaim>, SignError> {
        let fields: Vec<_> =
            fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        PolicyClaim::read(&fields)
    }

    #[test]
    fn version_2_signs_the_text_of_the_policy() {
        let signature = sign_policy_v2(KEY, POLICY);
        // As `openssl dgst -sha1 -hmac secret -binary | base64` has it.
        assert_eq!(signature, "GP7zfXc7qaL+qLWumKrNcsVQAy0=");
        let claim = PolicyClaim::v2("AK", POLICY, &signature).unwrap();
        assert_eq!((claim.access_key_id(), claim.policy()), ("AK", POLICY));
        assert_eq!(claim.verify("secret"), Ok(()));
        assert_eq!(claim.verify("other"), Err(SignError::SignatureDoesNotMatch));
        let sent = [("awsaccesskeyid", "AK"), ("policy", POLICY), ("signature", &signature)];
        assert_eq!(read(&sent).unwrap().unwrap().verify("secret"), Ok(()));
        let other = PolicyClaim::v2("AK", "eyJjb25kaXRpb25zIjogW10gfQ==", &signature).unwrap();
        assert_eq!(other.verify("secret"), Err(SignError::SignatureDoesNotMatch));
        assert_eq!(other.explain().signature_provided, signature);
    }

    fn signed_v4(policy: &str) -> Vec<(&'static str, String)> {
        let mut fields = policy_fields_v4("AK", "us-east-1", NOW).to_vec();
        fields.push(("policy", policy.to_owned()));
        fields.push(("x-amz-signature", sign_policy_v4(KEY, "us-east-1", NOW, policy)));
        fields
    }

    #[test]
    fn version_4_signs_the_text_of_the_policy() {
        let fields = signed_v4(POLICY);
        let plain: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let claim = read(&plain).unwrap().unwrap();
        assert_eq!((claim.access_key_id(), claim.verify("secret")), ("AK", Ok(())));
        assert_eq!(claim.verify("Secret"), Err(SignError::SignatureDoesNotMatch));
        let changed = |name: &str, value: &str| {
            let swap = |(n, v): &(&'static str, String)| {
                (*n, if *n == name { value.to_owned() } else { v.clone() })
            };
            let fields: Vec<_> = fields.iter().map(swap).collect();
            let plain: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            match read(&plain) {
                Ok(claim) => claim.unwrap().verify("secret").unwrap_err(),
                Err(error) => error,
            }
        };
        assert_eq!(changed("policy", "e30="), SignError::SignatureDoesNotMatch);
        assert_eq!(changed("x-amz-signature", &"0".repeat(64)), SignError::SignatureDoesNotMatch);
        assert!(matches!(
            changed("x-amz-signature", "00"),
            SignError::MalformedAuthorization { part: "Signature", .. }
        ));
        assert!(matches!(
            changed("x-amz-date", "20260101T000000Z"),
            SignError::InvalidScope { .. }
        ));
        assert!(matches!(changed("x-amz-date", "now"), SignError::InvalidDate { .. }));
        assert!(matches!(
            changed("x-amz-algorithm", "AWS4-ECDSA-P256-SHA256"),
            SignError::UnsupportedAlgorithm(_)
        ));
        for part in FIELDS_V4 {
            assert_eq!(changed(part, ""), SignError::IncompleteSignature { part });
        }
        let left: Vec<_> = plain.iter().filter(|(n, _)| *n != "policy").copied().collect();
        assert_eq!(read(&left).unwrap_err(), SignError::IncompleteSignature { part: "policy" });
    }

    /// The example of S3's reference for uploads by form.
    #[test]
    fn published_example() {
        let policy = [
            "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsN",
            "CiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRr",
            "ZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vz",
            "c19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29t",
            "L3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUi",
            "LCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7",
            "IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIs",
            "ICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZP",
            "RE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXot",
            "YWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlU",
            "MDAwMDAwWiIgfQ0KICBdDQp9",
        ]
        .concat();
        let claim = read(&[
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"),
            ("x-amz-date", "20151229T000000Z"),
            ("policy", &policy),
            ("x-amz-signature", "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"),
        ]);
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        assert_eq!(claim.unwrap().unwrap().verify(secret), Ok(()));
    }

    #[test]
    fn signed_twice_by_nobody_or_by_a_token() {
        assert!(read(&[("key", "k"), ("x-amz-date", "20260101T000000Z")]).unwrap().is_none());
        let both = [("policy", "p"), ("signature", "c2ln"), ("x-amz-signature", "00")];
        assert_eq!(read(&both).unwrap_err(), SignError::SignedTwice);
        let signed = [("policy", "p"), ("awsaccesskeyid", "AK"), ("signature", "c2ln")];
        let with = |tokens: &[&str]| {
            let fields: Vec<_> = signed.into_iter().collect();
            let tokens = tokens.iter().map(|token| ("x-amz-security-token", *token));
            read(&fields.into_iter().chain(tokens).collect::<Vec<_>>())
        };
        assert_eq!(with(&[]).unwrap().unwrap().session_token(), None);
        assert_eq!(with(&["t"]).unwrap().unwrap().session_token(), Some("t"));
        for (tokens, reason) in
            [(&[""][..], "it is empty"), (&["t", "t"], "it occurs more than once")]
        {
            assert_eq!(with(tokens).unwrap_err(), SignError::InvalidSessionToken { reason });
        }
        let nobody = read(&[("key", "k"), ("x-amz-security-token", "t")]);
        let reason = "nothing is signed with it";
        assert_eq!(nobody.unwrap_err(), SignError::InvalidSessionToken { reason });
        let lacks = |fields: &[(&str, &str)], part| {
            assert_eq!(read(fields).unwrap_err(), SignError::IncompleteSignature { part });
        };
        lacks(&[("policy", "p"), ("awsaccesskeyid", "AK")], "signature");
        lacks(&[("policy", "p"), ("signature", "c2ln")], "AWSAccessKeyId");
        lacks(&[("awsaccesskeyid", "AK"), ("signature", "c2ln")], "policy");
        lacks(&[("policy", "p")], "x-amz-algorithm");
    }
}

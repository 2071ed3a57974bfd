//! A signed request's claim: read first, believed only once the secret proves it.
//!
//! Which scheme a request is signed by is decided here and nowhere else; how each is read and
//! computed is its own file's.

use super::error::SignError;
use super::request::Request;
use super::scheme::{Expected, PayloadCheck, Scheme};
use super::token::{self, Place, SessionToken};
use super::{canonical, s3_v2, v2, v4};
use crate::time::Timestamp;

/// Is what a request says about who signed it, not believed yet.
#[derive(Clone, Debug)]
pub struct Claim {
    access_key_id: String,
    token: Option<SessionToken>,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    QueryV2(v2::Proof),
    HeaderV2(s3_v2::Proof),
    V4(v4::Proof),
    PresignedV2(s3_v2::Proof),
    PresignedV4(v4::Proof),
}

/// Says how the URL of a request to S3 is signed, if it is, or means to be.
pub fn presigned(request: &Request<'_>) -> Option<Scheme> {
    if request.queries_any(v4::QUERY_NAMES) {
        return Some(Scheme::PresignedV4);
    }
    request.queries_any(s3_v2::QUERY_NAMES).then_some(Scheme::PresignedV2)
}

/// Says who signed a request, as proven by the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The id of the access key whose secret made the signature.
    pub access_key_id: String,
    /// How it was signed.
    pub scheme: Scheme,
    /// What remains to be checked of the body.
    pub payload: PayloadCheck,
    /// The signature itself, which tells a repetition from a new request.
    pub signature: Vec<u8>,
    /// From when on the same request is refused for its age: so long a repetition is possible.
    pub good_until: Timestamp,
}

/// Shows what the server computed, for the client's author to compare; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The access key's id as sent.
    pub access_key_id: String,
    /// The signature as sent: hexadecimal for version 4, base64 for version 2.
    pub signature_provided: String,
    /// The text that should have been signed, in its likeliest form.
    pub string_to_sign: String,
    /// The canonical request behind it; version 4 only.
    pub canonical_request: Option<String>,
}

impl Claim {
    /// Reads the signature of a request to a query API (EC2, IAM, STS, administration).
    ///
    /// `request.body` must be the whole body. Signature parameters win over an Authorization
    /// header, because boto 1.9 sends a useless one beside them.
    pub fn ec2(request: &Request<'_>) -> Result<Claim, SignError> {
        let parameters = request.parameters();
        let has = |wanted: &str| parameters.iter().any(|(name, _)| name == wanted);
        if has("SignatureVersion") {
            let (access_key_id, proof) = v2::read(request, &parameters)?;
            let token = v2::token(request, &parameters)?;
            return Ok(Claim { access_key_id, token, proof: Proof::QueryV2(proof) });
        }
        let authorization = request.headers.single("authorization")?;
        if request.queries_any(v4::QUERY_NAMES) {
            if authorization.is_some() {
                return Err(SignError::SignedTwice);
            }
            let token = SessionToken::of(request, Place::Url)?;
            let (access_key_id, proof) = v4::read_presigned_ec2(request)?;
            return Ok(Claim { access_key_id, token, proof: Proof::PresignedV4(proof) });
        }
        if let Some(authorization) = authorization {
            let token = SessionToken::of(request, Place::Header)?;
            let (access_key_id, proof) = v4::read_ec2(request, authorization)?;
            return Ok(Claim { access_key_id, token, proof: Proof::V4(proof) });
        }
        // Versions 0 and 1 had no SignatureVersion, or one that says so.
        match has("Signature") || has("AWSAccessKeyId") {
            true => Err(SignError::IncompleteSignature { part: "SignatureVersion" }),
            false => Err(SignError::MissingAuthenticationToken),
        }
    }

    /// Reads the signature of a request to S3; `None` if it carries none and is anonymous.
    ///
    /// `request.virtual_bucket` says whether, and for which bucket, it came by virtual host.
    pub fn s3(request: &Request<'_>) -> Result<Option<Claim>, SignError> {
        let authorization = request.headers.single("authorization")?;
        let ways = [v4::QUERY_NAMES, s3_v2::QUERY_NAMES].map(|names| request.queries_any(names));
        let count = usize::from(authorization.is_some()) + ways.iter().filter(|way| **way).count();
        if count > 1 {
            return Err(SignError::SignedTwice);
        }
        if let Some(scheme) = presigned(request) {
            let token = SessionToken::of(request, Place::Url)?;
            let (access_key_id, proof) = match scheme {
                Scheme::PresignedV4 => {
                    let (access_key_id, proof) = v4::read_presigned_s3(request)?;
                    (access_key_id, Proof::PresignedV4(proof))
                }
                _ => {
                    let (access_key_id, proof) = s3_v2::read_presigned(request)?;
                    (access_key_id, Proof::PresignedV2(proof))
                }
            };
            return Ok(Some(Claim { access_key_id, token, proof }));
        }
        let Some(authorization) = authorization else {
            token::refuse_unsigned(request)?;
            return Ok(None);
        };
        let token = SessionToken::of(request, Place::Header)?;
        let (access_key_id, proof) = match s3_v2::credential(authorization) {
            Some(credential) => {
                let (access_key_id, proof) = s3_v2::read(request, credential)?;
                (access_key_id, Proof::HeaderV2(proof))
            }
            None => {
                let (access_key_id, proof) = v4::read_s3(request, authorization)?;
                (access_key_id, Proof::V4(proof))
            }
        };
        Ok(Some(Claim { access_key_id, token, proof }))
    }

    /// Gives the id of the access key that the request says it was signed with.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Gives the session token that came with the access key: temporary credentials have one.
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_ref().map(SessionToken::as_str)
    }

    /// Tells how the request is signed.
    pub fn scheme(&self) -> Scheme {
        match &self.proof {
            Proof::QueryV2(_) => Scheme::QueryV2,
            Proof::HeaderV2(_) => Scheme::HeaderV2,
            Proof::V4(_) => Scheme::V4,
            Proof::PresignedV2(_) => Scheme::PresignedV2,
            Proof::PresignedV4(_) => Scheme::PresignedV4,
        }
    }

    /// Gives the service named in the scope of a version 4 signature, in whatever words the
    /// client chose: old boto makes it from the host's name.
    pub fn service(&self) -> Option<&str> {
        match &self.proof {
            Proof::V4(proof) | Proof::PresignedV4(proof) => Some(proof.service()),
            Proof::QueryV2(_) | Proof::HeaderV2(_) | Proof::PresignedV2(_) => None,
        }
    }

    /// Proves, or refutes, the claim with the secret of [`Claim::access_key_id`].
    pub fn verify(&self, secret: &str, now: Timestamp) -> Result<Verified, SignError> {
        let expected = self.expected();
        let good_until = expected.dated.check(now)?;
        let proven = match &self.proof {
            Proof::QueryV2(proof) => proof
                .strings_to_sign()
                .any(|text| canonical::same(&proof.compute(secret, &text), expected.signature)),
            Proof::HeaderV2(proof) | Proof::PresignedV2(proof) => proof
                .strings_to_sign()
                .any(|text| canonical::same(&s3_v2::compute(secret, text), expected.signature)),
            Proof::V4(proof) | Proof::PresignedV4(proof) => {
                let key = proof.signing_key(secret);
                proof
                    .strings_to_sign()
                    .any(|text| canonical::same(&v4::compute(&key, &text), expected.signature))
            }
        };
        if !proven {
            return Err(SignError::SignatureDoesNotMatch);
        }
        let payload = match &self.proof {
            Proof::V4(proof) | Proof::PresignedV4(proof) => proof.payload(),
            Proof::QueryV2(_) | Proof::HeaderV2(_) | Proof::PresignedV2(_) => {
                PayloadCheck::Unsigned
            }
        };
        Ok(Verified {
            access_key_id: self.access_key_id.clone(),
            scheme: self.scheme(),
            payload,
            signature: expected.signature.to_vec(),
            good_until,
        })
    }

    /// Begins the signatures of the chunks of the body, if these are signed. To be asked once the
    /// claim is proven.
    pub fn chain(&self, secret: &str) -> Option<v4::Chain> {
        match &self.proof {
            Proof::V4(proof) | Proof::PresignedV4(proof) => proof.chain(secret),
            Proof::QueryV2(_) | Proof::HeaderV2(_) | Proof::PresignedV2(_) => None,
        }
    }

    /// Shows what was computed, for an answer to a signature that does not match.
    pub fn explain(&self) -> Explanation {
        let signature = self.expected().signature;
        let (string_to_sign, canonical_request) = match &self.proof {
            Proof::QueryV2(proof) => (proof.strings_to_sign().next(), None),
            Proof::HeaderV2(proof) | Proof::PresignedV2(proof) => {
                let text = proof.strings_to_sign().next();
                (text.map(|text| String::from_utf8_lossy(text).into_owned()), None)
            }
            Proof::V4(proof) | Proof::PresignedV4(proof) => {
                (proof.strings_to_sign().next(), proof.canonical_request())
            }
        };
        Explanation {
            access_key_id: self.access_key_id.clone(),
            signature_provided: match &self.proof {
                Proof::V4(_) | Proof::PresignedV4(_) => hex::encode(signature),
                Proof::QueryV2(_) | Proof::HeaderV2(_) | Proof::PresignedV2(_) => {
                    s3_v2::encode_signature(signature)
                }
            },
            string_to_sign: string_to_sign.unwrap_or_default(),
            canonical_request,
        }
    }

    fn expected(&self) -> Expected<'_> {
        match &self.proof {
            Proof::QueryV2(proof) => proof.expected(),
            Proof::HeaderV2(proof) | Proof::PresignedV2(proof) => proof.expected(),
            Proof::V4(proof) | Proof::PresignedV4(proof) => proof.expected(),
        }
    }
}

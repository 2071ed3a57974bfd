//! Signature version 4 in the Authorization header or in the URL, for query APIs and for S3.
//!
//! ```text
//! canonical request:  METHOD \n path \n query \n name:value\n… \n names \n SHA-256 of the body
//! string to sign:     AWS4-HMAC-SHA256 \n X-Amz-Date \n day/region/service/aws4_request \n SHA-256 of the above
//! ```
//!
//! Everything is taken as it was sent: path and Host raw, header values only trimmed and their
//! blanks collapsed. Region and service may be any word, since clients that know no region make
//! them up; day and terminator are checked.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | scope, signing key, string to sign |
//! | `canonical_request.rs` | the text behind it, in each form that clients make |
//! | `credential.rs` | access key, scope and signature as header and URL write them |
//! | `header.rs` | reading and checking the Authorization header |
//! | `presigned.rs` | reading, checking and writing the parameters of a presigned URL |
//! | `signer.rs` | writing the header |
//! | `policy.rs` | the signature over the policy of a form |
//! | `chunked.rs` | bodies that come chunk by chunk |
//! | `chain.rs` | the signatures of the chunks |
//!
//! Three habits of clients are accepted besides: blanks inside header values left as they are
//! (s3cmd), the path encoded once more than it was sent (euca2ools 3.4), and the service prefix
//! moved from the path to the host (s3cmd).

mod canonical_request;
mod chain;
mod chunked;
mod credential;
mod header;
mod policy;
mod presigned;
mod signer;

pub use chain::Chain;
pub use chunked::{ChunkError, Decoder, Step};
pub(super) use header::{read_ec2, read_s3};
pub(super) use policy::PolicyProof;
pub use policy::{policy_fields_v4, sign_policy_v4};
pub use presigned::presign_s3_v4;
pub(super) use presigned::{read_presigned_ec2, read_presigned_s3};
pub use signer::{sign_ec2_v4, sign_s3_v4};

use super::canonical::{hmac_sha256, sha256};
use super::fresh::Dated;
use super::scheme::{Expected, Framing, PayloadCheck};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The URL parameters of a request that is signed there and not in a header.
pub(super) const QUERY_NAMES: &[&str] = &["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"];

/// Holds what a signed request asserts until the secret is at hand.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    /// What the client may have signed, the likeliest first.
    canonical_requests: Vec<Vec<u8>>,
    amz_date: String,
    scope: Scope,
    signature: Vec<u8>,
    dated: Dated,
    payload: PayloadCheck,
}

#[derive(Clone, Debug)]
struct Scope {
    day: String,
    region: String,
    service: String,
}

impl Scope {
    fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service)
    }

    fn signing_key(&self, secret: &str) -> Vec<u8> {
        let first = format!("AWS4{secret}").into_bytes();
        [self.day.as_str(), &self.region, &self.service, TERMINATOR]
            .iter()
            .fold(first, |key, part| hmac_sha256(&key, &[part.as_bytes()]))
    }
}

impl Proof {
    pub(super) fn expected(&self) -> Expected<'_> {
        Expected { signature: &self.signature, dated: self.dated }
    }

    pub(super) fn service(&self) -> &str {
        &self.scope.service
    }

    pub(super) fn payload(&self) -> PayloadCheck {
        self.payload
    }

    pub(super) fn signing_key(&self, secret: &str) -> Vec<u8> {
        self.scope.signing_key(secret)
    }

    /// Begins the signatures of the body's chunks at this one, if they are signed.
    pub(super) fn chain(&self, secret: &str) -> Option<Chain> {
        let signed = matches!(self.payload, PayloadCheck::Chunked(Framing { signed: true, .. }));
        let key = signed.then(|| self.scope.signing_key(secret))?;
        Some(Chain::new(key, &self.amz_date, &self.scope.text(), &self.signature))
    }

    pub(super) fn strings_to_sign(&self) -> impl Iterator<Item = String> {
        self.canonical_requests
            .iter()
            .map(|canonical| string_to_sign(&self.amz_date, &self.scope, canonical))
    }

    pub(super) fn canonical_request(&self) -> Option<String> {
        let first = self.canonical_requests.first()?;
        Some(String::from_utf8_lossy(first).into_owned())
    }
}

/// Computes the signature over a string to sign.
pub(super) fn compute(key: &[u8], text: &str) -> Vec<u8> {
    hmac_sha256(key, &[text.as_bytes()])
}

fn string_to_sign(amz_date: &str, scope: &Scope, canonical: &[u8]) -> String {
    let hash = hex::encode(sha256(canonical));
    format!("{ALGORITHM}\n{amz_date}\n{}\n{hash}", scope.text())
}

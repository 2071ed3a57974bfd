//! Signatures of requests: one implementation for those who check them (clc, walrus) and those
//! who make them (euca, tests, services talking to each other).
//!
//! Checking has two steps, because between them lies a look-up of the secret:
//!
//! ```text
//!   Request ──Claim::ec2 / Claim::s3──▶ Claim ──(secret of its key and token)──▶ verify ──▶ Verified
//!           reads, needs no secret         owns all it needs                  clock, then HMAC
//! ```
//!
//! `claim.rs` holds both steps; the schemes are below it:
//!
//! | scheme | APIs | file |
//! |---|---|---|
//! | version 2, parameters (HmacSHA1, HmacSHA256) | EC2, IAM, administration | `v2.rs` |
//! | version 2, header `AWS AK:…` or presigned URL | S3 | `s3_v2/` |
//! | version 4, header or presigned URL, body hashed here | EC2, IAM, STS | `v4/` |
//! | version 4, header or presigned URL, body hashed by whoever streams it, or not at all | S3 | `v4/` |
//! | versions 2 and 4 over a policy that is handed on | S3 by form, BundleInstance | `policy.rs` |
//!
//! Real clients disagree about details, so a scheme may have several texts that the client can
//! have signed; the signature has to fit one of them. A form is accepted only where it does not let
//! one client's signature stand for a request of another meaning.
//!
//! Temporary credentials bear a session token besides, which each scheme has at a place of its own
//! (`token.rs`); whoever looks up the secret is told it.
//!
//! This module never reads a clock, looks up a key, or decides which error code is answered.

mod canonical;
mod claim;
mod error;
mod fresh;
mod policy;
mod request;
mod s3_v2;
mod scheme;
mod token;
mod v2;
mod v4;

pub use canonical::{
    host_name, parse_query, percent_decode, percent_encode, percent_encode_path,
    split_service_prefix, write_query,
};
pub use claim::{Claim, Explanation, Verified, presigned};
pub use error::SignError;
pub use fresh::{LONGEST_LIFE, MAX_SKEW};
pub use policy::{PolicyClaim, sign_policy_v2};
pub use request::{Headers, Request};
pub use s3_v2::{moved_headers, presign_s3_v2, sign_s3_v2};
pub use scheme::{Credentials, Framing, PayloadCheck, Scheme};
pub use token::LONGEST_TOKEN;
pub use v2::{QueryMac, sign_ec2_v2};
pub use v4::{
    Chain, ChunkError, Decoder, Step, policy_fields_v4, presign_s3_v4, sign_ec2_v4, sign_policy_v4,
    sign_s3_v4,
};

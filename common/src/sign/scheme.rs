//! What the schemes have in common: the key they sign with, their names, what they promise about
//! the body, and what a proof is measured against.

use super::fresh::Dated;

/// Is an access key: its id and its secret.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The public half, sent with every request.
    pub access_key_id: &'a str,
    /// The secret half, never sent.
    pub secret: &'a str,
}

/// Says how a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Version 2 in the parameters of a query API.
    QueryV2,
    /// Version 2 in S3's Authorization header.
    HeaderV2,
    /// Version 4 in the Authorization header.
    V4,
    /// Version 2 in the URL of a request to S3.
    PresignedV2,
    /// Version 4 in the URL.
    PresignedV4,
}

/// Says what the signature promises about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadCheck {
    /// The body must have this SHA-256. For query APIs it has been compared already; for S3 the
    /// one who reads the body compares.
    Sha256([u8; 32]),
    /// The signature says nothing about the body.
    Unsigned,
    /// The body comes in chunks, to be taken apart by a [`Decoder`](super::Decoder).
    Chunked(Framing),
}

/// Says which of the encodings a body has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Whether each chunk is signed.
    pub signed: bool,
    /// Whether headers follow the data.
    pub trailers: bool,
}

/// How each is declared in `x-amz-content-sha256`.
const DECLARED: [(&str, Framing); 3] = [
    ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", Framing { signed: false, trailers: true }),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", Framing { signed: true, trailers: false }),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", Framing { signed: true, trailers: true }),
];

impl Framing {
    /// The encoding that is declared so.
    pub fn of(declared: &str) -> Option<Framing> {
        DECLARED.iter().find(|(name, _)| *name == declared).map(|(_, framing)| *framing)
    }

    /// How it is declared. Chunks that are neither signed nor followed by anything are not.
    pub fn declared(self) -> Option<&'static str> {
        DECLARED.iter().find(|(_, framing)| *framing == self).map(|(name, _)| *name)
    }
}

/// What a proof has to be measured against.
pub(super) struct Expected<'a> {
    pub(super) signature: &'a [u8],
    pub(super) dated: Dated,
}

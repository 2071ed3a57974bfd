//! Signature version 2 of S3, in the Authorization header: `AWS AccessKeyId:signature`.
//!
//! ```text
//! METHOD \n Content-MD5 \n Content-Type \n Date \n x-amz-a:…\n x-amz-b:…\n resource?sub-resources
//! ```
//!
//! The `Date` line is empty when `x-amz-date` is sent. What clients disagree on is the resource:
//! whether the prefix `/services/Walrus` belongs to it, and whether a bucket without a key ends
//! in a slash. All those forms name one and the same bucket or object, so all are accepted.
//! Bodies are not covered; other query parameters than sub-resources are not either.
//!
//! One client's slip is left out on purpose: euca2ools 3.4 repeats the sub-resources when further
//! parameters follow them, but sends no such request.

use base64::Engine;
use base64::engine::general_purpose;

use super::canonical::{hmac_sha1, parse_query, percent_decode, split_service_prefix};
use super::error::SignError;
use super::fresh::Dated;
use super::request::{Headers, Request};
use super::v2::decode_signature;
use super::{Credentials, Expected};
use crate::time::Timestamp;

/// The URL parameters of a request that is signed there and not in a header.
pub(super) const QUERY_NAMES: &[&str] = &["AWSAccessKeyId", "Signature"];

/// The sub-resources that every client signs when it sends them. Newer ones (`encryption`,
/// `publicAccessBlock`, …) are missing on purpose: botocore sends them unsigned.
const SUB_RESOURCES: [&str; 33] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Holds what a signed request asserts until the secret is at hand.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    texts: Vec<Vec<u8>>,
    signature: Vec<u8>,
    dated: Dated,
}

impl Proof {
    pub(super) fn expected(&self) -> Expected<'_> {
        Expected { signature: &self.signature, dated: self.dated }
    }

    /// Gives the texts that the client may have signed, the likeliest first.
    pub(super) fn strings_to_sign(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(Vec::as_slice)
    }
}

/// Gives what follows the scheme word `AWS`, if that is the scheme.
pub(super) fn credential(authorization: &str) -> Option<&str> {
    let (scheme, credential) = authorization.split_once(' ')?;
    (scheme == "AWS").then(|| credential.trim())
}

/// Reads the header's credential; gives the access key's id with the proof.
pub(super) fn read(request: &Request<'_>, credential: &str) -> Result<(String, Proof), SignError> {
    let malformed =
        |reason| SignError::MalformedAuthorization { part: "the Authorization header", reason };
    let (access_key_id, signature) =
        credential.rsplit_once(':').ok_or_else(|| malformed("it lacks a colon"))?;
    if access_key_id.is_empty() || signature.is_empty() {
        return Err(malformed("the access key or the signature is empty"));
    }
    request.refuse_session_token()?;
    let dated = Dated::at(date(request.headers)?);
    let signature = decode_signature(signature)?;
    let head = head(request.method, request.headers);
    let texts = resources(request)
        .iter()
        .map(|resource| [head.as_slice(), resource.as_bytes()].concat())
        .collect();
    Ok((access_key_id.to_owned(), Proof { texts, signature, dated }))
}

/// Signs a request to S3: gives the headers to add, `date` unless the request has one, and
/// `authorization`. The path is signed as it is, prefix included.
pub fn sign_s3_v2(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let mut added = Vec::new();
    let mut headers = request.headers.clone();
    if headers.text("x-amz-date").is_none() && headers.text("date").is_none() {
        headers.add("date", now.http_date());
        added.push(("date", now.http_date()));
    }
    let resource = match request.virtual_bucket {
        Some(bucket) => format!("/{bucket}{}", request.path()),
        None => request.path().to_owned(),
    };
    let mut text = head(request.method, &headers);
    text.extend_from_slice(resource.as_bytes());
    text.extend_from_slice(sub_resources(request.raw_query, true).as_bytes());
    let signature = encode_signature(&compute(credentials.secret, &text));
    added.push(("authorization", format!("AWS {}:{signature}", credentials.access_key_id)));
    added
}

/// Computes the signature over a text.
pub(super) fn compute(secret: &str, text: &[u8]) -> Vec<u8> {
    hmac_sha1(secret.as_bytes(), &[text])
}

/// Writes a signature as version 2 sends it.
pub(super) fn encode_signature(signature: &[u8]) -> String {
    general_purpose::STANDARD.encode(signature)
}

fn date(headers: &Headers) -> Result<Timestamp, SignError> {
    for name in ["x-amz-date", "date"] {
        if let Some(value) = headers.single(name)? {
            return Timestamp::parse(value)
                .map_err(|_| SignError::InvalidDate { name, value: value.to_owned() });
        }
    }
    Err(SignError::MissingDate("a Date or x-amz-date header"))
}

/// Writes all lines before the resource.
fn head(method: &str, headers: &Headers) -> Vec<u8> {
    let mut text = method.as_bytes().to_vec();
    for name in ["content-md5", "content-type", "date"] {
        text.push(b'\n');
        let replaced = name == "date" && headers.all("x-amz-date").next().is_some();
        if let (Some(value), false) = (headers.all(name).next(), replaced) {
            text.extend_from_slice(value.trim_ascii());
        }
    }
    text.push(b'\n');
    for name in headers.amz_names() {
        let values: Vec<&[u8]> = headers.all(name).map(<[u8]>::trim_ascii).collect();
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(&values.join(&b','));
        text.push(b'\n');
    }
    text
}

/// Lists the resources that the client may have signed, the likeliest first.
fn resources(request: &Request<'_>) -> Vec<String> {
    let path = request.path();
    let inner =
        split_service_prefix(path).map(|(_, rest)| if rest.is_empty() { "/" } else { rest });
    let mut paths: Vec<String> = match request.virtual_bucket {
        // The path alone would be somebody's signature for a bucket of that name.
        Some(bucket) => [Some(path), inner]
            .into_iter()
            .flatten()
            .map(|path| format!("/{bucket}{path}"))
            .collect(),
        None => [Some(path), inner].into_iter().flatten().map(str::to_owned).collect(),
    };
    if request.virtual_bucket.is_none() {
        let bucket = inner.unwrap_or(path);
        if bucket.len() > 1 && !bucket[1..].contains('/') {
            let slashed: Vec<String> = paths.iter().map(|path| format!("{path}/")).collect();
            paths.extend(slashed);
        }
    }
    let mut endings = vec![sub_resources(request.raw_query, true)];
    let bare = sub_resources(request.raw_query, false);
    if bare != endings[0] {
        endings.push(bare);
    }
    endings
        .iter()
        .flat_map(|ending| paths.iter().map(move |path| format!("{path}{ending}")))
        .collect()
}

/// Writes the signed sub-resources, sorted, as `?name&name=value` with decoded values; an empty
/// value keeps its `=` or not, for clients differ there too.
fn sub_resources(raw_query: &str, keep_empty_sign: bool) -> String {
    let mut items: Vec<(String, Option<String>)> = raw_query
        .split('&')
        .filter_map(|item| {
            let (name, value) = match item.split_once('=') {
                Some((name, _)) => (name, parse_query(item).pop().map(|(_, value)| value)),
                None => (item, None),
            };
            let name = percent_decode(name);
            let value = value.filter(|value| keep_empty_sign || !value.is_empty());
            SUB_RESOURCES.contains(&name.as_str()).then_some((name, value))
        })
        .collect();
    items.sort();
    let texts: Vec<String> = items
        .into_iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name,
        })
        .collect();
    if texts.is_empty() { String::new() } else { format!("?{}", texts.join("&")) }
}

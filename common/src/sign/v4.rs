//! Signature version 4 in the Authorization header, for query APIs and for S3.
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
//! Three habits of clients are accepted besides: blanks inside header values left as they are
//! (s3cmd), the path encoded once more than it was sent (euca2ools 3.4), and the service prefix
//! moved from the path to the host (s3cmd). The same request is meant each time.

use super::canonical::{
    canonical_query, hmac_sha256, percent_encode_path, sha256, split_service_prefix,
};
use super::error::SignError;
use super::fresh::Dated;
use super::request::{Headers, Request};
use super::{Credentials, Expected, PayloadCheck};
use crate::time::Timestamp;

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

/// Reads the header of a request to a query API, whose body is hashed here.
pub(super) fn read_ec2(
    request: &Request<'_>,
    authorization: &str,
) -> Result<(String, Proof), SignError> {
    let parts = Authorization::parse(authorization)?;
    request.refuse_session_token()?;
    let hash = sha256(request.body.unwrap_or_default());
    let declared = request.headers.single("x-amz-content-sha256")?;
    if declared.is_some_and(|text| !text.eq_ignore_ascii_case(&hex::encode(hash))) {
        return Err(SignError::PayloadMismatch);
    }
    let payload = PayloadCheck::Sha256(hash);
    parts.claim(request, declared.unwrap_or(&hex::encode(hash)), payload, &[])
}

/// Reads the header of a request to S3, whose body is declared and checked later.
pub(super) fn read_s3(
    request: &Request<'_>,
    authorization: &str,
) -> Result<(String, Proof), SignError> {
    let parts = Authorization::parse(authorization)?;
    request.refuse_session_token()?;
    let declared = request
        .headers
        .single("x-amz-content-sha256")?
        .ok_or(SignError::IncompleteSignature { part: "the header x-amz-content-sha256" })?;
    let payload = parse_payload(declared)?;
    // Each of these changes what S3 does, so nobody on the way may add one.
    let required: Vec<&str> = request
        .headers
        .amz_names()
        .into_iter()
        .filter(|name| !["x-amz-date", "x-amz-content-sha256"].contains(name))
        .collect();
    parts.claim(request, declared, payload, &required)
}

/// Tells whether the body is wrapped in chunks of S3's own making.
pub(super) fn is_chunked(headers: &Headers) -> bool {
    let has = |name: &str, word: &[u8]| {
        headers
            .all(name)
            .any(|value| value.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)))
    };
    has("content-encoding", b"aws-chunked") || has("x-amz-content-sha256", b"STREAMING-")
}

/// Signs a request to a query API with the hash of its body: gives the headers to add,
/// `x-amz-date` and `authorization`.
///
/// Fails if the headers lack `host`.
pub fn sign_ec2_v4(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    region: &str,
    service: &str,
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, SignError> {
    let hash = hex::encode(sha256(request.body.unwrap_or_default()));
    sign(credentials, request, (region, service), &hash, vec![("x-amz-date", now.basic_iso())], now)
}

/// Signs a request to S3: gives the headers to add, `x-amz-date`, `x-amz-content-sha256` and
/// `authorization`.
///
/// Fails if the headers lack `host`.
pub fn sign_s3_v4(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    region: &str,
    payload: PayloadCheck,
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, SignError> {
    let hash = match payload {
        PayloadCheck::Sha256(hash) => hex::encode(hash),
        PayloadCheck::Unsigned => UNSIGNED_PAYLOAD.to_owned(),
    };
    let added = vec![("x-amz-date", now.basic_iso()), ("x-amz-content-sha256", hash.clone())];
    sign(credentials, request, (region, "s3"), &hash, added, now)
}

/// Computes the signature over a string to sign.
pub(super) fn compute(key: &[u8], text: &str) -> Vec<u8> {
    hmac_sha256(key, &[text.as_bytes()])
}

fn sign(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    (region, service): (&str, &str),
    payload_hash: &str,
    mut added: Vec<(&'static str, String)>,
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, SignError> {
    request.host()?;
    let mut headers: Headers = request
        .headers
        .iter()
        .filter(|(name, _)| added.iter().all(|(own, _)| own != name))
        .collect();
    added.iter().for_each(|(name, value)| headers.add(name, value));
    let mut signed: Vec<&str> = headers
        .iter()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("x-amz-") || SIGNED_IF_PRESENT.contains(name))
        .collect();
    signed.sort_unstable();
    signed.dedup();
    let request = Request { headers: &headers, ..*request };
    let host = request.host()?;
    let canonical =
        canonical_request(&request, request.path(), host, &signed, Blanks::Collapsed, payload_hash);
    let scope = Scope { day: now.date(), region: region.to_owned(), service: service.to_owned() };
    let text = string_to_sign(&now.basic_iso(), &scope, &canonical);
    let signature = hex::encode(compute(&scope.signing_key(credentials.secret), &text));
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        scope.text(),
        signed.join(";")
    );
    added.push(("authorization", authorization));
    Ok(added)
}

/// The headers that our own signatures cover besides `x-amz-*`.
const SIGNED_IF_PRESENT: [&str; 3] = ["content-md5", "content-type", "host"];

/// Is an Authorization header taken apart.
struct Authorization<'a> {
    access_key_id: &'a str,
    scope_text: &'a str,
    scope: Scope,
    signed: Vec<&'a str>,
    signature: Vec<u8>,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Authorization<'a>, SignError> {
        let (scheme, rest) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
        if scheme != ALGORITHM {
            return Err(SignError::UnsupportedAlgorithm(scheme.to_owned()));
        }
        let credential = component(rest, "Credential")?;
        let malformed = |part, reason| SignError::MalformedAuthorization { part, reason };
        let (access_key_id, scope_text) = credential
            .split_once('/')
            .filter(|(access_key_id, _)| !access_key_id.is_empty())
            .ok_or_else(|| malformed("Credential", "it lacks an access key or a scope"))?;
        let invalid = |reason| SignError::InvalidScope { scope: scope_text.to_owned(), reason };
        let [day, region, service, terminator] = scope_text.split('/').collect::<Vec<_>>()[..]
        else {
            return Err(invalid("it must be date/region/service/aws4_request"));
        };
        if terminator != TERMINATOR {
            return Err(invalid("it must end in aws4_request"));
        }
        let [day, region, service] = [day, region, service].map(str::to_owned);
        let signature = component(rest, "Signature")?;
        let signature = hex::decode(signature)
            .ok()
            .filter(|bytes| bytes.len() == 32)
            .ok_or_else(|| malformed("Signature", "it is not 64 hexadecimal digits"))?;
        Ok(Authorization {
            access_key_id,
            scope_text,
            scope: Scope { day, region, service },
            signed: component(rest, "SignedHeaders")?.split(';').map(str::trim).collect(),
            signature,
        })
    }

    /// Joins header and request; `required` are headers that must have been signed.
    fn claim(
        self,
        request: &Request<'_>,
        payload_hash: &str,
        payload: PayloadCheck,
        required: &[&str],
    ) -> Result<(String, Proof), SignError> {
        let host = request.host()?;
        let signs = |name: &str| self.signed.iter().any(|own| own.eq_ignore_ascii_case(name));
        if let Some(name) = ["host"].iter().chain(required).find(|name| !signs(name)) {
            return Err(SignError::UnsignedHeader((*name).to_owned()));
        }
        for name in &self.signed {
            if request.headers.all(&name.to_ascii_lowercase()).next().is_none() {
                return Err(SignError::AbsentSignedHeader((*name).to_owned()));
            }
        }
        let (moment, amz_date) = date(request.headers)?;
        if moment.date() != self.scope.day {
            return Err(SignError::InvalidScope {
                scope: self.scope_text.to_owned(),
                reason: "its date is not the day of the request",
            });
        }
        let mut canonical_requests: Vec<Vec<u8>> = Vec::new();
        for blanks in [Blanks::Collapsed, Blanks::Kept] {
            for (path, host) in readings(request, host) {
                let canonical =
                    canonical_request(request, &path, &host, &self.signed, blanks, payload_hash);
                if !canonical_requests.contains(&canonical) {
                    canonical_requests.push(canonical);
                }
            }
        }
        let proof = Proof {
            canonical_requests,
            amz_date,
            scope: self.scope,
            signature: self.signature,
            dated: Dated::at(moment),
            payload,
        };
        Ok((self.access_key_id.to_owned(), proof))
    }
}

/// Says what becomes of several blanks in a row inside a header's value.
#[derive(Clone, Copy)]
enum Blanks {
    Collapsed,
    Kept,
}

/// Lists path and host as the client may have signed them, the likeliest first.
fn readings(request: &Request<'_>, host: &str) -> Vec<(String, String)> {
    let path = request.path();
    let mut readings =
        vec![(path.to_owned(), host.to_owned()), (percent_encode_path(path), host.to_owned())];
    if let Some((prefix, rest)) = split_service_prefix(path) {
        let rest = if rest.is_empty() { "/" } else { rest };
        readings.push((rest.to_owned(), format!("{host}{prefix}")));
    }
    readings
}

fn canonical_request(
    request: &Request<'_>,
    path: &str,
    host: &str,
    signed: &[&str],
    blanks: Blanks,
    payload_hash: &str,
) -> Vec<u8> {
    let mut text = format!("{}\n{path}\n{}\n", request.method, canonical_query(request.raw_query))
        .into_bytes();
    for name in signed {
        let lower = name.to_ascii_lowercase();
        let values: Vec<Vec<u8>> = match lower.as_str() {
            "host" => vec![host.as_bytes().to_vec()],
            lower => request.headers.all(lower).map(|value| header_value(value, blanks)).collect(),
        };
        text.extend_from_slice(lower.as_bytes());
        text.push(b':');
        text.extend_from_slice(&values.join(&b','));
        text.push(b'\n');
    }
    text.extend_from_slice(format!("\n{}\n{payload_hash}", signed.join(";")).as_bytes());
    text
}

fn header_value(value: &[u8], blanks: Blanks) -> Vec<u8> {
    let trimmed = value.trim_ascii();
    match blanks {
        Blanks::Kept => trimmed.to_vec(),
        Blanks::Collapsed => {
            let words: Vec<&[u8]> =
                trimmed.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect();
            words.join(&b' ')
        }
    }
}

fn string_to_sign(amz_date: &str, scope: &Scope, canonical: &[u8]) -> String {
    let hash = hex::encode(sha256(canonical));
    format!("{ALGORITHM}\n{amz_date}\n{}\n{hash}", scope.text())
}

/// Gives the moment of the request, and its text as it is signed.
fn date(headers: &Headers) -> Result<(Timestamp, String), SignError> {
    let invalid = |name, value: &str| SignError::InvalidDate { name, value: value.to_owned() };
    if let Some(value) = headers.single("x-amz-date")? {
        let moment = Timestamp::parse_basic(value).map_err(|_| invalid("x-amz-date", value))?;
        return Ok((moment, value.to_owned()));
    }
    let value =
        headers.single("date")?.ok_or(SignError::MissingDate("an X-Amz-Date or Date header"))?;
    let moment = Timestamp::parse(value).map_err(|_| invalid("date", value))?;
    Ok((moment, moment.basic_iso()))
}

fn parse_payload(declared: &str) -> Result<PayloadCheck, SignError> {
    if declared == UNSIGNED_PAYLOAD {
        return Ok(PayloadCheck::Unsigned);
    }
    let mut hash = [0; 32];
    hex::decode_to_slice(declared, &mut hash)
        .map_err(|_| SignError::InvalidPayloadHash(declared.to_owned()))?;
    Ok(PayloadCheck::Sha256(hash))
}

/// Finds `Name=value` among components parted by commas, with or without blanks.
fn component<'a>(components: &'a str, part: &'static str) -> Result<&'a str, SignError> {
    let mut values = components
        .split(',')
        .filter_map(|item| item.trim().split_once('='))
        .filter(|(name, _)| *name == part)
        .map(|(_, value)| value.trim());
    let value = values.next().filter(|value| !value.is_empty());
    if values.next().is_some() {
        return Err(SignError::MalformedAuthorization { part, reason: "it occurs more than once" });
    }
    value.ok_or(SignError::IncompleteSignature { part })
}

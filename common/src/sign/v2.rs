//! Signature version 2 of the query APIs (EC2, IAM, administration).
//!
//! The signature is a parameter like any other, in the URL or in a form, and covers method, host,
//! path and all other parameters:
//!
//! ```text
//! METHOD \n host \n path \n name=value&name=value…   (sorted, percent-encoded, without Signature)
//! ```
//!
//! Clients disagree on two points, and both forms of each are accepted: whether `host` has its
//! port, and whether a blank in a value is signed as `%20` or as `+`. Neither lets one signature
//! stand for two different sets of parameters.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};

use super::canonical::{self, hmac_sha1, hmac_sha256, percent_encode};
use super::error::SignError;
use super::fresh::Dated;
use super::request::Request;
use super::{Credentials, Expected};
use crate::time::Timestamp;

/// Reads base64 with or without its padding, which old clients cut off.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Names the algorithm of a version 2 query signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryMac {
    /// `HmacSHA1`, also meant when `SignatureMethod` is absent.
    HmacSha1,
    /// `HmacSHA256`.
    HmacSha256,
}

impl QueryMac {
    /// Gives the value of `SignatureMethod`.
    pub fn name(self) -> &'static str {
        match self {
            QueryMac::HmacSha1 => "HmacSHA1",
            QueryMac::HmacSha256 => "HmacSHA256",
        }
    }

    fn compute(self, secret: &str, text: &str) -> Vec<u8> {
        match self {
            QueryMac::HmacSha1 => hmac_sha1(secret.as_bytes(), &[text.as_bytes()]),
            QueryMac::HmacSha256 => hmac_sha256(secret.as_bytes(), &[text.as_bytes()]),
        }
    }
}

/// Holds what a signed query asserts until the secret is at hand.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    mac: QueryMac,
    method: String,
    hosts: Vec<String>,
    path: String,
    /// The canonical parameters, blanks as `%20`. The texts to sign are made one at a time: they
    /// are up to three times as long as the body.
    query: String,
    signature: Vec<u8>,
    dated: Dated,
}

/// Reads the signature parameters; gives the access key's id with the proof.
pub(super) fn read(
    request: &Request<'_>,
    parameters: &[(String, String)],
) -> Result<(String, Proof), SignError> {
    let version = required(parameters, "SignatureVersion")?;
    if version != "2" {
        return Err(SignError::UnsupportedVersion(version.to_owned()));
    }
    if optional(parameters, "SecurityToken")?.is_some() {
        return Err(SignError::UnsupportedSessionToken);
    }
    let mac = match optional(parameters, "SignatureMethod")? {
        None => QueryMac::HmacSha1,
        Some(name) => [QueryMac::HmacSha1, QueryMac::HmacSha256]
            .into_iter()
            .find(|mac| mac.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| SignError::UnsupportedAlgorithm(name.to_owned()))?,
    };
    let dated = Dated { at: date(parameters, "Timestamp")?, until: date(parameters, "Expires")? };
    if dated.at.is_none() && dated.until.is_none() {
        return Err(SignError::MissingDate("Timestamp or Expires"));
    }
    let signature = decode_signature(required(parameters, "Signature")?)?;
    let host = request.host()?.to_ascii_lowercase();
    let mut hosts = vec![canonical::host_name(&host).to_owned()];
    if hosts[0] != host {
        hosts.insert(0, host);
    }
    let proof = Proof {
        mac,
        method: request.method.to_owned(),
        hosts,
        path: request.path().to_owned(),
        query: canonical_parameters(parameters),
        signature,
        dated,
    };
    Ok((required(parameters, "AWSAccessKeyId")?.to_owned(), proof))
}

impl Proof {
    pub(super) fn expected(&self) -> Expected<'_> {
        Expected { signature: &self.signature, dated: self.dated }
    }

    /// Gives the texts that the client may have signed, the likeliest first.
    pub(super) fn strings_to_sign(&self) -> impl Iterator<Item = String> {
        let blanks = if self.query.contains("%20") { &["%20", "+"][..] } else { &["%20"] };
        blanks.iter().flat_map(move |blank| {
            let query = self.query.replace("%20", blank);
            self.hosts.iter().map(move |host| text(&self.method, host, &self.path, &query))
        })
    }

    pub(super) fn compute(&self, secret: &str, text: &str) -> Vec<u8> {
        self.mac.compute(secret, text)
    }
}

/// Signs a query: gives all parameters to send, the signature's own among them.
///
/// `host` is the value of the Host header, port included; the parameters may go into the URL
/// (GET) or into a form (POST), whichever `method` says.
pub fn sign_ec2_v2(
    credentials: Credentials<'_>,
    method: &str,
    host: &str,
    path: &str,
    parameters: &[(String, String)],
    mac: QueryMac,
    now: Timestamp,
) -> Vec<(String, String)> {
    let mut pairs = parameters.to_vec();
    let mut add = |name: &str, value: String| pairs.push((name.to_owned(), value));
    add("AWSAccessKeyId", credentials.access_key_id.to_owned());
    add("SignatureVersion", "2".to_owned());
    add("SignatureMethod", mac.name().to_owned());
    // Without a fraction: version 2.0 of the ancestor reads none.
    add("Timestamp", Timestamp::from_secs(now.as_secs()).iso().replace(".000Z", "Z"));
    let query = canonical_parameters(&pairs);
    let path = if path.is_empty() { "/" } else { path };
    let text = text(method, &host.to_ascii_lowercase(), path, &query);
    let signature = general_purpose::STANDARD.encode(mac.compute(credentials.secret, &text));
    pairs.push(("Signature".to_owned(), signature));
    pairs
}

/// Decodes a base64 signature; an unescaped `+` has become a blank on its way through a URL.
pub(super) fn decode_signature(text: &str) -> Result<Vec<u8>, SignError> {
    LENIENT.decode(text.replace(' ', "+")).map_err(|_| SignError::MalformedAuthorization {
        part: "Signature",
        reason: "it is not base64",
    })
}

fn text(method: &str, host: &str, path: &str, query: &str) -> String {
    format!("{method}\n{host}\n{path}\n{query}")
}

fn canonical_parameters(parameters: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> =
        parameters.iter().filter(|(name, _)| name != "Signature").collect();
    pairs.sort();
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&percent_encode(name));
        query.push('=');
        query.push_str(&percent_encode(value));
    }
    query
}

/// Finds a parameter that must not occur twice; an empty value counts as absent.
fn optional<'a>(
    parameters: &'a [(String, String)],
    part: &'static str,
) -> Result<Option<&'a str>, SignError> {
    let mut values = parameters.iter().filter(|(name, _)| name == part).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() {
        return Err(SignError::MalformedAuthorization { part, reason: "it occurs more than once" });
    }
    Ok(first.map(String::as_str).filter(|value| !value.is_empty()))
}

fn required<'a>(
    parameters: &'a [(String, String)],
    part: &'static str,
) -> Result<&'a str, SignError> {
    optional(parameters, part)?.ok_or(SignError::IncompleteSignature { part })
}

fn date(
    parameters: &[(String, String)],
    name: &'static str,
) -> Result<Option<Timestamp>, SignError> {
    optional(parameters, name)?
        .map(|value| {
            Timestamp::parse_iso(value)
                .or_else(|_| Timestamp::parse_basic(value))
                .map_err(|_| SignError::InvalidDate { name, value: value.to_owned() })
        })
        .transpose()
}

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
use super::scheme::{Credentials, Expected};
use super::token::{self, SessionToken};
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
    let mac = match optional(parameters, "SignatureMethod")? {
        None => QueryMac::HmacSha1,
        Some(name) => [QueryMac::HmacSha1, QueryMac::HmacSha256]
            .into_iter()
            .find(|mac| mac.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| SignError::UnsupportedAlgorithm(name.to_owned()))?,
    };
    let dated = Dated {
        at: date(parameters, "Timestamp")?,
        until: date(parameters, "Expires")?,
        presigned: false,
    };
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

/// Reads the session token, which is a parameter like any other, and signed as they are.
pub(super) fn token(
    request: &Request<'_>,
    parameters: &[(String, String)],
) -> Result<Option<SessionToken>, SignError> {
    let values = parameters.iter().filter(|(name, _)| name == "SecurityToken");
    let token = SessionToken::only(values.map(|(_, value)| value))?;
    let headers = token::refuse_unsigned(request);
    headers.map(|()| token)
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

#[cfg(test)]
mod tests {
    use super::super::{Claim, Headers, SignError, write_query};
    use super::*;

    const EXAMPLE: Credentials<'_> = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };

    fn pairs(query: &str) -> Vec<(String, String)> {
        canonical::parse_query(query)
    }

    fn now() -> Timestamp {
        Timestamp::parse_iso("2011-10-03T15:19:30").unwrap()
    }

    fn claim(host: &str, path: &str, query: &str) -> Result<Claim, SignError> {
        let headers: Headers = [("Host", host)].into_iter().collect();
        Claim::ec2(&Request::new("GET", path, query, &headers))
    }

    /// The example of the general reference, "Signature version 2 signing process".
    #[test]
    fn published_example() {
        let query = "Action=DescribeJobFlows&Version=2009-03-31&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
                     &SignatureVersion=2&SignatureMethod=HmacSHA256&Timestamp=2011-10-03T15%3A19%3A30\
                     &Signature=i91nKc4PWAt0JJIdXwz9HxZCJDdiy6cf/Mj6vPxyYIs%3D";
        let claim = claim("elasticmapreduce.amazonaws.com", "/", query).unwrap();
        assert_eq!(claim.access_key_id(), EXAMPLE.access_key_id);
        claim.verify(EXAMPLE.secret, now()).unwrap();
        assert_eq!(claim.verify("wrong", now()), Err(SignError::SignatureDoesNotMatch));
        assert_eq!(
            claim.explain().string_to_sign,
            "GET\nelasticmapreduce.amazonaws.com\n/\nAWSAccessKeyId=AKIAIOSFODNN7EXAMPLE\
             &Action=DescribeJobFlows&SignatureMethod=HmacSHA256&SignatureVersion=2\
             &Timestamp=2011-10-03T15%3A19%3A30&Version=2009-03-31"
        );
    }

    #[test]
    fn what_we_sign_verifies_with_either_hash() {
        for mac in [QueryMac::HmacSha1, QueryMac::HmacSha256] {
            let given = pairs("Action=DescribeImages&Filter.1.Value.1=a+b%2B%C3%A9&Empty=");
            let path = "/services/Eucalyptus/";
            let signed = sign_ec2_v2(EXAMPLE, "GET", "h:8773", path, &given, mac, now());
            let verified = claim("H:8773", path, &write_query(&signed))
                .and_then(|claim| claim.verify(EXAMPLE.secret, now()))
                .unwrap();
            assert_eq!(verified.signature.len(), if mac == QueryMac::HmacSha1 { 20 } else { 32 });
        }
    }

    #[test]
    fn a_session_token_is_signed() {
        let given = pairs("Action=DescribeImages&SecurityToken=a%2Fb%2B%3D");
        let signed = sign_ec2_v2(EXAMPLE, "GET", "h", "/", &given, QueryMac::HmacSha256, now());
        let query = write_query(&signed);
        let claimed = claim("h", "/", &query).unwrap();
        assert_eq!(claimed.session_token(), Some("a/b+="));
        claimed.verify(EXAMPLE.secret, now()).unwrap();
        let other = claim("h", "/", &query.replace("SecurityToken=a", "SecurityToken=b")).unwrap();
        let refused = other.verify(EXAMPLE.secret, now());
        assert_eq!(refused, Err(SignError::SignatureDoesNotMatch));
    }

    #[test]
    fn the_port_may_be_left_out_of_what_is_signed_but_not_changed() {
        let given = pairs("Action=DescribeImages");
        let sign = |host| {
            let mac = QueryMac::HmacSha256;
            write_query(&sign_ec2_v2(EXAMPLE, "GET", host, "/", &given, mac, now()))
        };
        let verify = |query: &str| claim("h:8773", "/", query)?.verify(EXAMPLE.secret, now());
        verify(&sign("h:8773")).unwrap();
        verify(&sign("h")).unwrap();
        assert_eq!(verify(&sign("h:8774")), Err(SignError::SignatureDoesNotMatch));
    }

    #[test]
    fn a_signature_may_lack_its_padding_or_escapes() {
        let given = pairs("Action=DescribeImages");
        let mut seen = [false; 2];
        for n in 0.. {
            let mut given = given.clone();
            given.push(("N".to_owned(), n.to_string()));
            let signed = sign_ec2_v2(EXAMPLE, "GET", "h", "/", &given, QueryMac::HmacSha256, now());
            let (name, signature) = signed.last().unwrap();
            seen = [seen[0] || signature.contains('/'), seen[1] || signature.contains('+')];
            let rest = write_query(&signed[..signed.len() - 1]);
            let query = format!("{rest}&{name}={}", signature.trim_end_matches('='));
            claim("h", "/", &query).unwrap().verify(EXAMPLE.secret, now()).unwrap();
            if seen == [true, true] {
                break;
            }
        }
    }

    #[test]
    fn refusals() {
        let good = "AWSAccessKeyId=AK&Signature=AAAA&SignatureVersion=2\
                    &SignatureMethod=HmacSHA256&Timestamp=2011-10-03T15:19:30";
        let without = |name: &str| {
            let kept: Vec<_> = pairs(good).into_iter().filter(|(own, _)| own != name).collect();
            claim("h", "/", &write_query(&kept))
        };
        let with = |pair: &str| claim("h", "/", &format!("{good}&{pair}"));
        let swapped = |from: &str, to: &str| claim("h", "/", &good.replace(from, to));
        assert!(claim("h", "/", good).is_ok());
        for part in ["AWSAccessKeyId", "Signature", "SignatureVersion"] {
            let wanted = SignError::IncompleteSignature { part };
            assert_eq!(without(part).unwrap_err(), wanted);
        }
        assert!(matches!(without("Timestamp").unwrap_err(), SignError::MissingDate(_)));
        assert!(without("SignatureMethod").is_ok());
        for version in ["0", "1", "3"] {
            assert_eq!(
                swapped("Version=2", &format!("Version={version}")).unwrap_err(),
                SignError::UnsupportedVersion(version.to_owned())
            );
        }
        assert_eq!(
            swapped("HmacSHA256", "HmacMD5").unwrap_err(),
            SignError::UnsupportedAlgorithm("HmacMD5".to_owned())
        );
        assert!(matches!(
            swapped("2011-10", "2011-13").unwrap_err(),
            SignError::InvalidDate { name: "Timestamp", .. }
        ));
        assert!(matches!(with("Expires=never").unwrap_err(), SignError::InvalidDate { .. }));
        for (token, reason) in [
            ("SecurityToken=", "it is empty"),
            ("SecurityToken=t&SecurityToken=t", "it occurs more than once"),
            ("X-Amz-Security-Token=t", "nothing is signed with it"),
        ] {
            assert_eq!(with(token).unwrap_err(), SignError::InvalidSessionToken { reason });
        }
        assert_eq!(with("SecurityToken=t").unwrap().session_token(), Some("t"));
        assert_eq!(claim("h", "/", good).unwrap().session_token(), None);
        for twice in ["Signature=BBBB", "AWSAccessKeyId=B", "Timestamp=2011-10-03T15:19:30"] {
            assert!(
                matches!(with(twice).unwrap_err(), SignError::MalformedAuthorization { .. }),
                "{twice}"
            );
        }
        assert!(matches!(
            swapped("AAAA", "A*").unwrap_err(),
            SignError::MalformedAuthorization { part: "Signature", .. }
        ));
        let bare = Headers::new();
        assert_eq!(
            Claim::ec2(&Request::new("GET", "/", good, &bare)).unwrap_err(),
            SignError::IncompleteSignature { part: "the Host header" }
        );
        assert_eq!(
            claim("h", "/", "Action=DescribeRegions").unwrap_err(),
            SignError::MissingAuthenticationToken
        );
    }
}

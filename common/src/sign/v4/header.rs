//! The Authorization header of version 4, read: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
//! Signature=…`, its parts in any order, parted by commas with or without blanks.
//!
//! Refuses what no secret could make good: a scope of another day, signed headers that did not
//! arrive, headers that change what S3 does and are not signed.

use super::super::canonical::sha256;
use super::super::error::SignError;
use super::super::fresh::Dated;
use super::super::request::{Headers, Request};
use super::super::scheme::{Framing, PayloadCheck};
use super::super::token;
use super::canonical_request::canonical_requests;
use super::credential::{Credential, parse_signature};
use super::{ALGORITHM, Proof, UNSIGNED_PAYLOAD};
use crate::time::Timestamp;

/// The header that names the action of a request whose body is JSON.
const TARGET: &str = "x-amz-target";

/// Reads the header of a request to a query API, whose body is hashed here.
pub(in crate::sign) fn read_ec2(
    request: &Request<'_>,
    authorization: &str,
) -> Result<(String, Proof), SignError> {
    let parts = Authorization::parse(authorization)?;
    let hash = sha256(request.body.unwrap_or_default());
    let declared = request.headers.single("x-amz-content-sha256")?;
    if declared.is_some_and(|text| !text.eq_ignore_ascii_case(&hex::encode(hash))) {
        return Err(SignError::PayloadMismatch);
    }
    let payload = PayloadCheck::Sha256(hash);
    // Nobody on the way may put one session, or one action, in the place of another.
    let there = |name: &&str| request.headers.all(name).next().is_some();
    let required: Vec<&str> = [token::NAME, TARGET].into_iter().filter(there).collect();
    parts.claim(request, declared.unwrap_or(&hex::encode(hash)), payload, &required)
}

/// Reads the header of a request to S3, whose body is declared and checked later.
pub(in crate::sign) fn read_s3(
    request: &Request<'_>,
    authorization: &str,
) -> Result<(String, Proof), SignError> {
    let parts = Authorization::parse(authorization)?;
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

/// Is an Authorization header taken apart.
struct Authorization<'a> {
    credential: Credential<'a>,
    signed: Vec<&'a str>,
    signature: Vec<u8>,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Authorization<'a>, SignError> {
        let (scheme, rest) = header.split_once(char::is_whitespace).unwrap_or((header, ""));
        if scheme != ALGORITHM {
            return Err(SignError::UnsupportedAlgorithm(scheme.to_owned()));
        }
        Ok(Authorization {
            credential: Credential::parse(component(rest, "Credential")?)?,
            signature: parse_signature(component(rest, "Signature")?)?,
            signed: component(rest, "SignedHeaders")?.split(';').map(str::trim).collect(),
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
        let canonical_requests =
            canonical_requests(request, &self.signed, &[payload_hash], required)?;
        let (moment, amz_date) = date(request.headers)?;
        self.credential.check_day(moment)?;
        let (access_key_id, scope) = self.credential.owned();
        let proof = Proof {
            canonical_requests,
            amz_date,
            scope,
            signature: self.signature,
            dated: Dated::at(moment),
            payload,
        };
        Ok((access_key_id, proof))
    }
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

/// Reads the declared hash of a body.
pub(super) fn parse_payload(declared: &str) -> Result<PayloadCheck, SignError> {
    if declared == UNSIGNED_PAYLOAD {
        return Ok(PayloadCheck::Unsigned);
    }
    if let Some(framing) = Framing::of(declared) {
        return Ok(PayloadCheck::Chunked(framing));
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

#[cfg(test)]
mod tests {
    use super::super::super::{Claim, Credentials};
    use super::super::canonical_request::{Blanks, canonical_request};
    use super::super::{Scope, compute, sign_ec2_v4, sign_s3_v4, string_to_sign};
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const CREDENTIALS: Credentials<'_> = Credentials { access_key_id: "AK", secret: "secret" };
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    /// A request that verifies; the tests spoil one thing of it each.
    fn signed() -> Headers {
        let mut headers: Headers =
            [("Host", "h:8774"), ("X-Amz-Meta-A", " a  b ")].into_iter().collect();
        let request = Request::new("PUT", "/b/k%20", "acl&x=%2F", &headers);
        let payload = PayloadCheck::Unsigned;
        let added = sign_s3_v4(CREDENTIALS, &request, "eucalyptus", payload, NOW).unwrap();
        added.iter().for_each(|(name, value)| headers.add(name, value));
        headers
    }

    fn verify(headers: &Headers) -> Result<PayloadCheck, SignError> {
        let request = Request::new("PUT", "/b/k%20", "acl&x=%2F", headers);
        let claim = Claim::s3(&request)?.expect("it is signed");
        Ok(claim.verify(CREDENTIALS.secret, NOW)?.payload)
    }

    fn replaced(headers: &Headers, name: &str, from: &str, to: &str) -> Headers {
        headers
            .iter()
            .map(|(own, value)| {
                let text = std::str::from_utf8(value).unwrap();
                (own, if own == name { text.replace(from, to) } else { text.to_owned() })
            })
            .collect()
    }

    #[test]
    fn an_http_date_serves_when_x_amz_date_is_absent() {
        let headers: Headers =
            [("Host", "h"), ("Date", "Fri, 15 Jan 2027 08:00:00 GMT")].into_iter().collect();
        assert_eq!(date(&headers), Ok((NOW, "20270115T080000Z".to_owned())));
        let scope = Scope { day: NOW.date(), region: String::new(), service: "ec2".to_owned() };
        let request = Request::new("GET", "/", "", &headers);
        let canonical =
            canonical_request(&request, "/", "h", &["date", "host"], Blanks::Collapsed, EMPTY);
        let text = string_to_sign("20270115T080000Z", &scope, &canonical);
        let signature = hex::encode(compute(&scope.signing_key("secret"), &text));
        let mut headers = headers.clone();
        headers.add(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential=AK/{},SignedHeaders=date;host,Signature={signature}",
                scope.text()
            ),
        );
        let request = Request::new("GET", "/", "", &headers);
        assert!(Claim::ec2(&request).unwrap().verify("secret", NOW).is_ok());
    }

    #[test]
    fn refusals() {
        let good = signed();
        let with = |name: &str, from: &str, to: &str| {
            verify(&replaced(&good, name, from, to)).unwrap_err()
        };
        let authorization = |from: &str, to: &str| with("authorization", from, to);
        assert_eq!(verify(&good), Ok(PayloadCheck::Unsigned));
        assert_eq!(authorization("host;", ""), SignError::UnsignedHeader("host".to_owned()));
        assert_eq!(
            authorization(";x-amz-meta-a", ""),
            SignError::UnsignedHeader("x-amz-meta-a".to_owned())
        );
        assert_eq!(
            authorization("host;", "expect;host;"),
            SignError::AbsentSignedHeader("expect".to_owned())
        );
        for part in ["Credential", "SignedHeaders", "Signature"] {
            assert_eq!(
                authorization(&format!("{part}="), "Other="),
                SignError::IncompleteSignature { part }
            );
        }
        for (from, to) in
            [("aws4_request", "aws3_request"), ("/s3/", "/s3/x/"), ("20270115", "20270116")]
        {
            assert!(matches!(authorization(from, to), SignError::InvalidScope { .. }), "{to}");
        }
        for (from, to) in [
            ("AK/", "/"),
            ("Signature=", "Signature=00"),
            ("Signature=", "Signature=x, Signature="),
        ] {
            let error = authorization(from, to);
            assert!(matches!(error, SignError::MalformedAuthorization { .. }), "{to}: {error}");
        }
        assert_eq!(
            authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
            SignError::UnsupportedAlgorithm("AWS4-ECDSA-P256-SHA256".to_owned())
        );
        assert_eq!(
            with("x-amz-content-sha256", "UNSIGNED-PAYLOAD", "soon"),
            SignError::InvalidPayloadHash("soon".to_owned())
        );
        assert_eq!(
            with("x-amz-content-sha256", "UNSIGNED-PAYLOAD", ""),
            SignError::IncompleteSignature { part: "the header x-amz-content-sha256" }
        );
        let other = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";
        assert_eq!(
            with("x-amz-content-sha256", "UNSIGNED-PAYLOAD", other),
            SignError::InvalidPayloadHash(other.to_owned())
        );
        assert!(matches!(with("x-amz-date", "T", " "), SignError::InvalidDate { .. }));
        let mut token = good.clone();
        token.add("x-amz-security-token", "t");
        let unsigned = SignError::UnsignedHeader("x-amz-security-token".to_owned());
        assert_eq!(verify(&token), Err(unsigned));
        token.add("x-amz-security-token", "t");
        let reason = "it occurs more than once";
        assert_eq!(verify(&token), Err(SignError::InvalidSessionToken { reason }));
        let mut twice = good.clone();
        twice.add("authorization", "AWS4-HMAC-SHA256");
        assert!(matches!(verify(&twice), Err(SignError::MalformedAuthorization { .. })));
    }

    #[test]
    fn a_session_token_must_be_signed() {
        let mut headers: Headers =
            [("Host", "h"), ("x-amz-security-token", "a/b+=")].into_iter().collect();
        let request = Request::new("GET", "/", "Action=A", &headers);
        let added = sign_ec2_v4(CREDENTIALS, &request, "r", "ec2", NOW).unwrap();
        added.iter().for_each(|(name, value)| headers.add(name, value));
        let read = |headers: &Headers| {
            let claim = Claim::ec2(&Request::new("GET", "/", "Action=A", headers))?;
            claim.verify(CREDENTIALS.secret, NOW)?;
            Ok(claim.session_token().map(str::to_owned))
        };
        assert_eq!(read(&headers), Ok(Some("a/b+=".to_owned())));
        let other = replaced(&headers, "x-amz-security-token", "a", "b");
        assert_eq!(read(&other), Err(SignError::SignatureDoesNotMatch));
        let bare: Headers = [("Host", "h")].into_iter().collect();
        let request = Request::new("GET", "/", "Action=A", &bare);
        let added = sign_ec2_v4(CREDENTIALS, &request, "r", "ec2", NOW).unwrap();
        let mut later: Headers = bare.clone();
        added.iter().for_each(|(name, value)| later.add(name, value));
        assert_eq!(read(&later), Ok(None));
        later.add("x-amz-security-token", "t");
        let unsigned = SignError::UnsignedHeader("x-amz-security-token".to_owned());
        assert_eq!(read(&later), Err(unsigned));
    }

    #[test]
    fn presigned_urls_are_told_from_anonymous_requests() {
        let headers: Headers = [("Host", "h")].into_iter().collect();
        for query in
            ["X-Amz-Signature=0", "x-amz-credential=AK", "AWSAccessKeyId=AK&Signature=AAAA"]
        {
            let request = Request::new("GET", "/b/k", query, &headers);
            assert!(
                matches!(Claim::s3(&request), Err(SignError::IncompleteSignature { .. })),
                "{query}"
            );
        }
        let request = Request::new("GET", "/b/k", "X-Amz-Algorithm=AWS4-HMAC-SHA256", &headers);
        assert!(matches!(Claim::ec2(&request), Err(SignError::IncompleteSignature { .. })));
        let plain = Request::new("GET", "/b/k", "acl", &headers);
        assert!(matches!(Claim::s3(&plain), Ok(None)));
    }
}

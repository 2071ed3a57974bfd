//! A URL signed with version 4, to be handed to somebody without keys: `X-Amz-Algorithm`,
//! `X-Amz-Credential`, `X-Amz-Date`, `X-Amz-Expires`, `X-Amz-SignedHeaders`, `X-Amz-Signature`.
//!
//! The signature covers the method, the path, every other parameter and the headers that it lists.
//! Whoever holds the URL may add headers that change nothing; one that changes what S3 does
//! (`x-amz-…`) must be among the signed ones, or he could do what the owner of the key did not
//! mean. The body of a request to S3 is not covered unless its hash is named; that of a query is.

use std::time::Duration;

use super::super::canonical::{percent_encode, sha256, write_query};
use super::super::error::SignError;
use super::super::fresh::{Dated, LONGEST_LIFE, MAX_SKEW};
use super::super::request::Request;
use super::super::scheme::{Credentials, PayloadCheck};
use super::canonical_request::{Blanks, SIGNATURE, canonical_request, canonical_requests};
use super::credential::{Credential, parse_signature};
use super::header::parse_payload;
use super::{ALGORITHM, Proof, Scope, UNSIGNED_PAYLOAD, compute, string_to_sign};
use crate::time::Timestamp;

/// Reads the URL of a request to a query API, whose body is hashed here.
pub(in crate::sign) fn read_presigned_ec2(
    request: &Request<'_>,
) -> Result<(String, Proof), SignError> {
    // Clients that leave the life out mean a request that is sent at once.
    let parts = Parts::read(request, Some(MAX_SKEW))?;
    let hash = sha256(request.body.unwrap_or_default());
    parts.claim(request, &[&hex::encode(hash)], PayloadCheck::Sha256(hash), &[])
}

/// Reads the URL of a request to S3.
pub(in crate::sign) fn read_presigned_s3(
    request: &Request<'_>,
) -> Result<(String, Proof), SignError> {
    let parts = Parts::read(request, None)?;
    let header = request.headers.single("x-amz-content-sha256")?.map(str::to_owned);
    let named = match header {
        Some(header) => Some(header),
        None => request.parameter("X-Amz-Content-Sha256")?,
    };
    let payload = named.as_deref().map_or(Ok(PayloadCheck::Unsigned), parse_payload)?;
    // Some clients name the hash for the server's use and sign as if they had not.
    let declared: Vec<&str> = named.as_deref().into_iter().chain([UNSIGNED_PAYLOAD]).collect();
    let required: Vec<&str> = request
        .headers
        .amz_names()
        .into_iter()
        .filter(|name| !["x-amz-date", "x-amz-content-sha256"].contains(name))
        .collect();
    parts.claim(request, &declared, payload, &required)
}

/// Is the authentication in a URL, taken apart.
struct Parts {
    credential: String,
    amz_date: String,
    at: Timestamp,
    dated: Dated,
    signed: Vec<String>,
    signature: Vec<u8>,
}

impl Parts {
    /// `life` is the one meant by a URL that names none; without it, it must name one.
    fn read(request: &Request<'_>, life: Option<Duration>) -> Result<Parts, SignError> {
        let algorithm = request.required_parameter("X-Amz-Algorithm")?;
        if algorithm != ALGORITHM {
            return Err(SignError::UnsupportedAlgorithm(algorithm));
        }
        let credential = request.required_parameter("X-Amz-Credential")?;
        let signature = parse_signature(&request.required_parameter(SIGNATURE)?)?;
        let signed = request.required_parameter("X-Amz-SignedHeaders")?;
        let amz_date = request.required_parameter("X-Amz-Date")?;
        let at = Timestamp::parse_basic(&amz_date)
            .map_err(|_| SignError::InvalidDate { name: "X-Amz-Date", value: amz_date.clone() })?;
        let part = "X-Amz-Expires";
        let life = match (request.parameter(part)?, life) {
            (None, None) => return Err(SignError::IncompleteSignature { part }),
            (None, Some(life)) => life,
            (Some(text), _) => parse_life(&text)?,
        };
        let dated = Dated::presigned(Some(at), at.plus(life));
        let signed = signed.split(';').map(|name| name.trim().to_owned()).collect();
        Ok(Parts { credential, amz_date, at, dated, signed, signature })
    }

    fn claim(
        self,
        request: &Request<'_>,
        declared: &[&str],
        payload: PayloadCheck,
        required: &[&str],
    ) -> Result<(String, Proof), SignError> {
        let credential = Credential::parse(&self.credential)?;
        credential.check_day(self.at)?;
        let signed: Vec<&str> = self.signed.iter().map(String::as_str).collect();
        let canonical_requests = canonical_requests(request, &signed, declared, required)?;
        let (access_key_id, scope) = credential.owned();
        let proof = Proof {
            canonical_requests,
            amz_date: self.amz_date,
            scope,
            signature: self.signature,
            dated: self.dated,
            payload,
        };
        Ok((access_key_id, proof))
    }
}

fn parse_life(text: &str) -> Result<Duration, SignError> {
    let malformed = |reason| SignError::MalformedAuthorization { part: "X-Amz-Expires", reason };
    if text.starts_with('-') {
        return Err(malformed("it must not be negative"));
    }
    let seconds: u64 = text.parse().map_err(|_| malformed("it is not a number of seconds"))?;
    let life = Duration::from_secs(seconds);
    match life > LONGEST_LIFE {
        true => Err(malformed("it must not be more than 604800 seconds, a week")),
        false => Ok(life),
    }
}

/// Presigns a request to S3: gives the whole query to send, `request`'s own and the signature.
/// All of the request's headers are signed, so whoever uses the URL must send them.
///
/// Fails if the headers lack `host`.
pub fn presign_s3_v4(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    region: &str,
    life: Duration,
    now: Timestamp,
) -> Result<String, SignError> {
    let host = request.host()?;
    let mut signed: Vec<&str> = request.headers.iter().map(|(name, _)| name).collect();
    signed.sort_unstable();
    signed.dedup();
    let scope = Scope { day: now.date(), region: region.to_owned(), service: "s3".to_owned() };
    let amz_date = now.basic_iso();
    let added = write_query(&[
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{}/{}", credentials.access_key_id, scope.text())),
        ("X-Amz-Date", amz_date.clone()),
        ("X-Amz-Expires", life.as_secs().to_string()),
        ("X-Amz-SignedHeaders", signed.join(";")),
    ]);
    let query = match request.raw_query {
        "" => added,
        own => format!("{own}&{added}"),
    };
    let request = Request { raw_query: &query, ..*request };
    let canonical = canonical_request(
        &request,
        request.path(),
        host,
        &signed,
        Blanks::Collapsed,
        UNSIGNED_PAYLOAD,
    );
    let text = string_to_sign(&amz_date, &scope, &canonical);
    let signature = hex::encode(compute(&scope.signing_key(credentials.secret), &text));
    Ok(format!("{query}&{SIGNATURE}={}", percent_encode(&signature)))
}

#[cfg(test)]
mod tests {
    use super::super::super::{Claim, Headers, Scheme, parse_query, sign_ec2_v4};
    use super::*;

    const CREDENTIALS: Credentials<'_> = Credentials { access_key_id: "AK", secret: "secret" };
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn host() -> Headers {
        [("host", "h:8774")].into_iter().collect()
    }

    fn verify(
        query: &str,
        headers: &Headers,
        now: Timestamp,
    ) -> Result<(Scheme, PayloadCheck, Timestamp), SignError> {
        let request = Request::new("PUT", "/b/k%20", query, headers);
        let verified = Claim::s3(&request)?.expect("signed").verify(CREDENTIALS.secret, now)?;
        Ok((verified.scheme, verified.payload, verified.good_until))
    }

    fn signed() -> String {
        let headers = host();
        let request = Request::new("PUT", "/b/k%20", "x-id=PutObject", &headers);
        presign_s3_v4(CREDENTIALS, &request, "eucalyptus", HOUR, NOW).unwrap()
    }

    /// The example of the S3 documentation, "Authenticating requests: using query parameters".
    #[test]
    fn published_example() {
        let headers: Headers = [("Host", "examplebucket.s3.amazonaws.com")].into_iter().collect();
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
            &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        let request = Request::new("GET", "/test.txt", query, &headers)
            .with_virtual_bucket(Some("examplebucket"));
        let now = Timestamp::parse_basic("20130524T000000Z").unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let claim = Claim::s3(&request).unwrap().unwrap();
        let verified = claim.verify(secret, now.plus(HOUR)).unwrap();
        assert_eq!(verified.scheme, Scheme::PresignedV4);
        assert_eq!(verified.payload, PayloadCheck::Unsigned);
        assert_eq!(verified.good_until, now.plus(24 * HOUR));
        let bare = Request::new("GET", "/test.txt", "", &headers);
        let credentials = Credentials { access_key_id: "AKIAIOSFODNN7EXAMPLE", secret };
        let ours = presign_s3_v4(credentials, &bare, "us-east-1", 24 * HOUR, now).unwrap();
        assert_eq!(ours, query);
    }

    #[test]
    fn it_lives_from_its_date_to_its_end() {
        let query = signed();
        let good = Ok((Scheme::PresignedV4, PayloadCheck::Unsigned, NOW.plus(HOUR)));
        for now in [NOW, NOW.plus(HOUR / 2), NOW.minus(MAX_SKEW)] {
            assert_eq!(verify(&query, &host(), now), good);
        }
        let end = NOW.plus(HOUR);
        assert_eq!(
            verify(&query, &host(), end),
            Err(SignError::RequestExpired { expires: end, server: end })
        );
        let early = verify(&query, &host(), NOW.minus(HOUR));
        assert!(matches!(early, Err(SignError::NotYetValid { .. })), "{early:?}");
    }

    #[test]
    fn a_named_hash_binds_the_body() {
        let hash = hex::encode(sha256(b"hello"));
        let mut headers = host();
        headers.add("x-amz-content-sha256", &hash);
        let request = Request::new("PUT", "/b/k%20", "", &headers);
        let wanted = PayloadCheck::Sha256(sha256(b"hello"));
        // The parameters name the header as signed, while the text has UNSIGNED-PAYLOAD.
        let query = presign_s3_v4(CREDENTIALS, &request, "r", HOUR, NOW).unwrap();
        assert_eq!(verify(&query, &headers, NOW).unwrap().1, wanted);
        // Nobody signed it: whoever sends the body says what it is.
        assert_eq!(verify(&signed(), &headers, NOW).unwrap().1, wanted);
    }

    #[test]
    fn refusals() {
        let good = signed();
        let with = |from: &str, to: &str| {
            let changed = good.replace(from, to);
            assert_ne!(changed, good, "{from}");
            verify(&changed, &host(), NOW).unwrap_err()
        };
        for part in [
            "X-Amz-Algorithm",
            "X-Amz-Credential",
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-SignedHeaders",
            "X-Amz-Signature",
        ] {
            let error = with(&format!("{part}="), "other=");
            assert_eq!(error, SignError::IncompleteSignature { part }, "{part}");
            let error = with(&format!("{part}="), &format!("{part}=&{part}="));
            assert!(matches!(error, SignError::MalformedAuthorization { .. }), "{error}");
        }
        for (from, to) in [
            ("Expires=3600", "Expires=604801"),
            ("Expires=3600", "Expires=-1"),
            ("Expires=3600", "Expires=soon"),
            ("Signature=", "Signature=00"),
            ("Credential=AK", "Credential="),
        ] {
            let error = with(from, to);
            assert!(matches!(error, SignError::MalformedAuthorization { .. }), "{to}: {error}");
        }
        assert!(matches!(with("%2F20270115", "%2F20270116"), SignError::InvalidScope { .. }));
        assert!(matches!(with("Date=2027", "Date=x"), SignError::InvalidDate { .. }));
        assert!(matches!(
            with("SignedHeaders=host", "SignedHeaders=date"),
            SignError::UnsignedHeader(_)
        ));
        assert!(matches!(with("HMAC", "RSA"), SignError::UnsupportedAlgorithm(_)));
        assert_eq!(with("x-id=PutObject", "x-id=x"), SignError::SignatureDoesNotMatch);
        assert_eq!(
            with("x-id=PutObject", "x-amz-security-token=t"),
            SignError::SignatureDoesNotMatch,
            "it was not signed"
        );
        assert_eq!(with("x-id=PutObject", "Signature=t"), SignError::SignedTwice);
        let mut twice = host();
        twice.add("authorization", "AWS AK:x");
        assert_eq!(verify(&good, &twice, NOW), Err(SignError::SignedTwice));
        let mut added = host();
        added.add("x-amz-acl", "public-read");
        let error = verify(&good, &added, NOW);
        assert_eq!(error, Err(SignError::UnsignedHeader("x-amz-acl".to_owned())));
    }

    #[test]
    fn a_session_token_is_signed_with_the_other_parameters() {
        let headers = host();
        let own = "X-Amz-Security-Token=a%2Fb%2B%3D";
        let request = Request::new("PUT", "/b/k%20", own, &headers);
        let query = presign_s3_v4(CREDENTIALS, &request, "eucalyptus", HOUR, NOW).unwrap();
        assert!(verify(&query, &headers, NOW).is_ok());
        let claim = Claim::s3(&Request::new("PUT", "/b/k%20", &query, &headers)).unwrap().unwrap();
        assert_eq!(claim.session_token(), Some("a/b+="));
        let other = verify(&query.replace("Token=a", "Token=b"), &headers, NOW);
        assert_eq!(other, Err(SignError::SignatureDoesNotMatch));
        let twice = verify(&format!("{query}&{own}"), &headers, NOW);
        let reason = "it occurs more than once";
        assert_eq!(twice, Err(SignError::InvalidSessionToken { reason }));
    }

    #[test]
    fn a_query_may_be_signed_in_its_url() {
        // What the header says, said in the URL.
        let headers: Headers = [("host", "h")].into_iter().collect();
        let added = |query: &str| {
            let request = Request::new("GET", "/", query, &headers).with_body(b"");
            sign_ec2_v4(CREDENTIALS, &request, "r", "ec2", NOW).unwrap()
        };
        assert_eq!(added("Action=A").len(), 2);
        let scope = Scope { day: NOW.date(), region: "r".into(), service: "ec2".into() };
        for expires in ["", "&X-Amz-Expires=60"] {
            let query = format!(
                "Action=A&X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential=AK%2F{}\
                 &X-Amz-Date={}&X-Amz-SignedHeaders=host{expires}",
                percent_encode(&scope.text()),
                NOW.basic_iso()
            );
            let request = Request::new("GET", "/", &query, &headers);
            let hash = hex::encode(sha256(b""));
            let canonical =
                canonical_request(&request, "/", "h", &["host"], Blanks::Collapsed, &hash);
            let text = string_to_sign(&NOW.basic_iso(), &scope, &canonical);
            let signature = hex::encode(compute(&scope.signing_key("secret"), &text));
            let query = format!("{query}&X-Amz-Signature={signature}");
            assert_eq!(parse_query(&query).last().unwrap().1, signature);
            let verify = |body: &[u8], now| {
                let request = Request::new("GET", "/", &query, &headers).with_body(body);
                Claim::ec2(&request)?.verify("secret", now)
            };
            let life = if expires.is_empty() { MAX_SKEW } else { Duration::from_secs(60) };
            let verified = verify(b"", NOW).unwrap();
            assert_eq!(
                (verified.scheme, verified.good_until),
                (Scheme::PresignedV4, NOW.plus(life))
            );
            assert_eq!(verify(b"x", NOW), Err(SignError::SignatureDoesNotMatch));
            assert!(verify(b"", NOW.plus(life)).is_err());
        }
    }
}

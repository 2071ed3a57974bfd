//! The Authorization header of version 4, written.
//!
//! Signs host, content type, Content-MD5, every `x-amz-*` header and the invocation's id, which keeps
//! two equal requests of one second apart; leaves alone what front ends and HTTP libraries like to
//! change.

use super::super::canonical::sha256;
use super::super::error::SignError;
use super::super::request::{Headers, Request};
use super::super::scheme::{Credentials, PayloadCheck};
use super::canonical_request::{Blanks, canonical_request};
use super::{ALGORITHM, Scope, UNSIGNED_PAYLOAD, compute, string_to_sign};
use crate::time::Timestamp;

/// The headers that our own signatures cover besides `x-amz-*`.
const SIGNED_IF_PRESENT: [&str; 4] =
    ["amz-sdk-invocation-id", "content-md5", "content-type", "host"];

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
        PayloadCheck::Chunked(framing) => framing.declared().unwrap_or(UNSIGNED_PAYLOAD).to_owned(),
    };
    let added = vec![("x-amz-date", now.basic_iso()), ("x-amz-content-sha256", hash.clone())];
    sign(credentials, request, (region, "s3"), &hash, added, now)
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

#[cfg(test)]
mod tests {
    use super::super::super::Claim;
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const CREDENTIALS: Credentials<'_> = Credentials { access_key_id: "AK", secret: "secret" };
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    /// The example of the general reference: ListUsers of 2015-08-30.
    #[test]
    fn published_iam_example() {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let headers: Headers = [
            ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("Host", "iam.amazonaws.com"),
            ("X-Amz-Date", "20150830T123600Z"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ]
        .into_iter()
        .collect();
        let query = "Action=ListUsers&Version=2010-05-08";
        let request = Request::new("GET", "/", query, &headers);
        let now = Timestamp::parse_basic("20150830T123600Z").unwrap();
        let claim = Claim::ec2(&request).unwrap();
        assert_eq!((claim.access_key_id(), claim.service()), ("AKIDEXAMPLE", Some("iam")));
        let verified = claim.verify(secret, now).unwrap();
        assert_eq!(verified.payload, PayloadCheck::Sha256(sha256(b"")));
        let shown = claim.explain();
        assert_eq!(
            shown.string_to_sign,
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
             f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
        );
        assert_eq!(
            shown.canonical_request.unwrap(),
            format!(
                "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
                 content-type:application/x-www-form-urlencoded; charset=utf-8\n\
                 host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
                 content-type;host;x-amz-date\n{EMPTY}"
            )
        );
        let credentials = Credentials { access_key_id: "AKIDEXAMPLE", secret };
        let ours = sign_ec2_v4(credentials, &request, "us-east-1", "iam", now).unwrap();
        assert_eq!(ours[1], ("authorization", headers.text("authorization").unwrap().to_owned()));
    }

    /// The examples of the S3 documentation, "Transferring payload in a single chunk".
    #[test]
    fn published_s3_examples() {
        let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let put = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        type Example<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let examples: [Example<'_>; 4] = [
            (
                "GET",
                "/test.txt",
                "",
                &[("range", "bytes=0-9")],
                EMPTY,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                "/test%24file.text",
                "",
                &[
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                put,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                "GET",
                "/",
                "lifecycle",
                &[],
                EMPTY,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "GET",
                "/",
                "max-keys=2&prefix=J",
                &[],
                EMPTY,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ];
        for (method, path, query, extra, hash, signature) in examples {
            let mut headers: Headers = extra.iter().copied().collect();
            headers.add("Host", "examplebucket.s3.amazonaws.com");
            headers.add("x-amz-content-sha256", hash);
            headers.add("x-amz-date", "20130524T000000Z");
            let mut names: Vec<&str> = headers.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                 SignedHeaders={},Signature={signature}",
                names.join(";")
            );
            headers.add("Authorization", authorization);
            let request = Request::new(method, path, query, &headers)
                .with_virtual_bucket(Some("examplebucket"));
            let now = Timestamp::parse_basic("20130524T000000Z").unwrap();
            let verified = Claim::s3(&request).unwrap().unwrap().verify(secret, now);
            let wanted = PayloadCheck::Sha256(hex::decode(hash).unwrap().try_into().unwrap());
            assert_eq!(verified.map(|verified| verified.payload), Ok(wanted), "{method} {path}");
        }
    }

    #[test]
    fn what_we_sign_verifies_and_says_what_to_check_of_the_body() {
        for payload in [PayloadCheck::Unsigned, PayloadCheck::Sha256(sha256(b"hello"))] {
            let mut headers: Headers =
                [("Host", "h:8774"), ("X-Amz-Meta-A", " a  b "), ("Range", "bytes=0-1")]
                    .into_iter()
                    .collect();
            let request = Request::new("PUT", "/b/k%20", "acl&x=%2F", &headers);
            let added = sign_s3_v4(CREDENTIALS, &request, "eucalyptus", payload, NOW).unwrap();
            added.iter().for_each(|(name, value)| headers.add(name, value));
            let request = Request::new("PUT", "/b/k%20", "acl&x=%2F", &headers);
            let claim = Claim::s3(&request).unwrap().unwrap();
            assert_eq!(claim.verify(CREDENTIALS.secret, NOW).unwrap().payload, payload);
        }
        let bare = Headers::new();
        let request = Request::new("GET", "/", "", &bare);
        assert!(sign_ec2_v4(CREDENTIALS, &request, "r", "ec2", NOW).is_err());
    }

    #[test]
    fn the_body_of_a_query_is_bound() {
        let mut headers: Headers = [("Host", "h")].into_iter().collect();
        let request = Request::new("POST", "/", "", &headers).with_body(b"Action=A");
        let added = sign_ec2_v4(CREDENTIALS, &request, "r", "ec2", NOW).unwrap();
        added.iter().for_each(|(name, value)| headers.add(name, value));
        let verify = |headers: &Headers, body: &[u8]| {
            let request = Request::new("POST", "/", "", headers).with_body(body);
            Claim::ec2(&request)?.verify(CREDENTIALS.secret, NOW)
        };
        assert!(verify(&headers, b"Action=A").is_ok());
        assert_eq!(verify(&headers, b"Action=B"), Err(SignError::SignatureDoesNotMatch));
        headers.add("x-amz-content-sha256", hex::encode(sha256(b"Action=A")));
        assert!(verify(&headers, b"Action=A").is_ok());
        assert_eq!(verify(&headers, b"Action=B"), Err(SignError::PayloadMismatch));
        let unsigned: Headers = headers
            .iter()
            .map(|(name, value)| {
                let swap = name == "x-amz-content-sha256";
                (name, if swap { UNSIGNED_PAYLOAD.as_bytes() } else { value })
            })
            .collect();
        assert_eq!(verify(&unsigned, b"Action=A"), Err(SignError::PayloadMismatch));
    }
}

//! A URL signed with version 2: `AWSAccessKeyId`, `Expires` (seconds since 1970) and `Signature`.
//!
//! The text is that of the header with the end of its life in the place of the date. There is no
//! bound to that life, as there is none on AWS. Clients differ more here than in the header:
//!
//! - boto and botocore move headers of S3 (`x-amz-…`, and botocore Content-Type and Content-MD5)
//!   into the URL and sign them as the headers they were; [`moved_headers`] finds them again.
//! - Content-Type is signed as it is sent, but urllib and curl add one of their own to a body, after
//!   the URL was signed. That one is looked past, and so is any on a request without a body.
//! - libcloud's driver for other clouds signs all its requests in this way, and leaves out the
//!   sub-resources of multipart uploads. An upload's id is known only to whoever may write there:
//!   the list of them, alone among these, must be signed as what it is.

use super::super::canonical::{parse_query, write_query};
use super::super::error::SignError;
use super::super::fresh::Dated;
use super::super::request::{Headers, Request};
use super::super::scheme::Credentials;
use super::super::token;
use super::super::v2::decode_signature;
use super::{Proof, compute, encode_signature, head, resource_paths, resources, sub_resources};
use crate::time::Timestamp;

/// What HTTP libraries say of a body whose sender said nothing.
const NOBODYS_TYPE: &str = "application/x-www-form-urlencoded";

/// The sub-resources of multipart uploads.
const OF_UPLOADS: [&str; 3] = ["uploads", "uploadId", "partNumber"];

/// Reads the signature in a URL; gives the access key's id with the proof.
pub(in crate::sign) fn read_presigned(request: &Request<'_>) -> Result<(String, Proof), SignError> {
    let access_key_id = request.required_parameter("AWSAccessKeyId")?;
    let signature = decode_signature(&request.required_parameter("Signature")?)?;
    let expires = request.required_parameter("Expires")?;
    let until = expires
        .parse()
        .map_err(|_| SignError::InvalidDate { name: "Expires", value: expires.clone() })?;
    let mut resources = resources(request);
    if let Some(bare) = without_uploads(request) {
        resources.extend(bare);
    }
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for headers in readings(request) {
        let head = head(request.method, &headers, Some(&expires));
        for resource in &resources {
            let text = [head.as_slice(), resource.as_bytes()].concat();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    let dated = Dated::presigned(None, Timestamp::from_secs(until));
    Ok((access_key_id, Proof { texts, signature, dated }))
}

/// Lists the headers as the client may have signed them, the likeliest first.
fn readings(request: &Request<'_>) -> Vec<Headers> {
    let mut readings = vec![request.headers.clone()];
    let mut moved = moved_headers(&parse_query(request.raw_query));
    // Signed as the header it was, too; to whoever reads the request it is a part of the signature.
    moved.extend(token::in_url(request).into_iter().map(|value| (token::NAME.to_owned(), value)));
    if !moved.is_empty() {
        let own = |name: &str| moved.iter().any(|(moved, _)| moved == name);
        let mut headers: Headers = request.headers.iter().filter(|(name, _)| !own(name)).collect();
        moved.iter().for_each(|(name, value)| headers.add(name, value));
        // Whoever moved them signed them: without them the signature would cover less.
        readings = vec![headers];
    }
    let added = |value: &[u8]| {
        let bodyless = ["GET", "HEAD", "DELETE"].contains(&request.method);
        bodyless || value.trim_ascii().eq_ignore_ascii_case(NOBODYS_TYPE.as_bytes())
    };
    if request.headers.all("content-type").next().is_some_and(added) {
        let without = |headers: &Headers| -> Headers {
            headers.iter().filter(|(name, _)| *name != "content-type").collect()
        };
        let further: Vec<Headers> = readings.iter().map(without).collect();
        readings.extend(further);
    }
    readings
}

/// Gives the headers that a client has moved into the parameters of the URL that it signed, names in
/// lower case.
///
/// They mean what the headers would have meant. Parameters of the signature itself are none of
/// them, and neither are checksums: clients that presign know no body yet.
pub fn moved_headers(parameters: &[(String, String)]) -> Vec<(String, String)> {
    let moved = |name: &str| {
        let of_s3 = name.starts_with("x-amz-")
            && !OF_SIGNATURES.contains(&name)
            && !name.starts_with("x-amz-checksum-")
            && !name.starts_with("x-amz-sdk-");
        of_s3 || ["content-md5", "content-type"].contains(&name)
    };
    parameters
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| moved(name))
        .collect()
}

/// The parameters of a signature of either version that are named like headers.
const OF_SIGNATURES: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The resources as they are if multipart uploads go unsigned; `None` if this is no such request.
fn without_uploads(request: &Request<'_>) -> Option<Vec<String>> {
    let signed = sub_resources(request.raw_query, true);
    let mut names = signed.strip_prefix('?')?.split('&');
    let of_uploads = names.all(|item| {
        let name = item.split_once('=').map_or(item, |(name, _)| name);
        // Else whoever was given a listing's URL would be told the ids.
        OF_UPLOADS.contains(&name) && (name != "uploads" || request.method == "POST")
    });
    of_uploads.then(|| resource_paths(request))
}

/// Presigns a request to S3: gives the whole query to send, `request`'s own and the signature.
/// Headers of S3 and Content-Type are signed as they are in `request` and must be sent so.
pub fn presign_s3_v2(
    credentials: Credentials<'_>,
    request: &Request<'_>,
    until: Timestamp,
) -> String {
    let expires = until.as_secs().to_string();
    let mut text = head(request.method, request.headers, Some(&expires));
    // The likeliest resource is the path as it is.
    let resource = resources(request).into_iter().next().unwrap_or_default();
    text.extend_from_slice(resource.as_bytes());
    let signature = encode_signature(&compute(credentials.secret, &text));
    let added = write_query(&[
        ("AWSAccessKeyId", credentials.access_key_id),
        ("Expires", &expires),
        ("Signature", &signature),
    ]);
    match request.raw_query {
        "" => added,
        own => format!("{own}&{added}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Claim, Scheme, Verified};
    use super::*;

    const CREDENTIALS: Credentials<'_> = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };
    const UNTIL: Timestamp = Timestamp::from_secs(1_175_139_620);
    const NOW: Timestamp = Timestamp::from_secs(1_175_000_000);

    fn verify(request: &Request<'_>, now: Timestamp) -> Result<Verified, SignError> {
        Claim::s3(request)?.expect("signed").verify(CREDENTIALS.secret, now)
    }

    /// The example of the S3 documentation, "Query string request authentication alternative".
    #[test]
    fn published_example() {
        let headers: Headers = [("host", "johnsmith.s3.amazonaws.com")].into_iter().collect();
        let query = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620\
            &Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D";
        let bucket = Some("johnsmith");
        let request =
            Request::new("GET", "/photos/puppy.jpg", query, &headers).with_virtual_bucket(bucket);
        let verified = verify(&request, NOW).unwrap();
        assert_eq!((verified.scheme, verified.good_until), (Scheme::PresignedV2, UNTIL));
        let expired = Err(SignError::RequestExpired { expires: UNTIL, server: UNTIL });
        assert_eq!(verify(&request, UNTIL), expired);
        let bare =
            Request::new("GET", "/photos/puppy.jpg", "", &headers).with_virtual_bucket(bucket);
        assert_eq!(presign_s3_v2(CREDENTIALS, &bare, UNTIL), query);
    }

    #[test]
    fn a_content_type_is_signed_unless_a_library_added_it() {
        let typed = |value: &str| [("host", "h"), ("content-type", value)].into_iter().collect();
        let (none, form, text): (Headers, Headers, Headers) =
            ([("host", "h")].into_iter().collect(), typed(NOBODYS_TYPE), typed("text/plain"));
        for (method, signed, sent, good) in [
            ("PUT", &none, &none, true),
            ("PUT", &none, &form, true),
            ("PUT", &none, &text, false),
            ("PUT", &text, &text, true),
            ("PUT", &text, &form, false),
            ("PUT", &text, &none, false),
            ("GET", &none, &text, true),
            ("DELETE", &none, &text, true),
        ] {
            let query =
                presign_s3_v2(CREDENTIALS, &Request::new(method, "/b/k", "", signed), UNTIL);
            let request = Request::new(method, "/b/k", &query, sent);
            assert_eq!(verify(&request, NOW).is_ok(), good, "{method} {signed:?} {sent:?}");
        }
    }

    #[test]
    fn headers_moved_into_the_url_stay_signed() {
        let signed: Headers =
            [("x-amz-acl", "public-read"), ("content-type", "text/x")].into_iter().collect();
        let query = presign_s3_v2(CREDENTIALS, &Request::new("PUT", "/b/k", "", &signed), UNTIL);
        let sent: Headers = [("host", "h"), ("content-type", NOBODYS_TYPE)].into_iter().collect();
        let moved = format!("X-Amz-Acl=public-read&content-type=text%2Fx&{query}");
        assert_eq!(
            moved_headers(&parse_query(&moved)),
            [
                ("x-amz-acl".to_owned(), "public-read".to_owned()),
                ("content-type".to_owned(), "text/x".to_owned())
            ]
        );
        assert!(verify(&Request::new("PUT", "/b/k", &moved, &sent), NOW).is_ok());
        let other = moved.replace("public-read", "private");
        assert!(verify(&Request::new("PUT", "/b/k", &other, &sent), NOW).is_err());
        assert!(verify(&Request::new("PUT", "/b/k", &query, &sent), NOW).is_err());
        // What was not signed does not count only because it stands there.
        let bare = presign_s3_v2(CREDENTIALS, &Request::new("PUT", "/b/k", "", &sent), UNTIL);
        let added = format!("{bare}&x-amz-acl=public-read");
        assert!(verify(&Request::new("PUT", "/b/k", &added, &sent), NOW).is_err());
    }

    #[test]
    fn a_session_token_is_signed_as_the_header_it_was() {
        let signed: Headers = [("x-amz-security-token", "a/b+=")].into_iter().collect();
        let query = presign_s3_v2(CREDENTIALS, &Request::new("GET", "/b/k", "", &signed), UNTIL);
        let sent: Headers = [("host", "h")].into_iter().collect();
        for (name, value, good) in [
            ("x-amz-security-token", "a%2Fb%2B%3D", true),
            ("X-Amz-Security-Token", "a%2Fb%2B%3D", true),
            ("x-amz-security-token", "c", false),
        ] {
            let moved = format!("{name}={value}&{query}");
            let request = Request::new("GET", "/b/k", &moved, &sent);
            let token = Claim::s3(&request).unwrap().unwrap().session_token().map(str::to_owned);
            assert_eq!(token.is_some_and(|token| token == "a/b+="), good);
            assert_eq!(verify(&request, NOW).is_ok(), good, "{moved}");
        }
        assert!(verify(&Request::new("GET", "/b/k", &query, &sent), NOW).is_err());
        let bare = presign_s3_v2(CREDENTIALS, &Request::new("GET", "/b/k", "", &sent), UNTIL);
        let added = format!("{bare}&x-amz-security-token=t");
        let request = Request::new("GET", "/b/k", &added, &sent);
        assert_eq!(verify(&request, NOW).unwrap_err(), SignError::SignatureDoesNotMatch);
    }

    #[test]
    fn uploads_may_go_unsigned_and_nothing_else() {
        let headers: Headers = [("host", "h")].into_iter().collect();
        let bare = presign_s3_v2(CREDENTIALS, &Request::new("PUT", "/b/k", "", &headers), UNTIL);
        for (query, good) in [
            ("partNumber=1&uploadId=x", true),
            ("uploads", false),
            ("max-keys=1", true),
            ("acl", false),
            ("acl&uploadId=x", false),
            ("versionId=1", false),
        ] {
            let query = format!("{query}&{bare}");
            let request = Request::new("PUT", "/b/k", &query, &headers);
            assert_eq!(verify(&request, NOW).is_ok(), good, "{query}");
        }
        for (method, path, good) in [("POST", "/b/k", true), ("GET", "/b", false)] {
            let bare = presign_s3_v2(CREDENTIALS, &Request::new(method, path, "", &headers), UNTIL);
            let query = format!("uploads&{bare}");
            let request = Request::new(method, path, &query, &headers);
            assert_eq!(verify(&request, NOW).is_ok(), good, "{method}");
        }
    }

    #[test]
    fn refusals() {
        let headers: Headers = [("host", "h")].into_iter().collect();
        let read = |query: &str| {
            Claim::s3(&Request::new("GET", "/b/k", query, &headers)).map(|_| ()).unwrap_err()
        };
        for (query, part) in [
            ("AWSAccessKeyId=AK&Expires=1", "Signature"),
            ("Signature=AAAA&Expires=1", "AWSAccessKeyId"),
            ("Signature=AAAA&AWSAccessKeyId=AK", "Expires"),
        ] {
            assert_eq!(read(query), SignError::IncompleteSignature { part });
        }
        let good = "AWSAccessKeyId=AK&Expires=1&Signature=AAAA";
        assert!(matches!(
            read(&good.replace("=1", "=soon")),
            SignError::InvalidDate { name: "Expires", .. }
        ));
        for twice in ["Expires=2", "X-Amz-Signature=00"] {
            assert!(matches!(
                read(&format!("{good}&{twice}")),
                SignError::MalformedAuthorization { .. } | SignError::SignedTwice
            ));
        }
    }
}

//! Signature version 2 of S3, in the Authorization header (`AWS AccessKeyId:signature`) or, in
//! `presigned.rs`, in the URL.
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

mod presigned;

pub(super) use presigned::read_presigned;
pub use presigned::{moved_headers, presign_s3_v2};

use base64::Engine;
use base64::engine::general_purpose;

use super::canonical::{hmac_sha1, percent_decode, split_service_prefix};
use super::error::SignError;
use super::fresh::Dated;
use super::request::{Headers, Request};
use super::scheme::{Credentials, Expected};
use super::v2::decode_signature;
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
    let dated = Dated::at(date(request.headers)?);
    let signature = decode_signature(signature)?;
    let head = head(request.method, request.headers, None);
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
    let mut text = head(request.method, &headers, None);
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

/// Writes all lines before the resource; `expires` stands in the place of the date in a URL.
fn head(method: &str, headers: &Headers, expires: Option<&str>) -> Vec<u8> {
    let mut text = method.as_bytes().to_vec();
    for name in ["content-md5", "content-type", "date"] {
        text.push(b'\n');
        if let ("date", Some(expires)) = (name, expires) {
            text.extend_from_slice(expires.as_bytes());
            continue;
        }
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
    let mut endings = vec![sub_resources(request.raw_query, true)];
    let bare = sub_resources(request.raw_query, false);
    if bare != endings[0] {
        endings.push(bare);
    }
    let paths = resource_paths(request);
    endings
        .iter()
        .flat_map(|ending| paths.iter().map(move |path| format!("{path}{ending}")))
        .collect()
}

/// Lists the resources without their sub-resources.
fn resource_paths(request: &Request<'_>) -> Vec<String> {
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
    paths
}

/// Writes the signed sub-resources, sorted, as `?name&name=value` with decoded values; an empty
/// value keeps its `=` or not, for clients differ there too.
fn sub_resources(raw_query: &str, keep_empty_sign: bool) -> String {
    let mut items: Vec<(String, Option<String>)> = raw_query
        .split('&')
        .filter_map(|item| {
            let (name, value) = match item.split_once('=') {
                // A plus stays one: boto 2 sends ids unescaped and signs them as they are.
                Some((name, value)) => (name, Some(percent_decode(value))),
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

#[cfg(test)]
mod tests {
    use super::super::Claim;
    use super::*;

    /// The access key of the published examples.
    const EXAMPLE: Credentials<'_> = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    };

    /// The examples of the S3 documentation, "Signing and authenticating REST requests".
    #[test]
    fn published_examples() {
        type Example<'a> = (&'a str, &'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);
        let bucket = "johnsmith";
        let date = |text| ("Date", text);
        let examples: [Example<'_>; 7] = [
            (
                "GET",
                "/photos/puppy.jpg",
                "",
                bucket,
                &[date("Tue, 27 Mar 2007 19:36:42 +0000")],
                "bWq2s1WEIj+Ydj0vQ697zp+IXMU=",
            ),
            (
                "PUT",
                "/photos/puppy.jpg",
                "",
                bucket,
                &[date("Tue, 27 Mar 2007 21:15:45 +0000"), ("Content-Type", "image/jpeg")],
                "MyyxeRY7whkBe+bq8fHCL/2kKUg=",
            ),
            (
                "GET",
                "/",
                "prefix=photos&max-keys=50&marker=puppy",
                bucket,
                &[date("Tue, 27 Mar 2007 19:42:41 +0000")],
                "htDYFYduRNen8P9ZfE/s9SuKy0U=",
            ),
            (
                "GET",
                "/",
                "acl",
                bucket,
                &[date("Tue, 27 Mar 2007 19:44:46 +0000")],
                "c2WLPFtWHVgbEmeEG93a4cG37dM=",
            ),
            (
                "PUT",
                "/db-backup.dat.gz",
                "",
                "static.johnsmith.net",
                &[
                    date("Tue, 27 Mar 2007 21:06:08 +0000"),
                    ("x-amz-acl", "public-read"),
                    ("Content-Type", "application/x-download"),
                    ("Content-MD5", "4gJE4saaMU4BqNR0kLY+lw=="),
                    ("X-Amz-Meta-ReviewedBy", "joe@johnsmith.net"),
                    ("X-Amz-Meta-ReviewedBy", "jane@johnsmith.net"),
                    ("X-Amz-Meta-FileChecksum", "0x02661779"),
                    ("X-Amz-Meta-ChecksumAlgorithm", "crc32"),
                ],
                "ilyl83RwaSoYIEdixDQcA4OnAnc=",
            ),
            (
                "GET",
                "/",
                "",
                "",
                &[date("Wed, 28 Mar 2007 01:29:59 +0000")],
                "qGdzdERIC03wnaRNKh6OqZehG9s=",
            ),
            (
                "GET",
                "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
                "",
                "",
                &[date("Wed, 28 Mar 2007 01:49:49 +0000")],
                "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
            ),
        ];
        for (method, path, query, bucket, pairs, signature) in examples {
            let mut headers: Headers = pairs.iter().copied().collect();
            let at = Timestamp::parse(headers.text("date").unwrap()).unwrap();
            let bucket = Some(bucket).filter(|bucket| !bucket.is_empty());
            let request = Request::new(method, path, query, &headers).with_virtual_bucket(bucket);
            let added = sign_s3_v2(EXAMPLE, &request, at);
            let wanted = format!("AWS AKIAIOSFODNN7EXAMPLE:{signature}");
            assert_eq!(added, [("authorization", wanted.clone())], "{method} {path}");
            headers.add("authorization", wanted);
            let request = Request::new(method, path, query, &headers).with_virtual_bucket(bucket);
            let claim = Claim::s3(&request).unwrap().unwrap();
            assert_eq!(claim.explain().signature_provided, signature);
            claim.verify(EXAMPLE.secret, at).unwrap();
        }
    }

    #[test]
    fn resources_of_each_client() {
        for (path, bucket, forms) in [
            ("/services/Walrus", None, &["/services/Walrus", "/"][..]),
            (
                "/services/Walrus/b",
                None,
                &["/services/Walrus/b", "/b", "/services/Walrus/b/", "/b/"],
            ),
            ("/services/walrus/b/", None, &["/services/walrus/b/", "/b/"]),
            ("/services/Walrus/b/k", None, &["/services/Walrus/b/k", "/b/k"]),
            ("/b", None, &["/b", "/b/"]),
            ("/", None, &["/"]),
            ("", None, &["/"]),
            ("/k", Some("b"), &["/b/k"]),
            ("/", Some("b"), &["/b/"]),
            ("/services/Walrus/k", Some("b"), &["/b/services/Walrus/k", "/b/k"]),
        ] {
            let headers = Headers::new();
            let request = Request::new("GET", path, "", &headers).with_virtual_bucket(bucket);
            assert_eq!(resources(&request), forms, "{path} {bucket:?}");
        }
    }

    #[test]
    fn only_sub_resources_are_signed() {
        for (query, signed) in [
            ("", ""),
            ("&max-keys=0", ""),
            ("prefix=a&acl", "?acl"),
            ("uploadId=a%2Fb%3D&partNumber=2&x-id=UploadPart", "?partNumber=2&uploadId=a/b="),
            ("versionId=a/b+c==", "?versionId=a/b+c=="),
            ("encryption", ""),
            ("acl=", "?acl="),
        ] {
            assert_eq!(sub_resources(query, true), signed, "{query}");
        }
        assert_eq!(sub_resources("acl=", false), "?acl");
    }

    #[test]
    fn x_amz_date_empties_the_date_line() {
        let headers: Headers = [
            ("Date", "Tue, 27 Mar 2007 21:20:27 +0000"),
            ("X-Amz-Date", " Tue, 27 Mar 2007 21:20:26 +0000"),
        ]
        .into_iter()
        .collect();
        let text = String::from_utf8(head("DELETE", &headers, None)).unwrap();
        assert_eq!(text, "DELETE\n\n\n\nx-amz-date:Tue, 27 Mar 2007 21:20:26 +0000\n");
        assert_eq!(date(&headers), Ok(Timestamp::parse_basic("20070327T212026Z").unwrap()));
    }

    #[test]
    fn a_session_token_is_signed() {
        let at = Timestamp::from_secs(1_800_000_000);
        let mut headers: Headers = [("x-amz-security-token", "a/b+=")].into_iter().collect();
        let added = sign_s3_v2(EXAMPLE, &Request::new("GET", "/b/k", "", &headers), at);
        added.iter().for_each(|(name, value)| headers.add(name, value));
        let verify = |headers: &Headers| {
            let claim = Claim::s3(&Request::new("GET", "/b/k", "", headers)).unwrap().unwrap();
            let token = claim.session_token().map(str::to_owned);
            (token, claim.verify(EXAMPLE.secret, at).is_ok())
        };
        assert_eq!(verify(&headers), (Some("a/b+=".into()), true));
        let other = |value: &'static str| -> Headers {
            let others = headers.iter().filter(|(name, _)| *name != "x-amz-security-token");
            others.chain([("x-amz-security-token", value.as_bytes())]).collect()
        };
        assert_eq!(verify(&other("c")), (Some("c".into()), false));
    }

    #[test]
    fn refusals() {
        let read = |pairs: &[(&str, &str)]| {
            let headers: Headers = pairs.iter().copied().collect();
            Claim::s3(&Request::new("GET", "/b/k", "", &headers)).unwrap_err()
        };
        let date = ("date", "Tue, 27 Mar 2007 19:36:42 +0000");
        assert!(matches!(
            read(&[("authorization", "AWS AK:AAAA")]),
            SignError::MissingDate("a Date or x-amz-date header")
        ));
        assert!(matches!(
            read(&[("authorization", "AWS AK:AAAA"), ("date", "soon")]),
            SignError::InvalidDate { name: "date", .. }
        ));
        for authorization in ["AWS AK", "AWS :AAAA", "AWS AK:", "AWS AK:A"] {
            let error = read(&[("authorization", authorization), date]);
            assert!(matches!(error, SignError::MalformedAuthorization { .. }), "{authorization}");
        }
        assert_eq!(
            read(&[("authorization", "Basic AAAA")]),
            SignError::UnsupportedAlgorithm("Basic".to_owned())
        );
    }
}

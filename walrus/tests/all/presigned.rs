//! URLs that their owner hands on, buckets as host names, and tokens that nobody gave out.

use std::time::Duration;

use common::sign::{
    Credentials, Headers, PayloadCheck, Request, presign_s3_v2, presign_s3_v4, sign_s3_v2,
    sign_s3_v4,
};
use common::time::Timestamp;
use runtime::clock::Clock;

use crate::http::{Reply, send};
use crate::world::{Who, World};

const HOUR: Duration = Duration::from_secs(3600);

/// Sends a request as it is.
pub(crate) fn plain(
    world: &World,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let named = headers.iter().any(|(name, _)| *name == "host");
    let host = world.public.to_string();
    let length = body.len().to_string();
    let mut all = headers.to_vec();
    all.push(("content-length", &length));
    if !named {
        all.push(("host", &host));
    }
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let all: Vec<_> = all.iter().map(owned).collect();
    let mut sent = send(world.public, method, target, &all);
    sent.write(body);
    sent.read()
}

/// A presigned target, by either version.
pub(crate) fn presigned(
    world: &World,
    four: bool,
    (method, path, query): (&str, &str, &str),
    extra: &[(&str, &str)],
    now: Timestamp,
) -> String {
    let (id, secret) = Who::Alice.credentials();
    let credentials = Credentials { access_key_id: &id, secret: &secret };
    let host = world.public.to_string();
    let headers: Headers = [("host", host.as_str())].iter().chain(extra).copied().collect();
    let request = Request::new(method, path, query, &headers);
    let query = match four {
        true => presign_s3_v4(credentials, &request, "eucalyptus", HOUR, now).unwrap(),
        false => presign_s3_v2(credentials, &request, now.plus(HOUR)),
    };
    format!("{path}?{query}")
}

#[test]
fn whoever_has_the_url_does_what_it_says_until_it_ends() {
    let world = World::new();
    let now = Clock::system().now();
    assert_eq!(world.call(Who::Alice, "PUT", "/buck", &[], b"").status, 200);
    for (four, path) in [(true, "/buck/a%20b"), (false, "/services/Walrus/buck/c%2Bd")] {
        let url = |method: &str| presigned(&world, four, (method, path, ""), &[], now);
        for body in [&b"hello"[..], b"hello, again"] {
            assert_eq!(plain(&world, "PUT", &url("PUT"), &[], body).status, 200);
            let got = plain(&world, "GET", &url("GET"), &[("range", "bytes=0-4")], b"");
            assert_eq!((got.status, got.body.as_slice()), (206, &b"hello"[..]));
        }
        assert_eq!(
            plain(&world, "HEAD", &url("HEAD"), &[], b"").header("content-length"),
            Some("12")
        );
        // A URL is for one method, one object and nothing added to it.
        for (method, target) in [
            ("DELETE", url("GET")),
            ("GET", url("GET").replace("/buck/", "/buck/x")),
            ("GET", url("GET").replace("Signature=", "Signature=0")),
        ] {
            let refused = plain(&world, method, &target, &[], b"");
            assert!([400, 403].contains(&refused.status), "{method} {target}: {}", refused.text());
        }
        let acl = plain(&world, "PUT", &url("PUT"), &[("x-amz-acl", "public-read")], b"mine");
        assert_eq!(acl.status, 403, "{}", acl.text());
        assert_eq!(plain(&world, "GET", &url("GET"), &[], b"").body, b"hello, again");
        assert_eq!(plain(&world, "DELETE", &url("DELETE"), &[], b"").status, 204);
        assert_eq!(
            plain(&world, "GET", &url("GET"), &[], b"").refusal(),
            (404, "NoSuchKey".into())
        );
        let old = presigned(&world, four, ("GET", path, ""), &[], now.minus(2 * HOUR));
        let refused = plain(&world, "GET", &old, &[], b"");
        assert_eq!(refused.refusal(), (403, "AccessDenied".into()));
        assert_eq!(refused.element("Message").unwrap(), "Request has expired");
        assert!(refused.element("Expires").unwrap().ends_with('Z'));
        assert!(refused.element("ServerTime").is_some());
    }
}

#[test]
fn headers_in_the_url_mean_what_they_would_mean_outside() {
    let world = World::new();
    let now = Clock::system().now();
    assert_eq!(world.call(Who::Alice, "PUT", "/buck", &[], b"").status, 200);
    // As SDKs for browsers do: what is signed stands in the URL alone.
    let query = "x-amz-acl=public-read&x-amz-meta-note=a%20b&x-amz-checksum-crc32=AAAAAA%3D%3D\
                 &x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject";
    let four = presigned(&world, true, ("PUT", "/buck/four", query), &[], now);
    // As boto 2 does: headers are signed as headers and stand in the URL, too.
    let moved = [("x-amz-acl", "public-read"), ("x-amz-meta-note", "a b")];
    let two = presigned(&world, false, ("PUT", "/buck/two", ""), &moved, now);
    let two = format!("{two}&x-amz-acl=public-read&x-amz-meta-note=a%20b");
    for (key, target) in [("four", &four), ("two", &two)] {
        let put = plain(&world, "PUT", target, &[], b"hello");
        assert_eq!(put.status, 200, "{}", put.text());
        let got = world.get(Who::Nobody, &format!("/buck/{key}"));
        assert_eq!((got.status, got.header("x-amz-meta-note")), (200, Some("a b")), "{key}");
        let other = target.replace("public-read", "private");
        assert_eq!(plain(&world, "PUT", &other, &[], b"x").status, 403);
    }
}

#[test]
fn what_is_wrong_with_a_url_is_told() {
    let world = World::new();
    let now = Clock::system().now();
    let url = presigned(&world, true, ("GET", "/buck/key", ""), &[], now);
    let refused = |from: &str, to: &str| {
        assert!(url.contains(from), "{from}");
        plain(&world, "GET", &url.replace(from, to), &[], b"").refusal()
    };
    let parameters = (400, "AuthorizationQueryParametersError".to_owned());
    for (from, to) in [
        ("X-Amz-Expires=3600", "X-Amz-Expires=604801"),
        ("X-Amz-Expires=3600", "X-Amz-Expires=soon"),
        ("X-Amz-Expires=3600", ""),
        ("X-Amz-Date=", "X-Amz-Date=x"),
        ("AWS4-HMAC-SHA256", "AWS4-RSA-SHA256"),
        ("aws4_request", "aws5_request"),
    ] {
        assert_eq!(refused(from, to), parameters, "{to}");
    }
    let mismatch = (403, "SignatureDoesNotMatch".to_owned());
    assert_eq!(refused("/buck/key", "/buck/kex"), mismatch);
    let later = presigned(&world, true, ("GET", "/buck/key", ""), &[], now.plus(HOUR));
    let early = plain(&world, "GET", &later, &[], b"");
    assert_eq!(early.element("Message").unwrap(), "Request is not valid yet");
    let two = presigned(&world, false, ("GET", "/buck/key", ""), &[], now);
    for (from, to) in [("Expires=", "Expires=x"), ("&Signature=", "&Sig=")] {
        let told = plain(&world, "GET", &two.replace(from, to), &[], b"");
        assert_eq!(told.refusal(), (403, "AccessDenied".into()), "{to}");
    }
    let twice = plain(&world, "GET", &two, &[("authorization", "AWS a:b")], b"");
    assert_eq!(twice.refusal(), (400, "InvalidArgument".into()));
    let unknown = plain(&world, "GET", &url.replace("AKI", "AKX"), &[], b"");
    assert_eq!(unknown.refusal(), (403, "InvalidAccessKeyId".into()));
}

#[test]
fn session_tokens_are_refused_wherever_they_stand() {
    let world = World::new();
    let now = Clock::system().now();
    let invalid = (400, "InvalidToken".to_owned());
    for four in [true, false] {
        let url = presigned(&world, four, ("GET", "/buck/key", ""), &[], now);
        let told = plain(&world, "GET", &format!("{url}&x-amz-security-token=t"), &[], b"");
        assert_eq!(told.refusal(), invalid);
        let told = plain(&world, "GET", &url, &[("x-amz-security-token", "t")], b"");
        assert_eq!(told.refusal(), invalid);
    }
    let token = [("x-amz-security-token", "t")];
    assert_eq!(world.call(Who::Alice, "GET", "/buck/key", &token, b"").refusal(), invalid);
    assert_eq!(world.call(Who::Nobody, "GET", "/buck/key", &token, b"").refusal(), invalid);
}

#[test]
fn a_host_below_a_domain_is_a_bucket() {
    let world = World::with(|config| config.domains = vec!["s3.example.org".into()]);
    let now = Clock::system().now();
    let port = world.public.port();
    let (id, secret) = Who::Alice.credentials();
    let credentials = Credentials { access_key_id: &id, secret: &secret };
    let call = |host: &str, four: bool, (method, path, query): (&str, &str, &str), body: &[u8]| {
        let headers: Headers = [("host", host)].into_iter().collect();
        // Clients know by themselves which bucket their host means.
        let bucket = host.split('.').next().filter(|_| host.matches('.').count() > 2);
        let bucket = bucket.map(str::to_ascii_lowercase);
        let request =
            Request::new(method, path, query, &headers).with_virtual_bucket(bucket.as_deref());
        let added = match four {
            true => sign_s3_v4(credentials, &request, "r", PayloadCheck::Unsigned, now).unwrap(),
            false => sign_s3_v2(credentials, &request, now),
        };
        let mut all = vec![("host", host)];
        all.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        plain(&world, method, &target, &all, body)
    };
    for four in [true, false] {
        let host = format!("buck.s3.example.org:{port}");
        let made = call(&host, four, ("PUT", "/", ""), b"").status;
        assert!(made == if four { 200 } else { 409 }, "{made}");
        let key = format!("/key-{four}");
        assert_eq!(call(&host, four, ("PUT", &key, ""), b"hello").status, 200);
        for host in [
            host.clone(),
            format!("BUCK.S3.example.org.:{port}"),
            format!("buck.s3.example.org:{port}:{port}"),
            "buck.s3.example.org".to_owned(),
        ] {
            let got = call(&host, four, ("GET", &key, ""), b"");
            assert_eq!((got.status, got.text().as_str()), (200, "hello"), "{host}");
            let prefixed = format!("/services/Walrus{key}");
            assert_eq!(call(&host, four, ("GET", &prefixed, ""), b"").text(), "hello", "{host}");
            let list = call(&host, four, ("GET", "/", "prefix=key"), b"");
            assert_eq!(list.element("Name").as_deref(), Some("buck"), "{}", list.text());
            assert!(list.text().contains(&format!("<Key>key-{four}</Key>")));
        }
        // The domain itself, and hosts that are under none, say nothing.
        for host in [format!("s3.example.org:{port}"), "elsewhere.org".to_owned()] {
            let got = call(&host, four, ("GET", &format!("/buck{key}"), ""), b"");
            assert_eq!(got.text(), "hello", "{host}");
            assert!(call(&host, four, ("GET", "/", ""), b"").text().contains("<Name>buck</Name>"));
        }
        // One bucket's signature is none for another's.
        let other = format!("other.s3.example.org:{port}");
        assert_eq!(
            call(&other, four, ("GET", &key, ""), b"").refusal(),
            (404, "NoSuchBucket".into())
        );
    }
    let bad = call(&format!("x.s3.example.org:{port}"), true, ("GET", "/k", ""), b"");
    assert_eq!(bad.refusal(), (400, "InvalidBucketName".into()));
}

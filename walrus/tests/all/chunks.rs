//! Bodies in chunks, signed and not, with what follows them; checksums in headers and behind.

use std::time::Duration;

use common::sign::{
    Chain, Claim, Credentials, Framing, Headers, PayloadCheck, Request, sign_s3_v4,
};
use runtime::clock::Clock;
use sha2::{Digest as _, Sha256};

use crate::http::{Reply, Sent, send};
use crate::world::{Who, World};

const CRC: &str = "NhCmhg==";
const UNSIGNED: Framing = Framing { signed: false, trailers: true };
const SIGNED: Framing = Framing { signed: true, trailers: false };
const BOTH: Framing = Framing { signed: true, trailers: true };

fn world() -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    world
}

/// Sends the head of an upload, signed by version 4 for a body in chunks.
fn begin(
    world: &World,
    target: &str,
    framing: Framing,
    further: &[(&str, &str)],
) -> (Sent, Option<Chain>) {
    let mut all: Vec<(String, String)> = vec![
        ("host".into(), world.public.to_string()),
        ("content-encoding".into(), "aws-chunked".into()),
    ];
    all.extend(further.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    let (id, secret) = Who::Alice.credentials();
    let credentials = Credentials { access_key_id: &id, secret: &secret };
    let mut headers: Headers = all.iter().map(|(n, v)| (n, v)).collect();
    let request = Request::new("PUT", target, "", &headers);
    let payload = PayloadCheck::Chunked(framing);
    let added = sign_s3_v4(credentials, &request, "r", payload, Clock::system().now()).unwrap();
    for (name, value) in added {
        headers.add(name, &value);
        all.push((name.to_owned(), value));
    }
    let request = Request::new("PUT", target, "", &headers);
    let chain = Claim::s3(&request).unwrap().unwrap().chain(&secret);
    (send(world.public, "PUT", target, &all), chain)
}

/// Wraps chunks of data, signed if there is a chain.
fn wrap(chunks: &[&[u8]], mut chain: Option<Chain>, trailer: Option<(&str, &str)>) -> Vec<u8> {
    let mut body = Vec::new();
    for data in chunks.iter().chain([&&b""[..]]) {
        body.extend_from_slice(format!("{:x}", data.len()).as_bytes());
        if let Some(chain) = &mut chain {
            let signature = chain.chunk(Sha256::digest(data).into());
            body.extend_from_slice(format!(";chunk-signature={signature}").as_bytes());
        }
        body.extend_from_slice(b"\r\n");
        if !data.is_empty() {
            body.extend_from_slice(&[data, &b"\r\n"[..]].concat());
        }
    }
    if let Some((name, value)) = trailer {
        body.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        if let Some(chain) = &mut chain {
            let signature = chain.trailer(format!("{name}:{value}\n").as_bytes());
            let line = format!("x-amz-trailer-signature:{signature}\r\n");
            body.extend_from_slice(line.as_bytes());
        }
    }
    body.extend_from_slice(b"\r\n");
    body
}

/// Puts HTTP's own chunks around a body, in pieces of odd sizes.
fn http_chunks(body: &[u8]) -> Vec<u8> {
    let mut wrapped = Vec::new();
    for piece in body.chunks(7) {
        wrapped.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        wrapped.extend_from_slice(&[piece, b"\r\n"].concat());
    }
    wrapped.extend_from_slice(b"0\r\n\r\n");
    wrapped
}

fn put(
    world: &World,
    framing: Framing,
    headers: &[(&str, &str)],
    body: impl FnOnce(Option<Chain>) -> Vec<u8>,
) -> Reply {
    let mut headers = headers.to_vec();
    headers.push(("transfer-encoding", "chunked"));
    let (mut sent, chain) = begin(world, "/buck/key", framing, &headers);
    sent.write(&http_chunks(&body(chain)));
    sent.read()
}

const LENGTH: (&str, &str) = ("x-amz-decoded-content-length", "5");
const TRAILER: (&str, &str) = ("x-amz-trailer", "x-amz-checksum-crc32");

#[test]
fn chunks_are_taken_off() {
    let world = world();
    for framing in [UNSIGNED, SIGNED, BOTH] {
        let mut headers = vec![LENGTH, ("x-amz-meta-a", "b")];
        if framing.trailers {
            headers.push(TRAILER);
        }
        let trailer = framing.trailers.then_some(("x-amz-checksum-crc32", CRC));
        let put = put(&world, framing, &headers, |chain| wrap(&[b"hel", b"lo"], chain, trailer));
        assert_eq!(put.status, 200, "{framing:?} {}", put.text());
        let kept =
            if framing.trailers { "x-amz-checksum-crc32" } else { "x-amz-checksum-crc64nvme" };
        assert!(put.header(kept).is_some(), "{put:?}");
        assert_eq!(put.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        let mode = [("x-amz-checksum-mode", "ENABLED")];
        let got = world.call(Who::Alice, "GET", "/buck/key", &mode, b"");
        assert_eq!((got.status, got.body.as_slice()), (200, &b"hello"[..]));
        assert_eq!(got.header("etag"), Some("\"5d41402abc4b2a76b9719d911017c592\""));
        assert_eq!(got.header("content-encoding"), None);
        assert_eq!(got.header(kept), put.header(kept));
        assert_eq!(world.get(Who::Alice, "/buck/key").header(kept), None, "nobody asked");
        let range = [("x-amz-checksum-mode", "ENABLED"), ("range", "bytes=0-1")];
        let part = world.call(Who::Alice, "GET", "/buck/key", &range, b"");
        assert_eq!((part.status, part.header(kept)), (206, None));
        world.call(Who::Alice, "DELETE", "/buck/key", &[], b"");
    }
    // With a Content-Length around it, as clients send that know how long it all becomes.
    let body = wrap(&[b"hello"], None, Some(("x-amz-checksum-crc32", CRC)));
    let length = body.len().to_string();
    let headers = [("content-length", length.as_str()), LENGTH, TRAILER];
    let (mut sent, _) = begin(&world, "/buck/key", UNSIGNED, &headers);
    sent.write(&body);
    assert_eq!(sent.read().status, 200);
    // And by version 2, where only the headers say so.
    let headers = [("content-encoding", "gzip,aws-chunked"), LENGTH];
    let plain = wrap(&[b"hello"], None, None);
    assert_eq!(world.call(Who::Alice, "PUT", "/buck/two", &headers, &plain).status, 200);
    let got = world.get(Who::Alice, "/buck/two");
    assert_eq!((got.text().as_str(), got.header("content-encoding")), ("hello", Some("gzip")));
}

#[test]
fn large_and_empty_bodies_come_in_chunks() {
    let world = world();
    let data: Vec<u8> =
        (0..3_000_001_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
    let pieces: Vec<&[u8]> = data.chunks(65_536).collect();
    let length = data.len().to_string();
    let headers =
        [("transfer-encoding", "chunked"), ("x-amz-decoded-content-length", length.as_str())];
    let (mut sent, chain) = begin(&world, "/buck/large", SIGNED, &headers);
    let body = wrap(&pieces, chain, None);
    sent.write(format!("{:x}\r\n", body.len()).as_bytes());
    sent.write(&body);
    sent.write(b"\r\n0\r\n\r\n");
    assert_eq!(sent.read().status, 200);
    assert!(world.get(Who::Alice, "/buck/large").body == data);
    let empty = [("x-amz-decoded-content-length", "0"), TRAILER];
    let trailer = Some(("x-amz-checksum-crc32", "AAAAAA=="));
    assert_eq!(put(&world, BOTH, &empty, |chain| wrap(&[], chain, trailer)).status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/key").header("content-length"), Some("0"));
    let wrong = Some(("x-amz-checksum-crc32", CRC));
    let refused = put(&world, UNSIGNED, &empty, |_| wrap(&[], None, wrong));
    assert_eq!(refused.refusal(), (400, "BadDigest".into()));
}

#[test]
fn what_is_wrong_with_chunks_is_told_and_nothing_stays() {
    let world = world();
    let crc = Some(("x-amz-checksum-crc32", CRC));
    let all = [LENGTH, TRAILER];
    let spoil = |mut body: Vec<u8>, from: &[u8], to: &[u8]| {
        let at = body.windows(from.len()).position(|w| w == from).unwrap();
        body.splice(at..at + from.len(), to.iter().copied());
        body
    };
    let sdk = [LENGTH, TRAILER, ("x-amz-sdk-checksum-algorithm", "SHA256")];
    let header = [LENGTH, TRAILER, ("x-amz-checksum-crc32", CRC)];
    let two = [LENGTH, ("x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-sha1")];
    let table = [
        (
            put(&world, BOTH, &all, |c| spoil(wrap(&[b"hello"], c, crc), b"hello", b"jello")),
            403,
            "SignatureDoesNotMatch",
        ),
        (
            put(&world, BOTH, &all, |c| spoil(wrap(&[b"hello"], c, crc), b"Nh", b"NH")),
            403,
            "SignatureDoesNotMatch",
        ),
        (put(&world, SIGNED, &[LENGTH], |_| wrap(&[b"hello"], None, None)), 400, "IncompleteBody"),
        (
            put(&world, UNSIGNED, &all, |_| {
                spoil(wrap(&[b"hello"], None, crc), b"hello", b"jello")
            }),
            400,
            "BadDigest",
        ),
        (put(&world, UNSIGNED, &all, |_| wrap(&[b"hello"], None, None)), 400, "InvalidRequest"),
        (
            put(&world, UNSIGNED, &[LENGTH], |_| wrap(&[b"hello"], None, crc)),
            400,
            "MalformedTrailerError",
        ),
        (put(&world, UNSIGNED, &all, |_| wrap(&[b"hell"], None, crc)), 400, "IncompleteBody"),
        (put(&world, UNSIGNED, &all, |_| wrap(&[b"hello!"], None, crc)), 400, "IncompleteBody"),
        (put(&world, UNSIGNED, &all, |_| b"5\r\nhello\r\n0\r\n".to_vec()), 400, "IncompleteBody"),
        (
            put(&world, UNSIGNED, &[TRAILER], |_| wrap(&[b"hello"], None, crc)),
            411,
            "MissingContentLength",
        ),
        (put(&world, UNSIGNED, &sdk, |_| wrap(&[b"hello"], None, crc)), 400, "InvalidRequest"),
        (put(&world, UNSIGNED, &header, |_| wrap(&[b"hello"], None, crc)), 400, "InvalidRequest"),
        (put(&world, UNSIGNED, &two, |_| wrap(&[b"hello"], None, crc)), 400, "InvalidRequest"),
    ];
    for (n, (reply, status, code)) in table.into_iter().enumerate() {
        assert_eq!(reply.refusal(), (status, code.to_owned()), "{n}: {}", reply.text());
    }
    // Nobody can sign chunks without a signature to begin at.
    let streaming = [
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        LENGTH,
        ("content-encoding", "aws-chunked"),
    ];
    let refused = world.call(Who::Alice, "PUT", "/buck/key", &streaming, b"0\r\n\r\n");
    assert_eq!(refused.refusal(), (400, "InvalidRequest".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
    world.wait_for_files("objects", 0);
}

#[test]
fn checksums_in_headers_are_compared_kept_and_told() {
    let world = world();
    let table = [
        ("x-amz-checksum-crc32", CRC),
        ("x-amz-checksum-crc32c", "mnG7TA=="),
        ("x-amz-checksum-crc64nvme", "M3eFcAZSQlc="),
        ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
        ("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ];
    for (name, value) in table {
        let put = |value: &str, body: &[u8]| {
            world.call(Who::Alice, "PUT", "/buck/key", &[(name, value)], body)
        };
        let good = put(value, b"hello");
        assert_eq!((good.status, good.header(name)), (200, Some(value)), "{}", good.text());
        let mode = [("x-amz-checksum-mode", "enabled")];
        for method in ["GET", "HEAD"] {
            let told = world.call(Who::Alice, method, "/buck/key", &mode, b"");
            assert_eq!((told.status, told.header(name)), (200, Some(value)), "{method}");
            assert_eq!(told.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
        }
        assert_eq!(put(value, b"jello").refusal(), (400, "BadDigest".into()));
        assert_eq!(put("AAAA", b"hello").refusal(), (400, "InvalidRequest".into()));
    }
    let two = [("x-amz-checksum-crc32", CRC), ("x-amz-checksum-crc32c", "mnG7TA==")];
    let refused = world.call(Who::Alice, "PUT", "/buck/key", &two, b"hello");
    assert_eq!(refused.refusal(), (400, "InvalidRequest".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").text(), "hello");
}

#[test]
fn a_sender_that_stalls_in_a_chunk_leaves_nothing() {
    let world = world();
    let headers = [("transfer-encoding", "chunked"), LENGTH, TRAILER];
    let (mut sent, _) = begin(&world, "/buck/key", UNSIGNED, &headers);
    sent.write(b"6\r\n5\r\nhel\r\n");
    sent.stream.get_ref().set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    drop(sent);
    world.wait_for_files("objects", 0);
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
}

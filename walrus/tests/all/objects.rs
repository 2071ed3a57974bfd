//! Objects: their bytes and what is kept with them, refusals that leave nothing behind.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::world::{Who, World};

fn world() -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    world
}

#[test]
fn what_was_put_is_got() {
    let world = world();
    let headers = [
        ("content-type", "text/x-odd; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-amz-meta-colour", "grün"),
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-amz-checksum-crc32", "NhCmhg=="),
    ];
    let put = world.call(Who::Alice, "PUT", "/services/Walrus/buck/a/key", &headers, b"hello");
    let etag = Some("\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!((put.status, put.header("etag")), (200, etag), "{}", put.text());
    let get = world.get(Who::Alice, "/buck/a/key");
    assert_eq!((get.status, get.body.as_slice(), get.header("etag")), (200, &b"hello"[..], etag));
    let head = world.call(Who::Alice, "HEAD", "/buck/a/key", &[], b"");
    for reply in [&get, &head] {
        assert_eq!(reply.header("content-type"), Some("text/x-odd; charset=utf-8"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-amz-meta-colour"), Some("grün"));
        assert_eq!(reply.header("content-length"), Some("5"));
        assert_eq!(reply.header("accept-ranges"), Some("bytes"));
        assert!(reply.header("last-modified").unwrap().ends_with("GMT"));
    }
    assert_eq!(world.files("objects").len(), 1);
    assert_eq!(world.put(Who::Alice, "/buck/a/key", b"other").status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/a/key").body, b"other");
    world.wait_for_files("objects", 1);
    for _ in 0..2 {
        assert_eq!(world.call(Who::Alice, "DELETE", "/buck/a/key", &[], b"").status, 204);
    }
    let gone = world.get(Who::Alice, "/buck/a/key");
    assert_eq!(gone.refusal(), (404, "NoSuchKey".into()));
    assert_eq!(gone.element("Resource").as_deref(), Some("/buck/a/key"));
    assert_eq!(gone.element("RequestId").as_deref(), gone.header("x-amz-request-id"));
    assert!(world.files("objects").is_empty());
}

#[test]
fn keys_are_what_was_sent() {
    let world = world();
    let long = "k".repeat(1024);
    let keys = [
        "a&b%3Cc%3E.part.00",
        "a%2526",
        "..%2F..%2Fetc",
        "%2E%2E/x",
        "//double//",
        "a+b",
        "a%20b",
        "%E6%97%A5%E6%9C%AC",
        long.as_str(),
    ];
    for (n, key) in keys.iter().enumerate() {
        let path = format!("/services/Walrus/buck/{key}");
        assert_eq!(world.put(Who::Alice, &path, n.to_string().as_bytes()).status, 200, "{key}");
    }
    for (n, key) in keys.iter().enumerate() {
        let got = world.get(Who::Alice, &format!("/buck/{key}"));
        assert_eq!(got.text(), n.to_string(), "{key}");
    }
    let listed = world.get(Who::Alice, "/buck").text();
    for key in ["a&amp;b&lt;c&gt;.part.00", "a%26", "../../etc", "../x", "//double//", "日本"] {
        assert!(listed.contains(&format!("<Key>{key}</Key>")), "{key} in {listed}");
    }
    let longer = world.put(Who::Alice, &format!("/buck/{}", "k".repeat(1025)), b"");
    assert_eq!(longer.refusal(), (400, "KeyTooLongError".into()));
}

#[test]
fn empty_objects_are_objects() {
    let world = world();
    let put = world.put(Who::Alice, "/buck/empty", b"");
    assert_eq!(put.header("etag"), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
    let got = world.get(Who::Alice, "/buck/empty");
    assert_eq!((got.status, got.header("content-length")), (200, Some("0")));
    assert!(world.files("objects").is_empty());
}

#[test]
fn one_range_is_honoured() {
    let world = world();
    world.put(Who::Alice, "/buck/ten", b"0123456789");
    for (range, status, body) in [
        ("bytes=2-4", 206, "234"),
        ("bytes=7-", 206, "789"),
        ("bytes=-2", 206, "89"),
        ("bytes=1-2,4-5", 200, "0123456789"),
        ("lines=1", 200, "0123456789"),
    ] {
        let got = world.call(Who::Alice, "GET", "/buck/ten", &[("range", range)], b"");
        assert_eq!((got.status, got.text().as_str()), (status, body), "{range}");
    }
    let got = world.call(Who::Alice, "GET", "/buck/ten", &[("range", "bytes=2-4")], b"");
    assert_eq!(got.header("content-range"), Some("bytes 2-4/10"));
    let beyond = world.call(Who::Alice, "GET", "/buck/ten", &[("range", "bytes=10-")], b"");
    assert_eq!(beyond.refusal(), (416, "InvalidRange".into()));
    let other = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(world.call(Who::Alice, "GET", "/buck/ten", &other, b"").status, 200);
}

#[test]
fn access_control_lists_decide_who_reads() {
    let world = World::new();
    world.call(Who::Alice, "PUT", "/buck", &[("x-amz-acl", "public-read")], b"");
    for (acl, everybody) in
        [("private", 403), ("public-read", 200), ("aws-exec-read", 403), ("ec2-bundle-read", 403)]
    {
        let path = format!("/buck/{acl}");
        world.call(Who::Alice, "PUT", &path, &[("x-amz-acl", acl)], b"x");
        for (who, status) in
            [(Who::Alice, 200), (Who::Root, 200), (Who::Bob, everybody), (Who::Nobody, everybody)]
        {
            assert_eq!(world.get(who, &path).status, status, "{acl} {who:?}");
            assert_eq!(world.call(who, "HEAD", &path, &[], b"").status, status);
        }
        let foreign = world.call(Who::Bob, "DELETE", &path, &[], b"");
        assert_eq!(foreign.refusal(), (403, "AccessDenied".into()));
    }
    world.put(Who::Alice, "/hidden", b"");
    assert_eq!(world.get(Who::Bob, "/hidden/none").status, 403, "nor what is not there");
    assert_eq!(world.get(Who::Bob, "/buck/none").status, 404, "a listed bucket hides nothing");
}

#[test]
fn a_refused_upload_leaves_nothing_behind() {
    let world = World::with(|config| config.max_object_bytes = 1000);
    world.put(Who::Alice, "/buck", b"");
    let put = |who, headers: &[(&str, &str)], body: &[u8]| {
        world.call(who, "PUT", "/buck/key", headers, body).refusal()
    };
    let is = |status, code: &str| (status, code.to_owned());
    let wrong = BASE64.encode([0; 16]);
    let table = [
        (put(Who::Bob, &[], b"x"), is(403, "AccessDenied")),
        (put(Who::Nobody, &[], b"x"), is(403, "AccessDenied")),
        (put(Who::Alice, &[("content-md5", &wrong)], b"x"), is(400, "BadDigest")),
        (put(Who::Alice, &[("content-md5", "!")], b"x"), is(400, "InvalidDigest")),
        (put(Who::Alice, &[("x-amz-checksum-crc32", "AAAAAA==")], b"x"), is(400, "BadDigest")),
        (put(Who::Alice, &[("x-amz-acl", "odd")], b"x"), is(400, "InvalidArgument")),
        (put(Who::Alice, &[], &[0; 1001]), is(400, "EntityTooLarge")),
        (
            put(Who::Alice, &[("x-amz-copy-source-range", "bytes=0-1")], b""),
            is(501, "NotImplemented"),
        ),
        (
            put(Who::Alice, &[("x-amz-server-side-encryption", "AES256")], b"x"),
            is(501, "NotImplemented"),
        ),
        (
            put(Who::Alice, &[("x-amz-meta-a", &"v".repeat(2048))], b"x"),
            is(400, "MetadataTooLarge"),
        ),
    ];
    for (answer, expected) in table {
        assert_eq!(answer, expected);
    }
    let chunked = [("transfer-encoding", "chunked")];
    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &chunked);
    sent.write(b"1\r\nx\r\n0\r\n\r\n");
    assert_eq!(sent.read().refusal(), is(411, "MissingContentLength"));

    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &[("content-length", "900")]);
    sent.write(b"only a few");
    drop(sent);

    let missing = world.get(Who::Alice, "/buck/key");
    assert_eq!(missing.refusal(), is(404, "NoSuchKey"));
    world.wait_for_files("objects", 0);
}

#[test]
fn a_sub_resource_never_touches_the_object() {
    let world = world();
    world.put(Who::Alice, "/buck/key", b"kept");
    for (method, target) in [
        ("PUT", "/buck/key?annotation"),
        ("PUT", "/buck/key?renameObject"),
        ("PUT", "/buck/key?tagging"),
        ("PUT", "/buck/key?partNumber=1"),
        ("PUT", "/buck/key?partNumber=1&uploadId=a&acl"),
        ("DELETE", "/buck/key?annotation"),
        ("DELETE", "/buck/key?tagging"),
        ("DELETE", "/buck/key?invented"),
        ("DELETE", "/buck?metadataConfiguration"),
        ("DELETE", "/buck?lifecycle"),
        ("GET", "/buck/key?torrent"),
        ("GET", "/buck?inventory"),
        ("POST", "/buck/key?uploads&acl"),
    ] {
        let refused = world.call(Who::Alice, method, target, &[], b"");
        assert_eq!(refused.refusal(), (501, "NotImplemented".into()), "{method} {target}");
    }
    let odd = world.call(Who::Alice, "PATCH", "/buck/key", &[], b"");
    assert_eq!(odd.refusal(), (405, "MethodNotAllowed".into()));
    let no_form = world.call(Who::Alice, "POST", "/buck", &[], b"");
    assert_eq!(no_form.refusal(), (412, "PreconditionFailed".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"kept");
}

#[test]
fn a_reader_reads_on_while_the_object_is_overwritten() {
    let world = world();
    let old = vec![b'o'; 8 << 20];
    world.put(Who::Alice, "/buck/key", &old);
    let mut reader = world.begin(Who::Alice, "GET", "/buck/key", &[]);
    assert_eq!(reader.read_head().status, 200);
    world.put(Who::Alice, "/buck/key", b"new");
    let mut bytes = Vec::new();
    reader.stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes == old);
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"new");
    world.wait_for_files("objects", 1);
}

#[test]
fn many_write_one_key_and_one_of_them_wins_whole() {
    let world = world();
    std::thread::scope(|scope| {
        for n in 0..8_u8 {
            let world = &world;
            scope.spawn(move || {
                let body = vec![n; 300_000];
                assert_eq!(world.put(Who::Alice, "/buck/key", &body).status, 200);
            });
        }
    });
    let got = world.get(Who::Alice, "/buck/key").body;
    assert!(got.len() == 300_000 && got.iter().all(|byte| *byte == got[0]));
    world.wait_for_files("objects", 1);
}

#[test]
fn nobodys_own_credentials_are_answered_inside() {
    let mut world = world();
    assert_eq!(world.put(Who::Alice, "/buck/mine", b"hello").status, 200);
    world.public = world.internal;
    for who in [Who::Alice, Who::Root, Who::Nobody] {
        for method in ["GET", "DELETE"] {
            let refused = world.call(who, method, "/services/Walrus/buck/mine", &[], b"");
            assert_eq!(refused.refusal(), (403, "AccessDenied".into()), "{who:?} {method}");
        }
    }
}

#[test]
fn internal_paths_are_not_answered_in_public() {
    let world = world();
    for path in ["/metrics", "/healthz", "/debug", "/peer/walrus/1/DescribeCache", "/images/x"] {
        let status = world.get(Who::Nobody, path).status;
        assert!(matches!(status, 403 | 404), "{path} {status}");
    }
}

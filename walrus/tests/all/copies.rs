//! Copies: objects from objects, parts from objects; what they share and how long it lasts.

use common::time::Timestamp;

use crate::http::Reply;
use crate::multipart::{LEAST, begin, bytes, complete, send_part};
use crate::world::{Who, World};

fn world() -> World {
    let world = World::new();
    world.put(Who::Alice, "/buck", b"");
    let kept = [("x-amz-meta-a", "b"), ("content-type", "text/plain")];
    assert_eq!(world.call(Who::Alice, "PUT", "/buck/from", &kept, b"bytes").status, 200);
    world
}

fn copy(world: &World, from: &str, to: &str, headers: &[(&str, &str)]) -> Reply {
    let headers = [&[("x-amz-copy-source", from)], headers].concat();
    world.call(Who::Alice, "PUT", to, &headers, b"")
}

#[test]
fn a_copy_shares_the_bytes_and_outlives_its_source() {
    let world = world();
    let copied = copy(&world, "/buck/from", "/buck/to", &[]);
    assert_eq!(copied.status, 200, "{}", copied.text());
    let etag = world.get(Who::Alice, "/buck/from").header("etag").unwrap().replace('"', "&quot;");
    assert_eq!(copied.element("ETag"), Some(etag));
    assert!(copied.element("LastModified").is_some_and(|time| Timestamp::parse_iso(&time).is_ok()));
    assert!(copied.element("ChecksumCRC64NVME").is_some());
    copy(&world, "buck/to?versionId=null", "/buck/third", &[]);
    assert_eq!(world.files("objects").len(), 1);
    world.call(Who::Alice, "DELETE", "/buck/from", &[], b"");
    world.put(Who::Alice, "/buck/to", b"other");
    let got = world.get(Who::Alice, "/buck/third");
    assert_eq!((got.text().as_str(), got.header("x-amz-meta-a")), ("bytes", Some("b")));
    world.call(Who::Alice, "DELETE", "/buck/third", &[], b"");
    world.wait_for_files("objects", 1);
    let empty = world.put(Who::Alice, "/buck/empty", b"");
    assert_eq!(empty.status, 200);
    assert_eq!(copy(&world, "/buck/empty", "/buck/empty2", &[]).status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/empty2").body, b"");
}

#[test]
fn metadata_is_copied_or_replaced() {
    let world = world();
    let replace = [("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-c", "d")];
    assert_eq!(copy(&world, "/buck/from", "/buck/to", &replace).status, 200);
    let got = world.get(Who::Alice, "/buck/to");
    assert_eq!((got.header("x-amz-meta-a"), got.header("x-amz-meta-c")), (None, Some("d")));
    // Onto itself: only with something new.
    let same = copy(&world, "/buck/from", "/buck/from", &[]);
    assert_eq!(same.refusal(), (400, "InvalidRequest".into()));
    assert_eq!(copy(&world, "/buck/from", "/buck/from", &replace).status, 200);
    let got = world.get(Who::Alice, "/buck/from");
    assert_eq!((got.text().as_str(), got.header("x-amz-meta-c")), ("bytes", Some("d")));
    assert_eq!(world.files("objects").len(), 1);
    // Who may read it is never copied.
    let open = [("x-amz-acl", "public-read")];
    assert_eq!(copy(&world, "/buck/from", "/buck/open", &open).status, 200);
    assert_eq!(copy(&world, "/buck/open", "/buck/shut", &[]).status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck/open").status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck/shut").status, 403);
    let sum = [("x-amz-checksum-algorithm", "SHA256")];
    let sum = copy(&world, "/buck/from", "/buck/sum", &sum);
    let sha256 = "J3h5hzOqQWQA+YwDVOqcgJX6dwWeFmNdrbCZDidZSGQ=";
    assert_eq!(sum.element("ChecksumSHA256").map(|text| text.len()), Some(sha256.len()));
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let head = world.call(Who::Alice, "HEAD", "/buck/sum", &mode, b"");
    assert_eq!(head.header("x-amz-checksum-sha256"), sum.element("ChecksumSHA256").as_deref());
}

/// Source, copy, headers, and how they are refused.
type Refused<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], (u16, String));

#[test]
fn what_may_not_be_copied_is_refused() {
    let world = world();
    world.put(Who::Bob, "/bobs", b"");
    world.put(Who::Bob, "/bobs/secret", b"secret");
    world.call(Who::Bob, "PUT", "/bobs/open", &[("x-amz-acl", "public-read")], b"open");
    let etag = world.get(Who::Alice, "/buck/from").header("etag").unwrap().to_owned();
    let is = |status, code: &str| (status, code.to_owned());
    let failed = || is(412, "PreconditionFailed");
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    let table: &[Refused<'_>] = &[
        ("/buck/none", "/buck/to", &[], is(404, "NoSuchKey")),
        ("/none/none", "/buck/to", &[], is(404, "NoSuchBucket")),
        ("/bobs/secret", "/buck/to", &[], is(403, "AccessDenied")),
        ("/bobs/none", "/buck/to", &[], is(403, "AccessDenied")),
        ("/buck/from", "/bobs/to", &[], is(403, "AccessDenied")),
        ("/buck/from", "/none/to", &[], is(404, "NoSuchBucket")),
        ("/buck", "/buck/to", &[], is(400, "InvalidArgument")),
        ("/buck/from?versionId=1", "/buck/to", &[], is(400, "InvalidArgument")),
        ("/buck/from", "/buck/to", &[("x-amz-copy-source-if-match", "\"x\"")], failed()),
        ("/buck/from", "/buck/to", &[("x-amz-copy-source-if-none-match", &etag)], failed()),
        ("/buck/from", "/buck/to", &[("x-amz-copy-source-if-unmodified-since", past)], failed()),
        (
            "/buck/from",
            "/buck/to",
            &[("x-amz-copy-source-server-side-encryption-customer-key", "k")],
            is(501, "NotImplemented"),
        ),
    ];
    for (from, to, headers, expected) in table {
        assert_eq!(copy(&world, from, to, headers).refusal(), *expected, "{from} {headers:?}");
    }
    assert_eq!(world.get(Who::Alice, "/buck/to").status, 404);
    let right = [("x-amz-copy-source-if-match", etag.as_str())];
    assert_eq!(copy(&world, "/buck/from", "/buck/to", &right).status, 200);
    assert_eq!(copy(&world, "/bobs/open", "/buck/to", &[]).status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/to").body, b"open");
    let get = [("x-amz-copy-source", "/buck/from")];
    let get = world.call(Who::Alice, "GET", "/buck/from", &get, b"");
    assert_eq!(get.refusal(), is(501, "NotImplemented"));
}

#[test]
fn parts_are_made_from_objects() {
    let mut world = world();
    let large = bytes(4, LEAST + 10);
    world.put(Who::Alice, "/buck/large", &large);
    let id = begin(&world, "/buck/made", &[]);
    let part = |number: u32, from: &str, range: &[(&str, &str)]| {
        let target = format!("/buck/made?partNumber={number}&uploadId={id}");
        copy(&world, from, &target, range)
    };
    let etag = |reply: &Reply| {
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.element("ETag").unwrap().replace("&quot;", "")
    };
    let whole = part(1, "/buck/large", &[]);
    assert_eq!(world.files("objects").len(), 2, "the part names the object's file");
    let range = format!("bytes=5-{}", LEAST + 9);
    let some = part(2, "/buck/large", &[("x-amz-copy-source-range", &range)]);
    assert_eq!(world.files("objects").len(), 3);
    let tail = part(3, "/buck/from", &[("x-amz-copy-source-range", "bytes=1-3")]);
    let beyond = [("x-amz-copy-source-range", "bytes=1-5")];
    assert_eq!(part(4, "/buck/from", &beyond).refusal(), (416, "InvalidRange".into()));
    let odd = [("x-amz-copy-source-range", "bytes=1-")];
    assert_eq!(part(4, "/buck/from", &odd).refusal(), (400, "InvalidArgument".into()));
    let parts = [(1, etag(&whole)), (2, etag(&some)), (3, etag(&tail))];
    world.call(Who::Alice, "DELETE", "/buck/large", &[], b"");
    assert_eq!(complete(&world, "/buck/made", &id, &parts, &[]).status, 200);
    let expected = [&large[..], &large[5..], b"yte"].concat();
    assert!(world.get(Who::Alice, "/buck/made").body == expected);

    // A copy of an object in parts shares all of them; a part of one is read out of them.
    assert_eq!(copy(&world, "/buck/made", "/buck/twin", &[]).status, 200);
    assert_eq!(world.files("objects").len(), 4);
    let id = begin(&world, "/buck/again", &[]);
    let target = format!("/buck/again?partNumber=1&uploadId={id}");
    let across = format!("bytes={}-{}", LEAST + 5, LEAST + 14);
    let across = copy(&world, "/buck/made", &target, &[("x-amz-copy-source-range", &across)]);
    let parts = [(1, etag(&across)), (2, send_part(&world, "/buck/again", &id, 2, b"end"))];
    assert_eq!(complete(&world, "/buck/again", &id, &parts[..1], &[]).status, 200);
    assert!(world.get(Who::Alice, "/buck/again").body == expected[LEAST + 5..LEAST + 15]);
    world.call(Who::Alice, "DELETE", "/buck/made", &[], b"");
    world.stop();
    world.start();
    assert!(world.get(Who::Alice, "/buck/twin").body == expected);
    for key in ["twin", "again", "from"] {
        world.call(Who::Alice, "DELETE", &format!("/buck/{key}"), &[], b"");
    }
    world.wait_for_files("objects", 0);
}

#[test]
fn copies_and_removals_at_once_lose_nothing() {
    let world = world();
    std::thread::scope(|scope| {
        for to in ["one", "two", "three"] {
            let world = &world;
            scope.spawn(move || {
                for turn in 0..30 {
                    let key = format!("/buck/{to}{}", turn % 2);
                    let copied = copy(world, "/buck/from", &key, &[]);
                    assert!(matches!(copied.status, 200 | 404 | 409), "{}", copied.text());
                    if copied.status == 200 {
                        assert_eq!(world.get(Who::Alice, &key).body, b"bytes");
                        world.call(Who::Alice, "DELETE", &key, &[], b"");
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..30 {
                world.call(Who::Alice, "DELETE", "/buck/from", &[], b"");
                world.put(Who::Alice, "/buck/from", b"bytes");
            }
        });
    });
    assert_eq!(world.get(Who::Alice, "/buck/from").body, b"bytes");
    world.wait_for_files("objects", 1);
}

//! Conditions, ranges, versions, and answers that are wanted otherwise.

use crate::http::Reply;
use crate::world::{Who, World};

const ETAG: &str = "\"5d41402abc4b2a76b9719d911017c592\"";
const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const FAR: &str = "Sun, 06 Nov 2094 08:49:37 GMT";

fn world() -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    let headers = [("cache-control", "no-store"), ("x-amz-meta-a", "b")];
    let put = world.call(Who::Alice, "PUT", "/buck/key", &headers, b"hello");
    assert_eq!(put.status, 200);
    world
}

fn read(world: &World, method: &str, headers: &[(&str, &str)]) -> Reply {
    world.call(Who::Alice, method, "/buck/key", headers, b"")
}

#[test]
fn readers_say_what_they_have() {
    let world = world();
    let table: &[(&[(&str, &str)], u16)] = &[
        (&[("if-match", ETAG)], 200),
        (&[("if-match", "\"other\"")], 412),
        (&[("if-none-match", ETAG)], 304),
        (&[("if-none-match", "\"other\"")], 200),
        (&[("if-modified-since", LONG_AGO)], 200),
        (&[("if-modified-since", FAR)], 304),
        (&[("if-unmodified-since", LONG_AGO)], 412),
        (&[("if-unmodified-since", FAR)], 200),
        (&[("if-match", ETAG), ("if-unmodified-since", LONG_AGO)], 200),
        (&[("if-none-match", ETAG), ("if-modified-since", LONG_AGO)], 304),
        (&[("if-match", ETAG), ("range", "bytes=1-2")], 206),
        (&[("if-match", "\"other\""), ("range", "bytes=1-2")], 412),
    ];
    for method in ["GET", "HEAD"] {
        for (headers, status) in table {
            let reply = read(&world, method, headers);
            assert_eq!(reply.status, *status, "{method} {headers:?}");
            if *status == 304 {
                assert_eq!(reply.header("etag"), Some(ETAG));
                assert_eq!(reply.header("cache-control"), Some("no-store"));
                assert!(reply.header("last-modified").is_some());
                assert_eq!((reply.body.len(), reply.header("x-amz-meta-a")), (0, None));
                assert_eq!(reply.header("content-type"), None);
            }
        }
    }
    let refused = read(&world, "GET", &[("if-match", "\"other\"")]);
    assert_eq!(refused.refusal(), (412, "PreconditionFailed".into()));
    assert_eq!(refused.element("Condition").as_deref(), Some("If-Match"));
    let missing = world.call(Who::Alice, "GET", "/buck/none", &[("if-match", "*")], b"");
    assert_eq!(missing.refusal(), (404, "NoSuchKey".into()));
    let hidden = world.call(Who::Bob, "GET", "/buck/key", &[("if-match", "\"other\"")], b"");
    assert_eq!(hidden.status, 403, "a condition tells nothing to who may not read");
}

#[test]
fn ranges_say_where_they_end() {
    let world = world();
    let beyond = read(&world, "GET", &[("range", "bytes=5-")]);
    assert_eq!(beyond.refusal(), (416, "InvalidRange".into()));
    assert_eq!(beyond.header("content-range"), Some("bytes */5"));
    assert_eq!(beyond.element("ActualObjectSize").as_deref(), Some("5"));
    let head = read(&world, "HEAD", &[("range", "bytes=5-")]);
    assert_eq!((head.status, head.header("content-range")), (416, Some("bytes */5")));
    let head = read(&world, "HEAD", &[("range", "bytes=-2")]);
    assert_eq!((head.status, head.header("content-range")), (206, Some("bytes 3-4/5")));
    assert_eq!(head.header("content-length"), Some("2"));
    let modified = read(&world, "HEAD", &[]).header("last-modified").unwrap().to_owned();
    for (if_range, status) in
        [(ETAG, 206), ("\"other\"", 200), (modified.as_str(), 206), (LONG_AGO, 200), (FAR, 200)]
    {
        let headers = [("range", "bytes=1-2"), ("if-range", if_range)];
        assert_eq!(read(&world, "GET", &headers).status, status, "{if_range}");
    }
}

#[test]
fn writers_say_what_must_be_there() {
    let world = world();
    let put = |target: &str, headers: &[(&str, &str)], body: &[u8]| {
        world.call(Who::Alice, "PUT", target, headers, body)
    };
    let absent = [("if-none-match", "*")];
    let refused = put("/buck/key", &absent, b"other");
    assert_eq!(refused.refusal(), (412, "PreconditionFailed".into()));
    assert_eq!(refused.element("Condition").as_deref(), Some("If-None-Match"));
    assert_eq!(put("/buck/new", &absent, b"x").status, 200);
    assert_eq!(put("/buck/key", &[("if-match", "\"other\"")], b"other").status, 412);
    let missing = put("/buck/none", &[("if-match", ETAG)], b"other");
    assert_eq!(missing.refusal(), (404, "NoSuchKey".into()));
    let odd = put("/buck/key", &[("if-none-match", ETAG)], b"other");
    assert_eq!(odd.refusal(), (501, "NotImplemented".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").text(), "hello");
    assert_eq!(put("/buck/key", &[("if-match", ETAG)], b"other").status, 200);
    assert_eq!(put("/buck/key", &[("if-match", ETAG)], b"late").status, 412);
    assert_eq!(world.get(Who::Alice, "/buck/key").text(), "other");
    let delete = |headers: &[(&str, &str)], target: &str| {
        world.call(Who::Alice, "DELETE", target, headers, b"").status
    };
    assert_eq!(delete(&[("if-match", ETAG)], "/buck/key"), 412);
    assert_eq!(delete(&[("if-match", "*")], "/buck/none"), 404);
    let etag = world.get(Who::Alice, "/buck/key").header("etag").unwrap().to_owned();
    assert_eq!(delete(&[("if-match", &etag)], "/buck/key"), 204);
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
    for (method, target) in [("GET", "/buck"), ("GET", "/"), ("PUT", "/bucket-two")] {
        let refused = world.call(Who::Alice, method, target, &[("if-match", ETAG)], b"");
        assert_eq!(refused.refusal(), (501, "NotImplemented".into()), "{method} {target}");
    }
    world.wait_for_files("objects", 1);
}

#[test]
fn of_many_who_write_what_must_not_be_there_one_does() {
    let world = world();
    let (sender, replies) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for n in 0..8_u8 {
            let (world, sender) = (&world, sender.clone());
            scope.spawn(move || {
                let headers = [("if-none-match", "*")];
                let reply =
                    world.call(Who::Alice, "PUT", "/buck/lock", &headers, &vec![n; 100_000]);
                sender.send((n, reply)).unwrap();
            });
        }
    });
    drop(sender);
    let mut winners = Vec::new();
    for (n, reply) in replies {
        match reply.status {
            200 => winners.push(n),
            _ => assert!(matches!(reply.status, 409 | 412), "{}", reply.text()),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(world.get(Who::Alice, "/buck/lock").body, vec![winners[0]; 100_000]);
    world.wait_for_files("objects", 2);
}

#[test]
fn of_many_who_replace_one_version_one_does() {
    let world = world();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u8)
            .map(|n| {
                let world = &world;
                scope.spawn(move || {
                    let headers = [("if-match", ETAG)];
                    let body = vec![n; 1000];
                    world.call(Who::Alice, "PUT", "/buck/key", &headers, &body).status
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 409, 412].contains(status)), "{statuses:?}");
}

#[test]
fn answers_may_be_wanted_otherwise_by_who_signs() {
    let world = world();
    let query = "response-content-type=text%2Fodd&response-cache-control=max-age%3D1\
                 &response-content-disposition=attachment%3B%20filename%3D%22a%20b%22";
    let target = format!("/buck/key?{query}");
    // Version 2 signs these parameters decoded.
    let now = runtime::clock::Clock::system().now();
    for method in ["GET", "HEAD"] {
        let got = world.call_v4(Who::Alice, (method, &target), b"", None, now);
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(got.header("content-type"), Some("text/odd"));
        assert_eq!(got.header("cache-control"), Some("max-age=1"));
        assert_eq!(got.header("content-disposition"), Some("attachment; filename=\"a b\""));
        assert_eq!(got.header("x-amz-meta-a"), Some("b"));
    }
    let split = "/buck/key?response-content-type=a%0D%0Ab%3A%20c";
    let refused = world.call_v4(Who::Alice, ("GET", split), b"", None, now);
    assert_eq!(refused.refusal(), (400, "InvalidArgument".into()));
    world.call(Who::Alice, "PUT", "/buck/open", &[("x-amz-acl", "public-read")], b"x");
    assert_eq!(world.get(Who::Nobody, "/buck/open").status, 200);
    let refused = world.get(Who::Nobody, "/buck/open?response-content-type=text%2Fhtml");
    assert_eq!(refused.refusal(), (400, "InvalidRequest".into()));
}

#[test]
fn the_only_version_is_null() {
    let world = world();
    let now = runtime::clock::Clock::system().now();
    let call = |method, id: &str| {
        world.call_v4(Who::Alice, (method, &format!("/buck/key?versionId={id}")), b"", None, now)
    };
    let other = "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH";
    assert_eq!(call("GET", "null").text(), "hello");
    assert_eq!(call("HEAD", "null").status, 200);
    assert_eq!(call("GET", other).refusal(), (404, "NoSuchVersion".into()));
    assert_eq!(call("HEAD", other).status, 404);
    assert_eq!(call("GET", "").refusal(), (400, "InvalidArgument".into()));
    assert_eq!(call("GET", "x").refusal(), (400, "InvalidArgument".into()));
    assert_eq!(call("DELETE", "x").refusal(), (400, "InvalidArgument".into()));
    assert_eq!(call("DELETE", other).status, 204);
    assert_eq!(world.get(Who::Alice, "/buck/key").text(), "hello", "that version was not there");
    assert_eq!(call("DELETE", "null").status, 204);
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
}

//! Clients that wait for a go-ahead, clients that are slow, clients that send too much.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::world::{Who, World, wait};

fn world() -> World {
    let world = World::with(|config| config.max_object_bytes = 1 << 20);
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    world
}

#[test]
fn whoever_waits_for_a_go_ahead_gets_it() {
    let world = world();
    let headers = [("content-length", "5"), ("expect", "100-continue")];
    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &headers);
    assert_eq!(sent.read_head().status, 100);
    sent.write(b"hello");
    assert_eq!(sent.read().status, 200);
    let headers = [("content-length", "5"), ("expect", "100-Continue")];
    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &headers);
    sent.write(b"again");
    assert_eq!(sent.read().status, 200, "boto does not wait");
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"again");
    let headers = [("content-length", "0"), ("expect", "100-continue")];
    assert_eq!(world.begin(Who::Alice, "PUT", "/buck/key", &headers).read().status, 200);
    let headers = [("transfer-encoding", "chunked"), ("expect", "100-continue")];
    let headers = [
        &headers[..],
        &[("content-encoding", "aws-chunked"), ("x-amz-decoded-content-length", "5")],
    ]
    .concat();
    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &headers);
    assert_eq!(sent.read_head().status, 100);
    sent.write(b"f\r\n5\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n");
    assert_eq!(sent.read().status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"hello");
}

#[test]
fn who_is_refused_is_not_asked_for_the_body() {
    let world = world();
    world.put(Who::Alice, "/buck/key", b"x");
    let wait = ("expect", "100-continue");
    type Row<'a> = (Who, &'a str, &'a [(&'a str, &'a str)], u16);
    let table: &[Row<'_>] = &[
        (Who::Nobody, "/buck/other", &[("content-length", "100"), wait], 403),
        (Who::Bob, "/buck/other", &[("content-length", "100"), wait], 403),
        (Who::Alice, "/none/other", &[("content-length", "100"), wait], 404),
        (Who::Alice, "/buck/other", &[("content-length", "1048577"), wait], 400),
        (Who::Alice, "/buck/other", &[("content-length", "99999999999999999999"), wait], 400),
        (Who::Alice, "/buck/other", &[("transfer-encoding", "chunked"), wait], 411),
        (Who::Alice, "/buck/other?tagging", &[("content-length", "100"), wait], 501),
        (Who::Alice, "/buck/other", &[("content-length", "9"), ("content-md5", "!"), wait], 400),
        (Who::Alice, "/buck/key", &[("content-length", "9"), ("if-none-match", "*"), wait], 412),
        (Who::Alice, "/buck/key", &[("content-length", "9"), ("if-match", "\"o\""), wait], 412),
    ];
    for (who, target, headers, status) in table {
        let begun = Instant::now();
        let mut sent = world.begin(*who, "PUT", target, headers);
        // The very first line is the refusal: no go-ahead came before it.
        let head = sent.read_head();
        assert_eq!(head.status, *status, "{who:?} {target} {headers:?}");
        assert_eq!(head.header("connection"), Some("close"), "{target}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
    world.wait_for_files("objects", 1);
}

#[test]
fn who_is_refused_and_sends_all_the_same_hears_why() {
    let world = world();
    for expect in ["100-Continue", "nothing"] {
        let length = (8_usize << 20).to_string();
        let headers = [("content-length", length.as_str()), ("expect", expect)];
        let headers = if expect == "nothing" { &headers[..1] } else { &headers[..] };
        let mut sent = world.begin(Who::Bob, "PUT", "/buck/key", headers);
        sent.write(&vec![0; 8 << 20]);
        assert_eq!(sent.read().refusal(), (403, "AccessDenied".into()), "{expect}");
    }
}

#[test]
fn who_is_refused_does_not_keep_others_out() {
    let world = World::with(|config| config.requests_at_once = 1);
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    assert_eq!(world.put(Who::Alice, "/buck/key", b"x").status, 200);
    let length = [("content-length", "100")];
    let refused = loop {
        let mut held = world.begin(Who::Nobody, "PUT", "/buck/other", &length);
        held.write(&[0; 10]);
        let begun = Instant::now();
        wait("an answer", || world.get(Who::Alice, "/buck/key").status == 200);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        held.write(&[0; 90]);
        match held.read().refusal() {
            // Alice had the only place first.
            (503, _) => {}
            refused => break refused,
        }
    };
    assert_eq!(refused, (403, "AccessDenied".into()));
}

#[test]
fn one_account_leaves_room_for_others() {
    let world = World::with(|config| config.requests_at_once = 4);
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    assert_eq!(world.put(Who::Bob, "/bobs", b"").status, 200);
    let length = [("content-length", "100"), ("expect", "100-continue")];
    let mut held: Vec<_> = (0..3)
        .map(|n| {
            let target = format!("/buck/{n}");
            let mut sent = world.begin(Who::Alice, "PUT", &target, &length);
            assert_eq!(sent.read_head().status, 100, "it holds its place from now on");
            sent
        })
        .collect();
    let refused = world.put(Who::Alice, "/buck/more", b"x");
    assert_eq!(refused.refusal(), (503, "SlowDown".into()));
    assert_eq!(world.put(Who::Bob, "/bobs/key", b"x").status, 200);
    assert_eq!(world.get(Who::Bob, "/bobs/key").status, 200);
    for sent in &mut held {
        sent.write(&[0; 100]);
    }
    assert!(held.into_iter().all(|sent| sent.read().status == 200));
    assert_eq!(world.put(Who::Alice, "/buck/more", b"x").status, 200);
}

#[test]
fn lists_of_parts_are_read_for_few_at_once() {
    let world = World::with(|config| config.requests_at_once = 4);
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    let target = format!("/buck/key?uploadId={}", "0".repeat(32));
    let length = [("content-length", "8000000"), ("expect", "100-continue")];
    // Nobody is not even asked for it.
    let refused = world.begin(Who::Nobody, "POST", &target, &length).read();
    assert_eq!(refused.refusal(), (403, "AccessDenied".into()));
    let mut held: Vec<_> = (0..24)
        .map(|_| {
            let mut sent = world.begin(Who::Alice, "POST", &target, &length);
            assert_eq!(sent.read_head().status, 100, "it is being read from now on");
            sent
        })
        .collect();
    let refused = world.begin(Who::Alice, "POST", &target, &length).read();
    assert_eq!(refused.refusal(), (503, "SlowDown".into()));
    let mut others = world.begin(Who::Bob, "POST", &target, &length);
    assert_eq!(others.read_head().status, 100);
    held.clear();
}

#[test]
fn heads_are_bounded() {
    let world = world();
    let try_head = |head: &str| {
        let mut stream = TcpStream::connect(world.public).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The server may have answered before the end.
        drop(stream.write_all(head.as_bytes()));
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
    };
    let line = "a".repeat(200_000);
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    for head in [
        format!("GET /{line} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\nx-a: {line}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
    ] {
        let answer = try_head(&head);
        assert!(answer.is_empty() || answer.contains(" 4"), "{answer}");
    }
    assert_eq!(world.put(Who::Alice, "/buck/key", b"x").status, 200, "it goes on");
}

//! What no browser sends: it is refused, never breaks anything, and costs little.

use std::fmt::Write as _;

use clc::console::{Method, lines};

use crate::browser::{Browser, FORM, SESSION, TOKEN};
use crate::crawl::{closed, sound};
use crate::site::{MARKER, Site};

/// What the process holds, in MiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
}

/// The status of what was answered to bytes; nothing if the connection was closed without a word.
fn status(answer: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(answer);
    text.split(' ').nth(1).and_then(|text| text.parse().ok())
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most as u64).unwrap()
    }
}

fn assert_refused(browser: &Browser, what: &str, bytes: &[u8]) {
    let answer = browser.raw(bytes);
    let status = status(&answer);
    assert!(status.is_none_or(|it| it < 500), "{what}: {}", String::from_utf8_lossy(&answer));
}

#[test]
fn what_no_browser_sends_breaks_nothing() {
    let mut site = Site::raise();
    let mut browser = site.taro.browser.clone();
    let before = site.mark();
    let session = browser.cookies[SESSION].clone();
    let at = memory();

    // Cookies.
    for cookie in [
        "=",
        ";",
        ";;;",
        "__Host-console",
        "__Host-console=",
        "__Host-console=;__Host-console=",
        "__Host-console=%00",
        "__Host-console=\u{e9}",
        "__Host-language=../../x",
        "__Host-language=<b>",
        "__Host-visit=x; __Host-visit=y",
        &"a=b;".repeat(4000),
        &format!("{SESSION}={}", "A".repeat(43)),
        &format!("{SESSION}=\"{session}\""),
        &format!("{SESSION}={session}, {SESSION}={session}"),
        &format!("{SESSION}={session}%20"),
        &format!("{SESSION}={session}a"),
        &format!("__host-console={session}"),
    ] {
        let mut other = browser.another();
        other.headers.push(("cookie".into(), cookie.into()));
        let shown = other.get("/sessions");
        assert!([303, 400, 413, 431].contains(&shown.status), "{cookie:.60}: {}", shown.status);
    }
    let mut twice = browser.clone();
    twice.headers.push(("cookie".into(), format!("{SESSION}={session}")));
    assert_eq!(twice.get("/sessions").status, 303, "two cookies of one name are none");

    // Paths and what stands behind them.
    for target in [
        "/%",
        "/%0",
        "/%zz",
        "/%00",
        "/instances/%00",
        "/instances/%ff%fe",
        "/instances/..%2f..%2fetc",
        "/../etc/passwd",
        "/assets/../../etc/passwd",
        "/assets/%2e%2e/x",
        "//evil/",
        "/\\evil",
        "/instances//x",
        "/instances/%0d%0aset-cookie:x",
        "/instances?%0d%0aset-cookie:x=1",
        "/buckets/%2f/objects",
        "/buckets/..%2f..%2fx/objects",
        "/buckets/x/object?key=%00",
        "/buckets/x/download?key=..%2f..%2fx",
        "/buckets/x/objects?prefix=%ff",
        "/buckets/geheim7-bucket/objects?prefix=%ff%00",
        "/buckets/geheim7-bucket/object?key=%ff",
        "/buckets/geheim7-bucket/download?key=%0d%0aX:y",
        "/history?from=9999999999999999999&until=-1",
        "/instances?page=%ff",
        "/instances?q=%ff",
        &format!("/{}", "a/".repeat(2000)),
        &format!("/instances?{}", "a=b&".repeat(3000)),
        &format!("/instances/{}", "x".repeat(6000)),
        &format!("/sign-in?next={}", "%0d".repeat(1000)),
    ] {
        let shown = browser.get(target);
        sound(target, &shown);
        assert!(
            !shown
                .headers
                .iter()
                .any(|(name, value)| name == "set-cookie" && value.starts_with('x'))
        );
    }

    // Methods and heads.
    let address = site.cloud.console();
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "get", "X", "GET\0", ""]
    {
        let head = format!("{method} / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        assert_refused(&browser, method, head.as_bytes());
    }
    let cookie = format!("cookie: {SESSION}={session}\r\n");
    let huge = format!("x: {}\r\n", "y".repeat(300_000));
    let many: String = (0..3000).fold(String::new(), |mut all, n| {
        write!(all, "x{n}: y\r\n").unwrap();
        all
    });
    for (what, extra) in [
        ("huge", huge.as_str()),
        ("many", &many),
        ("two hosts", "host: x\r\n"),
        ("two lengths", "content-length: 1\r\ncontent-length: 2\r\n"),
        ("both lengths", "content-length: 4\r\ntransfer-encoding: chunked\r\n"),
        ("no length", "transfer-encoding: x\r\n"),
        ("folded", "x: y\r\n z\r\n"),
        ("bare", "x\r\n"),
        ("bytes", "x: \u{1}\u{2}\r\n"),
        ("language", "accept-language: ,;q=,*;q=9,ja;q=x\r\n"),
        ("range", "range: bytes=9-1,-0,x\r\n"),
        ("expect", "expect: x\r\n"),
        ("upgrade", "connection: upgrade\r\nupgrade: h2c\r\n"),
    ] {
        for (method, path) in [
            ("GET", "/instances"),
            ("POST", "/language"),
            ("GET", "/buckets/geheim7-bucket/download?key=plain.txt"),
        ] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{cookie}{extra}\r\nabcd"
            );
            assert_refused(&browser, what, head.as_bytes());
        }
    }

    // Forms.
    let token = browser.token();
    let fields: String = (0..8000).fold(String::new(), |mut all, n| {
        write!(all, "f{n}=&").unwrap();
        all
    });
    let nested = "a".repeat(60_000);
    for line in lines().into_iter().filter(|it| it.method == Method::Post) {
        if ["/sign-out", "/sessions/end-others"].contains(&line.path) {
            continue;
        }
        let target = closed(line.path);
        let end = format!("{TOKEN}={token}");
        let bodies: [Vec<u8>; 6] = [
            [fields.as_bytes(), end.as_bytes()].concat(),
            [b"name=\xff\xfe&id=\xc3\x28&", end.as_bytes()].concat(),
            format!("name=%ff%fe%00&id=%00&key=%00&user=%00&account=%00&{end}").into_bytes(),
            format!("name={nested}&{end}").into_bytes(),
            format!("&&&=&=x&%=&%zz=%&name&{end}&{end}").into_bytes(),
            format!("{end}&name=a%0d%0ab&name=c&id=-1&count=99999999999999999999&life=-1")
                .into_bytes(),
        ];
        for body in bodies {
            let shown = browser.ask("POST", &target, &[("content-type", FORM)], Some(&body));
            sound(&target, &shown);
        }
        let length = ("content-length", "10");
        // The end comes too early.
        let head = format!(
            "POST {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{cookie}{}: {}\r\n\
             content-type: {FORM}\r\n\r\nabc",
            length.0, 3
        );
        assert_refused(&browser, &target, head.as_bytes());
        if line.streams {
            for kind in [
                "multipart/form-data",
                "multipart/form-data; boundary=",
                "multipart/form-data; boundary=\"",
                &format!("multipart/form-data; boundary={}", "b".repeat(5000)),
                "multipart/form-data; boundary=b",
            ] {
                for body in [
                    "",
                    "--b",
                    "--b--",
                    "--b\r\n\r\n",
                    "--b\r\nx\r\n\r\n--b\r\n",
                    &"--b\r\n".repeat(3000),
                ] {
                    let shown = browser.ask(
                        "POST",
                        &target,
                        &[("content-type", kind)],
                        Some(body.as_bytes()),
                    );
                    sound(&target, &shown);
                }
            }
        }
    }

    // Bytes without a plan, and requests with a few of them changed.
    let mut numbers = Numbers(7);
    let good = format!(
        "GET /instances?q=a&state=b HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{cookie}\r\n"
    );
    for _ in 0..150 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=numbers.below(4) {
            let place = numbers.below(bytes.len());
            match numbers.below(3) {
                0 => bytes[place] = u8::try_from(numbers.below(256)).unwrap(),
                1 => drop(bytes.remove(place)),
                _ => bytes.insert(place, MARKER.as_bytes()[numbers.below(MARKER.len())]),
            }
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        assert_refused(&browser, "changed", &bytes);
    }

    let shown = browser.get("/sessions");
    assert_eq!(shown.status, 200, "and whoever is signed in goes on");
    let changed = site.changes(&before);
    let by = |alias: &str| {
        changed.iter().filter(|it| it.actor.as_ref().is_some_and(|it| it.alias == alias)).count()
    };
    assert_eq!(by("taro"), changed.len(), "{changed:#?}");
    let grown = memory().saturating_sub(at);
    assert!(grown < 200, "{grown} MiB");
    site.taro.come();
}

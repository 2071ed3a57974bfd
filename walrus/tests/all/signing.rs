//! Signatures: both versions are accepted, and each way of being wrong has its own code.

use std::time::Duration;

use common::sign::PayloadCheck;
use runtime::clock::Clock;

use crate::http::send;
use crate::world::{Who, World};

#[test]
fn version_four_with_and_without_a_hashed_body() {
    let world = World::new();
    let now = Clock::system().now();
    let call = |target, body: &[u8], payload| {
        world.call_v4(Who::Alice, ("PUT", target), body, payload, now)
    };
    assert_eq!(call("/services/Walrus/buck", b"", None).status, 200);
    assert_eq!(call("/buck/hashed", b"hello", None).status, 200);
    assert_eq!(call("/buck/plain%20key", b"hello", Some(PayloadCheck::Unsigned)).status, 200);
    let wrong = Some(PayloadCheck::Sha256([7; 32]));
    let refused = call("/buck/wrong", b"hello", wrong);
    assert_eq!(refused.refusal(), (400, "XAmzContentSHA256Mismatch".into()));
    let refused = call("/wrong-bucket", b"", wrong);
    assert_eq!(refused.refusal(), (400, "XAmzContentSHA256Mismatch".into()));
    let got = world.call_v4(Who::Alice, ("GET", "/buck/plain%20key"), b"", None, now);
    assert_eq!((got.status, got.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(world.get(Who::Alice, "/buck/wrong").status, 404);
    world.wait_for_files("objects", 2);
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let world = World::new();
    let now = Clock::system().now();
    let quarter = Duration::from_secs(15 * 60 + 30);
    for then in [now.plus(quarter), now.minus(quarter)] {
        let refused = world.call_v4(Who::Alice, ("PUT", "/buck"), b"", None, then);
        assert_eq!(refused.refusal(), (403, "RequestTimeTooSkewed".into()));
    }
    assert_eq!(world.get(Who::Alice, "/buck").status, 404);
}

#[test]
fn wrong_signatures_and_unknown_keys_are_told_apart() {
    let world = World::new();
    let date = Clock::system().now().http_date();
    let call = |authorization: &str, dated: bool| {
        let mut headers = vec![
            ("host".to_owned(), world.public.to_string()),
            ("authorization".to_owned(), authorization.to_owned()),
        ];
        if dated {
            headers.push(("date".to_owned(), date.clone()));
        }
        send(world.public, "GET", "/buck", &headers).read()
    };
    let (id, _) = Who::Alice.credentials();
    let wrong = call(&format!("AWS {id}:AAAAAAAAAAAAAAAAAAAAAAAAAAA="), true);
    assert_eq!(wrong.refusal(), (403, "SignatureDoesNotMatch".into()));
    assert!(wrong.element("StringToSign").unwrap().starts_with("GET"));
    assert!(!wrong.text().contains("secret of"));
    let unknown = call("AWS AKINOBODY:AAAAAAAAAAAAAAAAAAAAAAAAAAA=", true);
    assert_eq!(unknown.refusal(), (403, "InvalidAccessKeyId".into()));
    let undated = call(&format!("AWS {id}:AAAAAAAAAAAAAAAAAAAAAAAAAAA="), false);
    assert_eq!(undated.refusal(), (403, "AccessDenied".into()));
    assert_eq!(call("AWS nothing", true).refusal(), (400, "AuthorizationHeaderMalformed".into()));
    assert_eq!(call("Basic YTpi", true).refusal(), (400, "InvalidArgument".into()));
}

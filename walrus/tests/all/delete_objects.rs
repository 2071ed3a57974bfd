//! Removing many objects at once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use crate::http::Reply;
use crate::world::{Who, World};

fn world(keys: &[&str]) -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    for key in keys {
        assert_eq!(world.put(Who::Alice, &format!("/buck/{key}"), b"1").status, 200, "{key}");
    }
    world
}

fn delete(world: &World, who: Who, document: &str) -> Reply {
    let md5 = BASE64.encode(Md5::digest(document));
    let headers = [("content-md5", md5.as_str())];
    world.call(who, "POST", "/buck?delete", &headers, document.as_bytes())
}

fn keys(world: &World) -> usize {
    world.get(Who::Alice, "/buck").text().matches("<Key>").count()
}

#[test]
fn what_is_named_goes_with_its_file() {
    let world = world(&["a", "b%20%26%3C", "%01", "kept", "%E6%97%A5"]);
    assert_eq!(world.files("objects").len(), 5);
    let gone = delete(
        &world,
        Who::Alice,
        "<Delete xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><Object><Key>a</Key></Object>\
         <Object><Key>b &amp;&lt;</Key><VersionId>null</VersionId></Object>\
         <Object><Key>&#x1;</Key></Object><Object><Key>never was</Key></Object>\
         <Object><Key>a</Key></Object><Object><Key>日</Key></Object>\
         <Object><Key>kept</Key><VersionId>other</VersionId></Object></Delete>",
    );
    let text = gone.text();
    assert_eq!((gone.status, text.matches("<Deleted>").count()), (200, 6), "{text}");
    assert!(text.contains("<Key>b &amp;&lt;</Key><VersionId>null</VersionId></Deleted>"), "{text}");
    assert!(text.contains("<Key>kept</Key><VersionId>other</VersionId><Code>NoSuchVersion</Code>"));
    assert_eq!(keys(&world), 1);
    assert_eq!(world.files("objects").len(), 1);
}

#[test]
fn quiet_tells_of_errors_only_and_conditions_hold() {
    let world = world(&["a", "b", "c"]);
    let gone = delete(
        &world,
        Who::Alice,
        "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object>\
         <Object><Key>b</Key><ETag>\"c4ca4238a0b923820dcc509a6f75849b\"</ETag></Object>\
         <Object><Key>c</Key><ETag>other</ETag></Object></Delete>",
    );
    let text = gone.text();
    assert!(!text.contains("<Deleted>"), "{text}");
    assert_eq!(text.matches("<Error><Key>c</Key><Code>PreconditionFailed</Code>").count(), 1);
    assert_eq!(keys(&world), 1);
}

#[test]
fn a_thousand_go_at_once() {
    let world = world(&[]);
    let names: Vec<String> = (0..1000).map(|n| format!("k{n:04}")).collect();
    for name in names.iter().step_by(50) {
        world.put(Who::Alice, &format!("/buck/{name}"), b"1");
    }
    let objects = |names: &[String]| {
        let objects: Vec<_> =
            names.iter().map(|n| format!("<Object><Key>{n}</Key></Object>")).collect();
        format!("<Delete>{}</Delete>", objects.concat())
    };
    let many = [names.as_slice(), &["one".to_owned()]].concat();
    let refused = delete(&world, Who::Alice, &objects(&many));
    assert_eq!(refused.refusal(), (400, "MalformedXML".into()));
    assert_eq!(keys(&world), 20);
    let gone = delete(&world, Who::Alice, &objects(&names));
    assert_eq!(gone.text().matches("<Deleted>").count(), 1000);
    assert_eq!(keys(&world), 0);
    assert!(world.files("objects").is_empty());
    assert_eq!(world.call(Who::Alice, "DELETE", "/buck", &[], b"").status, 204);
}

#[test]
fn a_body_that_may_have_been_changed_removes_nothing() {
    let world = world(&["a"]);
    let document = "<Delete><Object><Key>a</Key></Object></Delete>";
    let call = |who, headers: &[(&str, &str)], body: &str| {
        world.call(who, "POST", "/buck?delete", headers, body.as_bytes()).refusal()
    };
    let is = |status, code: &str| (status, code.to_owned());
    let wrong = BASE64.encode([0; 16]);
    let md5 = BASE64.encode(Md5::digest(document));
    assert_eq!(call(Who::Alice, &[], document), is(400, "InvalidRequest"));
    assert_eq!(call(Who::Alice, &[("content-md5", &wrong)], document), is(400, "BadDigest"));
    assert_eq!(call(Who::Alice, &[("content-md5", "!")], document), is(400, "InvalidDigest"));
    let crc = [("x-amz-checksum-crc32", "AAAAAA==")];
    assert_eq!(call(Who::Alice, &crc, document), is(400, "BadDigest"));
    for who in [Who::Bob, Who::Nobody] {
        assert_eq!(call(who, &[("content-md5", &md5)], document), is(403, "AccessDenied"));
    }
    let large = format!("<Delete>{}</Delete>", " ".repeat(9 << 20));
    let md5 = BASE64.encode(Md5::digest(&large));
    assert_eq!(call(Who::Alice, &[("content-md5", &md5)], &large).0, 400);
    assert_eq!(delete(&world, Who::Alice, "<Delete>").refusal(), is(400, "MalformedXML"));
    let size = "<Delete><Object><Key>a</Key><Size>1</Size></Object></Delete>";
    assert_eq!(delete(&world, Who::Alice, size).refusal(), is(501, "NotImplemented"));
    assert_eq!(keys(&world), 1);
}

#[test]
fn removals_last() {
    let mut world = world(&["a", "b"]);
    delete(&world, Who::Alice, "<Delete><Object><Key>a</Key></Object></Delete>");
    world.stop();
    world.start();
    assert_eq!(keys(&world), 1);
    world.wait_for_files("objects", 1);
}

//! Objects written by forms: signed by their policy in both versions, held to it, streamed, and
//! answered as browsers and programs want it.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::s3::CannedAcl;
use common::s3::post_policy::for_bundle;
use common::sign::{Credentials, policy_fields_v4, sign_policy_v2, sign_policy_v4};
use common::time::Timestamp;
use runtime::clock::Clock;

use crate::forge::{check, make, want};
use crate::http::{Reply, send};
use crate::world::{ROOT, Who, World};

const TYPE: &str = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk";

fn world() -> World {
    let world = World::new();
    world.put(Who::Alice, "/buck", b"");
    world
}

fn later() -> Timestamp {
    Clock::system().now().plus(std::time::Duration::from_secs(3600))
}

/// A policy with these conditions beside that of the bucket.
pub(crate) fn policy(conditions: &str) -> String {
    let comma = if conditions.is_empty() { "" } else { "," };
    STANDARD.encode(format!(
        "{{\"expiration\":\"{}\",\"conditions\":[{{\"bucket\":\"buck\"}}{comma}{conditions}]}}",
        later().iso()
    ))
}

pub(crate) type Fields = Vec<(String, String)>;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The fields, and the policy signed by version 2.
pub(crate) fn signed(who: Who, policy: &str, pairs: &[(&str, &str)]) -> Fields {
    let (access_key_id, secret) = who.credentials();
    let key = Credentials { access_key_id: &access_key_id, secret: &secret };
    let signature = sign_policy_v2(key, policy);
    let own = [("AWSAccessKeyId", &*access_key_id), ("Policy", policy), ("Signature", &signature)];
    fields(&[pairs, &own].concat())
}

fn body(fields: &Fields, filename: &str, file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        write!(body, "------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; ")
            .unwrap();
        write!(body, "name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    write!(body, "------WebKitFormBoundary7MA4YWxk\r\nContent-Disposition: form-data; ").unwrap();
    write!(body, "name=\"file\"; filename=\"{filename}\"\r\n").unwrap();
    write!(body, "Content-Type: application/octet-stream\r\n\r\n").unwrap();
    body.extend_from_slice(file);
    write!(body, "\r\n------WebKitFormBoundary7MA4YWxk--\r\n").unwrap();
    body
}

fn post_to(world: &World, target: &str, body: &[u8]) -> Reply {
    world.call(Who::Nobody, "POST", target, &[("content-type", TYPE)], body)
}

pub(crate) fn post(world: &World, fields: &Fields, file: &[u8]) -> Reply {
    post_to(world, "/buck", &body(fields, "a/b\\name.txt", file))
}

/// The code and the sentence of a refusal.
fn refused(reply: &Reply) -> (u16, String, String) {
    let (status, code) = reply.refusal();
    (status, code, reply.element("Message").unwrap_or_default().replace("&quot;", "\""))
}

#[test]
fn a_signed_form_becomes_an_object() {
    let world = world();
    let conditions = r#"["starts-with","$key","dir/"],{"acl":"public-read"},
        ["starts-with","$Content-Type","text/"],{"x-amz-meta-a":"1"}"#;
    let sent = [
        ("key", "dir/${filename}"),
        ("acl", "public-read"),
        ("Content-Type", "text/plain"),
        ("x-amz-meta-a", "1"),
        ("x-ignore-b", "2"),
    ];
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|n| [b'\r', b'\n', b'-', n.to_le_bytes()[1]][n as usize % 4])
        .collect();
    let reply = post(&world, &signed(Who::Alice, &policy(conditions), &sent), &bytes);
    assert_eq!(reply.status, 204, "{}", reply.text());
    let url = format!("http://{}/buck/dir/name.txt", world.public);
    assert_eq!(reply.header("location"), Some(url.as_str()));
    let got = world.get(Who::Nobody, "/buck/dir/name.txt");
    assert!(got.body == bytes, "{} bytes", got.body.len());
    assert_eq!(got.header("etag"), reply.header("etag"));
    assert_eq!(got.header("content-type"), Some("text/plain"));
    assert_eq!(got.header("x-amz-meta-a"), Some("1"));
    // The same form again, with another file and below the service's name.
    let form = body(&signed(Who::Alice, &policy(conditions), &sent), "name.txt", b"");
    let reply = post_to(&world, "/services/Walrus/buck/", &form);
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert!(reply.header("location").unwrap().ends_with("/services/Walrus/buck/dir/name.txt"));
    assert_eq!(world.get(Who::Nobody, "/buck/dir/name.txt").body, b"");
    world.wait_for_files("objects/blobs", 0);
    world.wait_for_files("objects/staging", 0);
}

#[test]
fn version_4_signs_forms_too() {
    let world = world();
    let (access_key_id, secret) = Who::Alice.credentials();
    let (now, region) = (Clock::system().now(), "eucalyptus");
    let own = policy_fields_v4(&access_key_id, region, now);
    let conditions: Vec<String> =
        own.iter().map(|(name, value)| format!("{{\"{name}\":\"{value}\"}}")).collect();
    let policy = policy(&format!("{{\"key\":\"k\"}},{}", conditions.join(",")));
    let key = Credentials { access_key_id: &access_key_id, secret: &secret };
    let signature = sign_policy_v4(key, region, now, &policy);
    let mut form = fields(&[("key", "k"), ("policy", &policy), ("x-amz-signature", &signature)]);
    form.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let reply = post(&world, &form, b"four");
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert_eq!(world.get(Who::Alice, "/buck/k").body, b"four");
    form[2].1 = "0".repeat(64);
    assert_eq!(post(&world, &form, b"x").refusal(), (403, "SignatureDoesNotMatch".into()));
}

#[test]
fn answers_lead_on_or_tell() {
    let world = world();
    let conditions = r#"["starts-with","$key",""],["starts-with","$success_action_status",""],
        ["starts-with","$success_action_redirect",""]"#;
    let policy = policy(conditions);
    let post = |status: &str, url: &str| {
        let sent =
            [("key", "a b"), ("success_action_status", status), ("success_action_redirect", url)];
        post(&world, &signed(Who::Alice, &policy, &sent), b"x")
    };
    assert_eq!(post("200", "").status, 200);
    assert_eq!(post("404", "").status, 204);
    let created = post("201", "");
    assert_eq!((created.status, created.element("Key").unwrap().as_str()), (201, "a b"));
    assert_eq!(created.header("content-type"), Some("application/xml"));
    let led = post("201", "http://host/page?x=y");
    let etag = led.header("etag").unwrap().trim_matches('"').to_owned();
    let url = format!("http://host/page?x=y&bucket=buck&key=a%20b&etag=%22{etag}%22");
    assert_eq!((led.status, led.header("location")), (303, Some(url.as_str())));
}

#[test]
fn what_the_policy_does_not_allow_is_named() {
    let world = world();
    let base = [("key", "k")];
    let said = |conditions: &str, sent: &[(&str, &str)]| {
        let reply = post(&world, &signed(Who::Alice, &policy(conditions), sent), b"12345");
        let (status, code, text) = refused(&reply);
        assert_eq!((status, code.as_str()), (403, "AccessDenied"), "{text}");
        text
    };
    let condition = "Invalid according to Policy: Policy Condition failed: ";
    assert_eq!(said(r#"{"key":"x"}"#, &base), format!("{condition}[\"eq\", \"$key\", \"x\"]"));
    assert_eq!(said("", &base), "Invalid according to Policy: Extra input fields: key");
    let text = said(r#"{"key":"k"}"#, &[("key", "k"), ("acl", "private")]);
    assert_eq!(text, "Invalid according to Policy: Extra input fields: acl");
    let old =
        r#"{"expiration":"2020-01-01T00:00:00Z","conditions":[{"bucket":"buck"},{"key":"k"}]}"#;
    let reply = post(&world, &signed(Who::Alice, &STANDARD.encode(old), &base), b"x");
    let (status, code, text) = refused(&reply);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert_eq!(text, "Invalid according to Policy: Policy expired.");
    let elsewhere = policy("").replace("buck", "puck");
    assert_eq!(post(&world, &signed(Who::Alice, &elsewhere, &base), b"x").status, 403);
    for (range, code) in [("6,10", "EntityTooSmall"), ("0,4", "EntityTooLarge")] {
        let conditions = format!("{{\"key\":\"k\"}},[\"content-length-range\",{range}]");
        let reply = post(&world, &signed(Who::Alice, &policy(&conditions), &base), b"12345");
        assert_eq!(reply.refusal(), (400, code.to_owned()));
        assert_eq!(reply.element("ProposedSize").unwrap(), "5");
    }
    let large = vec![0; 200_000];
    let conditions = r#"{"key":"k"},["content-length-range",0,100000]"#;
    let reply = post(&world, &signed(Who::Alice, &policy(conditions), &base), &large);
    assert_eq!(reply.refusal(), (400, "EntityTooLarge".into()));
    for bad in ["{}", "", "{\"expiration\":\"x\",\"conditions\":[]}"] {
        let form = signed(Who::Alice, &STANDARD.encode(bad), &base);
        let code = if bad.is_empty() { "InvalidArgument" } else { "InvalidPolicyDocument" };
        assert_eq!(post(&world, &form, b"x").refusal(), (400, code.to_owned()), "{bad}");
    }
    assert_eq!(world.get(Who::Alice, "/buck/k").status, 404);
    world.wait_for_files("objects/blobs", 0);
}

#[test]
fn who_signs_is_who_writes() {
    let world = world();
    let policy = policy(r#"["starts-with","$key",""]"#);
    let base = [("key", "k")];
    let code = |form: &Fields| post(&world, form, b"x").refusal();
    assert_eq!(code(&signed(Who::Bob, &policy, &base)), (403, "AccessDenied".into()));
    assert_eq!(post(&world, &signed(Who::Root, &policy, &base), b"x").status, 204);
    assert_eq!(code(&fields(&base)), (403, "AccessDenied".into()), "a form of nobody");
    let with = |name: &str, value: &str| {
        let mut form = signed(Who::Alice, &policy, &base);
        form.retain(|(own, _)| own != name);
        if !value.is_empty() {
            form.push((name.to_owned(), value.to_owned()));
        }
        code(&form)
    };
    assert_eq!(with("AWSAccessKeyId", "AKINOBODY"), (403, "InvalidAccessKeyId".into()));
    assert_eq!(with("Signature", "c2ln"), (403, "SignatureDoesNotMatch".into()));
    let part = (400, "InvalidArgument".to_owned());
    for name in ["Signature", "AWSAccessKeyId", "Policy"] {
        assert_eq!(with(name, ""), part, "{name}");
    }
    // These break the policy first.
    assert_eq!(with("key", ""), (403, "AccessDenied".into()));
    assert_eq!(with("bucket", "other"), (403, "AccessDenied".into()));
    assert_eq!(with("x-amz-signature", "00"), part);
    assert_eq!(with("x-amz-security-token", "t"), (400, "InvalidToken".into()));
    let form = body(&signed(Who::Alice, &policy, &base), "f", b"x");
    let reply = world.call(Who::Alice, "POST", "/buck", &[("content-type", TYPE)], &form);
    assert_eq!(reply.refusal(), part, "signed twice");
    let gone = world.call(Who::Nobody, "POST", "/nobucket", &[("content-type", TYPE)], &form);
    assert_eq!(gone.status, 403);
}

#[test]
fn what_is_no_form_is_refused() {
    let world = world();
    let whole = signed(Who::Alice, &policy(r#"{"key":"k"}"#), &[("key", "k")]);
    let form = body(&whole, "f", b"0123456789");
    let code = |kind: &str, form: &[u8]| {
        world.call(Who::Nobody, "POST", "/buck", &[("content-type", kind)], form).refusal()
    };
    let malformed = || (400, "MalformedPOSTRequest".to_owned());
    assert_eq!(code("text/plain", &form), (412, "PreconditionFailed".into()));
    assert_eq!(code("multipart/form-data", &form), malformed());
    assert_eq!(code("multipart/form-data; boundary=other", &form), malformed());
    assert_eq!(code(TYPE, b""), malformed());
    assert_eq!(code(TYPE, &form[..form.len() - 20]), malformed());
    assert_eq!(code(TYPE, &form[..300]), malformed());
    let long = signed(Who::Alice, &"A".repeat(21_000), &[("key", "k")]);
    let too_long = (400, "MaxPostPreDataLengthExceededError".to_owned());
    assert_eq!(code(TYPE, &body(&long, "f", b"x")), too_long);
    // A form that grows, and one whose value is told: nobody has signed either.
    let grown = fields(&[("key", "k"), ("bucket", &"${filename}".repeat(800))]);
    assert_eq!(code(TYPE, &body(&grown, &"n".repeat(10 << 10), b"x")), too_long);
    let told = fields(&[("key", "k"), ("bucket", &"b".repeat(19 << 10))]);
    let reply = post_to(&world, "/buck", &body(&told, "f", b"x"));
    assert_eq!(reply.refusal(), (400, "InvalidArgument".into()));
    assert!(reply.body.len() < 2000, "{} bytes are told", reply.body.len());
    let twice = [whole.clone(), fields(&[("KEY", "x")])].concat();
    assert_eq!(code(TYPE, &body(&twice, "f", b"x")), (400, "InvalidArgument".into()));
    // A form that breaks off leaves nothing.
    let length = (form.len() + 5).to_string();
    let headers = [
        ("host", world.public.to_string()),
        ("content-type", TYPE.to_owned()),
        ("content-length", length),
    ];
    let headers: Fields = headers.into_iter().map(|(n, v)| (n.to_owned(), v)).collect();
    let mut sent = send(world.public, "POST", "/buck", &headers);
    sent.write(&form);
    drop(sent);
    world.wait_for_files("objects/staging", 0);
    assert_eq!(world.get(Who::Alice, "/buck/k").status, 404);
    assert_eq!(code(TYPE, &form), (204, String::new()));
    assert_eq!(world.get(Who::Alice, "/buck/k").body, b"0123456789");
}

#[test]
fn fields_that_ask_for_more_are_refused() {
    let world = world();
    for (name, value, code) in [
        ("acl", "public-read-write", (501, "NotImplemented")),
        ("x-amz-server-side-encryption", "AES256", (501, "NotImplemented")),
        ("tagging", "<Tagging/>", (501, "NotImplemented")),
        ("x-amz-checksum-crc32", "AAAAAA==", (400, "BadDigest")),
        ("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==", (400, "BadDigest")),
        ("x-amz-meta-a", "b\r\nset-cookie: c", (400, "InvalidArgument")),
    ] {
        let conditions = format!(r#"{{"key":"k"}},["starts-with","${name}",""]"#);
        let form = signed(Who::Alice, &policy(&conditions), &[("key", "k"), (name, value)]);
        let refused = post(&world, &form, b"hello").refusal();
        assert_eq!(refused, (code.0, code.1.to_owned()), "{name}");
    }
    let conditions = r#"{"key":"k"},["starts-with","$x-amz-checksum-crc32",""]"#;
    let sent = [("key", "k"), ("x-amz-checksum-crc32", "NhCmhg==")];
    let reply = post(&world, &signed(Who::Alice, &policy(conditions), &sent), b"hello");
    assert_eq!((reply.status, reply.header("x-amz-checksum-crc32")), (204, Some("NhCmhg==")));
}

#[test]
fn quotas_and_the_largest_object_hold_for_forms() {
    let world = World::with(|config| config.max_object_bytes = 100_000);
    world.put(Who::Alice, "/buck", b"");
    let form = signed(Who::Alice, &policy(r#"{"key":"k"}"#), &[("key", "k")]);
    for size in [100_001, 500_000] {
        let refused = post(&world, &form, &vec![7; size]).refusal();
        assert_eq!(refused, (400, "EntityTooLarge".to_owned()), "{size}");
    }
    assert_eq!(post(&world, &form, &[7; 100_000]).status, 204);
    world.wait_for_files("objects/blobs", 1);
}

/// What euca2ools 3.4 does with --upload-policy, and BundleInstance allows.
#[test]
fn a_bundle_comes_by_forms() {
    let world = World::new();
    world.install_key();
    world.put(Who::Root, "/buck", b"");
    let bucket = "buck".parse().unwrap();
    let policy = for_bundle(&bucket, "dir/image", CannedAcl::Ec2BundleRead, later());
    let files = make("image", ROOT, &[5; 50_000]);
    let put = |name: &str, bytes: &[u8]| {
        let key = format!("dir/{name}");
        let form = signed(Who::Root, &policy, &[("key", &key), ("acl", "ec2-bundle-read")]);
        let reply = post_to(&world, "/services/Walrus/buck", &body(&form, name, bytes));
        assert_eq!(reply.status, 204, "{}", reply.text());
    };
    put("image.manifest.xml", &files.manifest);
    files.parts.iter().for_each(|(name, bytes)| put(name, bytes));
    let host = [("host".to_owned(), world.internal.to_string())];
    let metrics = send(world.internal, "GET", "/metrics", &host).read().text();
    let count = format!("\neucalypt_walrus_parts_as_listed_total {}\n", files.parts.len());
    assert!(metrics.contains(&count), "{metrics}");
    let bundle = check(&world, "buck/dir/image.manifest.xml").unwrap().bundle;
    let wanted = want(&world, &bundle);
    assert!(matches!(wanted, common::wire::walrus::WantedImage::Ready(_)), "{wanted:?}");
    let other = signed(Who::Root, &policy, &[("key", "dir/other"), ("acl", "ec2-bundle-read")]);
    assert_eq!(post(&world, &other, b"x").refusal(), (403, "AccessDenied".into()));
}

//! `euca-upload-bundle` and the S3 client against buckets in memory.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use euca::client::{ClientError, Credentials};
use euca::s3::{S3, Upload};
use md5::{Digest, Md5};

use crate::buckets::{Objects, answer as buckets, error, requests, server};
use crate::program::{KEY, call, golden, names};
use crate::server::{Answer, Server};

fn s3(server: &Server) -> S3 {
    let credentials = Credentials { access_key_id: KEY.0.into(), secret: KEY.1.into() };
    let url = format!("{}/services/Walrus/", server.url);
    S3::new(&url, "eucalyptus", credentials).unwrap().with_waits([Duration::ZERO; 2])
}

#[test]
fn a_bundle_is_uploaded_manifest_first() {
    let (server, objects) = server();
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("1.3/amp-prefix/a&b<c>.manifest.xml");
    let manifest = manifest.to_str().unwrap();
    let arguments = ["euca-upload-bundle", "-b", "bucket/some dir", "-m", manifest];
    let called = call(&arguments, &[("S3_URL", &url)]);
    assert_eq!((called.status, called.err.as_str()), (0, ""));
    assert_eq!(called.out, "Uploaded bucket/some dir/a&b<c>.manifest.xml\n");
    let lines = requests(&server);
    let at = "/services/Walrus/bucket/some%20dir/a%26b%3Cc%3E";
    assert_eq!(
        lines,
        [
            "GET /services/Walrus/bucket?max-keys=0 -".to_owned(),
            "PUT /services/Walrus/bucket? -".to_owned(),
            format!("PUT {at}.manifest.xml? aws-exec-read"),
            format!("PUT {at}.part.0? aws-exec-read"),
        ]
    );
    let part = fs::read(golden("1.3/amp-prefix/a&b<c>.part.0")).unwrap();
    assert!(objects.lock().unwrap()["/bucket/some dir/a&b<c>.part.0"] == part);
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let (server, objects) = server();
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("3.4/exact/small-3MiB.img.manifest.xml");
    let arguments = ["euca-upload-bundle", "-b", "b", "-m", manifest.to_str().unwrap()];
    assert_eq!(call(&arguments, &[("S3_URL", &url)]).status, 0);
    let all = objects.lock().unwrap().clone();
    // One is gone, one is shorter, one is another of the same length.
    let gone = "/b/small-3MiB.img.part.00";
    objects.lock().unwrap().remove(gone);
    objects.lock().unwrap().get_mut("/b/small-3MiB.img.part.01").unwrap()[7] ^= 1;
    let before = server.seen().len();
    let again = [&arguments[..], &["--acl", "public-read"]].concat();
    let called = call(&again, &[("S3_URL", &url)]);
    assert_eq!((called.status, called.err.as_str()), (0, ""));
    assert!(*objects.lock().unwrap() == all);
    let lines = requests(&server).split_off(before);
    let puts = |query: &str| {
        let mut found: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("PUT /services/Walrus/b/small-3MiB.img."))
            .filter_map(|line| line.strip_suffix(&format!("?{query} public-read")))
            .collect();
        found.sort_unstable();
        found.join(" ")
    };
    assert_eq!(puts(""), "part.00 part.01");
    assert_eq!(puts("acl"), "manifest.xml part.02", "what stays has the ACL that was asked for");
}

#[test]
fn an_upload_that_breaks_off_says_how_to_go_on_and_does() {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    let mut healthy = false;
    let server = Server::start(move |number, seen| match seen.path.ends_with("part.01") {
        true if !healthy => {
            healthy = number > 20;
            error(400, "RequestTimeout")
        }
        _ => buckets(&own, seen),
    });
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("3.4/exact/small-3MiB.img.manifest.xml");
    let arguments = ["euca-upload-bundle", "-b", "b", "-m", manifest.to_str().unwrap()];
    let called = call(&arguments, &[("S3_URL", &url)]);
    assert_eq!((called.status, called.out.as_str()), (1, ""));
    assert!(
        called.err.contains("error (RequestTimeout): told; the same command"),
        "{}",
        called.err
    );
    assert!(objects.lock().unwrap().contains_key("/b/small-3MiB.img.manifest.xml"));
    while call(&arguments, &[("S3_URL", &url)]).status != 0 {}
    assert_eq!(objects.lock().unwrap().len(), 5);
}

#[test]
fn with_a_policy_objects_go_by_form_and_nothing_else_is_asked() {
    let server = Server::start(|_, seen| {
        assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/services/Walrus/b"));
        Answer::xml(204, "")
    });
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("1.3/amp-prefix/a&b<c>.manifest.xml");
    let part = fs::read(golden("1.3/amp-prefix/a&b<c>.part.0")).unwrap();
    let policy = "{\"expiration\":\"2030-01-01T00:00:00Z\",\"conditions\":[]}";
    let common = ["euca-upload-bundle", "-b", "b/p", "-m", manifest.to_str().unwrap()];
    for (told, id, signature) in [
        (&["--upload-policy", policy][..], KEY.0, None),
        (
            &["--upload-policy", policy, "--upload-policy-signature", "c2lnbmVk", "-I", "AKOTHER"],
            "AKOTHER",
            Some("c2lnbmVk"),
        ),
    ] {
        let before = server.seen().len();
        let called = call(&[&common[..], told].concat(), &[("S3_URL", &url)]);
        assert_eq!((called.status, called.err.as_str()), (0, ""));
        assert_eq!(called.out, "Uploaded b/p/a&b<c>.manifest.xml\n");
        let seen = server.seen().split_off(before);
        assert_eq!(seen.len(), 2, "the manifest and its part");
        let body = &seen[1].body;
        let text = String::from_utf8_lossy(body);
        let field = |name: &str| {
            let start = format!("name=\"{name}\"\r\n\r\n");
            let from = text.find(&start).unwrap_or_else(|| panic!("no {name}")) + start.len();
            text[from..].split("\r\n").next().unwrap().to_owned()
        };
        let encoded = base64::engine::general_purpose::STANDARD.encode(policy);
        assert_eq!(
            (field("key"), field("acl")),
            ("p/a&b<c>.part.0".into(), "aws-exec-read".into())
        );
        assert_eq!((field("AWSAccessKeyId").as_str(), field("policy")), (id, encoded.clone()));
        let key = common::sign::Credentials { access_key_id: KEY.0, secret: KEY.1 };
        let own = common::sign::sign_policy_v2(key, &encoded);
        assert_eq!(field("signature"), signature.map_or(own, str::to_owned));
        let boundary = seen[1].headers.text("content-type").unwrap();
        let boundary = boundary.strip_prefix("multipart/form-data; boundary=").unwrap();
        let end = format!("\r\n--{boundary}--\r\n");
        assert!(body.ends_with(&[&part[..], end.as_bytes()].concat()), "the file comes last");
    }
    for wrong in [
        &["--upload-policy-signature", "x"][..],
        &["--upload-policy", "no policy"],
        &["--upload-policy", policy, "--upload-policy-file", "x"],
    ] {
        assert_eq!(
            call(&[&common[..], wrong].concat(), &[("S3_URL", &url)]).status,
            2,
            "{wrong:?}"
        );
    }
}

#[test]
fn a_bucket_is_checked() {
    let (server, objects) = server();
    let url = format!("{}/services/Walrus", server.url);
    objects.lock().unwrap().insert("/mine".into(), Vec::new());
    for (bucket, status, out, err) in [
        ("mine", 0, "mine\n", ""),
        ("absent", 1, "", "error (NoSuchBucket): there is no bucket 'absent'"),
        ("somebodys", 1, "", "error (AccessDenied): the bucket 'somebodys' is not yours to use"),
    ] {
        let called = call(&["euca-check-bucket", "-b", bucket], &[("S3_URL", &url)]);
        assert_eq!((called.status, called.out.as_str()), (status, out), "{bucket}");
        assert!(called.err.contains(err), "{}", called.err);
    }
}

#[test]
fn an_upload_goes_on_from_a_part() {
    let (server, objects) = server();
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("3.4/exact/small-3MiB.img.manifest.xml");
    let common =
        ["euca-upload-bundle", "-b", "b", "-m", manifest.to_str().unwrap(), "--skipmanifest"];
    for (part, expected) in [("1", 2), ("small-3MiB.img.part.02", 1), ("0", 3)] {
        objects.lock().unwrap().clear();
        let arguments: Vec<&str> =
            common.iter().copied().chain(["--part", part, "--acl", "public-read"]).collect();
        let called = call(&arguments, &[("S3_URL", &url)]);
        assert_eq!((called.status, called.out.as_str()), (0, ""), "{}", called.err);
        assert_eq!(objects.lock().unwrap().len(), expected + 1, "{part}");
    }
    let arguments: Vec<&str> = common.iter().copied().chain(["--part", "3"]).collect();
    assert_eq!(call(&arguments, &[("S3_URL", &url)]).status, 2);
    let last = server.seen().pop().unwrap();
    assert_eq!(last.headers.text("x-amz-acl"), Some("public-read"));
}

#[test]
fn nothing_is_sent_of_a_bundle_that_is_not_whole() {
    let (server, _) = server();
    let url = format!("{}/services/Walrus", server.url);
    let dir = tempfile::tempdir().unwrap();
    for name in names(&golden("3.4/exact")) {
        fs::copy(golden("3.4/exact").join(&name), dir.path().join(&name)).unwrap();
    }
    let part = dir.path().join("small-3MiB.img.part.01");
    let mut bytes = fs::read(&part).unwrap();
    bytes[0] ^= 1;
    fs::write(&part, bytes).unwrap();
    let manifest = dir.path().join("small-3MiB.img.manifest.xml");
    let arguments = ["euca-upload-bundle", "-b", "b", "-m", manifest.to_str().unwrap()];
    for _ in 0..2 {
        let called = call(&arguments, &[("S3_URL", &url)]);
        assert_eq!((called.status, called.out.as_str()), (1, ""));
        assert!(called.err.contains("small-3MiB.img.part.01"), "{}", called.err);
        let _ = fs::remove_file(&part);
    }
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn somebody_elses_bucket_is_a_clear_error() {
    let (server, _) = server();
    let url = format!("{}/services/Walrus", server.url);
    let manifest = golden("1.3/amp-prefix/a&b<c>.manifest.xml");
    let arguments = ["euca-upload-bundle", "-b", "somebodys", "-m", manifest.to_str().unwrap()];
    let called = call(&arguments, &[("S3_URL", &url)]);
    assert_eq!(called.status, 1);
    assert_eq!(
        called.err,
        "euca-upload-bundle: error (AccessDenied): the bucket 'somebodys' is not yours to use: told\n"
    );
}

#[test]
fn objects_come_back_and_broken_uploads_are_repeated() {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    let server = Server::start(move |number, seen| match number {
        1 => Answer::Nothing,
        2 => error(503, "SlowDown"),
        _ => buckets(&own, seen),
    });
    let s3 = s3(&server);
    s3.create_bucket("b", Some("private"), Some("here & <there>")).unwrap();
    let body = server.seen()[0].body.clone();
    assert!(String::from_utf8(body).unwrap().contains("here &amp; &lt;there>"));
    let upload = Upload {
        bucket: "b",
        key: "a b/c+d",
        acl: None,
        content_type: "text/plain",
        length: 5,
        md5: Md5::digest(b"hello").into(),
    };
    let opened = std::cell::Cell::new(0);
    let open = || {
        opened.set(opened.get() + 1);
        Ok(Box::new(&b"hello"[..]) as Box<dyn std::io::Read>)
    };
    let sent = std::cell::Cell::new(0);
    s3.put_object(&upload, &open, &|bytes| sent.set(bytes)).unwrap();
    assert_eq!((opened.get(), sent.get()), (3, 5));
    let mut back = Vec::new();
    assert_eq!(s3.get_object("b", "a b/c+d", &mut back).unwrap(), 5);
    assert_eq!(back, b"hello");
    assert!(s3.has_bucket("b").unwrap() && !s3.has_bucket("c").unwrap());
    let absent = s3.get_object("b", "absent", &mut back).unwrap_err();
    assert_eq!((absent.code(), absent.status()), (Some("NoSuchKey"), Some(404)));
}

#[test]
fn what_arrives_damaged_is_an_error() {
    let server = Server::start(|_, _| {
        let etag = vec![("ETag".to_owned(), format!("\"{}\"", "0".repeat(32)))];
        Answer::Http(200, etag, "hello".to_owned())
    });
    let s3 = s3(&server);
    let upload = Upload {
        bucket: "b",
        key: "k",
        acl: None,
        content_type: "text/plain",
        length: 5,
        md5: Md5::digest(b"hello").into(),
    };
    let open = || Ok(Box::new(&b"hello"[..]) as Box<dyn std::io::Read>);
    let put = s3.put_object(&upload, &open, &|_| {}).unwrap_err();
    assert!(matches!(put, ClientError::Damaged { .. }), "{put}");
    assert_eq!(server.seen().len(), 3);
    let get = s3.get_object("b", "k", &mut Vec::new()).unwrap_err();
    assert!(matches!(get, ClientError::Damaged { .. }), "{get}");
}

#[test]
fn a_file_that_cannot_be_read_is_no_broken_connection() {
    let (server, _) = server();
    let upload = Upload {
        bucket: "b",
        key: "k",
        acl: None,
        content_type: "text/plain",
        length: 5,
        md5: [0; 16],
    };
    let open = || Err(std::io::ErrorKind::NotFound.into());
    let error = s3(&server).put_object(&upload, &open, &|_| {}).unwrap_err();
    assert!(matches!(error, ClientError::Local { .. }), "{error}");
}

//! Buckets: their life, their names, who may list them, their pages.

use crate::world::{Who, World};

#[test]
fn a_bucket_lives_and_dies() {
    let world = World::new();
    let made = world.put(Who::Alice, "/services/Walrus/mybucket", b"");
    assert_eq!((made.status, made.header("location")), (200, Some("/mybucket")));
    assert!(made.header("x-amz-request-id").is_some() && made.header("date").is_some());
    for path in ["/mybucket", "/mybucket/", "/services/objectstorage/mybucket"] {
        assert_eq!(world.call(Who::Alice, "HEAD", path, &[], b"").status, 200, "{path}");
    }
    let list = world.get(Who::Alice, "/services/Walrus/");
    assert!(list.text().contains("<Bucket><Name>mybucket</Name><CreationDate>"));
    assert_eq!(list.element("DisplayName").as_deref(), Some("alice"));
    assert!(!world.get(Who::Bob, "/").text().contains("mybucket"));
    assert_eq!(world.get(Who::Nobody, "/").refusal(), (403, "AccessDenied".into()));

    let again = world.put(Who::Alice, "/mybucket", b"");
    assert_eq!(again.refusal(), (409, "BucketAlreadyOwnedByYou".into()));
    let stolen = world.put(Who::Bob, "/mybucket", b"");
    assert_eq!(stolen.refusal(), (409, "BucketAlreadyExists".into()));
    assert_eq!(world.put(Who::Nobody, "/other", b"").refusal(), (403, "AccessDenied".into()));

    assert_eq!(world.put(Who::Alice, "/mybucket/key", b"x").status, 200);
    let full = world.call(Who::Alice, "DELETE", "/mybucket", &[], b"");
    assert_eq!(full.refusal(), (409, "BucketNotEmpty".into()));
    assert_eq!(world.put(Who::Alice, "/mybucket/key", b"y").status, 200, "it is as before");
    let foreign = world.call(Who::Bob, "DELETE", "/mybucket", &[], b"");
    assert_eq!(foreign.refusal(), (403, "AccessDenied".into()));
    world.call(Who::Alice, "DELETE", "/mybucket/key", &[], b"");
    assert_eq!(world.call(Who::Alice, "DELETE", "/mybucket", &[], b"").status, 204);
    assert_eq!(world.get(Who::Alice, "/mybucket").refusal(), (404, "NoSuchBucket".into()));
    let head = world.call(Who::Alice, "HEAD", "/mybucket", &[], b"");
    assert_eq!((head.status, head.body.len()), (404, 0));
    let late = world.put(Who::Alice, "/mybucket/key", b"x");
    assert_eq!(late.refusal(), (404, "NoSuchBucket".into()));
    assert!(world.files("objects").is_empty());
}

#[test]
fn a_location_is_kept_whatever_its_namespace() {
    let world = World::new();
    let body = b"<?xml version='1.0'?><CreateBucketConfiguration \
        xmlns='http://doc.s3.amazonaws.com/2006-03-01'><LocationConstraint>eucalyptus\
        </LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(world.put(Who::Alice, "/placed", body).status, 200);
    let place = world.get(Who::Alice, "/placed?location");
    assert!(place.text().ends_with(">eucalyptus</LocationConstraint>"), "{}", place.text());
    world.put(Who::Alice, "/plain", b"");
    assert!(world.get(Who::Alice, "/plain?location").text().ends_with("></LocationConstraint>"));
    let broken = world.put(Who::Alice, "/broken", b"<CreateBucketConfiguration>");
    assert_eq!(broken.refusal(), (400, "MalformedXML".into()));
    let bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><CreateBucketConfiguration/>";
    assert_eq!(world.put(Who::Alice, "/broken", bomb).refusal(), (400, "MalformedXML".into()));
    let long = vec![b' '; 100_000];
    assert_eq!(world.put(Who::Alice, "/broken", &long).refusal(), (400, "MalformedXML".into()));
    assert_eq!(world.get(Who::Alice, "/broken").refusal(), (404, "NoSuchBucket".into()));
}

#[test]
fn names_that_no_bucket_may_have() {
    let world = World::new();
    for path in ["/ab", "/services", "/Services/Walrus/services", "/192.168.0.1", "/a%20b", "/..b"]
    {
        let refused = world.put(Who::Alice, path, b"");
        assert_eq!(refused.refusal(), (400, "InvalidBucketName".into()), "{path}");
    }
    assert_eq!(world.put(Who::Alice, "/a%zz", b"").refusal(), (400, "InvalidURI".into()));
}

#[test]
fn access_control_lists_decide_who_lists() {
    let world = World::new();
    for (acl, everybody) in
        [("private", 403), ("public-read", 200), ("aws-exec-read", 403), ("ec2-bundle-read", 403)]
    {
        let path = format!("/{acl}");
        let made = world.call(Who::Alice, "PUT", &path, &[("x-amz-acl", acl)], b"");
        assert_eq!(made.status, 200, "{acl}");
        assert_eq!(world.get(Who::Alice, &path).status, 200);
        assert_eq!(world.get(Who::Root, &path).status, 200);
        assert_eq!(world.get(Who::Bob, &path).status, everybody, "{acl}");
        assert_eq!(world.get(Who::Nobody, &path).status, everybody, "{acl}");
        let foreign = world.put(Who::Bob, &format!("{path}/key"), b"x");
        assert_eq!(foreign.refusal(), (403, "AccessDenied".into()));
    }
    for (acl, answer) in
        [("public-read-write", (501, "NotImplemented")), ("odd", (400, "InvalidArgument"))]
    {
        let refused = world.call(Who::Alice, "PUT", "/refused", &[("x-amz-acl", acl)], b"");
        assert_eq!(refused.refusal(), (answer.0, answer.1.to_owned()));
    }
    assert_eq!(world.get(Who::Alice, "/refused").status, 404);
}

#[test]
fn listings_have_pages_prefixes_and_encodings() {
    let world = World::new();
    world.put(Who::Alice, "/buck", b"");
    for key in ["a%20b", "d/1", "d/2", "d/e/3", "x&y", "z%0Az"] {
        assert_eq!(world.put(Who::Alice, &format!("/buck/{key}"), b"1").status, 200, "{key}");
    }
    let all = world.get(Who::Alice, "/buck");
    assert_eq!(all.text().matches("<Contents>").count(), 6);
    assert!(all.text().contains("<Key>x&amp;y</Key>") && all.text().contains("<Key>z&#xA;z</Key>"));
    assert!(all.text().contains("<ETag>&quot;c4ca4238a0b923820dcc509a6f75849b&quot;</ETag>"));
    let roots = world.get(Who::Alice, "/buck?delimiter=/&encoding-type=url");
    assert!(roots.text().contains("<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>"));
    assert!(roots.text().contains("<Key>a%20b</Key>") && roots.text().contains("<Key>x%26y</Key>"));
    let first = world.get(Who::Alice, "/buck/?&max-keys=2&prefix=d/");
    assert_eq!(first.element("IsTruncated").as_deref(), Some("true"));
    assert_eq!(first.text().matches("<Key>d/").count(), 2);
    let second = world.get(Who::Alice, "/buck/?prefix=d%2F&marker=d/2");
    assert_eq!(second.element("Key").as_deref(), Some("d/e/3"));
    let nothing = world.get(Who::Alice, "/buck/?max-keys=0");
    assert_eq!((nothing.status, nothing.element("Key")), (200, None));
}

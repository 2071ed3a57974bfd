//! What clients read of buckets and objects beside them: access control lists, which are real, and
//! configurations, which no bucket has.

use crate::world::{Who, World};

fn world() -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    assert_eq!(world.put(Who::Alice, "/buck/key", b"kept").status, 200);
    world
}

#[test]
fn a_bucket_without_configuration_says_so_in_its_own_codes() {
    let world = world();
    for (name, code) in [
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
    ] {
        for target in [format!("/buck?{name}"), format!("/buck/?{name}=")] {
            assert_eq!(world.get(Who::Alice, &target).refusal(), (404, code.into()), "{target}");
        }
    }
    for (name, root) in [
        ("versioning", "VersioningConfiguration"),
        ("logging", "BucketLoggingStatus"),
        ("notification", "NotificationConfiguration"),
        ("accelerate", "AccelerateConfiguration"),
    ] {
        let found = world.get(Who::Alice, &format!("/buck?{name}"));
        assert_eq!(found.status, 200, "{name}");
        assert!(found.text().ends_with(&format!(
            "<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></{root}>"
        )));
    }
    let payer = world.get(Who::Alice, "/buck?requestPayment");
    assert_eq!(payer.element("Payer").as_deref(), Some("BucketOwner"));
    for target in
        ["/buck?policy", "/buck?versioning", "/buck?acl", "/buck/key?acl", "/buck/key?tagging"]
    {
        for who in [Who::Bob, Who::Nobody] {
            assert_eq!(world.get(who, target).refusal(), (403, "AccessDenied".into()), "{target}");
        }
    }
    assert_eq!(world.get(Who::Alice, "/absent?cors").refusal(), (404, "NoSuchBucket".into()));
    let tags = world.get(Who::Alice, "/buck/key?tagging");
    assert!(tags.text().ends_with("<TagSet></TagSet></Tagging>"), "{}", tags.text());
    let none = world.get(Who::Alice, "/buck/none?tagging");
    assert_eq!(none.refusal(), (404, "NoSuchKey".into()));
}

#[test]
fn configuring_is_refused_and_changes_nothing() {
    let world = world();
    for name in ["policy", "cors", "website", "lifecycle", "replication", "encryption", "tagging"] {
        for method in ["PUT", "DELETE"] {
            let refused = world.call(Who::Alice, method, &format!("/buck?{name}"), &[], b"<a/>");
            assert_eq!(refused.refusal(), (501, "NotImplemented".into()), "{method} {name}");
        }
    }
    for name in ["versioning", "logging", "notification", "accelerate", "requestPayment"] {
        let refused = world.put(Who::Alice, &format!("/buck?{name}"), b"<a/>");
        assert_eq!(refused.refusal(), (501, "NotImplemented".into()), "{name}");
    }
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"kept");
}

#[test]
fn access_control_lists_are_told_and_changed_by_name() {
    let world = world();
    for (target, probe) in [("/buck?acl", "/buck"), ("/buck/key?acl", "/buck/key")] {
        assert!(!world.get(Who::Alice, target).text().contains("AllUsers"));
        assert_eq!(world.get(Who::Nobody, probe).status, 403);
        let open = [("x-amz-acl", "public-read")];
        assert_eq!(world.call(Who::Alice, "PUT", target, &open, b"").status, 200, "{target}");
        let list = world.get(Who::Alice, target);
        assert!(list.text().contains("groups/global/AllUsers</URI>"), "{}", list.text());
        assert_eq!(world.get(Who::Nobody, probe).status, 200, "{target}");
        let close = [("x-amz-acl", "private")];
        assert_eq!(world.call(Who::Alice, "PUT", target, &close, b"").status, 200);
        assert_eq!(world.get(Who::Nobody, probe).status, 403, "{target}");
        for (who, acl, refusal) in [
            (Who::Bob, "public-read", (403, "AccessDenied")),
            (Who::Nobody, "public-read", (403, "AccessDenied")),
            (Who::Alice, "public-read-write", (501, "NotImplemented")),
            (Who::Alice, "odd", (400, "InvalidArgument")),
        ] {
            let refused = world.call(who, "PUT", target, &[("x-amz-acl", acl)], b"");
            assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()), "{target} {acl}");
        }
        let nothing = world.put(Who::Alice, target, b"");
        assert_eq!(nothing.refusal(), (400, "MissingSecurityHeader".into()));
    }
    let none = world.get(Who::Alice, "/buck/none?acl");
    assert_eq!(none.refusal(), (404, "NoSuchKey".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"kept");
}

#[test]
fn access_control_lists_are_changed_by_the_document_they_are_told_in() {
    let mut world = world();
    let target = "/buck/key?acl";
    let open = [("x-amz-acl", "public-read")];
    let private = world.get(Who::Alice, target).body;
    world.call(Who::Alice, "PUT", target, &open, b"");
    let public = world.get(Who::Alice, target).body;
    assert_eq!(world.put(Who::Alice, target, &private).status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck/key").status, 403);
    assert_eq!(world.put(Who::Alice, target, &public).status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck/key").status, 200);
    let text = String::from_utf8(public.clone()).unwrap();
    let other = text.replace("<Permission>READ<", "<Permission>WRITE<");
    let refused = world.put(Who::Alice, target, other.as_bytes());
    assert_eq!(refused.refusal(), (501, "NotImplemented".into()));
    let stolen = text.replace("111111111111", "222222222222");
    let refused = world.put(Who::Alice, target, stolen.as_bytes());
    assert_eq!(refused.refusal(), (403, "AccessDenied".into()));
    let both = world.call(Who::Alice, "PUT", target, &open, &private);
    assert_eq!(both.refusal(), (400, "InvalidRequest".into()));
    let crc = [("x-amz-checksum-crc32", "AAAAAA==")];
    let changed = world.call(Who::Alice, "PUT", target, &crc, &private);
    assert_eq!(changed.refusal(), (400, "BadDigest".into()));
    assert_eq!(world.put(Who::Alice, target, b"<a").refusal(), (400, "MalformedXML".into()));
    world.stop();
    world.start();
    assert_eq!(world.get(Who::Nobody, "/buck/key").status, 200, "the list lasts");
}

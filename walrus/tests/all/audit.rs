//! What is asked of S3 is on record: who, what, on what, how it ended, and no secret; after a kill,
//! too.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::audit::{Event, Filter, Place, Signed};
use common::wire::audit::{LookRecords, VerifyRecords};
use md5::{Digest as _, Md5};
use runtime::clock::Clock;
use walrus::config::DataEvents;

use crate::forms::{policy, post, signed};
use crate::presigned::{plain, presigned};
use crate::world::{ALICE, Who, World, wait};

/// What no record may hold.
const MARK: &str = "TopSecretMark";

/// Records that fit, the newest first: changes, then reads.
fn look(world: &World, filter: Filter) -> Vec<Event> {
    let mut events = Vec::new();
    for chain in 0..2 {
        let mut places = [Place::End; 2];
        places[chain] = Place::Top;
        while places[chain] != Place::End {
            let ask = LookRecords { filter: filter.clone(), places, most: 500 };
            let found = world.ask(ask).unwrap();
            places[chain] = found[chain].next;
            events.extend(found.into_iter().flat_map(|piece| piece.records).map(|(_, it)| it));
        }
    }
    events
}

fn action(name: &str) -> Filter {
    Filter { action: Some(name.into()), ..Filter::default() }
}

/// Waits for records of an action: those of reads are written a moment later.
fn recorded(world: &World, name: &str, count: usize) -> Vec<Event> {
    wait(&format!("{count} records of {name}"), || look(world, action(name)).len() == count);
    look(world, action(name))
}

fn sound(world: &World) {
    for state in world.ask(VerifyRecords {}).unwrap() {
        assert_eq!(state.fault, None, "{}", state.name);
    }
    let told = world.command().args(["audit", "check"]).output().unwrap();
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success() && text.matches("\tok").count() == 2, "{text}");
}

#[test]
fn what_is_done_to_buckets_is_always_on_record() {
    let world = World::new();
    world.call(Who::Alice, "PUT", "/buck", &[("x-amz-acl", "public-read")], b"");
    let taken = world.put(Who::Bob, "/buck", b"");
    assert_eq!(taken.status, 409);
    world.call(Who::Alice, "PUT", "/buck?acl", &[("x-amz-acl", "private")], b"");
    assert_eq!(world.call(Who::Alice, "PUT", "/buck?policy", &[], b"{}").status, 501);
    assert_eq!(world.put(Who::Alice, "/buck/key", b"bytes").status, 200);
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 200);
    assert_eq!(world.get(Who::Alice, "/").status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck?acl").status, 403);

    let made = recorded(&world, "CreateBucket", 2);
    let [refused, done] = &made[..] else { panic!("{made:?}") };
    assert_eq!(refused.failure.as_ref().unwrap().code, "BucketAlreadyExists");
    assert_eq!(Some(refused.request_id.as_str()), taken.header("x-amz-request-id"));
    assert!(done.failure.is_none() && !done.read_only && !done.data && done.service == "s3");
    let actor = done.actor.as_ref().unwrap();
    assert_eq!((actor.account.as_str(), actor.name.as_str()), (ALICE, "admin"));
    assert_eq!(done.access_key, Who::Alice.credentials().0);
    assert_eq!(done.resources, ["arn:aws:s3:::buck"]);
    assert_eq!(done.parameters["x-amz-acl"], "public-read");
    let by_header = Signed { version: "SigV2".into(), method: "AuthHeader".into() };
    assert_eq!((done.signed.as_ref(), &*done.source), (Some(&by_header), "127.0.0.1"));

    assert_eq!(recorded(&world, "PutBucketAcl", 1)[0].parameters["x-amz-acl"], "private");
    // What is not offered was asked nevertheless.
    let policy = recorded(&world, "PutBucketPolicy", 1).remove(0);
    assert_eq!(policy.failure.unwrap().code, "NotImplemented");
    assert!(recorded(&world, "ListBuckets", 1)[0].read_only);
    let nobody = recorded(&world, "GetBucketAcl", 1).remove(0);
    assert!(nobody.actor.is_none() && nobody.access_key.is_empty() && nobody.signed.is_none());
    for data in ["PutObject", "GetObject"] {
        assert!(look(&world, action(data)).is_empty(), "{data}");
    }
    sound(&world);
}

#[test]
fn what_is_done_to_objects_is_on_record_if_that_is_wanted() {
    let world = World::with(|config| config.audit_data_events = DataEvents::All);
    world.call(Who::Alice, "PUT", "/buck", &[("x-amz-acl", "public-read")], b"");
    world.call(Who::Alice, "PUT", "/buck/a%20b", &[("x-amz-acl", "public-read")], b"bytes");
    let copy = [("x-amz-copy-source", "/buck/a%20b")];
    assert_eq!(world.call(Who::Alice, "PUT", "/buck/copy", &copy, b"").status, 200);
    assert_eq!(world.get(Who::Nobody, "/buck/a%20b").status, 200);
    assert_eq!(world.get(Who::Bob, "/buck/copy").status, 403);
    let now = Clock::system().now();
    for four in [false, true] {
        let target = presigned(&world, four, ("GET", "/buck/copy", ""), &[], now);
        assert_eq!(plain(&world, "GET", &target, &[], b"").status, 200);
    }
    let document =
        "<Delete><Object><Key>one</Key></Object><Object><Key>copy</Key></Object></Delete>";
    let md5 = BASE64.encode(Md5::digest(document));
    let headers = [("content-md5", md5.as_str())];
    let gone = world.call(Who::Alice, "POST", "/buck?delete", &headers, document.as_bytes());
    assert_eq!(gone.status, 200);

    let conditions = r#"["starts-with","$key","dir/"]"#;
    let form = signed(Who::Alice, &policy(conditions), &[("key", "dir/${filename}")]);
    assert_eq!(post(&world, &form, b"bytes").status, 204);

    let object = |key: &str| format!("arn:aws:s3:::buck/{key}");
    let posted = recorded(&world, "PostObject", 1).remove(0);
    assert_eq!(posted.resources, [object("dir/name.txt"), "arn:aws:s3:::buck".into()]);
    let method = posted.signed.as_ref().map(|it| it.method.as_str());
    assert_eq!((method, posted.actor.is_some()), (Some("HtmlForm"), true));
    let put = recorded(&world, "PutObject", 1).remove(0);
    assert_eq!(put.resources, [object("a b"), "arn:aws:s3:::buck".into()]);
    assert!(put.data && put.parameters["key"] == "a b" && put.parameters["bucketName"] == "buck");
    let copied = recorded(&world, "CopyObject", 1).remove(0);
    assert!(
        copied.resources.contains(&object("copy")) && copied.resources.contains(&object("a b"))
    );
    let removed = recorded(&world, "DeleteObjects", 1).remove(0);
    assert!(removed.resources.contains(&object("one")), "{removed:?}");

    let got = recorded(&world, "GetObject", 4);
    let ways: Vec<_> = got.iter().map(|it| it.signed.as_ref().map(|it| &*it.method)).collect();
    assert_eq!(ways, [Some("QueryString"), Some("QueryString"), Some("AuthHeader"), None]);
    let code = got[2].failure.as_ref().map(|it| it.code.as_str());
    assert_eq!((code, got[3].failure.as_ref()), (Some("AccessDenied"), None));
    assert!(got[3].actor.is_none() && got[0].actor.is_some());
    let of = |name: &str| Filter { resource: Some(name.into()), ..Filter::default() };
    assert_eq!(look(&world, of("copy")).len(), 5);
    sound(&world);
}

#[test]
fn changes_of_objects_alone_can_be_wanted() {
    let world = World::with(|config| config.audit_data_events = DataEvents::Write);
    world.put(Who::Alice, "/buck", b"");
    world.put(Who::Alice, "/buck/key", b"bytes");
    world.get(Who::Alice, "/buck/key");
    world.call(Who::Alice, "DELETE", "/buck/key", &[], b"");
    assert_eq!(recorded(&world, "DeleteObject", 1).len(), 1);
    assert_eq!(look(&world, action("PutObject")).len(), 1);
    assert!(look(&world, action("GetObject")).is_empty());
}

#[test]
fn strangers_are_recorded_and_bounded() {
    let world = World::new();
    for _ in 0..130 {
        assert_eq!(world.get(Who::Carol, "/buck/key").status, 403);
    }
    let key = || Filter { access_key: Some(Who::Carol.credentials().0), ..Filter::default() };
    wait("refused signatures are on record", || look(&world, key()).len() >= 100);
    let found = look(&world, key());
    assert!(found.len() < 115, "{}", found.len());
    for it in &found {
        assert!(it.actor.is_none() && it.action == "GetObject", "{it:?}");
        assert_eq!(it.failure.as_ref().unwrap().code, "InvalidAccessKeyId");
    }
}

#[test]
fn no_record_holds_a_secret() {
    let world = World::with(|config| config.audit_data_events = DataEvents::All);
    world.put(Who::Alice, "/buck", b"");
    let secrets = [
        ("x-amz-server-side-encryption-customer-key", MARK),
        ("x-amz-security-token", MARK),
        ("x-amz-meta-a", MARK),
        ("cookie", MARK),
    ];
    for (method, target) in [
        ("PUT", "/buck/key"),
        ("GET", "/buck/key?X-Amz-Security-Token=TopSecretMark&x-amz-signature=TopSecretMark"),
        ("GET", "/buck/key?Signature=TopSecretMark&AWSAccessKeyId=AKI&Expires=1"),
        ("GET", "/buck?prefix=plain&token=TopSecretMark"),
    ] {
        drop(world.call(Who::Alice, method, target, &secrets, b""));
        drop(plain(&world, method, target, &secrets, b""));
    }
    let now = Clock::system().now();
    let target = presigned(&world, true, ("GET", "/buck/key", ""), &[], now);
    drop(plain(&world, "GET", &target, &[], b""));
    let (_, signature) = target.split_once("X-Amz-Signature=").unwrap();
    wait("a read is on record", || !look(&world, action("ListObjects")).is_empty());
    wait("a presigned one, too", || {
        let method = |it: &Event| it.signed.as_ref().is_some_and(|it| it.method == "QueryString");
        look(&world, action("GetObject")).iter().any(|it| it.actor.is_some() && method(it))
    });
    let mut recorded = String::new();
    for folder in ["audit", "audit/reads"] {
        for entry in fs::read_dir(world.data().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "log") {
                recorded.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(recorded.contains("plain"));
    for hidden in [MARK, signature, &Who::Alice.credentials().1] {
        assert!(!recorded.contains(hidden), "{hidden}");
    }
}

#[test]
fn what_was_acknowledged_is_on_record_after_each_kill() {
    let mut world = World::program(|config| config.audit_data_events = DataEvents::All);
    wait("alice is known", || world.get(Who::Alice, "/").status == 200);
    world.put(Who::Alice, "/buck", b"");
    let acknowledged = Mutex::new(BTreeSet::new());
    for round in 0..4 {
        let killed = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for caller in 0..3 {
                let (world, killed, acknowledged) = (&world, &killed, &acknowledged);
                scope.spawn(move || {
                    for number in 0.. {
                        let name = format!("r{round}-{caller}-{number}");
                        let target = match number % 4 {
                            0 => format!("/{name}"),
                            _ => format!("/buck/{name}"),
                        };
                        let body: &[u8] = if number % 4 == 0 { b"" } else { b"bytes" };
                        let put = || world.put(Who::Alice, &target, body).status;
                        // Whoever was killed answers nothing.
                        match catch_unwind(AssertUnwindSafe(put)) {
                            Ok(200) => drop(acknowledged.lock().unwrap().insert(name)),
                            _ if killed.load(Ordering::SeqCst) => return,
                            other => panic!("{name}: {other:?}"),
                        }
                    }
                });
            }
            let enough = (round + 1) * 40;
            wait("many were answered", || acknowledged.lock().unwrap().len() > enough);
            killed.store(true, Ordering::SeqCst);
            world.kill();
        });
        world.stop();
        world.start();
        wait("alice is known again", || world.get(Who::Alice, "/").status == 200);
        sound(&world);
        let events = look(&world, Filter { read_only: Some(false), ..Filter::default() });
        let named: BTreeSet<&str> = events
            .iter()
            .filter_map(|it| it.resources.first()?.rsplit([':', '/']).next())
            .collect();
        for name in acknowledged.lock().unwrap().iter() {
            assert!(named.contains(name.as_str()), "{name} has no record");
        }
    }
}

//! Quotas: counted with every change, held to by every way of writing, kept over a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::wire::quota::{
    DescribeQuotas, Limit, QuotaView, Scope, SetDefaultLimits, SetQuota, Used,
};
use md5::{Digest as _, Md5};

use crate::http::Reply;
use crate::world::{ALICE, Who, World};

fn account() -> Scope {
    Scope::Account(ALICE.parse().unwrap())
}

fn bucket(name: &str) -> Scope {
    Scope::Bucket(name.parse().unwrap())
}

fn set(world: &World, scope: Scope, [bytes, objects, buckets]: [Option<u64>; 3]) -> QuotaView {
    let limit = |most: Option<u64>| most.map(Limit::AtMost);
    let (bytes, objects, buckets) = (limit(bytes), limit(objects), limit(buckets));
    world.ask(SetQuota { scope, bytes, objects, buckets }).unwrap()
}

fn used(world: &World, scope: &Scope) -> Used {
    let all = world.ask(DescribeQuotas { after: None }).unwrap();
    all.into_iter().find(|quota| quota.scope == *scope).map(|quota| quota.used).unwrap_or_default()
}

fn figures(bytes: u64, objects: u64, buckets: u64) -> Used {
    Used { bytes, uploading: 0, objects, buckets }
}

fn exceeded(reply: &Reply) {
    assert_eq!(reply.refusal(), (403, "QuotaExceeded".into()), "{}", reply.text());
}

#[test]
fn everything_is_counted() {
    let mut world = World::new();
    for name in ["/one", "/two"] {
        assert_eq!(world.put(Who::Alice, name, b"").status, 200);
    }
    world.put(Who::Alice, "/one/a", b"12345");
    world.put(Who::Alice, "/one/a", b"123");
    world.put(Who::Alice, "/one/b", b"1234567");
    world.put(Who::Alice, "/two/c", b"");
    world.put(Who::Root, "/two/d", b"12");
    assert_eq!(used(&world, &bucket("one")), figures(10, 2, 1));
    assert_eq!(used(&world, &bucket("two")), figures(2, 2, 1), "whoever wrote it");
    assert_eq!(used(&world, &account()), figures(12, 4, 2));
    world.call(Who::Alice, "DELETE", "/one/b", &[], b"");
    world.call(Who::Alice, "DELETE", "/one/b", &[], b"");
    let document = "<Delete><Object><Key>c</Key></Object><Object><Key>c</Key></Object>\
                    <Object><Key>d</Key></Object></Delete>";
    let md5 = BASE64.encode(Md5::digest(document));
    let headers = [("content-md5", md5.as_str())];
    world.call(Who::Alice, "POST", "/two?delete", &headers, document.as_bytes());
    assert_eq!(world.call(Who::Alice, "DELETE", "/two", &[], b"").status, 204);
    assert_eq!(used(&world, &account()), figures(3, 1, 1));
    let scopes = |world: &World| -> Vec<Scope> {
        let all = world.ask(DescribeQuotas { after: None }).unwrap();
        all.into_iter().map(|quota| quota.scope).collect()
    };
    assert_eq!(scopes(&world), [account(), bucket("one")]);
    assert!(world.ask(DescribeQuotas { after: Some(bucket("one")) }).unwrap().is_empty());
    world.stop();
    world.start();
    assert_eq!(used(&world, &account()), figures(3, 1, 1));
    let host = [("host".to_owned(), world.internal.to_string())];
    let metrics = crate::http::send(world.internal, "GET", "/metrics", &host).read().text();
    assert!(metrics.contains("\neucalypt_walrus_stored_bytes 3\n"), "{metrics}");
    assert!(metrics.contains("\neucalypt_walrus_stored_objects 1\n"), "{metrics}");
}

#[test]
fn limits_hold_for_accounts_and_buckets_and_over_a_restart() {
    let mut world = World::new();
    world.put(Who::Alice, "/buck", b"");
    set(&world, account(), [Some(10), None, Some(2)]);
    assert_eq!(world.put(Who::Alice, "/buck/a", b"1234567890").status, 200);
    exceeded(&world.put(Who::Alice, "/buck/b", b"1"));
    assert_eq!(world.put(Who::Alice, "/buck/a", b"123456789").status, 200, "less is allowed");
    assert_eq!(world.put(Who::Alice, "/buck/b", b"1").status, 200);
    world.stop();
    world.start();
    exceeded(&world.put(Who::Alice, "/buck/c", b"1"));
    assert_eq!(world.put(Who::Alice, "/buck/c", b"").status, 200, "nothing takes no room");
    assert_eq!(world.put(Who::Alice, "/second", b"").status, 200);
    let third = world.put(Who::Alice, "/third", b"");
    assert_eq!(third.refusal(), (400, "TooManyBuckets".into()));
    assert_eq!(world.put(Who::Bob, "/third", b"").status, 200, "others have their own");

    set(&world, account(), [Some(5), None, None]);
    exceeded(&world.put(Who::Alice, "/buck/a", b"1234567890"));
    assert_eq!(world.put(Who::Alice, "/buck/a", b"12345678").status, 200, "and what shrinks");
    assert_eq!(world.call(Who::Alice, "DELETE", "/buck/a", &[], b"").status, 204);

    let view = set(&world, bucket("buck"), [None, Some(2), None]);
    assert_eq!((view.set.bytes, view.holds.bytes), (Limit::Default, Limit::Unlimited));
    exceeded(&world.put(Who::Alice, "/buck/d", b""));
    assert_eq!(world.put(Who::Alice, "/second/d", b"").status, 200);
    let unlimited = Some(Limit::Unlimited);
    world
        .ask(SetQuota { scope: bucket("buck"), bytes: None, objects: unlimited, buckets: None })
        .unwrap();
    assert_eq!(world.put(Who::Alice, "/buck/d", b"").status, 200);

    let odd = |scope, buckets| world.ask(SetQuota { scope, bytes: None, objects: None, buckets });
    assert!(
        odd(bucket("absent"), None).is_err() && odd(bucket("buck"), Some(Limit::Default)).is_err()
    );
}

#[test]
fn who_is_over_the_quota_is_told_before_the_body() {
    let world = World::with(|config| config.quota.account_bytes = 1000);
    world.put(Who::Alice, "/buck", b"");
    let headers = [("content-length", "1001"), ("expect", "100-continue")];
    let mut sent = world.begin(Who::Alice, "PUT", "/buck/key", &headers);
    let mut answer = sent.read_head();
    if answer.status == 100 {
        sent.write(&[0; 1001]);
        answer = sent.read_head();
    }
    assert_eq!(answer.status, 403);
    world.wait_for_files("objects", 0);
    let lifted = Some(Limit::Unlimited);
    world.ask(SetQuota { scope: account(), bytes: lifted, objects: None, buckets: None }).unwrap();
    assert_eq!(world.put(Who::Alice, "/buck/key", &[0; 1001]).status, 200, "set wins over default");
    let default = Some(Limit::Default);
    world.ask(SetQuota { scope: account(), bytes: default, objects: None, buckets: None }).unwrap();
    exceeded(&world.put(Who::Alice, "/buck/more", b"1"));
}

#[test]
fn uploads_at_once_never_exceed_it_together() {
    let world = Arc::new(World::new());
    world.put(Who::Alice, "/buck", b"");
    set(&world, account(), [Some(5000), None, None]);
    let kept = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..16)
        .map(|n| {
            let (world, kept) = (Arc::clone(&world), Arc::clone(&kept));
            thread::spawn(move || {
                // All are admitted before any byte is there; the commit decides.
                let headers = [("content-length", "1000")];
                let mut sent = world.begin(Who::Alice, "PUT", &format!("/buck/{n}"), &headers);
                sent.write(&[0; 1000]);
                match sent.read() {
                    reply if reply.status == 200 => drop(kept.fetch_add(1, Ordering::SeqCst)),
                    reply => exceeded(&reply),
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(kept.load(Ordering::SeqCst), 5);
    assert_eq!(used(&world, &account()), figures(5000, 5, 1));
    world.wait_for_files("objects", 5);
}

fn begin(world: &World, key: &str) -> String {
    let begun = world.call(Who::Alice, "POST", &format!("/buck/{key}?uploads"), &[], b"");
    begun.element("UploadId").unwrap_or_else(|| panic!("{}", begun.text()))
}

#[test]
fn parts_of_open_uploads_count_and_become_the_object() {
    let mut world = World::new();
    world.put(Who::Alice, "/buck", b"");
    set(&world, account(), [Some(20), Some(3), None]);
    let id = begin(&world, "key");
    let part = |world: &World, number: u32, bytes: &[u8]| {
        world.put(Who::Alice, &format!("/buck/key?partNumber={number}&uploadId={id}"), bytes)
    };
    let uploading = |bytes, uploading, objects| Used { bytes, uploading, objects, buckets: 1 };
    assert_eq!(part(&world, 1, b"1234567890").status, 200);
    assert_eq!(part(&world, 1, b"12345678").status, 200);
    assert_eq!(part(&world, 2, b"1234567").status, 200);
    exceeded(&part(&world, 3, b"123456"));
    exceeded(&world.put(Who::Alice, "/buck/other", b"123456"));
    assert_eq!(used(&world, &account()), uploading(0, 15, 1), "an open upload counts as one");
    assert_eq!(used(&world, &bucket("buck")), uploading(0, 15, 1));
    world.stop();
    world.start();
    let etag = part(&world, 1, b"12345678").header("etag").unwrap().to_owned();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    let target = format!("/buck/key?uploadId={id}");
    let done = world.call(Who::Alice, "POST", &target, &[], document.as_bytes());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(used(&world, &account()), uploading(8, 0, 1), "what was not listed is gone");

    let source = [("x-amz-copy-source", "/buck/key")];
    assert_eq!(world.call(Who::Alice, "PUT", "/buck/copy", &source, b"").status, 200);
    assert_eq!(used(&world, &account()), uploading(16, 0, 2), "a copy counts in full");
    exceeded(&world.call(Who::Alice, "PUT", "/buck/third", &source, b""));

    let id = begin(&world, "again");
    let target = format!("/buck/again?uploadId={id}");
    let put = world.put(Who::Alice, &format!("{target}&partNumber=1"), b"1234");
    assert_eq!(put.status, 200);
    assert_eq!(used(&world, &account()), uploading(16, 4, 3));
    exceeded(&world.call(Who::Alice, "POST", "/buck/fourth?uploads", &[], b""));
    assert_eq!(world.call(Who::Alice, "DELETE", &target, &[], b"").status, 204);
    assert_eq!(used(&world, &account()), uploading(16, 0, 2));

    let id = begin(&world, "left");
    world.put(Who::Alice, &format!("/buck/left?partNumber=1&uploadId={id}"), b"1234");
    for key in ["key", "copy"] {
        world.call(Who::Alice, "DELETE", &format!("/buck/{key}"), &[], b"");
    }
    assert_eq!(world.call(Who::Alice, "DELETE", "/buck", &[], b"").status, 204);
    assert_eq!(used(&world, &account()), Used::default(), "uploads go with their bucket");
}

#[test]
fn limits_of_all_are_set_while_walrus_runs() {
    let mut world = World::new();
    let choose = |world: &World, account_buckets, bucket_bytes| {
        world.ask(SetDefaultLimits { account_buckets, bucket_bytes }).unwrap()
    };
    assert!(choose(&world, Some(1), Some(10)));
    assert!(!choose(&world, Some(1), Some(10)), "it is so already");
    assert_eq!(world.put(Who::Alice, "/one", b"").status, 200);
    let refused = world.put(Who::Alice, "/two", b"");
    assert_eq!(refused.refusal().1, "TooManyBuckets");
    assert_eq!(world.put(Who::Alice, "/one/a", b"1234567").status, 200);
    exceeded(&world.put(Who::Alice, "/one/b", b"1234"));
    // They outlast a restart; an own quota wins.
    world.stop();
    world.start();
    exceeded(&world.put(Who::Alice, "/one/b", b"1234"));
    set(&world, bucket("one"), [Some(20), None, None]);
    assert_eq!(world.put(Who::Alice, "/one/b", b"1234").status, 200);
    // Lowered, they take nothing away; 0 is none, and nothing is what the configuration says.
    assert!(choose(&world, Some(0), Some(1)));
    assert_eq!(world.put(Who::Alice, "/two", b"").status, 200);
    exceeded(&world.put(Who::Alice, "/two/c", b"12"));
    assert!(choose(&world, None, None));
    assert_eq!(world.put(Who::Alice, "/two/c", b"12").status, 200);
}

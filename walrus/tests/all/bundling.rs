//! Bundles that nodes store: by ticket, in their owners' names, signed by the cloud, and gone again
//! when their task did not end well.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bundle::{BundleOptions, Limits, Manifest, Recipients, Signed};
use common::error::{ApiError, ErrorCode};
use common::s3::{CannedAcl, Owner};
use common::wire::bundling::{BundlePlace, DropBundle, OpenBundle};
use common::wire::quota::{Limit, Scope, SetQuota};
use common::wire::walrus::WantedImage;
use sha1::{Digest as _, Sha1};

use crate::forge::{Parts, check_as, cloud, want};
use crate::http::{Sent, send};
use crate::world::{ALICE, BOB, Who, World, wait};

const TASK: &str = "bun-0a1b2c3d";

fn world() -> World {
    let world = World::new();
    world.install_key();
    world
}

fn place(prefix: &str) -> BundlePlace {
    BundlePlace::new("saved".parse().unwrap(), prefix).unwrap()
}

fn asked(account: &str, place: BundlePlace) -> OpenBundle {
    let account: common::id::AccountId = account.parse().unwrap();
    OpenBundle {
        task: TASK.parse().unwrap(),
        owner: Owner { account: account.clone(), alias: "a".into() },
        account,
        place,
        acl: CannedAcl::AwsExecRead,
        rehearsal: false,
    }
}

fn open(world: &World, account: &str, prefix: &str) -> String {
    world.ask(asked(account, place(prefix))).unwrap().url
}

fn open_as(world: &World, task: &str, prefix: &str) -> String {
    let task = task.parse().unwrap();
    world.ask(OpenBundle { task, ..asked(ALICE, place(prefix)) }).unwrap().url
}

/// Names and bytes of parts.
type PartList = Vec<(String, Vec<u8>)>;

/// A bundle as a node makes it: unsigned, in parts of 16 KiB, and the image in it.
fn made(name: &str, account: &str, size: usize) -> (PartList, Vec<u8>, Vec<u8>) {
    let image: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut options = BundleOptions::new(name, "x86_64", account);
    (options.part_size, options.compression) = (16 << 10, 0);
    let (mut parts, cloud) = (Parts::default(), cloud());
    let recipients = Recipients { cloud: &cloud, user: None, signer: None };
    let bytes = image.as_slice();
    let made =
        bundle::bundle(bytes, size as u64, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    (parts.0, made.manifest, image)
}

fn put(world: &World, url: &str, bytes: &[u8], sha1: &[u8]) -> Result<(), ApiError> {
    let mut sent = begin(world, url, bytes, sha1);
    sent.write(bytes);
    end(sent)
}

/// Sends the head of a piece.
fn begin(world: &World, url: &str, bytes: &[u8], sha1: &[u8]) -> Sent {
    let target = url.strip_prefix(&format!("http://{}", world.internal)).unwrap();
    let headers = [
        ("host".to_owned(), world.internal.to_string()),
        ("content-length".to_owned(), bytes.len().to_string()),
        ("x-amz-checksum-sha1".to_owned(), BASE64.encode(sha1)),
    ];
    send(world.internal, "PUT", target, &headers)
}

fn end(sent: Sent) -> Result<(), ApiError> {
    let reply = sent.read();
    match reply.status {
        200 => Ok(()),
        _ => Err(serde_json::from_slice(&reply.body).unwrap()),
    }
}

fn put_part(world: &World, url: &str, index: usize, bytes: &[u8]) -> Result<(), ApiError> {
    put(world, &format!("{url}/part/{index}"), bytes, &Sha1::digest(bytes))
}

fn finish(world: &World, url: &str, manifest: &[u8]) -> Result<(), ApiError> {
    put(world, &format!("{url}/manifest"), manifest, &Sha1::digest(manifest))
}

fn store(world: &World, url: &str, parts: &[(String, Vec<u8>)]) {
    for (index, (_, bytes)) in parts.iter().enumerate() {
        put_part(world, url, index, bytes).unwrap();
    }
}

fn dropped(world: &World, prefix: &str) {
    dropped_as(world, TASK, prefix);
}

fn dropped_as(world: &World, task: &str, prefix: &str) {
    world.ask(DropBundle { task: task.parse().unwrap(), place: place(prefix) }).unwrap();
}

#[test]
fn what_a_node_stores_is_its_owners_and_can_be_registered() {
    let world = world();
    let url = open(&world, ALICE, "fol der/image");
    let (parts, manifest, image) = made("image", ALICE, 70_000);
    assert!(parts.len() > 3);
    // The last one of an earlier try, which the manifest will not name.
    put_part(&world, &url, parts.len(), b"left over").unwrap();
    store(&world, &url, &parts);
    // Again, as after a connection that broke.
    put_part(&world, &url, 1, &parts[1].1).unwrap();
    finish(&world, &url, &manifest).unwrap();
    finish(&world, &url, &manifest).unwrap();

    let part = world.get(Who::Alice, "/saved/fol%20der/image.part.0");
    assert!(part.status == 200 && part.body == parts[0].1);
    assert_eq!(part.header("x-amz-meta-eucalypt-bundle-task"), Some(TASK));
    assert_eq!(world.get(Who::Bob, "/saved/fol%20der/image.part.0").status, 403);
    let beyond = format!("/saved/fol%20der/image.part.{}", parts.len());
    assert_eq!(world.get(Who::Alice, &beyond).status, 404);
    let stored = world.get(Who::Alice, "/saved/fol%20der/image.manifest.xml");
    let read = Manifest::parse(&stored.body, &Limits::default()).unwrap();
    assert_eq!(read.verify(&[cloud()]), Signed::By(0));
    assert_eq!(world.get(Who::Alice, "/saved?acl").status, 200);

    let checked = check_as(&world, "saved/fol der/image.manifest.xml", ALICE, false).unwrap();
    let WantedImage::Ready(ticket) = want(&world, &checked.bundle) else { panic!("not ready") };
    assert_eq!(ticket.size, image.len() as u64);
    // Bob has no certificate at all; the cloud's signature is as good.
    let url = open_elsewhere(&world);
    let (parts, manifest, _) = made("image", BOB, 10);
    store(&world, &url, &parts);
    finish(&world, &url, &manifest).unwrap();
    assert!(check_as(&world, "bobs/image.manifest.xml", BOB, false).is_ok());
}

fn open_elsewhere(world: &World) -> String {
    let place = BundlePlace::new("bobs".parse().unwrap(), "image").unwrap();
    world.ask(asked(BOB, place)).unwrap().url
}

#[test]
fn a_rehearsal_makes_nothing_and_anothers_bucket_is_closed() {
    let world = world();
    let rehearsal = OpenBundle { rehearsal: true, ..asked(ALICE, place("image")) };
    let ticket = world.ask(rehearsal.clone()).unwrap();
    assert_eq!(world.get(Who::Alice, "/saved").status, 404);
    world.put(Who::Alice, "/saved", b"");
    let error = put_part(&world, &ticket.url, 0, b"x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::RequestExpired);
    world.call(Who::Alice, "DELETE", "/saved", &[], b"");
    world.put(Who::Bob, "/saved", b"");
    for asked in [rehearsal, asked(ALICE, place("image"))] {
        let error = world.ask(asked).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AccessDenied);
    }
    // A bucket that becomes another's under a ticket.
    let place = BundlePlace::new("mine".parse().unwrap(), "image").unwrap();
    let url = world.ask(asked(ALICE, place)).unwrap().url;
    world.call(Who::Alice, "DELETE", "/mine", &[], b"");
    assert_eq!(put_part(&world, &url, 0, b"x").unwrap_err().code(), ErrorCode::NoSuchBucket);
    world.put(Who::Bob, "/mine", b"");
    assert_eq!(put_part(&world, &url, 0, b"x").unwrap_err().code(), ErrorCode::AccessDenied);
}

#[test]
fn what_is_not_as_it_says_is_refused() {
    let world = world();
    let url = open(&world, ALICE, "image");
    let (parts, manifest, _) = made("image", ALICE, 40_000);
    let code = |result: Result<(), ApiError>| result.unwrap_err().code();
    let forged = format!("{}0", url);
    assert_eq!(code(put_part(&world, &forged, 0, b"x")), ErrorCode::AccessDenied);
    assert_eq!(code(put(&world, &format!("{url}/part/0"), b"x", &[0; 20])), ErrorCode::BadDigest);
    assert_eq!(code(put(&world, &format!("{url}/part/0"), b"x", b"")), ErrorCode::InvalidRequest);
    assert_eq!(code(put(&world, &format!("{url}/other"), b"x", b"")), ErrorCode::AccessDenied);

    let refused = |manifest: &[u8], why: &str| {
        let error = finish(&world, &url, manifest).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidManifest);
        assert!(error.text().contains(why), "{error}");
        assert_eq!(world.get(Who::Alice, "/saved/image.manifest.xml").status, 404);
    };
    refused(b"nonsense", "well-formed");
    store(&world, &url, &parts[1..]);
    refused(&manifest, "was not stored as it says");
    store(&world, &url, &parts);
    // A part that is the owner's and not this task's: nobody vouches for it.
    world.put(Who::Alice, "/saved/image.part.1", &parts[1].1);
    refused(&manifest, "image.part.1 was not stored as it says");
    put_part(&world, &url, 1, &parts[1].1).unwrap();
    let other = Sha1::digest(b"another");
    let broken = put(&world, &format!("{url}/manifest"), &manifest, &other);
    assert_eq!(code(broken), ErrorCode::BadDigest);
    assert_eq!(
        code(put(&world, &format!("{url}/manifest"), &manifest, b"")),
        ErrorCode::InvalidRequest
    );
    assert_eq!(world.get(Who::Alice, "/saved/image.manifest.xml").status, 404);
    refused(&made("image", BOB, 40_000).1, &format!("for the account {BOB}"));
    refused(&made("other", ALICE, 40_000).1, "has the name other.part.0");
    finish(&world, &url, &manifest).unwrap();
}

#[test]
fn it_counts_on_its_owners_quota() {
    let world = world();
    let url = open(&world, ALICE, "image");
    let quota = SetQuota {
        scope: Scope::Account(ALICE.parse().unwrap()),
        bytes: Some(Limit::AtMost(20_000)),
        objects: None,
        buckets: None,
    };
    world.ask(quota).unwrap();
    put_part(&world, &url, 0, &[1; 16_000]).unwrap();
    let error = put_part(&world, &url, 1, &[1; 16_000]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::QuotaExceeded);
    dropped(&world, "image");
    let url = open_as(&world, "bun-99999999", "image");
    put_part(&world, &url, 1, &[1; 16_000]).unwrap();
}

#[test]
fn nothing_comes_for_a_task_that_was_dropped() {
    let mut world = world();
    let url = open(&world, ALICE, "image");
    let (parts, manifest, _) = made("image", ALICE, 40_000);
    store(&world, &url, &parts[1..]);
    // A part that is on its way while its task is dropped, and a manifest.
    let (_, first) = &parts[0];
    let mut part = begin(&world, &format!("{url}/part/0"), first, &Sha1::digest(first));
    part.write(&first[..100]);
    let target = format!("{url}/manifest");
    let mut last = begin(&world, &target, &manifest, &Sha1::digest(&manifest));
    last.write(&manifest[..100]);
    wait("the part is coming", || world.files("objects/staging").len() == 1);
    dropped(&world, "image");
    dropped(&world, "image");
    part.write(&first[100..]);
    let refused = |result: Result<(), ApiError>| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AccessDenied, "{error}");
        assert!(error.text().contains("was dropped"), "{error}");
    };
    refused(end(part));
    last.write(&manifest[100..]);
    assert!(end(last).is_err());
    refused(put_part(&world, &url, 0, first));
    let again = asked(ALICE, place("image"));
    refused(world.ask(again).map(drop));
    let listed = world.get(Who::Alice, "/saved").text();
    assert!(!listed.contains("<Key>"), "{listed}");
    world.wait_for_files("objects/blobs", 0);
    world.wait_for_files("objects/staging", 0);
    // Remembered by whoever comes next, and of no other task.
    world.stop();
    world.start();
    refused(put_part(&world, &rebased(&world, &url), 0, first));
    put_part(&world, &open_as(&world, "bun-99999999", "image"), 0, first).unwrap();
}

/// A ticket of a walrus that listens elsewhere now.
fn rebased(world: &World, url: &str) -> String {
    let (_, path) = url.split_once("/bundles/").unwrap();
    format!("http://{}/bundles/{path}", world.internal)
}

#[test]
fn a_task_that_did_not_end_well_leaves_what_others_stored() {
    let world = world();
    dropped_as(&world, "bun-99999999", "image");
    let url = open(&world, ALICE, "image");
    let (parts, manifest, _) = made("image", ALICE, 200_000);
    assert!(parts.len() > 11, "ten comes before two");
    store(&world, &url, &parts);
    finish(&world, &url, &manifest).unwrap();
    for other in ["image.part.2", "image.part.x", "image", "image.part.99"] {
        world.put(Who::Alice, &format!("/saved/{other}"), b"mine");
    }
    dropped_as(&world, "bun-99999999", "image");
    assert_eq!(world.get(Who::Alice, "/saved/image.manifest.xml").status, 200);
    dropped(&world, "image");
    dropped(&world, "image");
    let listed = world.get(Who::Alice, "/saved").text();
    assert_eq!(listed.matches("<Key>").count(), 4, "{listed}");
    world.wait_for_files("objects", 4);
}

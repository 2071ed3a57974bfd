//! After a stop everything is there; after a crash nothing half is.

use common::wire::walrus::{DescribeCache, Layout, SetCacheLimit, WantedImage};

use crate::forge::{put_bundle, want};
use crate::world::{ALICE, Who, World};

#[test]
fn a_restart_keeps_everything() {
    let mut world = World::new();
    world.install_key();
    world.call(Who::Alice, "PUT", "/buck", &[("x-amz-acl", "public-read")], b"");
    world.call(Who::Alice, "PUT", "/buck/key", &[("x-amz-meta-a", "b")], b"bytes");
    let bundle = put_bundle(&world, Who::Alice, ALICE, "buck", "image", &[5; 100_000]);
    let WantedImage::Ready(before) = want(&world, &bundle) else { panic!("not there") };
    world.ask(SetCacheLimit { megabytes: 7 }).unwrap();
    world.stop();
    world.start();
    let got = world.get(Who::Nobody, "/buck");
    assert!(got.text().contains("<Key>key</Key>"));
    let got = world.get(Who::Alice, "/buck/key");
    assert_eq!((got.body.as_slice(), got.header("x-amz-meta-a")), (&b"bytes"[..], Some("b")));
    let cache = world.ask(DescribeCache {}).unwrap();
    assert_eq!((cache.limit, cache.used, cache.images), (7 << 20, 100_000, 1));
    let WantedImage::Ready(after) = want(&world, &bundle) else { panic!("not there") };
    assert_eq!(after.sha256, before.sha256);
    assert_eq!(world.ask(DescribeCache {}).unwrap().misses, 0, "it was not unpacked again");
}

#[test]
fn a_whole_disk_is_told_from_a_bare_file_system_after_a_restart_too() {
    let mut world = World::new();
    world.install_key();
    world.put(Who::Alice, "/buck", b"");
    let mut disk = vec![7; 100_000];
    disk[446..512].fill(0);
    // One partition, from sector 64 on.
    disk[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0x83, 0, 0, 0, 64, 0, 0, 0, 9, 0, 0, 0]);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    let bundles = [("disk", disk, Layout::Disk), ("bare", vec![7; 100_000], Layout::Bare)]
        .map(|(name, image, is)| (put_bundle(&world, Who::Alice, ALICE, "buck", name, &image), is));
    for _ in 0..2 {
        for (bundle, expected) in &bundles {
            let WantedImage::Ready(ticket) = want(&world, bundle) else { panic!("not there") };
            assert_eq!(ticket.layout, *expected);
        }
        world.stop();
        world.start();
    }
}

#[test]
fn what_a_crash_leaves_is_removed() {
    let mut world = World::new();
    world.put(Who::Alice, "/buck", b"");
    world.put(Who::Alice, "/buck/key", b"named");
    world.stop();
    let blob = "ab".repeat(16);
    let data = world.data().to_owned();
    std::fs::write(data.join("objects/staging").join(&blob), b"half").unwrap();
    std::fs::write(data.join("objects/blobs/ab").join(&blob), b"unnamed").unwrap();
    std::fs::write(data.join("cache").join(format!("{}.3.partial", "c".repeat(64))), b"").unwrap();
    world.start();
    world.wait_for_files("objects", 1);
    assert!(world.files("cache").is_empty());
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"named");
}

#[test]
fn secrets_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.install_key();
    for file in ["bundle-key.pem", "ticket.key"] {
        let mode = std::fs::metadata(world.data().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mode = std::fs::metadata(world.data()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

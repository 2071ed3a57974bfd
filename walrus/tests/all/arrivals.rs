//! Parts of bundles as they come in: their digests are remembered with their bytes, held against a
//! manifest that is there, and save reading what is known to be damaged.

use std::path::PathBuf;

use common::wire::walrus::{BundleRef, WantedImage};

use crate::forge::{Files, check, failure, make, want};
use crate::http::send;
use crate::world::{ROOT, Who, World};

fn world() -> World {
    let world = World::new();
    world.install_key();
    world.put(Who::Root, "/buck", b"");
    world
}

fn put(world: &World, key: &str, bytes: &[u8]) {
    assert_eq!(world.put(Who::Root, &format!("/buck/{key}"), bytes).status, 200, "{key}");
}

fn put_parts(world: &World, below: &str, files: &Files) {
    files.parts.iter().for_each(|(name, bytes)| put(world, &format!("{below}{name}"), bytes));
}

fn bundle(world: &World, key: &str) -> BundleRef {
    check(world, &format!("buck/{key}")).unwrap().bundle
}

/// How many parts came that are as listed, and how many that are not.
fn looked(world: &World) -> (u64, u64) {
    let host = [("host".to_owned(), world.internal.to_string())];
    let text = send(world.internal, "GET", "/metrics", &host).read().text();
    let figure = |name: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap()
    };
    (
        figure("eucalypt_walrus_parts_as_listed_total"),
        figure("eucalypt_walrus_parts_unlike_manifest_total"),
    )
}

/// The file in which these bytes lie.
fn stored(world: &World, bytes: &[u8]) -> PathBuf {
    let mut folders = vec![world.data().join("objects")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).unwrap() == bytes {
                return path;
            }
        }
    }
    panic!("nowhere")
}

fn assert_ready(world: &World, bundle: &BundleRef) {
    let wanted = want(world, bundle);
    assert!(matches!(wanted, WantedImage::Ready(_)), "{wanted:?}");
}

fn assert_damaged(world: &World, bundle: &BundleRef, part: &str) {
    let (reason, retryable) = failure(world, bundle);
    assert!(reason.contains(&format!("part {part} is damaged: its SHA-1 is")), "{reason}");
    assert!(!retryable);
}

/// A bundle of four parts whose last is damaged; and the part as it should be.
fn damaged() -> (Files, Vec<u8>) {
    let mut files = make("f", ROOT, &[3; 50_000]);
    assert_eq!(files.parts.len(), 4);
    let good = files.parts[3].1.clone();
    files.parts[3].1[7] ^= 1;
    (files, good)
}

#[test]
fn whichever_comes_first_the_bundle_is_unpacked() {
    let world = world();
    let files = make("f", ROOT, &[3; 50_000]);
    put(&world, "first/f.manifest.xml", &files.manifest);
    put_parts(&world, "first/", &files);
    assert_eq!(looked(&world), (4, 0));
    put_parts(&world, "", &files);
    put(&world, "f.manifest.xml", &files.manifest);
    assert_eq!(looked(&world), (4, 0), "there was nothing to hold them against");
    assert_ready(&world, &bundle(&world, "first/f.manifest.xml"));
    assert_ready(&world, &bundle(&world, "f.manifest.xml"));
    // An object called like a part, with something beside that is no manifest.
    put(&world, "x.manifest.xml", b"nothing");
    put(&world, "x.part.0", b"x");
    put(&world, "f.part.9", b"in no list");
    assert_eq!(looked(&world), (4, 0));
}

#[test]
fn a_damaged_part_is_stored_and_named_before_any_is_read() {
    let (files, good) = damaged();
    for manifest_first in [true, false] {
        let world = world();
        if manifest_first {
            put(&world, "f.manifest.xml", &files.manifest);
        }
        put_parts(&world, "", &files);
        put(&world, "f.manifest.xml", &files.manifest);
        assert_eq!(looked(&world), if manifest_first { (3, 1) } else { (0, 0) });
        assert_eq!(world.get(Who::Root, "/buck/f.part.3").body, files.parts[3].1);
        let bundle = bundle(&world, "f.manifest.xml");
        // Were the first part read, it would be found empty.
        let first = stored(&world, &files.parts[0].1);
        std::fs::write(&first, b"").unwrap();
        assert_damaged(&world, &bundle, "f.part.3");
        std::fs::write(&first, &files.parts[0].1).unwrap();
        put(&world, "f.part.3", &good);
        assert_eq!(looked(&world), if manifest_first { (4, 1) } else { (1, 0) });
        assert_eq!(check(&world, "buck/f.manifest.xml").unwrap().bundle, bundle);
        assert_ready(&world, &bundle);
    }
}

#[test]
fn a_digest_belongs_to_its_bytes() {
    let mut world = world();
    let (files, good) = damaged();
    put(&world, "f.manifest.xml", &files.manifest);
    put_parts(&world, "", &files);
    let copied = |world: &World, from: &str, to: &str| {
        let source = [("x-amz-copy-source", format!("/buck/{from}"))];
        let source: Vec<_> = source.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let reply = world.call(Who::Root, "PUT", &format!("/buck/{to}"), &source, b"");
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    for name in ["f.manifest.xml", "f.part.0", "f.part.1", "f.part.2", "f.part.3"] {
        copied(&world, name, &format!("copy/{name}"));
    }
    world.stop();
    world.start();
    world.install_key();
    let (one, copy) = (bundle(&world, "f.manifest.xml"), bundle(&world, "copy/f.manifest.xml"));
    let first = stored(&world, &files.parts[0].1);
    std::fs::write(&first, b"").unwrap();
    assert_damaged(&world, &one, "f.part.3");
    // Both are one image, but for where their parts lie.
    assert_damaged(&world, &copy, "f.part.3");
    std::fs::write(&first, &files.parts[0].1).unwrap();
    // What is copied over it brings its own; what is removed leaves none.
    put(&world, "good.part.3", &good);
    copied(&world, "good.part.3", "copy/f.part.3");
    assert_eq!(bundle(&world, "copy/f.manifest.xml"), copy);
    assert_ready(&world, &copy);
    world.call(Who::Root, "DELETE", "/buck/copy/f.part.3", &[], b"");
    let error = check(&world, "buck/copy/f.manifest.xml");
    assert!(error.is_ok(), "the part beside the prefix stands in: {error:?}");
}

#[test]
fn what_came_without_a_digest_is_found_damaged_by_reading() {
    let world = world();
    let (files, good) = damaged();
    put(&world, "f.manifest.xml", &files.manifest);
    put_parts(&world, "", &files);
    // A part that itself comes by a multipart upload.
    let reply = world.call(Who::Root, "POST", "/buck/f.part.3?uploads", &[], b"");
    let upload = reply.element("UploadId").unwrap();
    let part = format!("/buck/f.part.3?partNumber=1&uploadId={upload}");
    let sent = world.put(Who::Root, &part, &files.parts[3].1);
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>\
         </CompleteMultipartUpload>",
        sent.header("etag").unwrap()
    );
    let target = format!("/buck/f.part.3?uploadId={upload}");
    let done = world.call(Who::Root, "POST", &target, &[], list.as_bytes());
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(looked(&world), (3, 1));
    let bundle = bundle(&world, "f.manifest.xml");
    assert_damaged(&world, &bundle, "f.part.3");
    // A disk that forgets: the remembered digest is right, the bytes are not.
    put(&world, "f.part.3", &good);
    let path = stored(&world, &files.parts[1].1);
    let mut bytes = files.parts[1].1.clone();
    bytes[100] ^= 4;
    std::fs::write(path, bytes).unwrap();
    assert_damaged(&world, &bundle, "f.part.1");
}

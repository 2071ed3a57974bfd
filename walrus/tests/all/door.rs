//! The image door on good bundles: what it says of them, what it unpacks, how it serves.

use common::error::ErrorCode;
use common::id::ImageKind;
use common::wire::walrus::{
    BundleRef, CheckBundle, DescribeCache, ForgetImage, ImageTicket, InstallBundleKey,
    SetCacheLimit, WantImage, WantedImage,
};
use sha1::{Digest as _, Sha1};

use crate::forge::{check, check_as, failure, make, percent::encode, put_bundle, upload, want};
use crate::http::{Reply, send};
use crate::world::{ALICE, BOB, ROOT, Who, World, golden, golden_key};

fn world() -> World {
    let world = World::new();
    world.install_key();
    world
}

fn ready(wanted: WantedImage) -> ImageTicket {
    match wanted {
        WantedImage::Ready(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// Reads an image as a node does.
fn fetch(world: &World, url: &str, method: &str, headers: &[(&str, &str)]) -> Reply {
    let target = url.strip_prefix(&format!("http://{}", world.internal)).unwrap();
    let mut all = vec![("host".to_owned(), world.internal.to_string())];
    all.extend(headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    send(world.internal, method, target, &all).read()
}

#[test]
fn every_golden_bundle_becomes_its_image() {
    let world = world();
    let sums = std::fs::read_to_string(golden().join("images.sha1")).unwrap();
    let known: Vec<&str> = sums.lines().filter_map(|line| line.split(' ').next()).collect();
    world.put(Who::Root, "/golden", b"");
    let mut seen = 0;
    for version in ["1.3", "2.1", "3.4"] {
        for folder in std::fs::read_dir(golden().join(version)).unwrap() {
            let folder = folder.unwrap();
            let prefix = format!("{version}/{}/", folder.file_name().to_string_lossy());
            let mut manifest = String::new();
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let file = file.unwrap();
                let key = format!("{prefix}{}", file.file_name().to_string_lossy());
                let bytes = std::fs::read(file.path()).unwrap();
                let put = world.put(Who::Root, &format!("/golden/{}", encode(&key)), &bytes);
                assert_eq!(put.status, 200);
                if key.ends_with(".manifest.xml") {
                    manifest = key;
                }
            }
            let checked = world.ask(CheckBundle {
                location: format!("golden/{manifest}"),
                account: ROOT.parse().unwrap(),
                administrator: true,
                allow_unsigned: prefix.contains("unsigned"),
            });
            if std::fs::metadata(folder.path().join(&manifest[prefix.len()..])).unwrap().len() == 0
            {
                assert_eq!(checked.unwrap_err().code(), ErrorCode::InvalidManifest, "{prefix}");
                continue;
            }
            let checked = checked.unwrap_or_else(|error| panic!("{prefix}: {error}"));
            let kind = match &prefix {
                p if p.contains("kernel") => ImageKind::Kernel,
                p if p.contains("ramdisk") => ImageKind::Ramdisk,
                _ => ImageKind::Machine,
            };
            assert_eq!(checked.kind, kind, "{prefix}");
            let ticket = ready(want(&world, &checked.bundle));
            let image = fetch(&world, &ticket.url, "GET", &[]);
            assert_eq!((image.status, image.body.len() as u64), (200, checked.size), "{prefix}");
            let sha1 = hex::encode(Sha1::digest(&image.body));
            assert!(known.contains(&sha1.as_str()), "{prefix}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
    assert_eq!(world.ask(DescribeCache {}).unwrap().images, seen);
}

#[test]
fn unsigned_bundles_pass_only_by_leave() {
    let world = world();
    let folder = golden().join("3.4/unsigned-nocert");
    world.put(Who::Root, "/buck", b"");
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        world.put(Who::Root, &format!("/buck/{name}"), &std::fs::read(file.path()).unwrap());
    }
    let error = check(&world, "buck/small-3MiB.img.manifest.xml").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidManifest);
    assert!(error.text().contains("not signed"), "{error}");
}

#[test]
fn who_may_register_what() {
    let world = world();
    let files = make("image", ALICE, b"some image");
    let location = upload(&world, Who::Alice, "alices", "image", &files);
    assert_eq!(check_as(&world, &location, ALICE, false).unwrap().size, 10);
    assert!(check_as(&world, &location, ROOT, true).is_ok());
    let error = check_as(&world, &location, BOB, false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::AuthFailure, "a private bucket of somebody else");
    assert!(error.text().contains("alices/image.manifest.xml"));
    for (acl, code) in
        [("aws-exec-read", "or you may not read it"), ("public-read", "not for yours")]
    {
        let put = [("x-amz-acl", acl)];
        world.call(Who::Alice, "PUT", "/alices/image.manifest.xml", &put, &files.manifest);
        let error = check_as(&world, &location, BOB, false).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AuthFailure);
        assert!(error.text().contains(code), "{acl}: {error}");
    }
    let stolen = upload(&world, Who::Bob, "bobs", "image", &make("image", BOB, b"x"));
    let error = check_as(&world, &stolen, BOB, false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidManifest, "signed by a key that is not Bob's");
    assert!(error.text().contains("signature"), "{error}");
    let nobody = upload(&world, Who::Bob, "bobs", "none", &make("none", "999999999999", b"x"));
    let error = check(&world, &nobody).unwrap_err();
    assert!(error.text().contains("no account 999999999999"), "{error}");
}

#[test]
fn parts_lie_beside_the_manifest_or_bare() {
    let world = world();
    let files = make("image", ROOT, &[1; 40_000]);
    world.put(Who::Root, "/buck", b"");
    world.put(Who::Root, "/buck/deep/er/image.manifest.xml", &files.manifest);
    for (at, (name, bytes)) in files.parts.iter().enumerate() {
        let folder = if at == 0 { "" } else { "deep/er/" };
        world.put(Who::Root, &format!("/buck/{folder}{name}"), bytes);
    }
    let checked = check(&world, "//buck/deep/er/image.manifest.xml").unwrap();
    assert_eq!(checked.bundle.location, "buck/deep/er/image.manifest.xml");
    assert_eq!(ready(want(&world, &checked.bundle)).size, 40_000);
}

#[test]
fn an_image_is_served_in_ranges_with_its_digest() {
    let world = world();
    let image: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let bundle = put_bundle(&world, Who::Root, ROOT, "buck", "image", &image);
    let ticket = ready(want(&world, &bundle));
    let head = fetch(&world, &ticket.url, "HEAD", &[]);
    assert_eq!((head.status, head.header("content-length")), (200, Some("300000")));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert_eq!(head.header("x-eucalypt-sha256"), Some(ticket.sha256.as_str()));
    let etag = format!("\"{}\"", ticket.sha256);
    assert_eq!(head.header("etag"), Some(etag.as_str()));
    let part = fetch(&world, &ticket.url, "GET", &[("range", "bytes=1000-200999")]);
    assert_eq!(
        (part.status, part.header("content-range")),
        (206, Some("bytes 1000-200999/300000"))
    );
    assert!(part.body == image[1000..201_000]);
    let beyond = fetch(&world, &ticket.url, "GET", &[("range", "bytes=300000-")]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */300000")));
    let other = fetch(&world, &ticket.url, "GET", &[("if-match", "\"other\"")]);
    assert_eq!(other.status, 412);
    let same = fetch(&world, &ticket.url, "GET", &[("if-match", &etag), ("if-range", &etag)]);
    assert!(same.status == 200 && same.body == image);

    assert_eq!(fetch(&world, &format!("{}0", ticket.url), "GET", &[]).status, 403);
    let bare = ticket.url.split('?').next().unwrap();
    assert_eq!(fetch(&world, bare, "GET", &[]).status, 403);
    assert_eq!(fetch(&world, &ticket.url, "DELETE", &[]).status, 405);
    world.ask(ForgetImage { bundle }).unwrap();
    assert_eq!(fetch(&world, &ticket.url, "GET", &[]).status, 404);
    world.wait_for_files("cache", 0);
}

#[test]
fn many_who_want_the_same_share_one_flight() {
    let world = world();
    let bundle = put_bundle(&world, Who::Root, ROOT, "buck", "image", &[9; 2_000_000]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(ready(want(&world, &bundle)).size, 2_000_000));
        }
    });
    let cache = world.ask(DescribeCache {}).unwrap();
    assert_eq!((cache.misses, cache.images, cache.flights, cache.reserved), (1, 1, 0, 0));
    assert_eq!(world.files("cache").len(), 1);
    let host = [("host".to_owned(), world.internal.to_string())];
    let metrics = send(world.internal, "GET", "/metrics", &host).read().text();
    assert!(metrics.contains("eucalypt_walrus_cache_used_bytes 2000000"), "{metrics}");
    assert!(metrics.contains("eucalypt_walrus_cache_misses 1"));
}

#[test]
fn the_limit_holds_and_lowering_it_evicts_at_once() {
    let world = world();
    world.ask(SetCacheLimit { megabytes: 3 }).unwrap();
    let bundle = |name: &str, n: u8, size: usize| {
        put_bundle(&world, Who::Root, ROOT, "buck", name, &vec![n; size])
    };
    let large = bundle("large", 1, (3 << 20) + 1);
    let (reason, retryable) = failure(&world, &large);
    assert!(reason.contains("larger than the 3145728 bytes reserved"), "{reason}");
    assert!(!retryable);
    let images: Vec<BundleRef> = (0..5).map(|n| bundle(&format!("i{n}"), n, 1 << 20)).collect();
    for image in &images {
        ready(want(&world, image));
        let cache = world.ask(DescribeCache {}).unwrap();
        assert!(cache.used + cache.reserved <= cache.limit, "{cache:?}");
    }
    assert_eq!(world.ask(DescribeCache {}).unwrap().evictions, 2);
    world.wait_for_files("cache", 3);
    world.ask(SetCacheLimit { megabytes: 1 }).unwrap();
    world.wait_for_files("cache", 1);
    assert_eq!(world.ask(DescribeCache {}).unwrap().images, 1);
    ready(want(&world, &images[0]));
    world.wait_for_files("cache", 1);
}

#[test]
fn tampering_after_registration_is_noticed() {
    let world = world();
    let files = make("image", ROOT, &[3; 50_000]);
    let location = upload(&world, Who::Root, "buck", "image", &files);
    let bundle = check(&world, &location).unwrap().bundle;
    ready(want(&world, &bundle));

    let other = make("image", ROOT, &[4; 50_000]);
    world.put(Who::Root, "/buck/image.manifest.xml", &other.manifest);
    let (reason, retryable) = failure(&world, &bundle);
    assert!(reason.contains("is not the one that was registered") && !retryable, "{reason}");
    world.put(Who::Root, "/buck/image.manifest.xml", &files.manifest);
    ready(want(&world, &bundle));

    let mut part = files.parts[1].1.clone();
    part[77] ^= 1;
    world.put(Who::Root, &format!("/buck/{}", files.parts[1].0), &part);
    world.ask(ForgetImage { bundle: bundle.clone() }).unwrap();
    let (reason, retryable) = failure(&world, &bundle);
    assert!(reason.contains("image.part.1 is damaged") && !retryable, "{reason}");

    world.call(Who::Root, "DELETE", "/buck/image.manifest.xml", &[], b"");
    assert!(failure(&world, &bundle).0.contains("no longer there"));
    world.wait_for_files("cache", 0);
    assert_eq!(world.ask(DescribeCache {}).unwrap().reserved, 0);
}

#[test]
fn a_failure_is_told_also_to_who_asks_in_intervals() {
    let world = world();
    let mut files = make("image", ROOT, &[3; 50_000]);
    files.parts[0].1[5] ^= 1;
    let location = upload(&world, Who::Root, "buck", "image", &files);
    let bundle = check(&world, &location).unwrap().bundle;
    let mut told = None;
    crate::world::wait("the failure", || {
        let wanted =
            world.ask(WantImage { bundle: bundle.clone(), wait_ms: 0, reads: true }).unwrap();
        if let WantedImage::Failed { reason, .. } = wanted {
            told = Some(reason);
        }
        told.is_some()
    });
    assert!(told.unwrap().contains("image.part.0 is damaged"));
}

#[test]
fn a_bundle_that_was_repaired_and_checked_again_is_unpacked() {
    let world = world();
    let files = make("image", ROOT, &[3; 50_000]);
    let location = upload(&world, Who::Root, "buck", "image", &files);
    let (name, good) = (&files.parts[0].0, &files.parts[0].1);
    let mut bad = good.clone();
    bad[5] ^= 1;
    world.put(Who::Root, &format!("/buck/{name}"), &bad);
    let bundle = check(&world, &location).unwrap().bundle;
    world.ask(WantImage { bundle: bundle.clone(), wait_ms: 0, reads: true }).unwrap();
    crate::world::wait("the failure", || world.ask(DescribeCache {}).unwrap().flights == 0);
    world.put(Who::Root, &format!("/buck/{name}"), good);
    assert_eq!(check(&world, &location).unwrap().bundle, bundle);
    assert_eq!(ready(want(&world, &bundle)).size, 50_000);
}

#[test]
fn an_image_whose_file_is_lost_is_unpacked_again() {
    let world = world();
    let bundle = put_bundle(&world, Who::Root, ROOT, "buck", "image", &[9; 50_000]);
    let ticket = ready(want(&world, &bundle));
    for file in world.files("cache") {
        std::fs::remove_file(world.data().join("cache").join(file)).unwrap();
    }
    assert_eq!(fetch(&world, &ticket.url, "GET", &[]).status, 404);
    let ticket = ready(want(&world, &bundle));
    let image = fetch(&world, &ticket.url, "GET", &[]);
    assert!(image.status == 200 && image.body == [9; 50_000]);
    assert_eq!(world.ask(DescribeCache {}).unwrap().misses, 2);
}

#[test]
fn without_its_key_the_door_stays_shut() {
    let world = World::new();
    let location = upload(&world, Who::Root, "buck", "image", &make("image", ROOT, b"x"));
    assert_eq!(check(&world, &location).unwrap_err().code(), ErrorCode::Unavailable);
    let broken = InstallBundleKey {
        certificate: golden_key("user-cert.pem"),
        private_key: golden_key("cloud-pk8.pem"),
    };
    assert_eq!(world.ask(broken).unwrap_err().code(), ErrorCode::InvalidParameterValue);
    world.install_key();
    world.install_key();
    let other = InstallBundleKey {
        certificate: golden_key("user-cert.pem"),
        private_key: golden_key("user-pk8.pem"),
    };
    assert_eq!(world.ask(other).unwrap_err().code(), ErrorCode::OperationNotPermitted);
    assert!(check(&world, &location).is_ok());
}

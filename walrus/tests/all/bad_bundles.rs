//! Bundles that must not become images: each is refused with what is wrong, and leaves nothing.

use bundle::Kind;
use common::error::ErrorCode;

use crate::forge::{Files, check, failure, forge, make, seal, upload};
use crate::world::{ROOT, Who, World};

fn world() -> World {
    let world = World::new();
    world.install_key();
    world
}

/// Uploads and checks; gives the sentence of an InvalidManifest.
fn refused(world: &World, files: &Files) -> String {
    let location = upload(world, Who::Root, "buck", "f", files);
    let error = check(world, &location).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidManifest, "{error}");
    error.text().to_owned()
}

/// Uploads, checks, wants; gives why it failed.
fn unpacked(world: &World, files: &Files) -> String {
    let location = upload(world, Who::Root, "buck", "f", files);
    let bundle = check(world, &location).unwrap().bundle;
    let (reason, retryable) = failure(world, &bundle);
    assert!(!retryable, "{reason}");
    assert!(world.files("cache").is_empty(), "something is left");
    reason
}

fn with_manifest(change: impl FnOnce(String) -> String) -> Files {
    let mut files = make("f", ROOT, &[1; 40_000]);
    files.manifest = change(String::from_utf8(files.manifest).unwrap()).into_bytes();
    files
}

#[test]
fn manifests_that_are_none() {
    let world = world();
    for (raw, why) in [
        (b"".to_vec(), "is not"),
        (b"this is no XML".to_vec(), ""),
        (b"\x89PNG\r\n\x1a\n\xff".to_vec(), "not UTF-8"),
        (b"<html></html>".to_vec(), "html"),
        (b"<manifest></manifest>".to_vec(), "lacks"),
        (entities(), "document type"),
    ] {
        let text = refused(&world, &Files { parts: Vec::new(), manifest: raw });
        assert!(text.contains(why), "{why}: {text}");
    }
    let long = format!("<manifest>{}</manifest>", " ".repeat(5 << 20)).into_bytes();
    let text = refused(&world, &Files { parts: Vec::new(), manifest: long });
    assert!(text.contains("of at most 5242880"), "{text}");
    let error = check(&world, "buck/none").unwrap_err();
    assert_eq!(error.code(), ErrorCode::AuthFailure);
    assert_eq!(check(&world, "nobucket/x").unwrap_err().code(), ErrorCode::AuthFailure);
    assert_eq!(check(&world, "x").unwrap_err().code(), ErrorCode::InvalidParameterValue);
}

/// Nearly 5 MiB of entities, each made of the one before.
fn entities() -> Vec<u8> {
    let mut text = String::from("<!DOCTYPE manifest [<!ENTITY e0 'lol'>");
    let mut n = 0;
    while text.len() < (5 << 20) - 200 {
        n += 1;
        text.push_str(&format!("<!ENTITY e{n} '&e{};&e{};'>", n - 1, n - 1));
    }
    text.push_str(&format!("]><manifest>&e{n};</manifest>"));
    text.into_bytes()
}

#[test]
fn manifests_that_lie() {
    let world = world();
    let text = refused(&world, &with_manifest(|m| m.replace("f.part.1", "../x")));
    assert!(text.contains("part 1 is not a plain base name"), "{text}");
    let text = refused(&world, &with_manifest(|m| m.replace(">f<", ">/etc/passwd<")));
    assert!(text.contains("name"), "{text}");
    let text = refused(&world, &with_manifest(|m| m.replace("x86_64", "i386")));
    assert!(text.contains("signature"), "{text}");
    let mut files = make("f", ROOT, &[1; 40_000]);
    files.parts.remove(1);
    let clean = World::new();
    clean.install_key();
    let text = refused(&clean, &files);
    assert!(text.contains("part f.part.1 is not in the bucket buck"), "{text}");
    let mut files = make("f", ROOT, &[1; 40_000]);
    let last = files.parts.last_mut().unwrap();
    last.1.truncate(last.1.len() - 16);
    let text = refused(&world, &files);
    assert!(text.contains("bytes together"), "{text}");
}

#[test]
fn a_key_that_does_not_decrypt() {
    let world = world();
    // Sealed for somebody else, and signed properly.
    let mut options = bundle::BundleOptions::new("f", "x86_64", ROOT);
    options.part_size = 16 << 10;
    let pem = crate::world::golden_key("user-cert.pem");
    let other = bundle::Certificate::from_pem(pem.as_bytes()).unwrap();
    let signer = crate::forge::signer();
    let recipients = bundle::Recipients { cloud: &other, user: None, signer: Some(&signer) };
    let mut parts = crate::forge::Parts::default();
    let image = [1_u8; 100];
    let made =
        bundle::bundle(&image[..], 100, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    let text = refused(&world, &Files { parts: parts.0, manifest: made.manifest });
    assert!(text.contains("does not decrypt"), "{text}");
}

#[test]
fn parts_that_are_damaged() {
    let world = world();
    for (part, at) in [(0, 0), (1, 9000), (2, 100)] {
        let mut files = make("f", ROOT, &[1; 40_000]);
        files.parts[part].1[at] ^= 0x10;
        let reason = unpacked(&world, &files);
        assert!(reason.contains(&format!("f.part.{part} is damaged")), "{reason}");
    }
}

/// One member of a tar stream.
fn member(name: &str, kind: u8, link: &str, bytes: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[100..108].copy_from_slice(b"0000644\0");
    block[108..116].copy_from_slice(b"0000000\0");
    block[116..124].copy_from_slice(b"0000000\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[148..156].copy_from_slice(b"        ");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link.as_bytes());
    block[257..265].copy_from_slice(b"ustar  \0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut all = block.to_vec();
    all.extend_from_slice(bytes);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut all = members.concat();
    all.resize((all.len() + 1024).next_multiple_of(10_240), 0);
    all
}

#[test]
fn archives_that_hold_something_else() {
    let world = world();
    let bytes = [7; 600];
    let good = forge(&archive(&[member("image", b'0', "", &bytes)]), 600, Kind::Machine);
    let location = upload(&world, Who::Root, "good", "f", &good);
    let bundle = check(&world, &location).unwrap().bundle;
    assert!(matches!(
        crate::forge::want(&world, &bundle),
        common::wire::walrus::WantedImage::Ready(_)
    ));
    world.ask(common::wire::walrus::ForgetImage { bundle }).unwrap();
    world.wait_for_files("cache", 0);

    let two = [member("image", b'0', "", &bytes), member("more", b'0', "", b"x")];
    let link = [member("image", b'2', "/etc/shadow", b"")];
    let hard = [member("image", b'1', "/etc/shadow", b"")];
    let absolute = [member("/etc/cron.d/image", b'0', "", &bytes)];
    let upward = [member("../../image", b'0', "", &bytes)];
    let folder = [member("image/", b'5', "", b"")];
    let short = [member("image", b'0', "", &bytes[..599])];
    for (what, members, size) in [
        ("two members", &two[..], 600),
        ("a link", &link[..], 0),
        ("a hard link", &hard[..], 0),
        ("an absolute name", &absolute[..], 600),
        ("a name that leads upward", &upward[..], 600),
        ("a directory", &folder[..], 0),
        ("another size", &short[..], 600),
        ("nothing", &[][..], 0),
    ] {
        let reason = unpacked(&world, &forge(&archive(members), size, Kind::Machine));
        assert!(!reason.is_empty(), "{what}");
    }
}

#[test]
fn streams_that_never_end_or_are_none() {
    let world = world();
    let reason = unpacked(&world, &forge(&vec![0; 64 << 20], 1000, Kind::Machine));
    assert!(!reason.is_empty());
    let image = archive(&[member("image", b'0', "", &vec![0; 64 << 20])]);
    let reason = unpacked(&world, &forge(&image, 1000, Kind::Machine));
    assert!(reason.contains("the manifest says 1000"), "{reason}");
    let mut bomb = member("image", b'0', "", &[0; 1000]);
    bomb.resize(64 << 20, 0);
    let reason = unpacked(&world, &forge(&bomb, 1000, Kind::Machine));
    assert!(reason.contains("more than"), "{reason}");
    let reason = unpacked(&world, &seal(b"this is no gzip", [1; 20], 1000, Kind::Machine));
    assert!(reason.contains("decompress"), "{reason}");
}

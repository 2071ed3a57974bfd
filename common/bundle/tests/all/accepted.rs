//! What old tools and servers made, and what is therefore accepted though it is not as it should
//! be: each with the bundle that reads back in spite of it.

use std::collections::BTreeMap;

use bundle::{DigestMatch, Limits, Manifest, Recipient, Signed};
use sha1::{Digest, Sha1};

use crate::script::{CHUNK, chunked};
use crate::support::{Forged, archive, certificate, forge, forge_compressed, private, signed_by};

fn image() -> Vec<u8> {
    (0..1500_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()).collect()
}

fn good() -> Forged {
    let tar = archive(&image());
    forge(&tar, 6000, Sha1::digest(&tar).into())
}

fn parse(forged: &Forged) -> Manifest {
    Manifest::parse(&forged.manifest, &Limits::default()).unwrap()
}

fn text(forged: &Forged) -> String {
    String::from_utf8(forged.manifest.clone()).unwrap()
}

/// Gives every part another name, in the manifest and on the shelf.
fn renamed(mut forged: Forged, name: impl Fn(usize) -> String) -> Forged {
    let mut parts = BTreeMap::new();
    let mut text = text(&forged);
    for part in parse(&forged).parts {
        let name = name(part.index);
        parts.insert(name.clone(), forged.shelf.parts[&part.filename].clone());
        text = text.replace(&format!(">{}<", part.filename), &format!(">{name}<"));
    }
    forged.shelf.parts = parts;
    forged.manifest = text.into_bytes();
    forged
}

#[test]
fn one_signature_of_two_that_verifies_is_enough() {
    let user = certificate("user-cert.pem");
    let ours = signed_by(good(), &private("user-pk.pem"));
    let whole = text(&ours);
    let at = whole.find("<signature>").unwrap();
    let right = &whole[at..whole.find("</manifest>").unwrap()];
    let theirs = signed_by(good(), &private("cloud-pk.pem"));
    let other = text(&theirs)[at..].replace("</manifest>", "");
    for (signatures, expected) in [
        (format!("{right}{other}"), Signed::By(0)),
        (format!("{other}{right}"), Signed::By(0)),
        (format!("<signature>00</signature>{right}"), Signed::By(0)),
        (format!("<signature/>{right}"), Signed::By(0)),
        (format!("<signature>UNSIGNED</signature>{right}"), Signed::By(0)),
        (other.clone(), Signed::No),
        (format!("{other}<signature>00</signature>"), Signed::No),
        ("<signature>UNSIGNED</signature>".to_owned(), Signed::Unsigned),
        (String::new(), Signed::Unsigned),
    ] {
        let manifest = format!("{}{signatures}</manifest>", &whole[..at]).into_bytes();
        let mut edited = Forged { manifest, ..good() };
        assert_eq!(parse(&edited).verify(std::slice::from_ref(&user)), expected, "{signatures}");
        assert!(edited.unpack().is_ok());
    }
}

#[test]
fn user_fields_may_be_empty_or_missing() {
    let text = text(&good());
    let key = "<user_encrypted_key algorithm=\"AES-128-CBC\"></user_encrypted_key>";
    let iv = "<user_encrypted_iv></user_encrypted_iv>";
    assert!(text.contains(key) && text.contains(iv));
    let short = "<user_encrypted_key algorithm=\"AES-128-CBC\"/>";
    for (new_key, new_iv) in [(key, iv), (short, "<user_encrypted_iv/>"), ("", ""), (key, "")] {
        let manifest = text.replace(key, new_key).replace(iv, new_iv).into_bytes();
        let mut edited = Forged { manifest, ..good() };
        let manifest = parse(&edited);
        assert!(manifest.symmetric_key(Recipient::User, &private("user-pk.pem")).is_err());
        assert!(manifest.symmetric_key(Recipient::Cloud, &private("cloud-pk.pem")).is_ok());
        assert!(manifest.any_symmetric_key(&private("cloud-pk.pem")).is_ok());
        assert_eq!(edited.unpack().unwrap().1, image());
    }
}

#[test]
fn a_digest_of_nothing_or_of_zeros_is_none() {
    let right = hex::encode(parse(&good()).digest.unwrap());
    for digest in [&"0".repeat(40), "da39a3ee5e6b4b0d3255bfef95601890afd80709", ""] {
        let (unbundled, bytes) =
            { good().edited(&format!(">{right}<"), &format!(">{digest}<")) }.unpack().unwrap();
        assert_eq!((unbundled.digest, bytes), (DigestMatch::Absent, image()), "{digest}");
    }
    let upper = right.to_uppercase();
    let (unbundled, _) = { good().edited(&right, &upper) }.unpack().unwrap();
    assert_eq!(unbundled.digest, DigestMatch::Tar);
}

#[test]
fn the_last_part_may_be_empty() {
    let mut forged = good();
    let count = parse(&forged).parts.len();
    forged.shelf.parts.insert("image.part.last".to_owned(), Vec::new());
    let last = format!(
        "<part index=\"{count}\"><filename>image.part.last</filename>\
         <digest algorithm=\"SHA1\">da39a3ee5e6b4b0d3255bfef95601890afd80709</digest></part></parts>"
    );
    let mut forged = forged
        .edited("</parts>", &last)
        .edited(&format!("count=\"{count}\""), &format!("count=\"{}\"", count + 1));
    assert_eq!(forged.unpack().unwrap().1, image());
    // It is read like any other: one that is not empty after all is damaged.
    forged.shelf.parts.insert("image.part.last".to_owned(), vec![0]);
    assert!(forged.unpack().unwrap_err().to_string().contains("image.part.last"));
}

#[test]
fn parts_may_be_listed_in_any_order() {
    let forged = good();
    let whole = text(&forged);
    let begin = whole.find("<part index").unwrap();
    let end = whole.find("</parts>").unwrap();
    let mut parts: Vec<&str> = whole[begin..end].split_inclusive("</part>").collect();
    assert!(parts.len() > 4);
    for turn in [1, 3] {
        parts.rotate_left(turn);
        parts.swap(0, 2);
        let manifest = [&whole[..begin], &parts.concat(), &whole[end..]].concat().into_bytes();
        let mut edited = Forged { manifest, ..good() };
        assert!(parse(&edited).parts.iter().enumerate().all(|(at, part)| part.index == at));
        assert_eq!(edited.unpack().unwrap().1, image());
    }
    // In order of the index, whatever the names suggest.
    let count = parts.len();
    let mut misnamed = renamed(good(), |index| format!("image.part.{}", count - 1 - index + 100));
    assert_eq!(misnamed.unpack().unwrap().1, image());
}

#[test]
fn both_numberings_and_any_names_read_back() {
    let names: [fn(usize) -> String; 4] = [
        |index| format!("image.part.{index}"),
        |index| format!("image.part.{index:02}"),
        |index| format!("ein Bild 日本.part.{index:04}"),
        |index| format!("part of a&amp;b {index}"),
    ];
    for name in names {
        let mut forged = good();
        let unescaped = move |index| name(index).replace("&amp;", "&");
        let mut shelf = BTreeMap::new();
        let mut text = text(&forged);
        for part in parse(&forged).parts {
            shelf.insert(unescaped(part.index), forged.shelf.parts[&part.filename].clone());
            let old = format!(">{}<", part.filename);
            text = text.replace(&old, &format!(">{}<", name(part.index)));
        }
        forged.shelf.parts = shelf;
        forged.manifest = text.into_bytes();
        assert_eq!(forged.unpack().unwrap().1, image(), "{}", name(0));
    }
}

#[test]
fn a_sparse_member_of_tar_reads_back() {
    // The member of a file of 1 MiB with eight stretches, as tar -S writes it: more than a header
    // has room for.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    let mut expected = vec![0_u8; 1 << 20];
    let file = std::fs::File::create(&path).unwrap();
    for stretch in 0..8_usize {
        let at = stretch * (128 << 10);
        expected[at..at + 4096].fill(b'a' + u8::try_from(stretch).unwrap());
        std::os::unix::fs::FileExt::write_all_at(&file, &expected[at..at + 4096], at as u64)
            .unwrap();
    }
    file.set_len(1 << 20).unwrap();
    for format in ["--format=gnu", "--format=posix"] {
        let tar = std::process::Command::new("tar")
            .args(["c", "-S", format, "-C"])
            .arg(directory.path())
            .arg("image")
            .output()
            .unwrap();
        assert!(tar.status.success(), "{tar:?}");
        assert!(tar.stdout.len() < 200 << 10, "the file system keeps no holes");
        let digest = Sha1::digest(&tar.stdout).into();
        for gzip in [chunked(&tar.stdout, CHUNK), chunked(&tar.stdout, 1 << 20)] {
            let (unbundled, bytes) =
                forge_compressed(&gzip, 1 << 20, digest, 1000).unpack().unwrap();
            assert_eq!(unbundled.digest, DigestMatch::Tar);
            assert!(bytes == expected, "{format}");
        }
    }
}

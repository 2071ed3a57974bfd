//! Bundles that are not as ours are. What old tools and servers made becomes an image; what says
//! something that is not so does not, though its owner signed it.

use bundle::manifest::signed_bytes;
use bundle::{Kind, Limits, PrivateKey};
use e2e::bundles::{Bundle, make, signer};
use e2e::{Cloud, Shape, User};
use sha1::{Digest as _, Sha1};

use crate::forge::{archive, forge};
use crate::path::disk;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/data/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The element with the signature of a manifest by this key.
fn signature(manifest: &str, key: &PrivateKey) -> String {
    let signed = signed_bytes(manifest.as_bytes(), &Limits::default()).unwrap();
    let signature = key.sign(&Sha1::digest(signed).into()).unwrap();
    format!("<signature>{}</signature>", hex::encode(signature))
}

/// The bundle with its manifest changed, and signed again by its owner.
fn changed(user: &User, bundle: Bundle, change: impl FnOnce(String) -> String) -> Bundle {
    bundle.with_manifest(|manifest| {
        let (before, _) = manifest.split_once("<signature>").unwrap();
        let edited = change(format!("{before}</manifest>"));
        let signature = signature_if_it_is_one(user, &edited);
        edited.replace("</manifest>", &format!("{signature}</manifest>"))
    })
}

/// What cannot be read has no signature that matters: it is refused before anybody looks.
fn signature_if_it_is_one(user: &User, manifest: &str) -> String {
    match signed_bytes(manifest.as_bytes(), &Limits::default()) {
        Ok(_) => signature(manifest, &signer(user)),
        Err(_) => "<signature>00</signature>".to_owned(),
    }
}

/// What stands between two marks, the first of them included.
fn cut<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begin = text.find(from).unwrap();
    &text[begin..begin + text[begin..].find(to).unwrap()]
}

fn good(user: &User, prefix: &str) -> Bundle {
    make(user, prefix, Kind::Machine, &disk(40_000))
}

/// The bundle with its parts called otherwise.
fn renamed(user: &User, mut bundle: Bundle, name: impl Fn(usize) -> String) -> Bundle {
    let mut names = Vec::new();
    for (index, (old, _)) in bundle.parts.iter_mut().enumerate() {
        let old = std::mem::replace(old, name(index));
        names.push((format!(">{old}<"), format!(">{}<", name(index))));
    }
    changed(user, bundle, |text| names.iter().fold(text, |text, (old, new)| text.replace(old, new)))
}

#[test]
fn what_old_tools_made_becomes_an_image() {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("taro");
    let stranger = PrivateKey::from_pem(&golden("user-pk.pem")).unwrap();
    let mut accepted = Vec::new();

    // Eucalyptus put a second signature behind that of the owner; either place is right.
    for (prefix, owner_first) in [("owner-first", true), ("owner-last", false)] {
        accepted.push(good(&user, prefix).with_manifest(|manifest| {
            let others = signature(&manifest, &stranger);
            let mark = if owner_first { "</manifest>" } else { "<signature>" };
            manifest.replace(mark, &format!("{others}{mark}"))
        }));
    }
    accepted.push(changed(&user, good(&user, "no-user-fields"), |text| {
        let key = cut(&text, "<user_encrypted_key", "<ec2_encrypted_iv").to_owned();
        let iv = cut(&text, "<user_encrypted_iv", "<parts").to_owned();
        text.replace(&key, "").replace(&iv, "")
    }));
    let nothing = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    for (prefix, digest) in [("digest-of-nothing", nothing), ("digest-of-zeros", &"0".repeat(40))] {
        accepted.push(changed(&user, good(&user, prefix), |text| {
            let right = cut(&text, "<digest algorithm=\"SHA1\">", "</digest>").to_owned();
            text.replacen(&right, &format!("<digest algorithm=\"SHA1\">{digest}"), 1)
        }));
    }
    let mut empty = good(&user, "empty-last");
    empty.parts.push(("empty-last.part.last".into(), Vec::new()));
    let count = empty.parts.len();
    accepted.push(changed(&user, empty, |text| {
        let listed = format!(
            "<part index=\"{}\"><filename>empty-last.part.last</filename>\
             <digest algorithm=\"SHA1\">{nothing}</digest></part></parts>",
            count - 1
        );
        text.replace("</parts>", &listed)
            .replace(&format!("count=\"{}\"", count - 1), &format!("count=\"{count}\""))
    }));
    accepted.push(changed(&user, good(&user, "shuffled"), |text| {
        let listed = cut(&text, "<part index", "</parts>").to_owned();
        let mut parts: Vec<_> = listed.split_inclusive("</part>").collect();
        parts.rotate_left(1);
        parts.swap(0, 1);
        text.replace(&listed, &parts.concat())
    }));
    for (prefix, digits) in [("one-digit", 1), ("two-digits", 2)] {
        let name = move |index| format!("{prefix}.part.{index:0digits$}");
        accepted.push(renamed(&user, good(&user, prefix), name));
    }
    // The old GNU form of a sparse file: 64 KiB, of which 512 bytes at 4096 are stored.
    let mut sparse = crate::forge::member("image", b'S', "", &[7; 512]);
    let mut put = |at: usize, value: u32| {
        sparse[at..at + 12].copy_from_slice(format!("{value:011o}\0").as_bytes());
    };
    put(386, 4096);
    put(398, 512);
    put(483, 65_536);
    sparse[148..156].copy_from_slice(b"        ");
    let sum: u32 = sparse[..512].iter().map(|byte| u32::from(*byte)).sum();
    sparse[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    accepted.push(forge(&user, "sparse", &archive(&[sparse]), 65_536));

    for bundle in accepted {
        let image = user.register(&bundle.upload(&user, "odd"));
        user.image_becomes(&image, "available");
    }
}

#[test]
fn what_says_something_that_is_not_so_does_not() {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("taro");
    let bundled = |prefix: &str, by: i64| {
        changed(&user, good(&user, prefix), |text| {
            let said = cut(&text, "<bundled_size>", "</bundled_size>").to_owned();
            let size: i64 = said["<bundled_size>".len()..].parse().unwrap();
            text.replace(&said, &format!("<bundled_size>{}", size + by))
        })
    };
    let edited = |prefix: &str, from: &str, to: &str| {
        changed(&user, good(&user, prefix), |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        })
    };
    let at_once = [
        (edited("twice", ">twice.part.1<", ">twice.part.0<"), "two parts have the file name"),
        (edited("gap", "<part index=\"1\">", "<part index=\"9\">"), "part indices"),
        (edited("again", "<part index=\"1\">", "<part index=\"0\">"), "part indices"),
        (edited("count", "count=\"", "count=\"1"), "announces"),
        (bundled("shorter", -16), "bytes together"),
        (bundled("longer", 16), "bytes together"),
    ];
    for (bundle, why) in at_once {
        let refused = user.refused(&User::registration(&bundle.upload(&user, "bad")));
        assert_eq!((refused.status, refused.code.as_str()), (400, "InvalidManifest"));
        assert!(refused.message.contains(why), "{}: {refused:?}", bundle.prefix);
    }
    let size = disk(40_000).len();
    for (prefix, said) in [("smaller", size - 1), ("larger", size + 1), ("nothing", 0)] {
        let from = format!("<size>{size}</size>");
        let bundle = edited(prefix, &from, &format!("<size>{said}</size>"));
        let image = user.register(&bundle.upload(&user, "bad"));
        let failed = user.image_becomes(&image, "failed");
        let reason = failed.state_reason.expect("a failed image has a reason").message;
        assert!(reason.contains(&format!("the manifest says {said}")), "{prefix}: {reason}");
    }
}

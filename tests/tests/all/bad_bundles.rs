//! Bundles that must not become images. What can be seen without reading the parts through is
//! refused by RegisterImage, and no image is there afterwards; the rest gives an image that fails
//! with its reason. Neither leaves anything behind.

use bundle::{Certificate, Kind, PrivateKey};
use common::ec2::images::DescribeImages;
use e2e::bundles::{self, Bundle, make, make_for};
use e2e::{Cloud, Service, Shape, User, cloud};

use crate::forge::{archive, forge, member};
use crate::path::disk;

fn raise() -> (Cloud, User) {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("taro");
    (cloud, user)
}

/// A true bundle of three parts.
fn good(user: &User) -> Bundle {
    make(user, "f", Kind::Machine, &disk(40_000))
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/data/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn images(user: &User) -> usize {
    user.send(&DescribeImages { owner: vec!["self".into()], ..DescribeImages::default() })
        .images_set
        .item
        .len()
}

fn assert_nothing_is_there(cloud: &Cloud, user: &User) {
    assert_eq!(images(user), 0);
    assert_eq!(cloud::files(&cloud.data(Service::Walrus).join("cache")), Vec::<String>::new());
    cloud.assert_nothing_left();
}

/// Just under 5 MiB of entities, each twice the one before.
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
fn what_the_manifest_shows_is_refused_at_once() {
    let (cloud, user) = raise();
    let with = |manifest: &[u8]| Bundle { manifest: manifest.to_vec(), ..good(&user) };
    let stranger = PrivateKey::from_pem(&golden("user-pk.pem")).unwrap();
    let other_cloud = Certificate::from_pem(&golden("cloud-cert.pem")).unwrap();
    let (own_cloud, own_key) = (bundles::cloud_certificate(&user), bundles::signer(&user));
    let by = |cloud: &Certificate, signer: Option<&PrivateKey>| {
        make_for(&user, cloud, signer, ("f", Kind::Machine), &disk(40_000))
    };
    let mut truncated = good(&user);
    truncated.parts[2].1.pop();
    let table = [
        ("no XML", with(b"this is no XML"), "not valid"),
        ("nothing", with(b""), "not valid"),
        ("entities", with(&entities()), "document type"),
        ("too long", with(&vec![b' '; (5 << 20) + 1]), "5242881 bytes"),
        ("../x", good(&user).with_manifest(|m| m.replace("f.part.1", "../x")), "part 1"),
        ("a truncated part", truncated, "bytes together"),
        ("for another cloud", by(&other_cloud, Some(&own_key)), "does not decrypt"),
        ("unsigned", by(&own_cloud, None), "not signed"),
        ("signed by a stranger", by(&own_cloud, Some(&stranger)), "signature"),
        (
            "changed after it was signed",
            good(&user).with_manifest(|m| m.replace("x86_64", "i386")),
            "signature",
        ),
    ];
    for (what, bundle, why) in table {
        let location = bundle.upload(&user, "bad");
        let refused = user.refused(&User::registration(&location));
        assert_eq!(
            (refused.status, refused.code.as_str()),
            (400, "InvalidManifest"),
            "{what}: {refused:?}"
        );
        assert!(refused.message.contains(why), "{what}: {refused:?}");
        let said = user.euca(&["register", &location]);
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{what}");
        assert!(said.err.starts_with("euca-register: error (InvalidManifest): "), "{}", said.err);
    }
    let mut incomplete = good(&user);
    incomplete.parts.remove(1);
    let refused = user.refused(&User::registration(&incomplete.upload(&user, "lacking")));
    assert_eq!(refused.code, "InvalidManifest");
    assert!(refused.message.contains("part f.part.1 is not in the bucket lacking"), "{refused:?}");
    assert_nothing_is_there(&cloud, &user);

    cloud.set("cloud.allow_unsigned_manifests", "true");
    let unsigned = by(&own_cloud, None).upload(&user, "unsigned");
    user.image_becomes(&user.register(&unsigned), "available");
}

#[test]
fn what_is_not_ones_to_register_is_refused() {
    let (cloud, user) = raise();
    for (prefix, kind) in [("vmlinuz", Kind::Kernel), ("initrd", Kind::Ramdisk)] {
        let location = make(&user, prefix, kind, b"boots").upload(&user, "taros");
        let refused = user.refused(&User::registration(&location));
        assert_eq!((refused.status, refused.code.as_str()), (400, "OperationNotPermitted"));
        assert!(refused.message.contains("administrator"), "{refused:?}");
    }
    let hanako = cloud.add_user("hanako");
    let secret = good(&hanako).upload(&hanako, "hanakos");
    let absent = "hanakos/none.manifest.xml".to_owned();
    let nowhere = "nobodys/f.manifest.xml".to_owned();
    let told: Vec<_> = [&secret, &absent, &nowhere]
        .map(|location| {
            let refused = user.refused(&User::registration(location));
            assert_eq!((refused.status, refused.code.as_str()), (401, "AuthFailure"), "{location}");
            refused.message.replace(location, "it")
        })
        .to_vec();
    assert!(told.windows(2).all(|two| two[0] == two[1]), "nobody learns what is there: {told:?}");
    // What may be read is still not theirs.
    let manifest = good(&hanako).manifest;
    let lent = ("hanakos", "f.manifest.xml");
    hanako.try_put(lent, Some("public-read"), &manifest).unwrap();
    assert_eq!(user.get(lent.0, lent.1).unwrap(), manifest);
    let refused = user.refused(&User::registration(&secret));
    assert_eq!(refused.code, "AuthFailure", "{refused:?}");
    assert!(refused.message.contains(&hanako.account), "{refused:?}");
    assert_nothing_is_there(&cloud, &user);
    assert_eq!(images(&hanako), 0);
}

#[test]
fn what_only_unpacking_shows_becomes_a_failed_image_with_its_reason() {
    let (cloud, user) = raise();
    let bytes = [7; 600];
    let of =
        |prefix: &str, members: &[Vec<u8>], size| forge(&user, prefix, &archive(members), size);
    let flipped = |part: usize, at: usize| {
        let mut bundle = make(&user, &format!("flip{part}"), Kind::Machine, &disk(40_000));
        bundle.parts[part].1[at] ^= 0x10;
        bundle
    };
    let mut bomb = member("image", b'0', "", &[0; 1000]);
    bomb.resize(64 << 20, 0);
    let table = [
        (flipped(0, 0), "part flip0.part.0 is damaged"),
        (flipped(1, 9000), "part flip1.part.1 is damaged"),
        (flipped(2, 100), "part flip2.part.2 is damaged"),
        (forge(&user, "bomb", &bomb, 1000), "more than"),
        (
            of("big", &[member("image", b'0', "", &vec![0; 32 << 20])], 1000),
            "the manifest says 1000",
        ),
        (of("two", &[member("image", b'0', "", &bytes), member("more", b'0', "", b"x")], 600), ""),
        (of("link", &[member("image", b'2', "/etc/shadow", b"")], 0), ""),
        (of("hard", &[member("image", b'1', "/etc/shadow", b"")], 0), ""),
        (of("absolute", &[member("/etc/cron.d/image", b'0', "", &bytes)], 600), ""),
        (of("upward", &[member("../../image", b'0', "", &bytes)], 600), ""),
    ];
    for (bundle, why) in table {
        let prefix = bundle.prefix.clone();
        let image = user.register(&bundle.upload(&user, "bad"));
        let failed = user.image_becomes(&image, "failed");
        let reason = failed.state_reason.expect("a failed image has a reason").message;
        assert!(!reason.is_empty() && reason.contains(why), "{prefix}: {reason}");
        let refused = user.refused(&User::launch(&image));
        assert_eq!(refused.code, "InvalidAMIID.Unavailable", "{prefix}: {refused:?}");
        assert!(refused.message.contains(&reason), "{prefix}: {refused:?}");
        user.says(&["deregister", &image]);
    }
    // A bundle of the same making that is as it should be is taken.
    let fine = of("fine", &[member("image", b'0', "", &bytes)], 600);
    let image = user.register(&fine.upload(&user, "bad"));
    user.image_becomes(&image, "available");
    user.says(&["deregister", &image]);
    e2e::wait::until("the plain image goes, too", || {
        match cloud::files(&cloud.data(Service::Walrus).join("cache")) {
            none if none.is_empty() => Ok(()),
            left => Err(left),
        }
    });
    assert_nothing_is_there(&cloud, &user);
}

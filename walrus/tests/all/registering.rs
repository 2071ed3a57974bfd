//! Whose signature lets a bundle in: the account's by any of its certificates, the cloud's own, one
//! of several.

use bundle::manifest::signed_bytes;
use bundle::{Limits, PrivateKey};
use common::error::ErrorCode;
use common::wire::walrus::WantedImage;
use sha1::{Digest as _, Sha1};

use crate::forge::{Files, check_as, make, make_signed, upload, want};
use crate::world::{ALICE, BOB, Who, World, golden_key};

fn world() -> World {
    let world = World::new();
    world.install_key();
    world
}

fn cloud_key() -> PrivateKey {
    PrivateKey::from_pem(golden_key("cloud-pk8.pem").as_bytes()).unwrap()
}

/// The text of the signature element.
fn signature(files: &Files) -> String {
    let text = String::from_utf8(files.manifest.clone()).unwrap();
    let (_, rest) = text.split_once("<signature>").unwrap();
    rest.split_once("</signature>").unwrap().0.to_owned()
}

/// The same bundle with these signatures.
fn with_signatures(files: &Files, signatures: &[&str]) -> Files {
    let text = String::from_utf8(files.manifest.clone()).unwrap();
    let (head, rest) = text.split_once("<signature>").unwrap();
    let (_, tail) = rest.split_once("</signature>").unwrap();
    let all: String =
        signatures.iter().map(|hex| format!("<signature>{hex}</signature>")).collect();
    let manifest = format!("{head}{all}{tail}").into_bytes();
    Files { parts: files.parts.clone(), manifest }
}

#[test]
fn a_bundle_older_than_the_newest_certificate_verifies() {
    let world = world();
    // Alice has a newer certificate; this is signed for the older.
    let location = upload(&world, Who::Alice, "alices", "old", &make("old", ALICE, b"an image"));
    assert_eq!(check_as(&world, &location, ALICE, false).unwrap().size, 8);
}

#[test]
fn what_the_cloud_made_for_an_account_is_signed_by_the_cloud() {
    let world = world();
    let files = make_signed("made", BOB, b"an instance's disk", Some(&cloud_key()));
    let location = upload(&world, Who::Bob, "bobs", "made", &files);
    let checked = check_as(&world, &location, BOB, false).unwrap();
    assert!(matches!(want(&world, &checked.bundle), WantedImage::Ready(_)));
    // It was made for Bob, and for nobody else.
    let stolen = upload(&world, Who::Alice, "alices", "made", &files);
    let error = check_as(&world, &stolen, ALICE, false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::AuthFailure);
    assert!(error.text().contains(BOB), "{error}");
    // Whoever puts another account into it breaks the signature.
    let text = String::from_utf8(files.manifest.clone()).unwrap();
    let renamed = Files { manifest: text.replace(BOB, ALICE).into_bytes(), parts: files.parts };
    let renamed = upload(&world, Who::Alice, "alices", "renamed", &renamed);
    let error = check_as(&world, &renamed, ALICE, false).unwrap_err();
    assert!(error.text().contains("signature"), "{error}");
}

#[test]
fn of_several_signatures_one_must_verify() {
    let world = world();
    let good = make("image", ALICE, b"an image");
    let (by_user, nonsense) = (signature(&good), "00".repeat(256));
    let by_cloud = signature(&make_signed("image", ALICE, b"an image", Some(&cloud_key())));
    let table: [(&[&str], bool); 7] = [
        (&["UNSIGNED", &by_user], true),
        (&[&by_user, &nonsense], true),
        (&[&nonsense, &by_user], true),
        (&["no hex at all", &by_user], true),
        (&[&nonsense, &nonsense], false),
        // Signatures of another bundle, whose key is another one.
        (&[&nonsense, &by_cloud], false),
        (&["UNSIGNED", &nonsense], false),
    ];
    for (at, (signatures, passes)) in table.into_iter().enumerate() {
        let prefix = format!("image{at}");
        let files = with_signatures(&good, signatures);
        let location = upload(&world, Who::Alice, "alices", &prefix, &files);
        let checked = check_as(&world, &location, ALICE, false);
        assert_eq!(checked.is_ok(), passes, "{at}: {checked:?}");
    }
    // As 2.0's ValidateImage did: the cloud adds its own below the user's that does not verify.
    let signed = signed_bytes(&good.manifest, &Limits::default()).unwrap();
    let added = hex(&cloud_key().sign(&Sha1::digest(&signed).into()).unwrap());
    let files = with_signatures(&good, &[&nonsense, &added]);
    let location = upload(&world, Who::Alice, "alices", "added", &files);
    assert!(check_as(&world, &location, ALICE, false).is_ok());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

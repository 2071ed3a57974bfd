//! Every command of euca that moves bundles, against a whole cloud: what one puts into a bucket the
//! others read, check, register and delete.

use std::fs;

use common::s3::post_policy::for_bundle;
use common::s3::types::CannedAcl;
use common::sign::{Credentials, sign_policy_v2};
use common::time::Timestamp;
use e2e::{Cloud, Service, Shape, User};

use crate::path::{column, disk, text};

fn raise() -> (Cloud, User) {
    let cloud = Cloud::raise(Shape { nodes: 0, ..Shape::default() });
    let user = cloud.add_user("taro");
    (cloud, user)
}

/// The last columns of the lines of a check, which is to find nothing.
fn checked(user: &User, which: &[&str]) -> Vec<String> {
    let out = user.says(&[&["check-bundle"], which].concat());
    out.lines().map(|line| line.split('\t').take(3).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_bundle_goes_into_a_bucket_and_out_of_it_again() {
    let (cloud, user) = raise();
    let file = cloud.scratch("files").join("disk.img");
    let bytes = disk(900_000);
    fs::write(&file, &bytes).unwrap();
    let (made, back) = (cloud.scratch("made"), cloud.scratch("back"));
    let cut = ["-d", text(&made), "--part-size", "50000", "-p", "disk"];
    user.says(&[&["bundle-image", "-i", text(&file)], &cut[..]].concat());
    let manifest = made.join("disk.manifest.xml");
    let upload = ["upload-bundle", "-b", "taros/deep", "-m", text(&manifest), "--jobs", "8"];
    assert_eq!(user.says(&upload), "Uploaded taros/deep/disk.manifest.xml\n");
    assert_eq!(user.says(&["check-bucket", "-b", "taros"]), "taros\n");

    let there = ["-b", "taros/deep", "-p", "disk"];
    let right = checked(&user, &there);
    assert_eq!(right.len(), 5, "{right:?}");
    assert!(right[0].starts_with("BUNDLE disk machine"), "{right:?}");
    assert_eq!(
        right[1..4],
        ["SIGNATURE 1 valid".to_owned(), "KEY valid user".to_owned(), right[3].clone()]
    );
    assert!(right[3].starts_with("PARTS valid ") && right[4].starts_with("IMAGE valid "));
    assert_eq!(checked(&user, &["-m", text(&manifest)]), right);

    let out = user.says(&[&["download-bundle"], &there[..], &["-d", text(&back)]].concat());
    assert_eq!(out, format!("Wrote manifest {}\n", back.join("disk.manifest.xml").display()));
    for entry in fs::read_dir(&made).unwrap().flatten() {
        let copy = fs::read(back.join(entry.file_name())).unwrap();
        assert!(copy == fs::read(entry.path()).unwrap(), "{:?}", entry.file_name());
    }
    let image = cloud.scratch("image").join("copy");
    let stream = [&["download-and-unbundle"], &there[..], &["-d", text(&image)]].concat();
    assert_eq!(user.says(&stream), format!("Wrote {}\n", image.display()));
    assert!(fs::read(&image).unwrap() == bytes);

    let id = column(&user.says(&["register", "taros/deep/disk.manifest.xml"]), "IMAGE").to_owned();
    user.image_becomes(&id, "available");
    user.says(&["deregister", &id]);
    assert_eq!(user.says(&[&["delete-bundle"], &there[..], &["--clear"]].concat()), "");
    assert_eq!(user.euca(&["check-bucket", "-b", "taros"]).status, 1);
    cloud.assert_nothing_left();
}

#[test]
fn an_upload_that_lost_its_cloud_goes_on_where_it_stopped() {
    let (mut cloud, user) = raise();
    let file = cloud.scratch("files").join("disk.img");
    fs::write(&file, disk(600_000)).unwrap();
    let made = cloud.scratch("made");
    let cut = ["-d", text(&made), "--part-size", "30000"];
    user.says(&[&["bundle-image", "-i", text(&file)], &cut[..]].concat());
    let manifest = made.join("disk.img.manifest.xml");
    let upload = ["upload-bundle", "-b", "taros", "-m", text(&manifest)];
    user.says(&[&upload[..], &["--part", "9", "--skipmanifest"]].concat());
    cloud.stop(Service::Walrus);
    let lost = user.euca(&upload);
    assert_eq!((lost.status, lost.out.as_str()), (1, ""));
    assert!(lost.err.contains("cannot connect to"), "{}", lost.err);
    cloud.start(Service::Walrus);
    // One that is damaged is sent again, those that are right are not.
    user.put("taros", "disk.img.part.10", b"something else");
    assert_eq!(user.says(&upload), "Uploaded taros/disk.img.manifest.xml\n");
    assert!(checked(&user, &["-b", "taros", "-p", "disk.img"]).len() == 5);
}

#[test]
fn what_is_wrong_with_a_bundle_in_a_bucket_is_told() {
    let (cloud, user) = raise();
    let other = cloud.add_user("hanako");
    let file = cloud.scratch("files").join("disk.img");
    fs::write(&file, disk(300_000)).unwrap();
    let here = ["-i", text(&file), "--part-size", "50000"];
    user.says(&[&["bundle-and-upload-image", "-b", "taros"], &here[..]].concat());
    let which = ["check-bundle", "-b", "taros", "-p", "disk.img"];
    let denied = other.euca(&which);
    assert_eq!(denied.status, 1);
    assert!(denied.err.contains("the bucket 'taros' is not yours to use"), "{}", denied.err);
    for command in ["upload-bundle", "bundle-and-upload-image"] {
        let made = cloud.scratch("made");
        other.says(&[&["bundle-image", "-d", text(&made)], &here[..]].concat());
        let manifest = made.join("disk.img.manifest.xml");
        let denied = match command {
            "upload-bundle" => other.euca(&[command, "-b", "taros", "-m", text(&manifest)]),
            _ => other.euca(&[&[command, "-b", "taros"], &here[..]].concat()),
        };
        assert_eq!((denied.status, denied.out.as_str()), (1, ""));
        assert!(
            denied.err.contains("error (AccessDenied): the bucket 'taros' is not yours"),
            "{}",
            denied.err
        );
    }
    let mut part = user.get("taros", "disk.img.part.1").unwrap();
    part[100] ^= 4;
    user.put("taros", "disk.img.part.1", &part);
    user.says(&["delete-bundle", "-b", "taros", "-p", "disk.img"]);
    assert!(user.euca(&which).err.contains("NoSuchKey"));
    let delete = ["delete-bundle", "-b", "taros", "-p", "disk.img"];
    assert!(user.euca(&delete).err.contains("NoSuchKey"));
    // Parts without a manifest are what an upload leaves that was broken off; others stay.
    for key in ["disk.img.part.0", "disk.img.part.07", "disk.img.part.x", "disk.img.part.1.bak"] {
        user.put("taros", key, b"part");
    }
    assert_eq!(user.says(&delete), "");
    assert!(user.get("taros", "disk.img.part.07").is_err());
    assert!(user.get("taros", "disk.img.part.x").is_ok());
    assert!(user.get("taros", "disk.img.part.1.bak").is_ok());

    user.says(&[&["bundle-and-upload-image", "-b", "taros"], &here[..]].concat());
    let mut part = user.get("taros", "disk.img.part.1").unwrap();
    part[100] ^= 4;
    user.put("taros", "disk.img.part.1", &part);
    let told = user.euca(&which);
    assert_eq!(
        (told.status, told.err.as_str()),
        (1, "euca-check-bundle: error: the bundle has a fault\n")
    );
    assert!(told.out.contains("PART\tdisk.img.part.1\tdamaged\tits SHA-1 is "), "{}", told.out);
}

#[test]
fn an_image_is_installed_in_one_and_both_spellings_say_what_it_is() {
    let (cloud, user) = raise();
    let admin = cloud.administrator();
    let file = cloud.scratch("files").join("disk.img");
    let bytes = disk(400_000);
    fs::write(&file, &bytes).unwrap();
    for (who, name, options, kind) in [
        (&user, "machine", &[][..], "machine"),
        (&admin, "kernel", &["--kernel", "true"], "kernel"),
        (&admin, "another kernel", &["--image-type", "kernel", "-p", "other"], "kernel"),
        (&admin, "ramdisk", &["--image-type", "ramdisk", "-p", "rd"], "ramdisk"),
    ] {
        let bucket = format!("b-{}/x", who.account);
        let arguments = ["install-image", "-n", name, "-i", text(&file), "-b", &bucket];
        let out = who.says(&[&arguments[..], options].concat());
        let id = column(&out, "IMAGE").to_owned();
        assert_eq!(out.lines().count(), 1);
        let image = who.image_becomes(&id, "available");
        assert_eq!((image.image_type.as_str(), image.name.as_deref()), (kind, Some(name)));
    }
    // An ordinary user may not register a kernel; the bundle stays, and how to go on is told.
    let arguments =
        ["install-image", "-n", "k", "-i", text(&file), "-b", "own", "--kernel", "true"];
    let refused = user.euca(&arguments);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert!(
        refused.err.contains("euca-register own/disk.img.manifest.xml -n 'k'"),
        "{}",
        refused.err
    );
    assert_eq!(checked(&user, &["-b", "own", "-p", "disk.img"]).len(), 5);
}

#[test]
fn a_bundle_is_uploaded_by_its_owners_policy_and_only_where_it_allows() {
    let (cloud, owner) = raise();
    let other = cloud.add_user("hanako");
    let file = cloud.scratch("files").join("disk.img");
    fs::write(&file, disk(300_000)).unwrap();
    let made = cloud.scratch("made");
    let cut = ["-d", text(&made), "--part-size", "50000"];
    owner.says(&[&["bundle-image", "-i", text(&file)], &cut[..]].concat());
    let manifest = made.join("disk.img.manifest.xml");
    owner.make_bucket("given");
    let expiration = Timestamp::from_secs(4_000_000_000);
    let policy =
        for_bundle(&"given".parse().unwrap(), "sub/disk.img", CannedAcl::AwsExecRead, expiration);
    let (id, secret) = (&owner.credentials.access_key_id, &owner.credentials.secret);
    let signature = sign_policy_v2(Credentials { access_key_id: id, secret }, &policy);
    let kept = cloud.scratch("files").join("policy");
    fs::write(&kept, &policy).unwrap();
    let upload = |to: &str, more: &[&str]| {
        let what = ["upload-bundle", "-b", to, "-m", text(&manifest)];
        other.euca(&[&what[..], more].concat())
    };
    let by = ["--upload-policy-file", text(&kept), "--upload-policy-signature", &signature];
    let done = upload("given/sub", &[&by[..], &["-I", id]].concat());
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_eq!(done.out, "Uploaded given/sub/disk.img.manifest.xml\n");
    assert_eq!(checked(&owner, &["-b", "given/sub", "-p", "disk.img"]).len(), 5);
    let image = owner.register("given/sub/disk.img.manifest.xml");
    owner.image_becomes(&image, "available");

    // Elsewhere, by somebody else's key or secret, with another ACL.
    let secret = &other.credentials.secret;
    let changed = sign_policy_v2(Credentials { access_key_id: id, secret }, &policy);
    let other_signature = ["--upload-policy", &policy, "--upload-policy-signature", &changed];
    for (to, more, code) in [
        ("given/elsewhere", [&by[..], &["-I", id]].concat(), "AccessDenied"),
        ("given/sub", by.to_vec(), "SignatureDoesNotMatch"),
        ("given/sub", [&other_signature[..], &["-I", id]].concat(), "SignatureDoesNotMatch"),
        ("given/sub", [&by[..], &["-I", id, "--acl", "public-read"]].concat(), "AccessDenied"),
    ] {
        let refused = upload(to, &more);
        assert_eq!((refused.status, refused.out.as_str()), (1, ""), "{to} {more:?}");
        let told = format!("error ({code}): ");
        assert!(refused.err.contains(&told), "{to} {more:?}: {}", refused.err);
    }
    // Whoever has the secret needs no signature of somebody else's.
    let own = ["bundle-and-upload-image", "-b", "given/sub", "-i", text(&file)];
    owner.says(&[&own[..], &["--upload-policy", &policy]].concat());
}

#[test]
fn a_bucket_that_may_only_be_read_ends_an_upload_with_the_clouds_own_words() {
    let (cloud, owner) = raise();
    let other = cloud.add_user("hanako");
    let file = cloud.scratch("files").join("disk.img");
    fs::write(&file, disk(12_000_000)).unwrap();
    let made = cloud.scratch("made");
    other.says(&["bundle-image", "-i", text(&file), "-d", text(&made)]);
    let manifest = made.join("disk.img.manifest.xml");
    owner.try_make_bucket("shown", Some("public-read")).unwrap();
    let upload = ["upload-bundle", "-b", "shown", "-m", text(&manifest)];
    // The second has no small object to begin with: its refusal comes while a long one is sent.
    for more in [&[][..], &["--skipmanifest"]] {
        let refused = other.euca(&[&upload[..], more].concat());
        assert_eq!((refused.status, refused.out.as_str()), (1, ""));
        let told =
            "euca-upload-bundle: error (AccessDenied): the bucket 'shown' is not yours to use";
        assert!(refused.err.starts_with(told), "{}", refused.err);
    }
}

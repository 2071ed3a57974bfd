//! Every command of euca that moves bundles, against a whole cloud: what one puts into a bucket the
//! others read, check, register and delete.

use std::fs;

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

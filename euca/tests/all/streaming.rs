//! Bundles without files between: from an image into a bucket, and from a stream to an image.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::buckets::{Objects, answer, error, requests, server};
use crate::program::{Called, call, golden, names};
use crate::server::{Answer, Server};

fn called(server: &Server, arguments: &[&str]) -> Called {
    let url = format!("{}/services/Walrus", server.url);
    let file = |name: &str| golden("keys").join(name).to_str().unwrap().to_owned();
    let (cert, key, cloud) = (file("user-cert.pem"), file("user-pk.pem"), file("cloud-cert.pem"));
    let ec2 = format!("{}/services/Eucalyptus", server.url);
    let variables = [
        ("S3_URL", url.as_str()),
        ("EC2_URL", &ec2),
        ("EC2_CERT", &cert),
        ("EC2_PRIVATE_KEY", &key),
        ("EUCALYPTUS_CERT", &cloud),
        ("EC2_USER_ID", "000000000001"),
    ];
    call(arguments, &variables)
}

fn image(dir: &Path) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes: Vec<u8> = (0..400_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect();
    fs::write(dir.join("disk.img"), &bytes).unwrap();
    bytes
}

fn keys(objects: &Objects) -> Vec<String> {
    objects.lock().unwrap().keys().cloned().collect()
}

#[test]
fn an_image_goes_into_a_bucket_part_by_part_and_its_manifest_last() {
    let (server, objects) = server();
    let dir = tempfile::tempdir().unwrap();
    let bytes = image(dir.path());
    let file = dir.path().join("disk.img");
    let arguments = ["euca-bundle-and-upload-image", "-i", file.to_str().unwrap(), "-b", "b/p"];
    let options = ["--part-size", "50000", "--max-pending-parts", "2", "-r", "x86_64"];
    let done = called(&server, &[&arguments[..], &options].concat());
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_eq!(done.out, "Uploaded b/p/disk.img.manifest.xml\n");
    let asked = requests(&server);
    assert!(asked.last().unwrap().contains("disk.img.manifest.xml? aws-exec-read"), "{asked:?}");
    assert_eq!(keys(&objects).len(), 1 + 9 + 1);
    assert_eq!(names(dir.path()), ["disk.img"]);

    let back = tempfile::tempdir().unwrap();
    let to = back.path().to_str().unwrap();
    let arguments = ["euca-download-and-unbundle", "-b", "b/p", "-p", "disk.img", "-d", to];
    assert_eq!(called(&server, &arguments).status, 0);
    assert!(fs::read(back.path().join("disk.img")).unwrap() == bytes);
}

#[test]
fn a_bundle_that_cannot_be_uploaded_leaves_nothing_or_is_kept_whole() {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    let server = Server::start(move |_, seen| match seen.path.ends_with(".part.5") {
        true if seen.method == "PUT" => error(400, "QuotaExceeded"),
        _ => answer(&own, seen),
    });
    let dir = tempfile::tempdir().unwrap();
    let bytes = image(dir.path());
    let file = dir.path().join("disk.img");
    let kept = dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    let arguments = ["euca-bundle-and-upload-image", "-i", file.to_str().unwrap(), "-b", "b"];
    let arguments = [&arguments[..], &["--part-size", "50000"]].concat();
    let done = called(&server, &arguments);
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(
        done.err.contains("(QuotaExceeded): told; nothing of the bundle stays"),
        "{}",
        done.err
    );
    assert_eq!(keys(&objects), ["/b"]);

    let keeping = ["--preserve-bundle", "-d", kept.to_str().unwrap()];
    let done = called(&server, &[&arguments[..], &keeping].concat());
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    let manifest = kept.join("disk.img.manifest.xml");
    let how = format!("euca-upload-bundle -b b -m {}", manifest.display());
    assert!(done.err.contains(&how), "{}", done.err);
    let back = tempfile::tempdir().unwrap();
    let arguments = ["euca-unbundle", "-m", manifest.to_str().unwrap(), "-d"];
    let done = called(&server, &[&arguments[..], &[back.path().to_str().unwrap()]].concat());
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert!(fs::read(back.path().join("disk.img")).unwrap() == bytes);
}

#[test]
fn parts_that_cannot_be_deleted_are_not_tried_one_by_one() {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    let server = Server::start(move |_, seen| match seen.path.ends_with(".part.5") {
        true if seen.method == "PUT" => error(400, "QuotaExceeded"),
        _ if seen.method == "DELETE" => error(503, "SlowDown"),
        _ => answer(&own, seen),
    });
    let dir = tempfile::tempdir().unwrap();
    image(dir.path());
    let file = dir.path().join("disk.img");
    let arguments = ["euca-bundle-and-upload-image", "-i", file.to_str().unwrap(), "-b", "b/p"];
    let options = ["--part-size", "50000", "--max-pending-parts", "1"];
    let done = called(&server, &[&arguments[..], &options].concat());
    let how = "told; 5 of 5 parts stay in the bucket, of no use; to delete them: \
               euca-delete-bundle -b b/p -p 'disk.img'";
    assert!(done.status == 1 && done.err.contains(how), "{}", done.err);
    let tried = server.seen().iter().filter(|seen| seen.method == "DELETE").count();
    assert_eq!(tried, 1);
}

#[test]
fn a_policy_allows_nothing_to_be_deleted() {
    let mut parts = 0;
    let server = Server::start(move |_, seen| {
        assert_eq!(seen.method, "POST");
        parts += 1;
        if parts > 2 { error(403, "AccessDenied") } else { Answer::xml(204, "") }
    });
    let dir = tempfile::tempdir().unwrap();
    image(dir.path());
    let file = dir.path().join("disk.img");
    let arguments = ["euca-bundle-and-upload-image", "-i", file.to_str().unwrap(), "-b", "b"];
    let options = ["--part-size", "50000", "--max-pending-parts", "1", "--upload-policy", "{}"];
    let done = called(&server, &[&arguments[..], &options].concat());
    assert!(done.status == 1 && done.err.contains("; 2 of 2 parts stay"), "{}", done.err);
}

#[test]
fn what_would_need_too_much_memory_is_refused() {
    let (server, _) = server();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("large");
    fs::File::create(&file).unwrap().set_len(1 << 30).unwrap();
    let arguments = ["euca-bundle-and-upload-image", "-i", file.to_str().unwrap(), "-b", "b"];
    let arguments = [&arguments[..], &["--part-size", "1000000000"]].concat();
    let done = called(&server, &arguments);
    assert_eq!(done.status, 2);
    assert!(done.err.contains("--part-size"), "{}", done.err);
    assert_eq!(server.seen().len(), 0);
    let arguments = ["euca-bundle-and-upload-image", "-i", "x", "-b", "b", "-d", "."];
    assert_eq!(called(&server, &arguments).status, 2, "-d is for --preserve-bundle");
}

#[test]
fn an_image_is_installed_in_one() {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    let mut refuse = true;
    let server = Server::start(move |_, seen| {
        if !seen.path.ends_with("/Eucalyptus") {
            return answer(&own, seen);
        }
        assert_eq!(seen.parameter("Action").as_deref(), Some("RegisterImage"));
        assert_eq!(seen.parameter("ImageLocation").as_deref(), Some("b/disk.img.manifest.xml"));
        assert_eq!(seen.parameter("Name").as_deref(), Some("my image"));
        assert_eq!(seen.parameter("Architecture").as_deref(), Some("i386"));
        if std::mem::take(&mut refuse) {
            return Answer::xml(
                400,
                "<Response><Errors><Error><Code>InvalidManifest</Code><Message>told</Message>\
                 </Error></Errors></Response>",
            );
        }
        Answer::xml(
            200,
            "<RegisterImageResponse><imageId>emi-12345678</imageId></RegisterImageResponse>",
        )
    });
    let dir = tempfile::tempdir().unwrap();
    image(dir.path());
    let file = dir.path().join("disk.img");
    let arguments = ["euca-install-image", "-n", "my image", "-i", file.to_str().unwrap()];
    let arguments = [&arguments[..], &["-b", "b", "-r", "i386"]].concat();
    let done = called(&server, &arguments);
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(
        done.err.contains("euca-register b/disk.img.manifest.xml -n 'my image'"),
        "{}",
        done.err
    );
    let done = called(&server, &arguments);
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_eq!(done.out, "IMAGE\temi-12345678\n");
    assert_eq!(keys(&objects).len(), 3);
}

#[test]
fn options_of_scripts_for_euca2ools_are_taken_or_refused_in_words() {
    let (server, _) = server();
    let dir = tempfile::tempdir().unwrap();
    image(dir.path());
    let file = dir.path().join("disk.img");
    let (file, to) = (file.to_str().unwrap(), dir.path().to_str().unwrap());
    let bundling = ["euca-bundle-image", "-i", file, "-d", to, "-r", "x86_64"];
    let installing = ["euca-install-image", "-n", "x", "-i", file, "-b", "b", "-r", "x86_64"];
    let bootstrap = ["--bootstrap-url", "http://x/", "--bootstrap-auth", "y"];
    let done = called(&server, &[&bundling[..], &["--porcelain"], &bootstrap].concat());
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_eq!(done.out, format!("Wrote manifest {to}/disk.img.manifest.xml\n"));
    let done = call(&[&bundling[..], &["-u", "1"], &bootstrap].concat(), &[]);
    assert!(done.status == 2 && done.err.contains("--bootstrap-url"), "{}", done.err);
    let done = called(&server, &[&installing[..], &["--platform", "windows"]].concat());
    assert!(done.status == 2 && done.err.contains("--platform"), "{}", done.err);
    assert_eq!(server.seen().len(), 0);
}

#[test]
fn a_stream_becomes_an_image_if_it_is_what_was_promised() {
    let (server, _) = server();
    let dir = tempfile::tempdir().unwrap();
    let bytes = image(dir.path());
    let file = dir.path().join("disk.img");
    let (key, iv) = ("000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let to = dir.path().to_str().unwrap();
    let arguments = ["euca-bundle-image", "-i", file.to_str().unwrap(), "-d", to, "-p", "x"];
    let keyed = ["--enc-key", key, "--enc-iv", iv];
    assert_eq!(called(&server, &[&arguments[..], &keyed].concat()).status, 0);
    let manifest = fs::read_to_string(dir.path().join("x.manifest.xml")).unwrap();
    let digest = manifest.split("<digest algorithm=\"SHA1\">").nth(1).unwrap().get(..40).unwrap();
    let (part, back) = (dir.path().join("x.part.0"), dir.path().join("back"));
    let run = |more: &[&str]| {
        let from = ["euca-unbundle-stream", "-i", part.to_str().unwrap()];
        let to = ["-o", back.to_str().unwrap()];
        called(&server, &[&from[..], &to, more].concat())
    };
    let right = [&keyed[..], &["--image-size", "400000", "--sha1-digest", digest]].concat();
    let done = run(&right);
    assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (0, "", ""));
    assert!(fs::read(&back).unwrap() == bytes);
    fs::remove_file(&back).unwrap();
    let none = "0".repeat(40);
    for (wrong, status, why) in [
        (["--enc-key", iv, "--enc-iv", iv].to_vec(), 1, "not its key"),
        ([&keyed[..], &["--image-size", "400001"]].concat(), 1, "400000 bytes, not 400001"),
        ([&keyed[..], &["--sha1-digest", &none]].concat(), 1, "the SHA-1 of its tar stream"),
        ([&keyed[..], &["--sha1-digest", "x"]].concat(), 2, "--sha1-digest"),
    ] {
        let done = run(&wrong);
        assert_eq!(done.status, status, "{wrong:?}");
        assert!(done.err.contains(why), "{}", done.err);
        assert!(!back.exists());
    }
}

//! Bundles that come out of buckets: downloaded, unpacked on the way, deleted.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::buckets::{Objects, answer, requests, server};
use crate::program::{Called, call, golden, names};
use crate::server::{Answer, Server};

/// Puts a bundle of other tools into `/b/p`.
fn stored(objects: &Objects, folder: &str) {
    let mut objects = objects.lock().unwrap();
    objects.insert("/b".into(), Vec::new());
    for name in names(&golden(folder)) {
        let bytes = fs::read(golden(folder).join(&name)).unwrap();
        objects.insert(format!("/b/p/{name}"), bytes);
    }
}

fn called(server: &Server, arguments: &[&str]) -> Called {
    let url = format!("{}/services/Walrus", server.url);
    let key = golden("keys/user-pk.pem");
    call(arguments, &[("S3_URL", &url), ("EC2_PRIVATE_KEY", key.to_str().unwrap())])
}

fn assert_the_same(directory: &Path, folder: &str, expected: usize) {
    let names = names(directory);
    assert_eq!(names.len(), expected, "{names:?}");
    for name in names {
        let (here, there) = (fs::read(directory.join(&name)), fs::read(golden(folder).join(&name)));
        assert!(here.unwrap() == there.unwrap(), "{name}");
    }
}

#[test]
fn a_bundle_is_downloaded_and_only_what_is_not_there() {
    let (server, objects) = server();
    stored(&objects, "3.4/exact");
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().to_str().unwrap();
    let arguments = ["euca-download-bundle", "-b", "b/p", "-p", "small-3MiB.img", "-d", directory];
    let done = called(&server, &arguments);
    let manifest = dir.path().join("small-3MiB.img.manifest.xml");
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_eq!(done.out, format!("Wrote manifest {}\n", manifest.display()));
    assert_the_same(dir.path(), "3.4/exact", names(&golden("3.4/exact")).len());

    fs::write(dir.path().join("small-3MiB.img.part.01"), "half").unwrap();
    let before = server.seen().len();
    assert_eq!(called(&server, &arguments).status, 0);
    assert_the_same(dir.path(), "3.4/exact", names(&golden("3.4/exact")).len());
    let again = requests(&server).split_off(before);
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[1].contains("part.01"), "{again:?}");

    for (which, value) in
        [("-m", "small-3MiB.img.manifest.xml"), ("--local-manifest", manifest.to_str().unwrap())]
    {
        let other = tempfile::tempdir().unwrap();
        let directory = other.path().to_str().unwrap();
        let arguments = ["euca-download-bundle", "-b", "b/p", which, value, "-d", directory];
        assert_eq!(called(&server, &arguments).status, 0);
        assert_the_same(other.path(), "3.4/exact", names(&golden("3.4/exact")).len());
    }
    for wrong in [&[][..], &["-m", "x", "-p", "y"]] {
        let arguments = [&["euca-download-bundle", "-b", "b"], wrong].concat();
        assert_eq!(called(&server, &arguments).status, 2);
    }
}

#[test]
fn a_damaged_part_is_named_and_leaves_neither_itself_nor_a_manifest() {
    let (server, objects) = server();
    stored(&objects, "3.4/exact");
    objects.lock().unwrap().get_mut("/b/p/small-3MiB.img.part.01").unwrap()[9] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().to_str().unwrap();
    let of = ["-b", "b/p", "-p", "small-3MiB.img", "-d", directory];
    let done = called(&server, &[&["euca-download-bundle"], &of[..]].concat());
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(done.err.contains("b/p/small-3MiB.img.part.01 is not the part"), "{}", done.err);
    let there = names(dir.path());
    assert!(there.iter().all(|name| name.ends_with("00") || name.ends_with("02")), "{there:?}");
    there.iter().for_each(|name| fs::remove_file(dir.path().join(name)).unwrap());

    let done = called(&server, &[&["euca-download-and-unbundle"], &of[..]].concat());
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(done.err.contains("part small-3MiB.img.part.01 is damaged"), "{}", done.err);
    objects.lock().unwrap().remove("/b/p/small-3MiB.img.part.00");
    let done = called(&server, &[&["euca-download-and-unbundle"], &of[..]].concat());
    assert!(done.err.contains("small-3MiB.img.part.00") && done.err.contains("NoSuchKey"));
    assert_eq!(names(dir.path()), Vec::<String>::new());
    let absent = ["euca-download-bundle", "-b", "b/p", "-p", "absent", "-d", directory];
    assert!(called(&server, &absent).err.contains("error (NoSuchKey): told"));
    let absent = ["euca-download-bundle", "-b", "none", "-p", "x", "-d", directory];
    assert!(called(&server, &absent).err.contains("there is no bucket 'none'"));
}

#[test]
fn an_image_comes_without_a_file_between() {
    let (server, objects) = server();
    stored(&objects, "3.4/exact");
    let dir = tempfile::tempdir().unwrap();
    let expected = {
        let manifest = golden("3.4/exact/small-3MiB.img.manifest.xml");
        let arguments = ["euca-unbundle", "-m", manifest.to_str().unwrap(), "-d"];
        let arguments = [&arguments[..], &[dir.path().to_str().unwrap()]].concat();
        assert_eq!(called(&server, &arguments).status, 0);
        fs::read(dir.path().join("small-3MiB.img")).unwrap()
    };
    for (jobs, to) in [("1", dir.path().to_owned()), ("64", dir.path().join("other name"))] {
        let to = to.to_str().unwrap();
        let arguments = ["euca-download-and-unbundle", "-b", "b/p", "-p", "small-3MiB.img"];
        let arguments = [&arguments[..], &["-d", to, "--jobs", jobs]].concat();
        let done = called(&server, &arguments);
        assert_eq!((done.status, done.err.as_str()), (0, ""));
        let path = done.out.trim_end().strip_prefix("Wrote ").unwrap();
        assert!(fs::read(path).unwrap() == expected, "{path}");
    }
    assert_eq!(names(dir.path()), ["other name", "small-3MiB.img"]);
}

#[test]
fn a_download_that_breaks_goes_on_where_it_was() {
    let objects = Objects::default();
    stored(&objects, "3.4/exact");
    let own = Arc::clone(&objects);
    let server = Server::start(move |number, seen| match answer(&own, seen) {
        Answer::Bytes(200, headers, body) if number == 1 => Answer::Broken(headers, body, 70_000),
        other => other,
    });
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().to_str().unwrap();
    let arguments = ["euca-download-bundle", "-b", "b/p", "-p", "small-3MiB.img", "-d", directory];
    let done = called(&server, &[&arguments[..], &["--jobs", "1"]].concat());
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    assert_the_same(dir.path(), "3.4/exact", names(&golden("3.4/exact")).len());
    let seen = server.seen();
    assert_eq!(seen[2].headers.text("range"), Some("bytes=70000-"));
    assert!(seen[2].headers.text("if-match").is_some());
}

#[test]
fn a_bundle_is_deleted_and_its_bucket_if_asked() {
    let (server, objects) = server();
    stored(&objects, "3.4/exact");
    objects.lock().unwrap().insert("/b/other".into(), b"stays".to_vec());
    let arguments = ["euca-delete-bundle", "-b", "b/p", "-p", "small-3MiB.img"];
    let done = called(&server, &[&arguments[..], &["--clear"]].concat());
    assert_eq!((done.status, done.out.as_str()), (1, ""));
    assert!(done.err.contains("error (BucketNotEmpty)"), "{}", done.err);
    assert_eq!(objects.lock().unwrap().keys().collect::<Vec<_>>(), ["/b", "/b/other"]);
    let last = requests(&server).into_iter().rev().nth(1).unwrap();
    assert!(last.starts_with("DELETE") && last.contains("manifest.xml"), "the manifest goes last");

    objects.lock().unwrap().remove("/b/other");
    stored(&objects, "3.4/exact");
    let manifest = golden("3.4/exact/small-3MiB.img.manifest.xml");
    let arguments = ["euca-delete-bundle", "-b", "b/p", "--local-manifest"];
    let arguments = [&arguments[..], &[manifest.to_str().unwrap(), "--clear"]].concat();
    let done = called(&server, &arguments);
    assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (0, "", ""));
    assert!(objects.lock().unwrap().is_empty());
}

//! Bundles that come out of buckets: downloaded, unpacked on the way, deleted.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::buckets::{Objects, answer, error, requests, server};
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

#[test]
fn parts_without_a_manifest_are_found_page_by_page() {
    let server = Server::start(|number, seen| {
        let page = |keys: &[&str], more: bool| {
            let entries: String =
                keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
            let text = format!(
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{entries}\
                 <IsTruncated>{more}</IsTruncated></ListBucketResult>"
            );
            Answer::xml(200, text)
        };
        match (number, seen.method.as_str()) {
            (0, _) => error(404, "NoSuchKey"),
            (1, _) => page(&["p/a&amp;b.part.0", "p/a&amp;b.part.1"], true),
            (2, _) => page(&["p/a&amp;b.part.10", "p/a&amp;b.part.log"], false),
            (_, "DELETE") => Answer::xml(204, ""),
            (_, other) => panic!("{other}"),
        }
    });
    let done = called(&server, &["euca-delete-bundle", "-b", "b/p", "-p", "a&b"]);
    assert_eq!((done.status, done.err.as_str()), (0, ""));
    let mut asked = requests(&server);
    assert!(asked[1].contains("?marker=&max-keys=1000&prefix=p%2Fa%26b.part."), "{asked:?}");
    assert!(asked[2].contains("?marker=p%2Fa%26b.part.1&"), "{asked:?}");
    let mut deleted = asked.split_off(3);
    deleted.sort_unstable();
    let expected = ["0", "10", "1"];
    let expected = expected.map(|n| format!("DELETE /services/Walrus/b/p/a%26b.part.{n}? -"));
    assert_eq!(deleted, expected);
}

#[test]
fn a_bundle_that_does_not_unpack_is_told_while_a_part_is_still_on_its_way() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (held, waiting) = channel::<TcpStream>();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let name = head[0].split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
            match name.as_str() {
                "end" => return,
                name if name.ends_with(".part.02") => held.send(stream).unwrap(),
                name => {
                    let mut bytes = fs::read(golden("3.4/exact").join(name)).unwrap();
                    if name.ends_with(".part.00") {
                        bytes[5] ^= 1;
                    }
                    let head =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
                    // Who has seen enough goes away.
                    let _ = stream.write_all(&[head.as_bytes(), &bytes].concat());
                }
            }
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let key = golden("keys/user-pk.pem");
    let to = dir.path().to_str().unwrap();
    let arguments =
        ["euca-download-and-unbundle", "-b", "b", "-p", "small-3MiB.img", "-d", to, "-k"];
    let began = Instant::now();
    let told = call(&[&arguments[..], &[key.to_str().unwrap()]].concat(), &[("S3_URL", &url)]);
    assert!(told.status == 1 && told.err.contains(".part.00"), "{}", told.err);
    assert!(began.elapsed() < Duration::from_secs(60), "as long as a silent network may take");
    // It was open until now, if it was asked for.
    let open: Vec<TcpStream> = waiting.try_iter().collect();
    TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/'))
        .unwrap()
        .write_all(b"GET /end HTTP/1.1\r\n\r\n")
        .unwrap();
    server.join().unwrap();
    drop(open);
}

//! Objects that come in parts: put together, read, listed, given up, cleared away.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};

use common::wire::walrus::WantedImage;

use crate::forge::{check, make, percent, want};
use crate::http::Reply;
use crate::world::{ALICE, Who, World, wait};

/// The fewest bytes of a part that is not the last.
pub(crate) const LEAST: usize = 5 << 20;

fn world() -> World {
    let world = World::new();
    assert_eq!(world.put(Who::Alice, "/buck", b"").status, 200);
    world
}

/// Bytes of which no two stretches are the same.
pub(crate) fn bytes(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    (0..size.div_ceil(4)).flat_map(|_| next()).take(size).collect()
}

pub(crate) fn begin(world: &World, key: &str, headers: &[(&str, &str)]) -> String {
    let begun = world.call(Who::Alice, "POST", &format!("{key}?uploads"), headers, b"");
    assert_eq!(begun.status, 200, "{}", begun.text());
    begun.element("UploadId").unwrap()
}

pub(crate) fn send_part(world: &World, key: &str, id: &str, number: u32, body: &[u8]) -> String {
    let sent = world.put(Who::Alice, &format!("{key}?partNumber={number}&uploadId={id}"), body);
    assert_eq!(sent.status, 200, "{}", sent.text());
    sent.header("etag").unwrap().to_owned()
}

pub(crate) fn complete(
    world: &World,
    key: &str,
    id: &str,
    parts: &[(u32, String)],
    headers: &[(&str, &str)],
) -> Reply {
    let parts: String = parts
        .iter()
        .map(|(number, etag)| {
            let etag = etag.replace('"', "&quot;");
            format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
        })
        .collect();
    let list = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    world.call(Who::Alice, "POST", &format!("{key}?uploadId={id}"), headers, list.as_bytes())
}

/// Puts an object together from parts of these bytes.
fn put_in_parts(world: &World, key: &str, parts: &[&[u8]]) -> Reply {
    let id = begin(world, key, &[]);
    let sent: Vec<_> =
        (1..).zip(parts).map(|(n, part)| (n, send_part(world, key, &id, n, part))).collect();
    complete(world, key, &id, &sent, &[])
}

fn range(world: &World, key: &str, range: &str) -> Reply {
    world.call(Who::Alice, "GET", key, &[("range", range)], b"")
}

#[test]
fn an_object_is_put_together_and_read() {
    let world = world();
    let headers =
        [("x-amz-meta-a", "b"), ("content-type", "text/plain"), ("x-amz-acl", "public-read")];
    let id = begin(&world, "/buck/a%20key", &headers);
    let (first, second, third) = (bytes(1, LEAST), bytes(2, LEAST + 7), bytes(3, 1000));
    // In any order; a part may be sent again; numbers may have gaps; not all need be used.
    let three = send_part(&world, "/buck/a%20key", &id, 30, &third);
    send_part(&world, "/buck/a%20key", &id, 1, b"wrong");
    let two = send_part(&world, "/buck/a%20key", &id, 2, &second);
    let one = send_part(&world, "/buck/a%20key", &id, 1, &first);
    send_part(&world, "/buck/a%20key", &id, 4, b"unused");
    assert_eq!(world.get(Who::Alice, "/buck/a%20key").refusal(), (404, "NoSuchKey".into()));
    let parts = [(1, one), (2, two), (30, three)];
    let done = complete(&world, "/buck/a%20key", &id, &parts, &[]);
    assert_eq!(done.status, 200, "{}", done.text());
    let md5s: Vec<u8> = [&first, &second, &third].into_iter().flat_map(Md5::digest).collect();
    let etag = format!("{}-3", hex::encode(Md5::digest(md5s)));
    assert_eq!(done.element("ETag").unwrap(), format!("&quot;{etag}&quot;"));
    assert_eq!(done.element("ChecksumType").unwrap(), "FULL_OBJECT");
    let location = format!("http://{}/buck/a%20key", world.public);
    assert_eq!(done.element("Location").unwrap(), location);
    world.wait_for_files("objects", 3);

    let whole = [first, second, third].concat();
    let got = world.get(Who::Nobody, "/buck/a%20key");
    assert!(got.body == whole);
    assert_eq!(got.header("etag").unwrap(), format!("\"{etag}\""));
    assert_eq!(got.header("x-amz-meta-a"), Some("b"));
    assert_eq!(got.header("content-type"), Some("text/plain"));

    // Across the ends of parts, and to the end.
    for (first, last) in [(0, 0), (LEAST - 3, LEAST + 3), (LEAST, 2 * LEAST + 6)] {
        let got = range(&world, "/buck/a%20key", &format!("bytes={first}-{last}"));
        assert!(got.status == 206 && got.body == whole[first..=last], "{first}-{last}");
    }
    assert!(range(&world, "/buck/a%20key", "bytes=-1500").body == whole[whole.len() - 1500..]);
    assert_eq!(range(&world, "/buck/a%20key", "bytes=99999999-").status, 416);

    // Part by part.
    let part = world.get(Who::Alice, "/buck/a%20key?partNumber=2");
    assert_eq!((part.status, part.header("x-amz-mp-parts-count")), (206, Some("3")));
    let content_range = format!("bytes {}-{}/{}", LEAST, 2 * LEAST + 6, whole.len());
    assert_eq!(part.header("content-range"), Some(content_range.as_str()));
    assert!(part.body == whole[LEAST..2 * LEAST + 7]);
    let head = world.call(Who::Alice, "HEAD", "/buck/a%20key?partNumber=30", &[], b"");
    assert_eq!((head.status, head.header("content-length")), (206, Some("1000")));
    let none = world.get(Who::Alice, "/buck/a%20key?partNumber=3");
    assert_eq!(none.refusal(), (416, "InvalidPartNumber".into()));
    let both = [("range", "bytes=0-1")];
    let both = world.call(Who::Alice, "GET", "/buck/a%20key?partNumber=1", &both, b"");
    assert_eq!(both.refusal(), (400, "InvalidRequest".into()));
    world.put(Who::Alice, "/buck/plain", b"plain");
    let part = world.get(Who::Alice, "/buck/plain?partNumber=1");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"plain"[..]));
    assert_eq!(world.get(Who::Alice, "/buck/plain?partNumber=2").status, 416);

    // Said again, the same answer; with another list, none.
    let again = complete(&world, "/buck/a%20key", &id, &parts, &[]);
    assert_eq!((again.status, again.text()), (200, done.text()));
    let other = complete(&world, "/buck/a%20key", &id, &parts[..2], &[]);
    assert_eq!(other.refusal(), (404, "NoSuchUpload".into()));
    let late = world.put(Who::Alice, &format!("/buck/a%20key?partNumber=1&uploadId={id}"), b"x");
    assert_eq!(late.refusal(), (404, "NoSuchUpload".into()));

    // Overwritten, all of its files go.
    world.put(Who::Alice, "/buck/a%20key", b"small");
    world.wait_for_files("objects", 2);
    assert_eq!(world.get(Who::Alice, "/buck/a%20key").body, b"small");
    let gone = complete(&world, "/buck/a%20key", &id, &parts, &[]);
    assert_eq!(gone.refusal(), (404, "NoSuchUpload".into()));
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let world = world();
    let id = begin(&world, "/buck/key", &[]);
    let small = send_part(&world, "/buck/key", &id, 1, b"small");
    let last = send_part(&world, "/buck/key", &id, 2, b"last");
    let is = |code: &str| (400, code.to_owned());
    let try_with =
        |parts: &[(u32, String)]| complete(&world, "/buck/key", &id, parts, &[]).refusal();
    let (one, two) = ((1, small.clone()), (2, last.clone()));
    assert_eq!(try_with(&[one.clone(), two.clone()]), is("EntityTooSmall"));
    assert_eq!(try_with(&[two.clone(), one.clone()]), is("InvalidPartOrder"));
    assert_eq!(try_with(&[one.clone(), one.clone()]), is("InvalidPartOrder"));
    assert_eq!(try_with(&[(1, last)]), is("InvalidPart"));
    assert_eq!(try_with(&[one.clone(), (3, small)]), is("InvalidPart"));
    assert_eq!(try_with(&[]), is("MalformedXML"));
    for (headers, code) in [
        (("x-amz-mp-object-size", "6"), "InvalidRequest"),
        (("x-amz-checksum-crc64nvme", "AAAAAAAAAAA="), "BadDigest"),
        (("x-amz-checksum-crc32", "AAAAAA=="), "InvalidRequest"),
    ] {
        let refused = complete(&world, "/buck/key", &id, std::slice::from_ref(&one), &[headers]);
        assert_eq!(refused.refusal(), is(code), "{headers:?}");
    }
    let absent = |target: &str, method: &str| {
        let answer = world.call(Who::Alice, method, target, &[], b"");
        assert_eq!(answer.refusal(), (404, "NoSuchUpload".into()), "{method} {target}");
    };
    let unknown = "0".repeat(32);
    absent(&format!("/buck/other?uploadId={id}"), "GET");
    absent(&format!("/buck/key?uploadId={unknown}"), "DELETE");
    absent("/buck/key?uploadId=../../x", "GET");
    absent(&format!("/buck/key?partNumber=1&uploadId={unknown}"), "PUT");
    for number in ["0", "10001", "x"] {
        let target = format!("/buck/key?partNumber={number}&uploadId={id}");
        assert_eq!(world.put(Who::Alice, &target, b"x").refusal(), is("InvalidArgument"));
    }
    for who in [Who::Bob, Who::Nobody] {
        let denied = (403, "AccessDenied".to_owned());
        let by_them = |method: &str, target: &str| world.call(who, method, target, &[], b"");
        let target = format!("/buck/key?uploadId={id}");
        assert_eq!(by_them("POST", "/buck/key?uploads").refusal(), denied);
        assert_eq!(by_them("GET", &target).refusal(), denied);
        assert_eq!(by_them("DELETE", &target).refusal(), denied);
        assert_eq!(by_them("GET", "/buck?uploads").refusal(), denied);
        assert_eq!(by_them("PUT", &format!("{target}&partNumber=1")).refusal(), denied);
    }
    let once = complete(&world, "/buck/key", &id, &[one], &[("if-none-match", "*")]);
    assert_eq!(once.status, 200, "{}", once.text());
    let id = begin(&world, "/buck/key", &[]);
    let part = (1, send_part(&world, "/buck/key", &id, 1, b"more"));
    let refused = complete(&world, "/buck/key", &id, &[part], &[("if-none-match", "*")]);
    assert_eq!(refused.refusal(), (412, "PreconditionFailed".into()));
    assert_eq!(world.get(Who::Alice, "/buck/key").body, b"small");
}

#[test]
fn checksums_of_parts_become_that_of_the_whole() {
    let world = world();
    let (first, second) = (bytes(1, LEAST), bytes(2, 100));
    let crc = |bytes: &[u8]| BASE64.encode(crc32(bytes).to_be_bytes());
    let whole = crc(&[first.clone(), second.clone()].concat());
    let of_parts = [crc32(&first).to_be_bytes(), crc32(&second).to_be_bytes()].concat();
    let composite = format!("{}-2", crc(&of_parts));
    for (kind, expected) in [("FULL_OBJECT", &whole), ("COMPOSITE", &composite)] {
        let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", kind)];
        let id = begin(&world, "/buck/key", &headers);
        let target = |n: u32| format!("/buck/key?partNumber={n}&uploadId={id}");
        let wrong = [("x-amz-checksum-crc32", "AAAAAA==")];
        let wrong = world.call(Who::Alice, "PUT", &target(1), &wrong, &first);
        assert_eq!(wrong.refusal(), (400, "BadDigest".into()));
        let one = send_part(&world, "/buck/key", &id, 1, &first);
        let sum = crc(&second);
        let two = [("x-amz-checksum-crc32", sum.as_str())];
        let two = world.call(Who::Alice, "PUT", &target(2), &two, &second);
        assert_eq!(two.header("x-amz-checksum-crc32"), Some(sum.as_str()));
        let parts = [(1, one), (2, two.header("etag").unwrap().to_owned())];
        let given = [("x-amz-checksum-crc32", expected.as_str()), ("x-amz-checksum-type", kind)];
        let done = complete(&world, "/buck/key", &id, &parts, &given);
        assert_eq!(done.element("ChecksumCRC32").as_ref(), Some(expected), "{}", done.text());
        assert_eq!(done.element("ChecksumType").as_deref(), Some(kind));
        let mode = [("x-amz-checksum-mode", "ENABLED")];
        let head = world.call(Who::Alice, "HEAD", "/buck/key", &mode, b"");
        assert_eq!(head.header("x-amz-checksum-crc32"), Some(expected.as_str()));
        let part = world.call(Who::Alice, "GET", "/buck/key?partNumber=2", &mode, b"");
        assert_eq!(part.header("x-amz-checksum-crc32"), Some(sum.as_str()));
    }
}

/// CRC-32 bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn what_is_being_uploaded_is_listed() {
    let world = world();
    let id = begin(&world, "/buck/a/1", &[]);
    for number in [3, 1, 7] {
        send_part(&world, "/buck/a/1", &id, number, &vec![0; number as usize]);
    }
    let list = world.get(Who::Alice, &format!("/buck/a/1?uploadId={id}&max-parts=2"));
    assert_eq!(list.text().matches("<Part>").count(), 2);
    assert_eq!(list.element("NextPartNumberMarker").as_deref(), Some("3"));
    assert_eq!(list.element("IsTruncated").as_deref(), Some("true"));
    let target = format!("/buck/a/1?uploadId={id}&part-number-marker=3");
    let list = world.get(Who::Alice, &target);
    assert_eq!(list.element("PartNumber").as_deref(), Some("7"));
    assert_eq!(list.element("Size").as_deref(), Some("7"));
    assert_eq!(list.element("IsTruncated").as_deref(), Some("false"));

    let later = begin(&world, "/buck/a/1", &[]);
    begin(&world, "/buck/a/2", &[]);
    begin(&world, "/buck/b", &[]);
    let list = world.get(Who::Alice, "/buck?uploads&delimiter=/").text();
    assert!(list.contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"), "{list}");
    assert_eq!(list.matches("<Upload>").count(), 1);
    let page = world.get(Who::Alice, "/buck?uploads&max-uploads=1&prefix=a/");
    assert_eq!(page.element("NextUploadIdMarker").as_ref(), Some(&id));
    let next = format!("/buck?uploads&key-marker=a/1&upload-id-marker={id}");
    let list = world.get(Who::Alice, &next).text();
    assert!(list.contains(&later) && list.matches("<Upload>").count() == 3, "{list}");
    assert_eq!(gauge(&world), 4);

    let given_up = world.call(Who::Alice, "DELETE", &format!("/buck/a/1?uploadId={id}"), &[], b"");
    assert_eq!(given_up.status, 204);
    world.wait_for_files("objects", 0);
    let again = world.call(Who::Alice, "DELETE", &format!("/buck/a/1?uploadId={id}"), &[], b"");
    assert_eq!(again.refusal(), (404, "NoSuchUpload".into()));
    assert_eq!(gauge(&world), 3);
}

/// How many open uploads the metrics tell of.
fn gauge(world: &World) -> u32 {
    let host = [("host".to_owned(), world.internal.to_string())];
    let text = crate::http::send(world.internal, "GET", "/metrics", &host).read().text();
    let line = text.lines().find(|line| line.starts_with("eucalypt_walrus_open_uploads ")).unwrap();
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn open_uploads_end_with_their_bucket() {
    let world = world();
    let id = begin(&world, "/buck/key", &[]);
    send_part(&world, "/buck/key", &id, 1, b"part");
    assert_eq!(world.call(Who::Alice, "DELETE", "/buck", &[], b"").status, 204);
    world.wait_for_files("objects", 0);
    assert_eq!(gauge(&world), 0);
    world.put(Who::Bob, "/buck", b"");
    let list = world.get(Who::Bob, "/buck?uploads").text();
    assert!(!list.contains("<Upload>"), "{list}");
    let late = world.call(Who::Bob, "GET", &format!("/buck/key?uploadId={id}"), &[], b"");
    assert_eq!(late.refusal(), (404, "NoSuchUpload".into()));
}

#[test]
fn a_restart_goes_on_with_uploads() {
    let mut world = World::with(|config| config.multipart_days = 1);
    world.put(Who::Alice, "/buck", b"");
    let id = begin(&world, "/buck/key", &[]);
    let one = send_part(&world, "/buck/key", &id, 1, &bytes(1, LEAST));
    world.stop();
    world.start();
    assert_eq!(gauge(&world), 1, "it is not a day old");
    let two = send_part(&world, "/buck/key", &id, 2, b"end");
    assert_eq!(complete(&world, "/buck/key", &id, &[(1, one), (2, two)], &[]).status, 200);
    world.stop();
    world.start();
    assert!(world.get(Who::Alice, "/buck/key").body == [bytes(1, LEAST), b"end".to_vec()].concat());
    world.call(Who::Alice, "DELETE", "/buck/key", &[], b"");
    world.wait_for_files("objects", 0);
}

#[test]
fn a_reader_of_parts_reads_on_while_the_object_goes() {
    let world = world();
    let parts = [bytes(1, 4 * LEAST), bytes(2, 4 * LEAST)];
    assert_eq!(put_in_parts(&world, "/buck/key", &[&parts[0], &parts[1]]).status, 200);
    let mut reading = world.begin(Who::Alice, "GET", "/buck/key", &[]);
    assert_eq!(reading.read_head().status, 200);
    let mut got = vec![0; 1000];
    reading.stream.read_exact(&mut got).unwrap();
    assert_eq!(world.call(Who::Alice, "DELETE", "/buck/key", &[], b"").status, 204);
    assert_eq!(world.get(Who::Alice, "/buck/key").status, 404);
    assert_eq!(world.files("objects").len(), 2, "it is being read");
    reading.stream.read_to_end(&mut got).unwrap();
    assert!(got == parts.concat());
    world.wait_for_files("objects", 0);
}

#[test]
fn many_send_parts_at_once() {
    let world = world();
    let id = begin(&world, "/buck/key", &[]);
    let all: Vec<Vec<u8>> = (1..=24).map(|n| bytes(n, 1000)).collect();
    std::thread::scope(|scope| {
        for (number, part) in (1..).zip(&all) {
            let (world, id) = (&world, &id);
            scope.spawn(move || {
                wait("a part to be taken", || {
                    let target = format!("/buck/key?partNumber={number}&uploadId={id}");
                    world.put(Who::Alice, &target, part).status == 200
                });
            });
        }
    });
    let list = world.get(Who::Alice, &format!("/buck/key?uploadId={id}")).text();
    assert_eq!(list.matches("<Part>").count(), 24);
    world.wait_for_files("objects", 24);
}

#[test]
fn a_bundle_whose_files_came_in_parts_is_registered() {
    let world = World::new();
    world.install_key();
    world.call(Who::Alice, "PUT", "/buck", &[], b"");
    let image = bytes(9, 60_000);
    let files = make("image", ALICE, &image);
    let manifest = ("image.manifest.xml".to_owned(), files.manifest);
    for (name, bytes) in files.parts.iter().chain([&manifest]) {
        let key = format!("/buck/{}", percent::encode(name));
        assert_eq!(put_in_parts(&world, &key, &[bytes]).status, 200);
    }
    let bundle = check(&world, "buck/image.manifest.xml").unwrap().bundle;
    let WantedImage::Ready(ready) = want(&world, &bundle) else { panic!("it is not unpacked") };
    assert_eq!(ready.sha256, hex::encode(sha2::Sha256::digest(&image)));
}

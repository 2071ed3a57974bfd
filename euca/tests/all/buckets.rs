//! Buckets in memory, as a server of the tests has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use common::sign::percent_decode;
use md5::{Digest, Md5};

use crate::server::{Answer, Seen, Server};

/// Objects by `/BUCKET/KEY`; a bucket is an object whose name has no slash behind the first.
pub(crate) type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) fn error(status: u16, code: &str) -> Answer {
    Answer::xml(status, format!("<Error><Code>{code}</Code><Message>told</Message></Error>"))
}

/// Answers as buckets would.
pub(crate) fn answer(objects: &Objects, seen: &Seen) -> Answer {
    let path = percent_decode(seen.path.strip_prefix("/services/Walrus").unwrap());
    let mut objects = objects.lock().unwrap();
    let bucket = format!("/{}", path.split('/').nth(1).unwrap());
    if bucket == "/somebodys" {
        return error(403, "AccessDenied");
    }
    let etag = |bytes: &[u8]| {
        vec![("ETag".to_owned(), format!("\"{}\"", hex::encode(Md5::digest(bytes))))]
    };
    match seen.method.as_str() {
        "PUT" if seen.query == "acl" => Answer::xml(200, ""),
        "PUT" => {
            let md5 = Md5::digest(&seen.body);
            if let Some(told) = seen.headers.text("content-md5") {
                assert_eq!(told, base64::engine::general_purpose::STANDARD.encode(md5));
            }
            if path != bucket && !objects.contains_key(&bucket) {
                return error(404, "NoSuchBucket");
            }
            objects.insert(path, seen.body.clone());
            Answer::Http(200, etag(&seen.body), String::new())
        }
        "GET" if path == bucket => match objects.contains_key(&bucket) {
            true => Answer::xml(200, "<ListBucketResult/>"),
            false => error(404, "NoSuchBucket"),
        },
        "GET" | "HEAD" => match objects.get(&path) {
            Some(bytes) => match seen.headers.text("range") {
                None => Answer::Bytes(200, etag(bytes), bytes.clone()),
                Some(range) => {
                    let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap();
                    let rest = bytes[from.parse::<usize>().unwrap()..].to_vec();
                    Answer::Bytes(206, etag(bytes), rest)
                }
            },
            None if objects.contains_key(&bucket) => error(404, "NoSuchKey"),
            None => error(404, "NoSuchBucket"),
        },
        "DELETE"
            if path == bucket
                && objects.keys().any(|key| key.starts_with(&format!("{bucket}/"))) =>
        {
            error(409, "BucketNotEmpty")
        }
        "DELETE" => {
            objects.remove(&path);
            Answer::xml(204, "")
        }
        other => panic!("{other}"),
    }
}

/// A server of buckets, none of which is there yet.
pub(crate) fn server() -> (Server, Objects) {
    let objects = Objects::default();
    let own = Arc::clone(&objects);
    (Server::start(move |_, seen| answer(&own, seen)), objects)
}

/// What was asked, in order: method, path, query and ACL.
pub(crate) fn requests(server: &Server) -> Vec<String> {
    let seen = server.seen();
    let line = |seen: &Seen| {
        let acl = seen.headers.text("x-amz-acl").unwrap_or("-");
        format!("{} {}?{} {acl}", seen.method, seen.path, seen.query)
    };
    seen.iter().map(line).collect()
}

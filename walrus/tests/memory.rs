//! Walrus' memory does not grow with what passes through it: large objects and large images are
//! received, unpacked and served in a process that stays small.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at once")]
#![expect(dead_code, reason = "the client is shared with the other tests, which use more of it")]

#[path = "all/feed.rs"]
mod feed;
#[path = "all/forge.rs"]
mod forge;
#[path = "all/http.rs"]
mod http;
#[path = "all/world.rs"]
mod world;

use std::io::Read as _;

use common::wire::walrus::{WantImage, WantedImage};

use crate::http::{Sent, send};
use crate::world::{ROOT, Who, World};

/// The most memory this process has had at once, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// Reads an answer's body past; gives its length.
fn read_past(mut sent: Sent) -> u64 {
    assert_eq!(sent.read_head().status, 200);
    let (mut piece, mut length) = (vec![0; 1 << 20], 0);
    loop {
        match sent.stream.read(&mut piece).unwrap() {
            0 => return length,
            got => length += got as u64,
        }
    }
}

#[test]
fn nothing_large_is_held_in_memory() {
    const OBJECT: u64 = 256 << 20;
    const IMAGE: u64 = 768 << 20;
    let world = World::new();
    world.install_key();
    world.put(Who::Root, "/buck", b"");
    let before = peak();

    std::thread::scope(|scope| {
        for key in ["one", "two"] {
            let world = &world;
            scope.spawn(move || {
                let path = format!("/buck/{key}");
                let length = OBJECT.to_string();
                let headers = [("content-length", length.as_str())];
                let mut put = world.begin(Who::Root, "PUT", &path, &headers);
                let piece = vec![7; 1 << 20];
                (0..OBJECT >> 20).for_each(|_| put.write(&piece));
                assert_eq!(put.read().status, 200);
                assert_eq!(read_past(world.begin(Who::Root, "GET", &path, &[])), OBJECT);
            });
        }
    });

    let options = bundle::BundleOptions::new("large", "x86_64", ROOT);
    let (cloud, signer) = (forge::cloud(), forge::signer());
    let recipients = bundle::Recipients { cloud: &cloud, user: None, signer: Some(&signer) };
    let mut parts = forge::Parts::default();
    let image = std::io::repeat(b'x').take(IMAGE);
    let made =
        bundle::bundle(image, IMAGE, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    let files = forge::Files { parts: parts.0, manifest: made.manifest };
    let location = forge::upload(&world, Who::Root, "buck", "large", &files);
    let bundle = forge::check(&world, &location).unwrap().bundle;
    let ticket = loop {
        match world.ask(WantImage { bundle: bundle.clone(), wait_ms: 60_000, reads: true }).unwrap()
        {
            WantedImage::Ready(ticket) => break ticket,
            WantedImage::Unpacking { .. } => {}
            WantedImage::Failed { reason, .. } => panic!("{reason}"),
        }
    };
    let target = ticket.url.strip_prefix(&format!("http://{}", world.internal)).unwrap();
    let host = [("host".to_owned(), world.internal.to_string())];
    assert_eq!(read_past(send(world.internal, "GET", target, &host)), IMAGE);

    let grown = peak() - before;
    assert!(grown < 100 << 20, "memory grew by {} MiB", grown >> 20);
}

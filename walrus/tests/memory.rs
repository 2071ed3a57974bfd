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

/// The most that walrus' memory may grow by, in bytes.
const BOUND: u64 = 64 << 20;

/// What the kernel says of this process' memory, in bytes.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

/// By how much this process has more memory at once, while something is done, than before it.
fn growth<T>(work: impl FnOnce() -> T) -> (u64, T) {
    // Lets the kernel forget the most there has been.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = memory("VmRSS:");
    let done = work();
    (memory("VmHWM:").saturating_sub(before), done)
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

    let objects = || {
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
    };
    let (grown, ()) = growth(objects);
    assert!(grown < BOUND, "by objects memory grew by {} MiB", grown >> 20);

    // Bundling is not walrus', but is done in this process.
    let options = bundle::BundleOptions::new("large", "x86_64", ROOT);
    let (cloud, signer) = (forge::cloud(), forge::signer());
    let recipients = bundle::Recipients { cloud: &cloud, user: None, signer: Some(&signer) };
    let mut parts = forge::Parts::default();
    let image = std::io::repeat(b'x').take(IMAGE);
    let made =
        bundle::bundle(image, IMAGE, &options, &recipients, &mut parts, &mut |_| {}).unwrap();
    let files = forge::Files { parts: parts.0, manifest: made.manifest };
    let location = forge::upload(&world, Who::Root, "buck", "large", &files);
    let image = || {
        let bundle = forge::check(&world, &location).unwrap().bundle;
        let ticket = loop {
            match world
                .ask(WantImage { bundle: bundle.clone(), wait_ms: 60_000, reads: true })
                .unwrap()
            {
                WantedImage::Ready(ticket) => break ticket,
                WantedImage::Unpacking { .. } => {}
                WantedImage::Failed { reason, .. } => panic!("{reason}"),
            }
        };
        let target = ticket.url.strip_prefix(&format!("http://{}", world.internal)).unwrap();
        let host = [("host".to_owned(), world.internal.to_string())];
        assert_eq!(read_past(send(world.internal, "GET", target, &host)), IMAGE);
    };
    let (grown, ()) = growth(image);
    assert!(grown < BOUND, "by an image memory grew by {} MiB", grown >> 20);
}

//! Fifty who want twenty images at once, in a cache that holds five: while the limit is lowered, and
//! while walrus is killed in every state that its cache can be in. What the cache counted goes to
//! stderr.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::wire::upkeep::{DescribeUnpacking, Unpacking};
use common::wire::walrus::{
    BundleRef, CacheView, DescribeCache, SetCacheLimit, WantImage, WantedImage,
};
use sha2::{Digest as _, Sha256};

use crate::forge::put_bundle;
use crate::http::fetched;
use crate::world::{ROOT, Who, World, ask_at, wait};

const GUESTS: usize = 50;
const IMAGES: u8 = 20;
const HELD: u64 = 5;
/// How long a guest may have to wait for an image, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Twenty images of one MiB, each other bytes, and most of them zeros.
fn images(world: &World) -> Vec<(BundleRef, String)> {
    let image = |n: u8| {
        let mut bytes: Vec<u8> = (0..60_000_u32).map(|at| at.to_le_bytes()[1] ^ n).collect();
        bytes.resize(1 << 20, 0);
        let bundle = put_bundle(world, Who::Root, ROOT, "buck", &format!("i{n}"), &bytes);
        (bundle, hex(&Sha256::digest(&bytes)))
    };
    (0..IMAGES).map(image).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A walrus that may be another from one moment to the next.
struct Crowd<'a> {
    at: Mutex<SocketAddr>,
    images: &'a [(BundleRef, String)],
    read: AtomicU64,
    again: AtomicU64,
}

impl Crowd<'_> {
    fn address(&self) -> SocketAddr {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A guest wants an image until it has read it whole; gives how many have been read by now.
    fn guest(&self, number: usize, round: usize) -> u64 {
        let (bundle, sha256) = &self.images[(number * 7 + round * 3) % self.images.len()];
        let begun = Instant::now();
        while !self.try_read(bundle, sha256) {
            assert!(begun.elapsed() < PATIENCE, "an image could not be read in {PATIENCE:?}");
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        self.read.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether the image could be read; what was read is right in any case.
    fn try_read(&self, bundle: &BundleRef, sha256: &str) -> bool {
        let at = self.address();
        let want = WantImage { bundle: bundle.clone(), wait_ms: 10_000 };
        match ask_at(at, want) {
            Ok(WantedImage::Ready(ticket)) => {
                assert_eq!(ticket.sha256, sha256);
                // It may be evicted before it is read, and walrus killed while it is.
                match fetched(at, &ticket.url) {
                    Some((200, body)) => {
                        assert_eq!(hex(&Sha256::digest(&body)), sha256, "an image is another one");
                        true
                    }
                    Some((404, _)) | None => false,
                    Some((status, _)) => panic!("an image is answered with {status}"),
                }
            }
            Ok(WantedImage::Unpacking { .. }) => false,
            Ok(WantedImage::Failed { retryable: true, .. }) => false,
            Ok(WantedImage::Failed { reason, .. }) => panic!("{reason}"),
            // It was killed.
            Err(error) => {
                assert!(error.code().retryable(), "{error}");
                false
            }
        }
    }
}

/// The figures go to whoever reads the test's output.
fn tell(what: &str, cache: &CacheView, crowd: &Crowd<'_>) {
    let (read, again) = (crowd.read.load(Ordering::Relaxed), crowd.again.load(Ordering::Relaxed));
    let text = format!("{what}: {read} images read whole, {again} times asked again; {cache:?}\n");
    drop(std::io::stderr().write_all(text.as_bytes()));
}

/// What lies in the cache's directory is complete and is what its names say.
fn check_disk(world: &World) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for name in world.files("cache").into_iter().filter(|name| name.ends_with(".img")) {
        let bytes = std::fs::read(world.data().join("cache").join(&name)).unwrap();
        let words: Vec<&str> = name.split('.').collect();
        assert_eq!((words[1], words[2]), (hex(&Sha256::digest(&bytes)).as_str(), "1048576"));
        keys.insert(words[0].to_owned());
    }
    keys
}

#[test]
fn fifty_are_served_from_a_cache_for_five_of_twenty_while_its_limit_is_lowered() {
    let world = World::with(|config| config.unbundle_cache_mb = HELD);
    world.install_key();
    let images = images(&world);
    let crowd = Crowd {
        at: Mutex::new(world.internal),
        images: &images,
        read: AtomicU64::new(0),
        again: AtomicU64::new(0),
    };
    let limits: BTreeMap<u64, u64> =
        [(10, 3), (25, 2), (40, 1), (50, HELD), (70, 2), (80, HELD)].into_iter().collect();
    let guest = |number| {
        for round in 0..2 {
            let read = crowd.guest(number, round);
            // The next limit is set by whoever comes by.
            if let Some(megabytes) = limits.get(&read) {
                world.ask(SetCacheLimit { megabytes: *megabytes }).unwrap();
            }
            // Whatever happens, what nobody reads and is not in flight fits into the limit.
            let cache = world.ask(DescribeCache {}).unwrap();
            let held = (cache.pins + 2) << 20;
            assert!(cache.used + cache.reserved <= cache.limit.max(held), "{cache:?}");
            assert!(cache.flights <= 2, "{cache:?}");
            for Unpacking { done, total, waiting, .. } in world.ask(DescribeUnpacking {}).unwrap() {
                assert!(done <= total && (!waiting || done == 0));
            }
        }
    };
    std::thread::scope(|scope| {
        let guest = &guest;
        let guests: Vec<_> = (0..GUESTS).map(|n| scope.spawn(move || guest(n))).collect();
        guests.into_iter().for_each(|guest| guest.join().unwrap());
    });
    wait("readers have gone", || world.ask(DescribeCache {}).unwrap().pins == 0);
    let cache = world.ask(DescribeCache {}).unwrap();
    tell("limit lowered meanwhile", &cache, &crowd);
    assert_eq!((cache.limit, cache.flights, cache.queued, cache.reserved), (HELD << 20, 0, 0, 0));
    assert!(cache.images <= HELD && cache.used == cache.images << 20, "{cache:?}");
    assert!(cache.misses >= u64::from(IMAGES), "{cache:?}");
    // What was unpacked and is not there was evicted.
    assert_eq!(cache.misses - cache.images, cache.evictions, "{cache:?}");
    world.wait_for_files("cache", usize::try_from(cache.images).unwrap());
    check_disk(&world);
}

/// A state of the cache in which walrus is killed.
type State = (&'static str, fn(&World, &CacheView) -> bool);

const STATES: &[State] = &[
    ("images wait", |_, cache| cache.queued > 0),
    ("an image is unpacked", |world, _| partials(world) > 0),
    ("an image has landed", |_, cache| cache.images > 0 && cache.flights > 0),
    ("the cache is full", |_, cache| cache.used + cache.reserved >= cache.limit),
    ("an image was evicted", |_, cache| cache.evictions > 0),
    ("an image is read", |_, cache| cache.pins > 0),
    ("the limit was lowered", |world, _| world.ask(SetCacheLimit { megabytes: 2 }).is_ok()),
    ("the limit was raised", |world, _| world.ask(SetCacheLimit { megabytes: HELD }).is_ok()),
];

fn partials(world: &World) -> usize {
    world.files("cache").iter().filter(|name| name.ends_with(".partial")).count()
}

#[test]
fn fifty_are_served_though_walrus_is_killed_in_every_state() {
    let mut world = World::program(|config| config.unbundle_cache_mb = HELD);
    world.install_key();
    let images = images(&world);
    let crowd = Crowd {
        at: Mutex::new(world.internal),
        images: &images,
        read: AtomicU64::new(0),
        again: AtomicU64::new(0),
    };
    let guest = |number| (0..3).for_each(|round| drop(crowd.guest(number, round)));
    std::thread::scope(|scope| {
        let guest = &guest;
        let guests: Vec<_> = (0..GUESTS).map(|n| scope.spawn(move || guest(n))).collect();
        for (what, state) in STATES {
            wait(what, || {
                let cache = world.ask(DescribeCache {}).unwrap();
                state(&world, &cache) || guests.iter().all(|guest| guest.is_finished())
            });
            world.stop();
            let kept = check_disk(&world);
            world.start();
            *crowd.at.lock().unwrap() = world.internal;
            let cache = world.ask(DescribeCache {}).unwrap();
            tell(&format!("killed while {what}, {} images kept", kept.len()), &cache, &crowd);
        }
        guests.into_iter().for_each(|guest| guest.join().unwrap());
    });
    assert_eq!(crowd.read.load(Ordering::Relaxed), (GUESTS * 3) as u64);
    wait("readers have gone", || world.ask(DescribeCache {}).unwrap().pins == 0);
    let cache = world.ask(DescribeCache {}).unwrap();
    tell("in the end", &cache, &crowd);
    assert_eq!((cache.flights, cache.queued, cache.reserved), (0, 0, 0));
    assert!(cache.images <= HELD && cache.used <= cache.limit, "{cache:?}");
    world.wait_for_files("cache", usize::try_from(cache.images).unwrap());
    assert_eq!(check_disk(&world).len() as u64, cache.images);
}

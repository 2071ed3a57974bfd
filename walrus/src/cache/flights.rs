//! Who is on the way into the cache, and how far: told by the cache's actor, looked at by whoever
//! asks. It decides nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use common::wire::upkeep::Unpacking;

use super::table::Key;
use super::unbundle::Progress;

/// The images under way. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flights(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    under_way: Mutex<BTreeMap<Key, Way>>,
    /// Bytes of ciphertext that flights read which have ended.
    ended: AtomicU64,
}

#[derive(Debug)]
enum Way {
    /// It waits; so many bytes of ciphertext lie before it.
    Queued(u64),
    /// It is being unpacked.
    Flying(Arc<Progress>),
}

impl Flights {
    /// An image of that many bytes of ciphertext waits.
    pub(crate) fn queue(&self, key: &str, total: u64) {
        self.lock().insert(key.to_owned(), Way::Queued(total));
    }

    /// The unpacking of an image begins; it is told in the answer how far it has come.
    pub(crate) fn start(&self, key: &str) -> Arc<Progress> {
        let mut under_way = self.lock();
        let progress = Arc::new(Progress::default());
        if let Some(Way::Queued(total)) = under_way.get(key) {
            progress.total.store(*total, Ordering::Relaxed);
        }
        under_way.insert(key.to_owned(), Way::Flying(Arc::clone(&progress)));
        progress
    }

    /// An image is not under way any more.
    pub(crate) fn end(&self, key: &str) {
        if let Some(Way::Flying(progress)) = self.lock().remove(key) {
            self.0.ended.fetch_add(progress.done.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Bytes of an image's ciphertext that are done.
    pub(crate) fn done(&self, key: &str) -> u64 {
        match self.lock().get(key) {
            Some(Way::Flying(progress)) => progress.done.load(Ordering::Relaxed),
            Some(Way::Queued(_)) | None => 0,
        }
    }

    /// All that fly, end at their next chunk.
    pub(crate) fn stop(&self) {
        for way in self.lock().values() {
            if let Way::Flying(progress) = way {
                progress.stop.store(true, Ordering::Relaxed);
            }
        }
    }

    /// All that are under way.
    pub(crate) fn all(&self) -> Vec<Unpacking> {
        let view = |(key, way): (&Key, &Way)| {
            let (done, total, waiting) = match way {
                Way::Queued(total) => (0, *total, true),
                Way::Flying(progress) => {
                    let done = progress.done.load(Ordering::Relaxed);
                    (done, progress.total.load(Ordering::Relaxed), false)
                }
            };
            Unpacking { manifest_sha256: key.clone(), done, total, waiting }
        };
        self.lock().iter().map(view).collect()
    }

    /// Bytes of ciphertext that those in flight have read, and have to read in all.
    pub(crate) fn in_flight(&self) -> (u64, u64) {
        let flying = self.all().into_iter().filter(|it| !it.waiting);
        flying.fold((0, 0), |(done, total), it| (done + it.done, total + it.total))
    }

    /// Bytes of ciphertext read by all flights so far.
    pub(crate) fn read(&self) -> u64 {
        let under_way = self.in_flight().0;
        self.0.ended.load(Ordering::Relaxed).saturating_add(under_way)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Way>> {
        self.0.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_seen_from_its_queue_to_its_end() {
        let flights = Flights::default();
        flights.queue("a", 100);
        flights.queue("b", 50);
        let seen = |key: &str| {
            flights.all().into_iter().find(|it| it.manifest_sha256 == key).map(|it| {
                assert_eq!(it.done, flights.done(key));
                (it.done, it.total, it.waiting)
            })
        };
        assert_eq!(seen("a"), Some((0, 100, true)));
        let progress = flights.start("a");
        progress.done.store(40, Ordering::Relaxed);
        assert_eq!(seen("a"), Some((40, 100, false)));
        assert_eq!((flights.in_flight(), flights.read()), ((40, 100), 40));
        flights.stop();
        assert!(progress.stop.load(Ordering::Relaxed));
        flights.end("a");
        flights.end("b");
        assert_eq!((seen("a"), seen("b")), (None, None));
        assert_eq!((flights.in_flight(), flights.read()), ((0, 0), 40));
    }
}

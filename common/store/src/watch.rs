//! Who wants to know that something changed. Both embedded engines keep one of these beside
//! their rows; it knows prefixes and revisions, never rows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::engine::Rev;

/// The watchers of one engine, by prefix.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    senders: Mutex<BTreeMap<String, watch::Sender<Rev>>>,
}

impl Watchers {
    /// Adds a watcher. `now` is asked while no notice can go out, so that a commit is either
    /// visible already when this returns or wakes the receiver afterwards.
    pub(crate) fn watch(&self, prefix: &str, now: impl FnOnce() -> Rev) -> watch::Receiver<Rev> {
        let mut senders = self.lock();
        senders.retain(|_, sender| !sender.is_closed());
        match senders.get(prefix) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(now());
                senders.insert(prefix.to_owned(), sender);
                receiver
            }
        }
    }

    /// Wakes those who watch one of `keys`. A revision older than the last one told is not told
    /// again: whoever was woken by the newer one has already been able to see the older.
    pub(crate) fn notify<'k>(&self, rev: Rev, keys: impl Iterator<Item = &'k str> + Clone) {
        for (prefix, sender) in self.lock().iter() {
            if keys.clone().any(|key| key.starts_with(prefix.as_str())) {
                sender.send_if_modified(|told| {
                    let newer = rev > *told;
                    *told = rev.max(*told);
                    newer
                });
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<Rev>>> {
        // A map of senders is whole between any two statements, so a panic elsewhere is no harm.
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_prefix_is_told_and_never_backwards() {
        let watchers = Watchers::default();
        let mut images = watchers.watch("image/", || 3);
        let mut all = watchers.watch("", || 3);
        watchers.notify(5, ["image-x/a"].into_iter());
        assert!(!images.has_changed().unwrap());
        assert!(all.has_changed().unwrap());
        assert_eq!(*all.borrow_and_update(), 5);
        watchers.notify(4, ["image/a"].into_iter());
        assert_eq!(*images.borrow_and_update(), 4);
        assert!(!all.has_changed().unwrap());
    }

    #[test]
    fn those_who_left_are_forgotten() {
        let watchers = Watchers::default();
        drop(watchers.watch("a", || 1));
        let kept = watchers.watch("b", || 1);
        let again = watchers.watch("b", || 1);
        assert_eq!(watchers.lock().len(), 1);
        watchers.notify(2, ["b"].into_iter());
        assert!(kept.has_changed().unwrap() && again.has_changed().unwrap());
    }
}

//! Plain images from walrus: is one there, and who is to be told when it is.
//!
//! A question is answered at once. If walrus has to unpack first, one task waits for the end of
//! that work, however many ask, and wakes everybody then; nobody else waits. A failure is told by
//! walrus once, to whoever waits: it is kept here for those who are woken, because asking again
//! would begin the work anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::error::ApiError;
use common::wire::walrus::{BundleRef, Walrus, WantImage, WantedImage};
use runtime::peer::Peer;
use runtime::pool;
use runtime::shutdown::Shutdown;

use super::Wakers;

/// How long one question waits on walrus for the end of the work.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a failure is told to everybody who asks, from the moment it was heard. Below the
/// reconcilers' period, so that what has been repaired meanwhile is tried again.
const TOLD: Duration = Duration::from_secs(2);

/// How long a failure is kept for the first who asks.
const UNTOLD: Duration = Duration::from_secs(600);

/// Asks walrus for plain images. Clones share what is being waited for.
#[derive(Clone)]
pub struct PlainImages {
    walrus: Peer<Walrus>,
    wakers: Wakers,
    shutdown: Shutdown,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    awaited: HashSet<BundleRef>,
    failures: HashMap<BundleRef, Failure>,
}

/// A failure as walrus told it.
struct Failure {
    what: WantedImage,
    heard: Instant,
    told: bool,
}

impl PlainImages {
    /// Asks this walrus, and wakes these when something is ready.
    pub fn new(walrus: Peer<Walrus>, wakers: Wakers, shutdown: Shutdown) -> Self {
        Self { walrus, wakers, shutdown, known: Arc::default() }
    }

    /// Where an image stands. Asking for it makes walrus begin; when that has ended, the
    /// reconcilers are woken and ask again.
    ///
    /// # Errors
    /// If walrus cannot be reached, or refuses.
    pub async fn want(&self, bundle: &BundleRef) -> Result<WantedImage, ApiError> {
        if let Some(failure) = self.lock().failure(bundle) {
            return Ok(failure);
        }
        let wanted = self.walrus.call(WantImage { bundle: bundle.clone(), wait_ms: 0 }).await?;
        if matches!(wanted, WantedImage::Unpacking { .. }) {
            self.wait_for(bundle);
        }
        Ok(wanted)
    }

    fn wait_for(&self, bundle: &BundleRef) {
        let new = self.lock().awaited.insert(bundle.clone());
        if !new {
            return;
        }
        let (waiting, bundle) = (self.clone(), bundle.clone());
        pool::spawn(async move {
            let failure = tokio::select! {
                failure = waiting.until_done(&bundle) => failure,
                () = waiting.shutdown.raised() => None,
            };
            {
                let mut known = waiting.lock();
                known.awaited.remove(&bundle);
                let heard = |what| Failure { what, heard: Instant::now(), told: false };
                known.failures.extend(failure.map(|what| (bundle, heard(what))));
            }
            waiting.wakers.images.wake();
            waiting.wakers.all_nodes();
        });
    }

    /// Waits for the end of the work; gives how it failed, if it did.
    async fn until_done(&self, bundle: &BundleRef) -> Option<WantedImage> {
        let wait_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        loop {
            let ask = WantImage { bundle: bundle.clone(), wait_ms };
            match self.walrus.call_patiently(ask, PATIENCE).await {
                // A walrus that does not wait would be asked without end.
                Ok(WantedImage::Unpacking { .. }) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Ok(failed @ WantedImage::Failed { .. }) => return Some(failed),
                // What it is, the reconcilers find out by asking themselves.
                Ok(WantedImage::Ready(_)) | Err(_) => return None,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The failure that was heard of a bundle lately.
    fn failure(&mut self, bundle: &BundleRef) -> Option<WantedImage> {
        self.failures.retain(|_, failure| {
            failure.heard.elapsed() < if failure.told { TOLD } else { UNTOLD }
        });
        let failure = self.failures.get_mut(bundle)?;
        failure.told = true;
        Some(failure.what.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use runtime::dispatcher::Dispatcher;

    use super::*;

    #[tokio::test]
    async fn a_failure_that_only_the_waiting_task_heard_is_told_to_all_who_ask() {
        let begun = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&begun);
        let walrus = Dispatcher::new().with(move |ask: WantImage| {
            let failed = WantedImage::Failed { reason: "damaged".into(), retryable: false };
            let answer = match ask.wait_ms {
                0 => {
                    count.fetch_add(1, Ordering::SeqCst);
                    WantedImage::Unpacking { done: 0, total: 1 }
                }
                _ => failed,
            };
            async move { Ok(answer) }
        });
        let wakers = Wakers::new(std::iter::empty());
        let walrus = Peer::here(Arc::new(walrus));
        let plain = PlainImages::new(walrus, wakers, Shutdown::default());
        let bundle = BundleRef { location: "b/k".into(), manifest_sha256: "00".into() };
        let heard = || !plain.lock().failures.is_empty();
        assert!(matches!(plain.want(&bundle).await, Ok(WantedImage::Unpacking { .. })));
        while !heard() {
            tokio::task::yield_now().await;
        }
        for _ in 0..3 {
            assert!(matches!(plain.want(&bundle).await, Ok(WantedImage::Failed { .. })));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        // Later it may have been repaired.
        plain.lock().failures.values_mut().for_each(|failure| failure.heard -= TOLD);
        assert!(matches!(plain.want(&bundle).await, Ok(WantedImage::Unpacking { .. })));
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }
}

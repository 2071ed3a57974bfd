//! Plain images from walrus: is one there, and who is to be told when it is.
//!
//! A question is answered at once. If walrus has to unpack first, one task waits for the end of
//! that work, however many ask, and wakes everybody then; nobody else waits. A failure is told by
//! walrus once, to whoever waits: it is kept here for those who are woken, because asking again
//! would begin the work anew. It is told to those alone who were there when that work began: an
//! image that was registered later, or a launch that was asked for later, has its own try.
//!
//! ```text
//!   asked ──▶ unpacking ──▶ failed for good ──told to all, then forgotten──▶ asked anew
//!     ▲           └───────▶ failed for now ──pause: 5 s, doubled up to 5 min──┐
//!     └───────────────────────────────────────────────────────────────────────┘
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::upkeep::{DescribeUnpacking, Unpacking};
use common::wire::walrus::{BundleRef, Walrus, WantImage, WantedImage};
use runtime::clock::Clock;
use runtime::peer::Peer;
use runtime::pool;
use runtime::shutdown::Shutdown;

use super::Wakers;

/// How long one question waits on walrus for the end of the work.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a failure for good is told to everybody who asks, from the moment it was heard. Below the
/// reconcilers' period, so that what has been repaired meanwhile is tried again.
const TOLD: Duration = Duration::from_secs(2);

/// How long a failure is kept for the first who asks; longer than any pause.
const UNTOLD: Duration = Duration::from_secs(600);

/// The pause after the first failure of a bundle that another try may mend.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause between two tries of a bundle.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long whoever looks at images waits for how far their unpacking is.
const GLANCE: Duration = Duration::from_secs(1);

/// Asks walrus for plain images. Clones share what is being waited for.
#[derive(Clone)]
pub struct PlainImages {
    walrus: Peer<Walrus>,
    wakers: Wakers,
    clock: Clock,
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
    /// When the work that failed was asked for.
    begun: Timestamp,
    heard: Instant,
    told: bool,
    /// How long walrus is left alone, if another try may help.
    pause: Option<Duration>,
}

impl PlainImages {
    /// Asks this walrus, and wakes these when something is ready.
    pub fn new(walrus: Peer<Walrus>, wakers: Wakers, clock: Clock, shutdown: Shutdown) -> Self {
        Self { walrus, wakers, clock, shutdown, known: Arc::default() }
    }

    /// Where an image stands. Asking for it makes walrus begin; when that has ended, the
    /// reconcilers are woken and ask again. `since` is when the asker's image was registered or
    /// its launch recorded: a failure of work that began before it is not told.
    ///
    /// # Errors
    /// If walrus cannot be reached, or refuses.
    pub async fn want(
        &self,
        bundle: &BundleRef,
        since: Timestamp,
    ) -> Result<WantedImage, ApiError> {
        if let Some(failure) = self.lock().failure(bundle, since) {
            return Ok(failure);
        }
        let begun = self.clock.now();
        let wanted = self.walrus.call(WantImage { bundle: bundle.clone(), wait_ms: 0 }).await?;
        match &wanted {
            WantedImage::Unpacking { .. } => self.wait_for(bundle, begun),
            WantedImage::Failed { retryable: true, .. } => {
                self.lock().heard(bundle, wanted.clone(), begun);
            }
            WantedImage::Failed { retryable: false, .. } => {}
            WantedImage::Ready(_) => {
                self.lock().failures.remove(bundle);
            }
        }
        Ok(wanted)
    }

    /// Why an image that is still tried for could not be had the last time. Asks nobody.
    pub fn trouble(&self, bundle: &BundleRef) -> Option<String> {
        match &self.lock().failures.get(bundle)?.what {
            WantedImage::Failed { retryable: true, reason } => Some(reason.clone()),
            _ => None,
        }
    }

    /// How far the images are that walrus is known to work on, by the digest of their manifest. It
    /// is asked only if there are any, and a walrus that does not answer soon is not waited for.
    pub async fn under_way(&self) -> HashMap<String, Unpacking> {
        if self.lock().awaited.is_empty() {
            return HashMap::new();
        }
        let asked = self.walrus.call(DescribeUnpacking {});
        let told = tokio::time::timeout(GLANCE, asked).await;
        let all = told.ok().and_then(Result::ok).unwrap_or_default();
        all.into_iter().map(|it| (it.manifest_sha256.clone(), it)).collect()
    }

    fn wait_for(&self, bundle: &BundleRef, begun: Timestamp) {
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
                if let Some(what) = failure {
                    known.heard(&bundle, what, begun);
                }
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
    /// The failure that was heard of a bundle lately, of work that began no earlier than that.
    fn failure(&mut self, bundle: &BundleRef, since: Timestamp) -> Option<WantedImage> {
        self.failures.retain(|_, failure| failure.heard.elapsed() < failure.kept());
        let failure = self.failures.get_mut(bundle)?;
        let paused = failure.pause.is_none_or(|pause| failure.heard.elapsed() < pause);
        if failure.begun < since || !paused {
            return None;
        }
        failure.told = true;
        Some(failure.what.clone())
    }

    /// Keeps a failure. One that another try may mend makes the pause longer, if the last pause
    /// was sat out.
    fn heard(&mut self, bundle: &BundleRef, what: WantedImage, begun: Timestamp) {
        let before = self.failures.get(bundle).and_then(|it| Some((it.heard, it.pause?)));
        let pause = match (&what, before) {
            (WantedImage::Failed { retryable: true, .. }, Some((heard, pause))) => {
                let over = heard.elapsed() >= pause;
                Some(if over { (pause * 2).min(LONGEST_PAUSE) } else { pause })
            }
            (WantedImage::Failed { retryable: true, .. }, None) => Some(FIRST_PAUSE),
            _ => None,
        };
        let failure = Failure { what, begun, heard: Instant::now(), told: false, pause };
        self.failures.insert(bundle.clone(), failure);
    }
}

impl Failure {
    /// How long it is remembered; a pause is remembered beyond its end, because the next is
    /// longer.
    fn kept(&self) -> Duration {
        if self.told && self.pause.is_none() { TOLD } else { UNTOLD }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use runtime::dispatcher::Dispatcher;

    use super::*;

    /// A walrus that begins the work whenever it is asked, and fails.
    fn failing(retryable: bool) -> (PlainImages, Arc<AtomicU32>) {
        let begun = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&begun);
        let walrus = Dispatcher::new().with(move |ask: WantImage| {
            let failed = WantedImage::Failed { reason: "damaged".into(), retryable };
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
        let clock = Clock::manual(NOW);
        (PlainImages::new(walrus, wakers, clock, Shutdown::default()), begun)
    }

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn bundle() -> BundleRef {
        BundleRef { location: "b/k".into(), manifest_sha256: "00".into() }
    }

    /// Asks and has the work begun, and waits until its failure was heard.
    async fn fails(plain: &PlainImages, since: Timestamp) {
        assert!(matches!(plain.want(&bundle(), since).await, Ok(WantedImage::Unpacking { .. })));
        while plain.lock().awaited.contains(&bundle()) {
            tokio::task::yield_now().await;
        }
    }

    async fn is_told(plain: &PlainImages, since: Timestamp) {
        assert!(matches!(plain.want(&bundle(), since).await, Ok(WantedImage::Failed { .. })));
    }

    fn pass(plain: &PlainImages, time: Duration) {
        plain.lock().failures.values_mut().for_each(|failure| failure.heard -= time);
    }

    #[tokio::test]
    async fn a_failure_that_only_the_waiting_task_heard_is_told_to_all_who_ask() {
        let (plain, begun) = failing(false);
        fails(&plain, NOW).await;
        for _ in 0..3 {
            is_told(&plain, NOW).await;
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        // Later it may have been repaired.
        pass(&plain, TOLD);
        fails(&plain, NOW).await;
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn who_comes_after_the_work_began_is_not_told_that_it_failed() {
        let (plain, begun) = failing(false);
        fails(&plain, NOW).await;
        let later = NOW.plus(Duration::from_secs(1));
        fails(&plain, later).await;
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        // Those who were there are told.
        is_told(&plain, NOW).await;
        assert_eq!(begun.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn pauses_between_tries_grow() {
        let (plain, begun) = failing(true);
        assert_eq!(plain.trouble(&bundle()), None);
        for (tries, seconds) in (1..).zip([5, 10, 20, 40, 80, 160, 300, 300]) {
            fails(&plain, NOW).await;
            assert_eq!(begun.load(Ordering::SeqCst), tries);
            pass(&plain, Duration::from_secs(seconds - 1));
            is_told(&plain, NOW).await;
            assert_eq!(plain.trouble(&bundle()).as_deref(), Some("damaged"));
            pass(&plain, Duration::from_secs(1));
        }
    }
}

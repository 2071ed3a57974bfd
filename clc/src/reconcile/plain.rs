//! Plain images from walrus: is one there, and who is to be told when it is.
//!
//! A question is answered at once. If walrus has to unpack first, one task waits for the end of
//! that work, however many ask, and wakes everybody then; nobody else waits.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::wire::walrus::{BundleRef, Walrus, WantImage, WantedImage};
use runtime::peer::Peer;
use runtime::pool;
use runtime::shutdown::Shutdown;

use super::Wakers;

/// How long one question waits on walrus for the end of the work.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks walrus for plain images. Clones share what is being waited for.
#[derive(Clone)]
pub struct PlainImages {
    walrus: Peer<Walrus>,
    wakers: Wakers,
    shutdown: Shutdown,
    awaited: Arc<Mutex<HashSet<BundleRef>>>,
}

impl PlainImages {
    /// Asks this walrus, and wakes these when something is ready.
    pub fn new(walrus: Peer<Walrus>, wakers: Wakers, shutdown: Shutdown) -> Self {
        Self { walrus, wakers, shutdown, awaited: Arc::default() }
    }

    /// Where an image stands. Asking for it makes walrus begin; when that has ended, the
    /// reconcilers are woken and ask again.
    ///
    /// # Errors
    /// If walrus cannot be reached, or refuses.
    pub async fn want(&self, bundle: &BundleRef) -> Result<WantedImage, ApiError> {
        let wanted = self.walrus.call(WantImage { bundle: bundle.clone(), wait_ms: 0 }).await?;
        if matches!(wanted, WantedImage::Unpacking { .. }) {
            self.wait_for(bundle);
        }
        Ok(wanted)
    }

    fn wait_for(&self, bundle: &BundleRef) {
        let new = self.lock().insert(bundle.clone());
        if !new {
            return;
        }
        let (waiting, bundle) = (self.clone(), bundle.clone());
        pool::spawn(async move {
            tokio::select! {
                () = waiting.until_done(&bundle) => {}
                () = waiting.shutdown.raised() => {}
            }
            waiting.lock().remove(&bundle);
            waiting.wakers.images.wake();
            waiting.wakers.all_nodes();
        });
    }

    async fn until_done(&self, bundle: &BundleRef) {
        let wait_ms = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
        loop {
            let ask = WantImage { bundle: bundle.clone(), wait_ms };
            match self.walrus.call_patiently(ask, PATIENCE).await {
                // A walrus that does not wait would be asked without end.
                Ok(WantedImage::Unpacking { .. }) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                // What it is, the reconcilers find out by asking themselves.
                Ok(WantedImage::Ready(_) | WantedImage::Failed { .. }) | Err(_) => return,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<BundleRef>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! When access keys were used for S3 last: noted in memory at each request, told to the clc each
//! minute and at the end. What a crash loses is a minute of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::iam::session::TEMPORARY;
use common::time::Timestamp;
use common::wire::identity::{Identity, KeyUse, NoteKeyUse};
use runtime::peer::Peer;
use runtime::shutdown::Shutdown;

/// How often it is told.
const PERIOD: Duration = Duration::from_secs(60);

/// How long telling it may hold the end up.
const LAST: Duration = Duration::from_secs(1);

/// How many keys are noted; others are when there is room again.
const MOST: usize = 100_000;

/// How many keys one message is about.
const PORTION: usize = 1000;

/// The last uses of keys that nobody was told of yet.
#[derive(Default)]
pub(crate) struct KeyUses(Mutex<HashMap<String, Timestamp>>);

impl KeyUses {
    fn noted(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a use. Temporary keys are in no listing, so theirs are not noted.
    pub(crate) fn note(&self, id: &str, at: Timestamp) {
        let mut noted = self.noted();
        if let Some(last) = noted.get_mut(id) {
            *last = at.max(*last);
        } else if noted.len() < MOST && !id.starts_with(TEMPORARY) {
            noted.insert(id.to_owned(), at);
        }
    }

    /// Tells the clc until the shutdown, and once more then.
    pub(crate) async fn tell(self: Arc<Self>, clc: Peer<Identity>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => self.tell_all(&clc).await,
                () = shutdown.raised() => {
                    // What is not told in time is lost, as by a crash.
                    let _ = tokio::time::timeout(LAST, self.tell_all(&clc)).await;
                    return;
                }
            }
        }
    }

    async fn tell_all(&self, clc: &Peer<Identity>) {
        let noted = std::mem::take(&mut *self.noted());
        let mut uses = noted.into_iter().map(|(id, at)| KeyUse { id, service: "s3".into(), at });
        loop {
            let uses: Vec<KeyUse> = uses.by_ref().take(PORTION).collect();
            if uses.is_empty() {
                return;
            }
            if clc.call(NoteKeyUse { uses: uses.clone() }).await.is_err() {
                // The next time.
                uses.iter().for_each(|one| self.note(&one.id, one.at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use common::error::{ApiError, ErrorCode};
    use runtime::dispatcher::Dispatcher;

    use super::*;

    #[tokio::test]
    async fn each_key_is_told_once_at_its_last_use_and_again_if_it_was_not_heard() {
        let (told, deaf) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(true)));
        let (hears, kept) = (Arc::clone(&deaf), Arc::clone(&told));
        let clc = Dispatcher::<Identity>::new().with(move |ask: NoteKeyUse| {
            let heard = !hears.load(Ordering::SeqCst);
            if heard {
                kept.lock().unwrap().extend(ask.uses);
            }
            let gone = || ApiError::new(ErrorCode::AuthFailure, "gone");
            async move { heard.then_some(()).ok_or_else(gone) }
        });
        let (clc, uses) = (Peer::here(Arc::new(clc)), KeyUses::default());
        for (id, at) in [("AKI1", 5), ("AKI1", 7), ("AKI1", 6), ("ASIA1", 9)] {
            uses.note(id, Timestamp::from_secs(at));
        }
        uses.tell_all(&clc).await;
        assert!(told.lock().unwrap().is_empty());
        deaf.store(false, Ordering::SeqCst);
        uses.tell_all(&clc).await;
        uses.tell_all(&clc).await;
        let expected =
            KeyUse { id: "AKI1".into(), service: "s3".into(), at: Timestamp::from_secs(7) };
        assert_eq!(*told.lock().unwrap(), [expected]);
    }
}

//! The keys that the clc's own API checks signatures with: its records, and what was found in them
//! as long as identity has not changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::ApiError;
use common::iam::directory::{Credential, credential};
use common::iam::session::TEMPORARY;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::keyring::KeyRing;
use runtime::pool;
use store::Rev;
use tokio::sync::watch;

use super::directory::RecordedDirectory;

/// How many holders of keys are kept.
const KEPT: usize = 4096;

/// Looks into the records, and keeps what it found until identity changes, so that a disabled user
/// is out at once.
pub struct RecordedKeyRing {
    directory: Arc<RecordedDirectory>,
    clock: Clock,
    changed: watch::Receiver<Rev>,
    kept: Mutex<(Rev, HashMap<String, Credential>)>,
}

impl RecordedKeyRing {
    /// A key ring over this directory.
    pub fn new(directory: Arc<RecordedDirectory>, clock: Clock) -> Self {
        let changed = directory.records().feed.watch();
        Self { directory, clock, changed, kept: Mutex::default() }
    }

    fn kept(&self, now: Rev, id: &str) -> Option<Credential> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.0 == now).then(|| kept.1.get(id).cloned()).flatten()
    }

    /// Keeps what was found while identity was as it was at that revision.
    fn keep(&self, then: Rev, found: &Credential) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 < then || kept.1.len() >= KEPT {
            *kept = (then, HashMap::new());
        }
        if kept.0 == then {
            kept.1.insert(found.id.clone(), found.clone());
        }
    }
}

impl KeyRing for RecordedKeyRing {
    fn find<'a>(
        &'a self,
        id: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Credential>, ApiError>> {
        Box::pin(async move {
            // Read before the records are: what is kept is never newer than its revision says.
            let revision = *self.changed.borrow();
            // Temporary credentials end by themselves; they are looked at each time.
            let lasting = token.is_none() && !id.starts_with(TEMPORARY);
            if let Some(found) = lasting.then(|| self.kept(revision, id)).flatten() {
                return Ok(Some(found));
            }
            let (directory, now) = (Arc::clone(&self.directory), self.clock.now());
            let (id, token) = (id.to_owned(), token.map(str::to_owned));
            let look = move || credential(&*directory, &id, token.as_deref(), now);
            let found = pool::block(look).await??;
            if let (true, Some(found)) = (lasting, &found) {
                self.keep(revision, found);
            }
            Ok(found)
        })
    }
}

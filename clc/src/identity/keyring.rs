//! The keys that the clc's own API checks signatures with: its records, and what was found in them
//! as long as identity has not changed.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::directory::{Credential, credential};
use common::iam::kept::KeptCredentials;
use common::iam::session::TEMPORARY;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::keyring::KeyRing;
use runtime::pool;
use store::Rev;
use tokio::sync::watch;

use super::directory::RecordedDirectory;

/// Looks into the records, and keeps what it found until identity changes, so that a disabled user
/// is out at once.
pub struct RecordedKeyRing {
    directory: Arc<RecordedDirectory>,
    clock: Clock,
    changed: watch::Receiver<Rev>,
    kept: KeptCredentials,
}

impl RecordedKeyRing {
    /// A key ring over this directory.
    pub fn new(directory: Arc<RecordedDirectory>, clock: Clock) -> Self {
        let changed = directory.records().feed.watch();
        Self { directory, clock, changed, kept: KeptCredentials::default() }
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
            if let Some(found) = lasting.then(|| self.kept.get(revision, id)).flatten() {
                return Ok(Some(found));
            }
            let (directory, now) = (Arc::clone(&self.directory), self.clock.now());
            let (id, token) = (id.to_owned(), token.map(str::to_owned));
            let look = move || credential(&*directory, &id, token.as_deref(), now);
            let found = pool::block(look).await??;
            if let (true, Some(found)) = (lasting, &found) {
                self.kept.keep(revision, found);
            }
            Ok(found)
        })
    }
}

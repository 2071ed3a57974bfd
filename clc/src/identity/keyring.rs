//! The keys that the clc's own API checks signatures with: its records, and what was found in them
//! as long as identity has not changed.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::directory::{Credential, changing, credential};
use common::iam::kept::KeptCredentials;
use common::iam::session::TEMPORARY;
use futures_util::future::BoxFuture;
use runtime::clock::Clock;
use runtime::keyring::KeyRing;
use runtime::pool;
use store::Rev;
use tokio::sync::watch;

use super::directory::RecordedDirectory;
use crate::records::Records;
use crate::records::feed::HEAD;

/// How often identity may change while somebody is looked up.
const TRIES: usize = 16;

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
            let look = move || {
                whole(directory.records(), || credential(&*directory, &id, token.as_deref(), now))
            };
            let found = pool::block(look).await??;
            if let (true, Some(found)) = (lasting, &found) {
                self.kept.keep(revision, found);
            }
            Ok(found)
        })
    }
}

/// What is found when identity does not change meanwhile: half of before a change and half of after
/// it would be something that never was. Blocks.
fn whole<T>(
    records: &Records,
    mut look: impl FnMut() -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    // Each change of identity writes it in its own commit.
    let place = || Ok::<_, ApiError>(records.feed_heads.get(HEAD)?.map(|head| head.record));
    for _ in 0..TRIES {
        let before = place()?;
        let found = look();
        if place()? == before {
            return found;
        }
    }
    Err(changing())
}

#[cfg(test)]
mod tests {
    use common::iam::EntityName;
    use store::EngineConfig;

    use super::*;

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let change = || {
            records.change_identity(|_, touched| {
                touched.note(EntityName::AccessKey("k".into()));
                Ok(())
            })
        };
        let mut looks = 0;
        let found = whole(&records, || {
            looks += 1;
            if looks < 3 {
                change()?;
            }
            Ok(looks)
        });
        assert_eq!(found.unwrap(), 3);
        let never = whole(&records, change);
        assert_eq!(never.unwrap_err().code(), common::error::ErrorCode::ServiceUnavailable);
    }
}

//! Who owns an access key: asked for at every request, so answers are kept for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;
use common::wire::identity::{Credential, FindAccessKey, Identity};
use futures_util::future::BoxFuture;

use crate::clock::Clock;
use crate::peer::Peer;

/// Finds the owner and secret of an access key.
pub trait KeyRing: Send + Sync + 'static {
    /// `None`: there is no such key, or its owner is disabled.
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Credential>, ApiError>>;
}

/// How long a found key is believed. A disabled user is locked out after this.
pub const BELIEVED: Duration = Duration::from_secs(5);
/// How long a found key is believed while the clc cannot be asked.
pub const BELIEVED_ALONE: Duration = Duration::from_secs(15 * 60);
const KEPT: usize = 4096;

/// A key ring that asks the clc and keeps answers for a moment, so that a burst of requests costs
/// one question and a restart of the clc does not stop S3 for those it knows.
pub struct AskedKeyRing {
    identity: Peer<Identity>,
    clock: Clock,
    kept: Mutex<BTreeMap<String, (Timestamp, Arc<Credential>)>>,
}

impl AskedKeyRing {
    /// A key ring without any answer yet.
    pub fn new(identity: Peer<Identity>, clock: Clock) -> Self {
        Self { identity, clock, kept: Mutex::default() }
    }

    fn kept(&self, id: &str, at_most: Duration) -> Option<Credential> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (since, credential) = kept.get(id)?;
        (self.clock.now().since(*since) <= at_most).then(|| Credential::clone(credential))
    }

    fn keep(&self, id: &str, found: Option<&Credential>) {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match found {
            Some(credential) => {
                if kept.len() >= KEPT {
                    // Rare, and only costs questions.
                    kept.clear();
                }
                kept.insert(id.to_owned(), (self.clock.now(), Arc::new(credential.clone())));
            }
            None => drop(kept.remove(id)),
        }
    }
}

impl KeyRing for AskedKeyRing {
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Credential>, ApiError>> {
        Box::pin(async move {
            if let Some(credential) = self.kept(id, BELIEVED) {
                return Ok(Some(credential));
            }
            match self.identity.call(FindAccessKey { id: id.to_owned() }).await {
                Ok(found) => {
                    self.keep(id, found.as_ref());
                    Ok(found)
                }
                Err(error) if error.code().retryable() => match self.kept(id, BELIEVED_ALONE) {
                    Some(credential) => Ok(Some(credential)),
                    None => Err(error),
                },
                Err(error) => Err(error),
            }
        })
    }
}

//! Who owns an access key: asked for at every request, so answers are kept for a moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::iam::directory::Credential;
use common::time::Timestamp;
use common::wire::identity::{FindAccessKey, Identity};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::clock::Clock;
use crate::peer::Peer;

/// Finds the owner and secret of an access key.
pub trait KeyRing: Send + Sync + 'static {
    /// `token` is the session token that came with the key. `None`: there is no such key, or its
    /// owner is disabled.
    fn find<'a>(
        &'a self,
        id: &'a str,
        token: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Credential>, ApiError>>;
}

/// How long a found key is believed. A disabled user is locked out after this.
pub const BELIEVED: Duration = Duration::from_secs(5);
/// How long a found key is believed while the clc cannot be asked.
pub const BELIEVED_ALONE: Duration = Duration::from_secs(15 * 60);
const KEPT: usize = 4096;

type Found = Result<Option<Credential>, ApiError>;
type Question = BoxFuture<'static, Found>;

/// A key ring that asks the clc and keeps answers for a moment, so that a burst of requests costs
/// one question and a restart of the clc does not stop S3 for those it knows.
pub struct AskedKeyRing {
    identity: Peer<Identity>,
    clock: Clock,
    kept: Mutex<BTreeMap<String, (Timestamp, Arc<Credential>)>>,
    asked: Mutex<BTreeMap<String, WeakShared<Question>>>,
}

impl AskedKeyRing {
    /// A key ring without any answer yet.
    pub fn new(identity: Peer<Identity>, clock: Clock) -> Self {
        Self { identity, clock, kept: Mutex::default(), asked: Mutex::default() }
    }

    /// The question after a key: one that is under way already, or a new one.
    fn question(&self, id: &str) -> Shared<Question> {
        let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(question) = asked.get(id).and_then(WeakShared::upgrade) {
            return question;
        }
        // Questions whose askers have all gone away.
        asked.retain(|_, question| question.upgrade().is_some());
        let (identity, ask) = (self.identity.clone(), FindAccessKey { id: id.to_owned() });
        let question = async move {
            let found = identity.call(ask).await?;
            Ok(found.map(Credential::from))
        };
        let question = question.boxed().shared();
        asked.extend(question.downgrade().map(|weak| (id.to_owned(), weak)));
        question
    }

    fn answered(&self, id: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        asked.remove(id);
    }

    fn kept(&self, id: &str, at_most: Duration) -> Option<Credential> {
        let kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (since, credential) = kept.get(id)?;
        // Either way: a clock that was set back must not lengthen it.
        (self.clock.now().distance(*since) <= at_most).then(|| Credential::clone(credential))
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
    fn find<'a>(&'a self, id: &'a str, token: Option<&'a str>) -> BoxFuture<'a, Found> {
        Box::pin(async move {
            if token.is_some() {
                let text = "The session token is none that belongs to the access key";
                return Err(ApiError::new(ErrorCode::InvalidToken, text));
            }
            if let Some(credential) = self.kept(id, BELIEVED) {
                return Ok(Some(credential));
            }
            let found = self.question(id).await;
            self.answered(id);
            match found {
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Semaphore;

    use common::wire::identity::Credential as Known;

    use super::*;
    use crate::dispatcher::Dispatcher;

    fn credential(id: String) -> Known {
        Known {
            id,
            secret: "s".into(),
            account: "123456789012".parse().unwrap(),
            alias: "a".into(),
            user: "admin".into(),
            administrator: false,
        }
    }

    #[tokio::test]
    async fn a_burst_of_requests_costs_one_question() {
        let (asked, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let (count, answering) = (Arc::clone(&asked), Arc::clone(&gate));
        let identity = Dispatcher::new().with(move |ask: FindAccessKey| {
            count.fetch_add(1, Ordering::SeqCst);
            let answering = Arc::clone(&answering);
            async move {
                drop(answering.acquire().await.unwrap());
                Ok(Some(credential(ask.id)))
            }
        });
        let keys = AskedKeyRing::new(Peer::here(Arc::new(identity)), Clock::system());
        let burst = futures_util::future::join_all((0..50).map(|_| keys.find("AKI1", None)));
        let let_go = async { gate.add_permits(1) };
        let (found, ()) = tokio::join!(burst, let_go);
        assert!(found.iter().all(|found| found.as_ref().unwrap().is_some()));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(keys.asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_key_is_believed_for_a_moment_and_longer_while_nobody_can_be_asked() {
        let clock = Clock::manual(Timestamp::from_secs(1_000_000));
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let identity = Dispatcher::new().with(move |ask: FindAccessKey| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                match first {
                    true => Ok(Some(credential(ask.id))),
                    false => Err(ApiError::new(ErrorCode::Unavailable, "gone")),
                }
            }
        });
        let keys = AskedKeyRing::new(Peer::here(Arc::new(identity)), clock.clone());
        for (pass, found, questions) in
            [(0, true, 1), (5, true, 1), (1, true, 2), (15 * 60, false, 3)]
        {
            clock.advance(Duration::from_secs(pass));
            assert_eq!(keys.find("AKI1", None).await.is_ok(), found, "{pass}");
            assert_eq!(asked.load(Ordering::SeqCst), questions, "{pass}");
        }
    }
}

//! Launches with one client token, one after the other: those that come second must find what the
//! first made, and not take seats meanwhile that they will not need. What lasts of a token is its
//! record; this is only the queue before it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

/// The tokens that are being worked on.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<String, Weak<Queue<()>>>>);

impl Tokens {
    /// Waits until nobody else works on the token, and keeps others waiting while the guard lives.
    pub async fn hold(&self, token: String) -> OwnedMutexGuard<()> {
        let queue = {
            let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            queues.retain(|_, queue| queue.strong_count() > 0);
            let known = queues.get(&token).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let queue = Arc::default();
                queues.insert(token, Arc::downgrade(&queue));
                queue
            })
        };
        queue.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_token_is_worked_on_at_a_time_and_then_forgotten() {
        let tokens = Tokens::default();
        let first = tokens.hold("a".into()).await;
        drop(tokens.hold("b".into()).await);
        let mut second = Box::pin(tokens.hold("a".into()));
        assert!(futures_util::FutureExt::now_or_never(&mut second).is_none());
        drop(first);
        drop(second.await);
        drop(tokens.hold("c".into()).await);
        assert_eq!(tokens.0.lock().unwrap().len(), 1);
    }
}

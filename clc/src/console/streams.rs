//! How many parts of pages are followed: bounded, for everybody together, for each account and for each
//! session, so that nobody's leave none for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use tokio::sync::Semaphore;

/// How many streams there are at most.
const MOST: usize = 1000;
/// How many of them an account has.
const MOST_OF_ACCOUNT: usize = 500;
/// How many of them a session has.
const MOST_OF_ONE: usize = 12;
/// How many parts are drawn at once.
const DRAWN: usize = 4;

/// How many there are of whom: of sessions by their digests, of accounts by their numbers.
type Counts = Arc<Mutex<HashMap<String, usize>>>;

/// The open streams.
pub(super) struct Streams {
    of: Counts,
    /// How many parts may be drawn now.
    pub(super) drawing: Arc<Semaphore>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { of: Arc::default(), drawing: Arc::new(Semaphore::new(DRAWN)) }
    }
}

/// A place among the streams, given back when it is dropped.
pub(super) struct Place {
    of: Counts,
    whose: [String; 2],
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in &self.whose {
            if let Some(count) = of.get_mut(whose) {
                *count -= 1;
                if *count == 0 {
                    of.remove(whose);
                }
            }
        }
    }
}

impl Streams {
    /// A place for a stream of a session of an account.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if there are too many.
    pub(super) fn take(&self, session: &str, account: &AccountId) -> Result<Place, ApiError> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = [session.to_owned(), account.to_string()];
        let has = |whose: &str| of.get(whose).copied().unwrap_or_default();
        let full = has(session) >= MOST_OF_ONE || has(&whose[1]) >= MOST_OF_ACCOUNT;
        if full || all(&of) >= MOST {
            let text = "Too many pages are open at once";
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, text));
        }
        whose.iter().for_each(|it| *of.entry(it.clone()).or_default() += 1);
        Ok(Place { of: Arc::clone(&self.of), whose })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        all(&self.of.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How many there are of all: each counts for its session and for its account.
fn all(of: &HashMap<String, usize>) -> usize {
    of.values().sum::<usize>() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_each_and_for_all() {
        let streams = Streams::default();
        let accounts = ["000000000001", "000000000002", "000000000003"];
        let [one, two, three] = accounts.map(|number| number.parse::<AccountId>().unwrap());
        let take = |session: &str, account| streams.take(session, account);
        let mut places: Vec<_> = (0..MOST_OF_ONE).map(|_| take("a", &one).unwrap()).collect();
        assert!(take("a", &one).is_err());
        places.pop();
        places.push(take("a", &one).unwrap());
        for n in 0..MOST_OF_ACCOUNT - MOST_OF_ONE {
            places.push(take(&format!("one {n}"), &one).unwrap());
        }
        assert!(take("b", &one).is_err(), "one account leaves some for others");
        for n in 0..MOST - MOST_OF_ACCOUNT {
            places.push(take(&format!("two {n}"), &two).unwrap());
        }
        assert_eq!(streams.count(), MOST);
        assert!(take("c", &three).is_err());
        drop(places);
        assert_eq!(streams.count(), 0);
    }
}

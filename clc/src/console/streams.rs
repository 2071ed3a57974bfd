//! How many parts of pages are followed, and how many bodies pass through: bounded, for everybody together,
//! for each account and for each session, so that nobody's leave none for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use tokio::sync::Semaphore;

/// How many parts are drawn at once.
const DRAWN: usize = 4;

/// How many there are of whom: of sessions by their digests, of accounts by their numbers.
type Counts = Arc<Mutex<HashMap<String, usize>>>;

/// The open streams.
pub(super) struct Streams {
    /// Parts of pages that are followed.
    pub(super) followed: Places,
    /// Bodies on their way from S3 and to it: each takes a mebibyte or two.
    pub(super) bodies: Places,
    /// How many parts may be drawn now.
    pub(super) drawing: Arc<Semaphore>,
}

impl Default for Streams {
    fn default() -> Self {
        let followed = Most { all: 1000, of_account: 500, of_session: 12 };
        let bodies = Most { all: 256, of_account: 128, of_session: 24 };
        Self {
            followed: Places::new(followed, "Too many pages are open at once"),
            bodies: Places::new(bodies, "Too many transfers are under way: wait for one to end"),
            drawing: Arc::new(Semaphore::new(DRAWN)),
        }
    }
}

/// How many places there are.
struct Most {
    all: usize,
    of_account: usize,
    of_session: usize,
}

/// A bounded number of places.
pub(super) struct Places {
    of: Counts,
    most: Most,
    /// What is said when there is none.
    text: &'static str,
}

/// A place, given back when it is dropped.
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

impl Places {
    fn new(most: Most, text: &'static str) -> Self {
        Self { of: Arc::default(), most, text }
    }

    /// A place for a session of an account.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if there are too many.
    pub(super) fn take(&self, session: &str, account: &AccountId) -> Result<Place, ApiError> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = [session.to_owned(), account.to_string()];
        let has = |whose: &str| of.get(whose).copied().unwrap_or_default();
        let Most { all: most, of_account, of_session } = self.most;
        if has(session) >= of_session || has(&whose[1]) >= of_account || all(&of) >= most {
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, self.text));
        }
        whose.iter().for_each(|it| *of.entry(it.clone()).or_default() += 1);
        Ok(Place { of: Arc::clone(&self.of), whose })
    }

    /// How many are taken.
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
    fn places_are_bounded_for_each_and_for_all() {
        let places = Places::new(Most { all: 100, of_account: 50, of_session: 12 }, "too many");
        let accounts = ["000000000001", "000000000002", "000000000003"];
        let [one, two, three] = accounts.map(|number| number.parse::<AccountId>().unwrap());
        let take = |session: &str, account| places.take(session, account);
        let mut taken: Vec<_> = (0..12).map(|_| take("a", &one).unwrap()).collect();
        assert!(take("a", &one).is_err());
        taken.pop();
        taken.push(take("a", &one).unwrap());
        for n in 0..38 {
            taken.push(take(&format!("one {n}"), &one).unwrap());
        }
        assert!(take("b", &one).is_err(), "one account leaves some for others");
        for n in 0..50 {
            taken.push(take(&format!("two {n}"), &two).unwrap());
        }
        assert_eq!(places.count(), 100);
        assert!(take("c", &three).is_err());
        drop(taken);
        assert_eq!(places.count(), 0);
    }
}

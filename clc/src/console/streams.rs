//! How many parts of pages are followed, and how many bodies pass through: bounded, for everybody together,
//! for each account and for each session, so that nobody's leave none for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use tokio::sync::Semaphore;

use super::viewer::Viewer;

/// How many parts are drawn at once.
const DRAWN: usize = 4;

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
        let followed = Most { all: 1000, account: 500, session: 12 };
        let bodies = Most { all: 256, account: 128, session: 24 };
        Self {
            followed: Places::new(followed, "Too many pages are open at once"),
            bodies: Places::new(bodies, "Too many transfers are under way: wait for one to end"),
            drawing: Arc::new(Semaphore::new(DRAWN)),
        }
    }
}

/// How many places there are, for everybody, for an account and for a session.
struct Most {
    all: usize,
    account: usize,
    session: usize,
}

/// How many are taken by whom: by sessions by their digests, by accounts by their numbers.
type Counts = Arc<Mutex<HashMap<String, usize>>>;

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

    /// A place for whoever is signed in.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if there are too many.
    pub(super) fn take(&self, viewer: &Viewer) -> Result<Place, ApiError> {
        self.of(&viewer.session.digest, viewer.caller.account.as_str())
    }

    fn of(&self, session: &str, account: &str) -> Result<Place, ApiError> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let has = |whose: &str| of.get(whose).copied().unwrap_or_default();
        let full = has(session) >= self.most.session || has(account) >= self.most.account;
        if full || all(&of) >= self.most.all {
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, self.text));
        }
        let whose = [session.to_owned(), account.to_owned()];
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
        let places = Places::new(Most { all: 100, account: 50, session: 12 }, "too many");
        let mut taken: Vec<_> = (0..12).map(|_| places.of("a", "1").unwrap()).collect();
        assert!(places.of("a", "1").is_err());
        taken.pop();
        taken.push(places.of("a", "1").unwrap());
        taken.extend((12..50).map(|n| places.of(&format!("one {n}"), "1").unwrap()));
        assert!(places.of("b", "1").is_err(), "one account leaves some for others");
        taken.extend((50..100).map(|n| places.of(&format!("two {n}"), "2").unwrap()));
        assert_eq!(places.count(), 100);
        assert!(places.of("c", "3").is_err());
        drop(taken);
        assert_eq!(places.count(), 0);
    }
}

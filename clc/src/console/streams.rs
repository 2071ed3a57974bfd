//! How many parts of pages are followed, and how many bodies pass through: bounded, for everybody together
//! and for each session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use tokio::sync::Semaphore;

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
        Self {
            followed: Places::new((1000, 12), "Too many pages are open at once"),
            bodies: Places::new((256, 24), "Too many transfers are under way: wait for one to end"),
            drawing: Arc::new(Semaphore::new(DRAWN)),
        }
    }
}

/// A bounded number of places, of which each session has a few.
pub(super) struct Places {
    of: Arc<Mutex<HashMap<String, usize>>>,
    most: usize,
    most_of_one: usize,
    /// What is said when there is none.
    text: &'static str,
}

/// A place, given back when it is dropped.
pub(super) struct Place {
    of: Arc<Mutex<HashMap<String, usize>>>,
    session: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                of.remove(&self.session);
            }
        }
    }
}

impl Places {
    fn new((most, most_of_one): (usize, usize), text: &'static str) -> Self {
        Self { of: Arc::default(), most, most_of_one, text }
    }

    /// A place for a session.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if there are too many.
    pub(super) fn take(&self, session: &str) -> Result<Place, ApiError> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of.get(session).copied().unwrap_or_default();
        if own >= self.most_of_one || of.values().sum::<usize>() >= self.most {
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, self.text));
        }
        of.insert(session.to_owned(), own + 1);
        Ok(Place { of: Arc::clone(&self.of), session: session.to_owned() })
    }

    /// How many are taken.
    pub(super) fn count(&self) -> usize {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_each_and_for_all() {
        let places = Places::new((100, 12), "too many");
        let mut taken: Vec<_> = (0..12).map(|_| places.take("a").unwrap()).collect();
        assert!(places.take("a").is_err());
        taken.pop();
        taken.push(places.take("a").unwrap());
        for n in 0..88 {
            taken.push(places.take(&n.to_string()).unwrap());
        }
        assert!(places.take("b").is_err());
        drop(taken);
        assert_eq!(places.count(), 0);
    }
}

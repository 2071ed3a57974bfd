//! How many parts of pages are followed: bounded, for everybody together and for each session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use tokio::sync::Semaphore;

/// How many streams there are at most.
const MOST: usize = 1000;
/// How many of them a session has.
const MOST_OF_ONE: usize = 12;
/// How many parts are drawn at once.
const DRAWN: usize = 4;

/// The open streams.
pub(super) struct Streams {
    of: Arc<Mutex<HashMap<String, usize>>>,
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

impl Streams {
    /// A place for a stream of a session.
    ///
    /// # Errors
    /// `RequestLimitExceeded` if there are too many.
    pub(super) fn take(&self, session: &str) -> Result<Place, ApiError> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let own = of.get(session).copied().unwrap_or_default();
        if own >= MOST_OF_ONE || of.values().sum::<usize>() >= MOST {
            let text = "Too many pages are open at once";
            return Err(ApiError::new(ErrorCode::RequestLimitExceeded, text));
        }
        of.insert(session.to_owned(), own + 1);
        Ok(Place { of: Arc::clone(&self.of), session: session.to_owned() })
    }

    /// How many are open.
    pub(super) fn count(&self) -> usize {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_bounded_for_each_and_for_all() {
        let streams = Streams::default();
        let mut places: Vec<_> = (0..MOST_OF_ONE).map(|_| streams.take("a").unwrap()).collect();
        assert!(streams.take("a").is_err());
        places.pop();
        places.push(streams.take("a").unwrap());
        for n in 0..MOST - MOST_OF_ONE {
            places.push(streams.take(&n.to_string()).unwrap());
        }
        assert!(streams.take("b").is_err());
        drop(places);
        assert_eq!(streams.count(), 0);
    }
}

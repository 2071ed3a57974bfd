//! What was typed and waits for something: sign-ins whose password was right and whose second factor is
//! still to come, and secrets of forms whose sender has to prove who they are.
//!
//! They are kept for a few minutes, in memory alone, under the cookie or the session of that browser, so
//! that nothing of them has to be sent to it and back. There is a bound to how many are kept, and to how
//! many of them are one session's; the oldest goes first.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::time::Timestamp;

/// How long a code may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How many are kept.
const MOST: usize = 1000;
/// How many of them under names with the same beginning: of one session.
const MOST_OF_ONE: usize = 8;

/// A sign-in that waits for its code.
#[derive(Clone)]
pub(crate) struct Half {
    /// The account's name.
    pub(crate) account: String,
    /// The user in it.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: String,
    /// Where to go then.
    pub(crate) next: String,
}

/// All of them, each under a name that its browser alone knows.
pub(crate) struct Pending<T>(Mutex<HashMap<String, (Timestamp, T)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Pending<T> {
    /// Keeps one. Up to a `/` its name says whose it is: whoever keeps many pushes out their own.
    pub(crate) fn put(&self, visit: &str, it: T, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (until, _)| *until > now);
        let whose = visit.split_once('/').map(|(whose, _)| format!("{whose}/"));
        let own = |name: &str| whose.as_ref().is_some_and(|whose| name.starts_with(whose));
        let many = all.keys().filter(|name| own(name)).count() >= MOST_OF_ONE;
        if many || all.len() >= MOST {
            let those = all.iter().filter(|(name, _)| !many || own(name));
            let oldest = those.min_by_key(|(_, (until, _))| *until).map(|(name, _)| name.clone());
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(visit.to_owned(), (now.plus(PATIENCE), it));
    }

    /// The one of a browser, which stays.
    pub(crate) fn get(&self, visit: &str, now: Timestamp) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = all.get(visit).filter(|(until, _)| *until > now);
        found.map(|(_, it)| it.clone())
    }

    /// Forgets the one of a browser.
    pub(crate) fn forget(&self, visit: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_forgotten_in_time_and_when_there_are_many() {
        let (pending, now) = (Pending::default(), Timestamp::from_secs(1_800_000_000));
        let half = || Half {
            account: "taro".into(),
            user: None,
            password: "secret".into(),
            next: "/".into(),
        };
        pending.put("first", half(), now);
        let later = now.plus(Duration::from_secs(1));
        assert!(pending.get("first", later).is_some() && pending.get("x", later).is_none());
        assert!(pending.get("first", now.plus(PATIENCE)).is_none());
        for n in 0..MOST {
            pending.put(&n.to_string(), half(), later);
        }
        assert!(pending.get("first", later).is_none(), "the oldest went");
        for n in 0..u32::try_from(MOST).unwrap() {
            pending.put(&format!("one/{n}"), half(), later.plus(Duration::from_millis(n.into())));
        }
        assert!(pending.get("7", later).is_some(), "whoever keeps many pushes out their own");
        assert!(pending.get("one/0", later).is_none() && pending.get("one/999", later).is_some());
        pending.forget("7");
        assert!(pending.get("7", later).is_none() && pending.get("8", later).is_some());
    }
}

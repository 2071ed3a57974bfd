//! How often strangers may ask: so many at once and so many an hour, for each kind of request and
//! each address or name. Pure; the time is a parameter.
//!
//! It is kept in memory, bounded, whatever the names are: a stranger with many addresses pushes out
//! the oldest, and is held by what all of them together may. What must outlive a restart is not kept here
//! ([`super::lockout`]).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::time::Duration;

use common::time::Timestamp;

/// How many are remembered.
const KEPT: usize = 16_384;

/// A kind of request with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Applications and recoveries from one address.
    Asking,
    /// Applications and recoveries of everybody.
    AskingAll,
    /// Mails to one mail address, or about one name.
    Mailed,
    /// Tries of links from one address.
    Link,
    /// Tries of passwords from one address.
    Password,
    /// Tries of their own password by somebody who is signed in.
    Own,
}

impl Kind {
    /// How many at once, and after which time one more.
    fn bounds(self) -> (u32, Duration) {
        match self {
            Self::Asking => (10, Duration::from_secs(360)),
            Self::AskingAll => (200, Duration::from_secs(10)),
            Self::Mailed => (4, Duration::from_secs(3600)),
            Self::Link => (30, Duration::from_secs(60)),
            Self::Password | Self::Own => (60, Duration::from_secs(2)),
        }
    }
}

/// Who has asked how often, within the bounds of each kind.
#[derive(Debug, Default)]
pub struct Throttle(Buckets<Kind>);

impl Throttle {
    /// Lets somebody ask, or says after which time they may.
    ///
    /// # Errors
    /// How long they have to wait.
    pub fn admit(&mut self, kind: Kind, who: &str, now: Timestamp) -> Result<(), Duration> {
        self.0.admit(kind, kind.bounds(), who, now)
    }
}

/// Who has asked how often, for kinds of requests whose bounds are said each time.
#[derive(Debug)]
pub struct Buckets<K> {
    /// When the last of all that were let through is forgotten.
    until: HashMap<(K, u64), Timestamp>,
    /// What makes hashes of names that nobody can foresee.
    hasher: RandomState,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { until: HashMap::new(), hasher: RandomState::new() }
    }
}

impl<K: Copy + Eq + Hash> Buckets<K> {
    /// Lets somebody ask, or says after which time they may: so many at once, and one more after each
    /// such time.
    ///
    /// # Errors
    /// How long they have to wait.
    pub fn admit(
        &mut self,
        kind: K,
        (most, each): (u32, Duration),
        who: &str,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let who = self.hasher.hash_one(who.to_ascii_lowercase());
        if self.until.len() >= KEPT {
            self.until.retain(|_, until| *until > now);
            if self.until.len() >= KEPT {
                self.drop_oldest();
            }
        }
        let until = self.until.entry((kind, who)).or_insert(now);
        let since = if *until > now { *until } else { now };
        let next = since.plus(each);
        let full = each * most;
        let ahead = next.since(now);
        if ahead > full {
            return Err(ahead.saturating_sub(full));
        }
        *until = next;
        Ok(())
    }

    /// Half of them go: those who asked least.
    fn drop_oldest(&mut self) {
        let mut all: Vec<_> = self.until.values().copied().collect();
        all.sort_unstable();
        if let Some(middle) = all.get(all.len() / 2).copied() {
            self.until.retain(|_, until| *until > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_at_a_time() {
        let mut throttle = Throttle::default();
        let at = |seconds: i64| Timestamp::from_secs(1_000_000 + seconds);
        for _ in 0..4 {
            throttle.admit(Kind::Mailed, "a@b", at(0)).unwrap();
        }
        assert_eq!(throttle.admit(Kind::Mailed, "A@B", at(0)), Err(Duration::from_secs(3600)));
        throttle.admit(Kind::Mailed, "c@d", at(0)).unwrap();
        throttle.admit(Kind::Asking, "a@b", at(0)).unwrap();
        assert_eq!(throttle.admit(Kind::Mailed, "a@b", at(3599)), Err(Duration::from_secs(1)));
        throttle.admit(Kind::Mailed, "a@b", at(3600)).unwrap();
        assert!(throttle.admit(Kind::Mailed, "a@b", at(3600)).is_err());
        for _ in 0..4 {
            throttle.admit(Kind::Mailed, "a@b", at(90_000)).unwrap();
        }
    }

    #[test]
    fn strangers_cannot_fill_it() {
        let mut throttle = Throttle::default();
        for number in 0..100_000 {
            throttle
                .admit(Kind::Asking, &number.to_string(), Timestamp::from_secs(number))
                .unwrap();
        }
        assert!(throttle.0.until.len() <= KEPT);
    }
}

//! How much of the console somebody may have in a minute: pages, changes, sign-ins, parts to follow.
//!
//! Whoever is signed in is counted by their session, everybody else by their address (of IPv6 by its
//! first 64 bits). So a stranger closes nothing for people who are signed in behind the same address,
//! and a session that somebody wears out closes nothing for others. Sessions and addresses are
//! remembered apart, each a bounded number, in memory alone: what must outlive a restart is counted by
//! [`crate::people::lockout`]. Files that pages load are not counted: browsers keep them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::error::ApiError;
use common::time::Timestamp;

use super::routes::Method;
use super::visit::Visit;
use crate::people::origin;
use crate::people::throttle::Buckets;
use crate::settings;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rate {
    /// Pages that are shown.
    Pages,
    /// Forms that are sent.
    Changes,
    /// Names and passwords that are tried.
    SignIns,
    /// Parts of pages that are begun to be followed.
    Streams,
}

impl Rate {
    /// As what a request counts.
    pub(super) fn of(method: Method, path: &str) -> Self {
        match method {
            Method::Get => Self::Pages,
            Method::Post if path == "/sign-in" || path.starts_with("/sign-in/") => Self::SignIns,
            Method::Post => Self::Changes,
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Pages => settings::PAGES_PER_MINUTE,
            Self::Changes => settings::CHANGES_PER_MINUTE,
            Self::SignIns => settings::SIGN_INS_PER_MINUTE,
            Self::Streams => settings::STREAMS_PER_MINUTE,
        }
    }
}

/// How much everybody had lately.
#[derive(Debug, Default)]
pub(super) struct Rates {
    sessions: Mutex<Buckets<Rate>>,
    addresses: Mutex<Buckets<Rate>>,
}

impl Rates {
    /// Counts a request; says after how many seconds it may be made, if it comes too soon.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn count(&self, visit: &Visit, rate: Rate) -> Result<Option<u64>, ApiError> {
        let people = &visit.desk.people;
        let setting = rate.setting();
        let number = people.work(move |it| settings::number(&it.records, setting)).await?;
        let most = u32::try_from(number).unwrap_or(u32::MAX);
        let (now, session) = (people.now(), visit.viewer.as_ref().map(|it| &it.session.digest));
        Ok(self.admit(rate, most, session.map(String::as_str), &visit.address(), now))
    }

    fn admit(
        &self,
        rate: Rate,
        most: u32,
        session: Option<&str>,
        address: &str,
        now: Timestamp,
    ) -> Option<u64> {
        let bounds = (most, Duration::from_secs(60) / most.max(1));
        let (buckets, who) = match session {
            Some(session) => (&self.sessions, session.to_owned()),
            None => (&self.addresses, origin::of(address)),
        };
        let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.admit(rate, bounds, &who, now).err().map(|wait| wait.as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn sessions_and_addresses_are_counted_apart() {
        let rates = Rates::default();
        let stranger = |address: &str| rates.admit(Rate::Pages, 2, None, address, NOW);
        let known = |session: &str| rates.admit(Rate::Pages, 2, Some(session), "192.0.2.1", NOW);
        assert_eq!((stranger("192.0.2.1"), stranger("192.0.2.1")), (None, None));
        assert_eq!(stranger("192.0.2.1"), Some(31));
        assert_eq!((stranger("192.0.2.2"), known("a"), known("a")), (None, None, None));
        assert_eq!((known("a"), known("b")), (Some(31), None));
        assert_eq!(rates.admit(Rate::Changes, 2, Some("a"), "", NOW), None);
        let later = NOW.plus(Duration::from_secs(30));
        assert_eq!(rates.admit(Rate::Pages, 2, Some("a"), "", later), None);

        assert_eq!((stranger("2001:db8::1"), stranger("2001:db8::2")), (None, None));
        assert!(stranger("2001:db8::3").is_some() && stranger("2001:db8:0:1::1").is_none());
    }

    #[test]
    fn requests_count_as_what_they_are() {
        assert_eq!(Rate::of(Method::Get, "/sign-in"), Rate::Pages);
        assert_eq!(Rate::of(Method::Post, "/sign-in/code"), Rate::SignIns);
        assert_eq!(Rate::of(Method::Post, "/sign-ins"), Rate::Changes);
    }
}

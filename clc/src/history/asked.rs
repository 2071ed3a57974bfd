//! How often each account asked, of what was counted ten minutes ago and now.
//!
//! Counts begin anew with their services. What was counted before that, or longer ago than one
//! interval, says nothing of this one: it is not known how often was asked.

use std::collections::BTreeMap;

use super::Calls;

/// What was counted at a moment.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The interval in which it was.
    pub(super) period: i64,
    /// Calls of the APIs of the clc.
    pub(super) here: Calls,
    /// Requests of S3, if walrus told of them.
    pub(super) storage: Option<BTreeMap<String, u64>>,
}

/// What each account asked in an interval: calls of EC2, of other APIs, of S3.
#[derive(Debug)]
pub(super) struct Grown {
    /// Those who asked something.
    pub(super) accounts: BTreeMap<String, [Option<u64>; 3]>,
    /// What is known of all others.
    pub(super) others: [Option<u64>; 3],
}

impl Grown {
    /// From one look to the next.
    pub(super) fn between(before: Option<&Asked>, now: &Asked) -> Self {
        let before = before.filter(|it| it.period + 1 == now.period);
        let nothing = Calls::new();
        let here = before.map_or(&nothing, |it| &it.here);
        let storage = before.and_then(|it| it.storage.as_ref()).zip(now.storage.as_ref());
        let others = [before.map(|_| 0), before.map(|_| 0), storage.map(|_| 0)];
        let mut accounts = BTreeMap::new();
        let storage_names = storage.iter().flat_map(|(_, now)| now.keys());
        for account in now.here.keys().chain(storage_names) {
            let calls = |all: &Calls| all.get(account).copied().unwrap_or_default();
            let (then, since) = (calls(here), calls(&now.here));
            let more = |api: usize| before.and_then(|_| since[api].checked_sub(then[api]));
            let of = |all: &BTreeMap<String, u64>| all.get(account).copied().unwrap_or_default();
            let sent = storage.and_then(|(then, since)| of(since).checked_sub(of(then)));
            let grown = [more(0), more(1), sent];
            if grown != others {
                accounts.insert(account.clone(), grown);
            }
        }
        Self { accounts, others }
    }

    /// What an account asked.
    pub(super) fn of(&self, account: &str) -> [Option<u64>; 3] {
        self.accounts.get(account).copied().unwrap_or(self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(period: i64, here: &[(&str, u64)], storage: Option<&[(&str, u64)]>) -> Asked {
        let own = |(name, count): &(&str, u64)| ((*name).to_owned(), [*count, 2 * count]);
        let all = |all: &[(&str, u64)]| {
            all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
        };
        Asked { period, here: here.iter().map(own).collect(), storage: storage.map(all) }
    }

    #[test]
    fn what_was_asked_is_what_was_counted_since() {
        let before = asked(7, &[("1", 5)], Some(&[("1", 10), ("2", 1)]));
        let now = asked(8, &[("1", 6), ("3", 2)], Some(&[("1", 10), ("2", 4)]));
        let grown = Grown::between(Some(&before), &now);
        assert_eq!(grown.of("1"), [Some(1), Some(2), Some(0)]);
        assert_eq!(grown.of("2"), [Some(0), Some(0), Some(3)]);
        assert_eq!(grown.of("3"), [Some(2), Some(4), Some(0)], "it has never asked before");
        assert_eq!(grown.of("4"), [Some(0); 3], "it has asked nothing");
        assert_eq!(grown.accounts.len(), 3);
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        let now = asked(8, &[("1", 6)], Some(&[("1", 10)]));
        for before in [None, Some(asked(6, &[("1", 5)], Some(&[])))] {
            let grown = Grown::between(before.as_ref(), &now);
            assert_eq!((grown.of("1"), grown.of("2")), ([None; 3], [None; 3]));
            assert!(grown.accounts.is_empty());
        }
        // Walrus was away, and then it was started anew.
        let away = asked(9, &[("1", 6)], None);
        let grown = Grown::between(Some(&now), &away);
        assert_eq!(grown.of("1"), [Some(0), Some(0), None]);
        let anew = asked(9, &[("1", 6)], Some(&[("1", 2)]));
        assert_eq!(Grown::between(Some(&now), &anew).of("1"), [Some(0), Some(0), None]);
    }
}

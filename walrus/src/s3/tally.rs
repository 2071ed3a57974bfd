//! How much is asked of S3, in all and by whom, since walrus was started.
//!
//! Whoever is not known is nobody's. Only so many accounts are told apart; of more, those that came
//! first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::id::AccountId;
use common::wire::walrus::Traffic;
use runtime::metrics::{Counter, Metrics};

/// How many accounts are told apart.
const MOST: usize = 10_000;

/// The counts. Clones are the same.
#[derive(Clone)]
pub(crate) struct Tally {
    requests: Counter,
    failures: Counter,
    refusals: Counter,
    accounts: Arc<Mutex<BTreeMap<AccountId, u64>>>,
}

impl Tally {
    /// Counts that begin at nothing, and are among the metrics.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            requests: metrics.counter("eucalypt_walrus_requests_total", "S3 requests answered"),
            failures: metrics.counter(
                "eucalypt_walrus_failures_total",
                "S3 requests that failed by walrus' own fault",
            ),
            refusals: metrics.counter(
                "eucalypt_walrus_refusals_total",
                "S3 requests that were refused or failed",
            ),
            accounts: Arc::default(),
        }
    }

    /// A request of an account, or of nobody who is known, was answered with that status.
    pub(crate) fn note(&self, account: Option<&AccountId>, status: u16) {
        self.requests.add(1);
        if status >= 400 {
            self.refusals.add(1);
        }
        let Some(account) = account else { return };
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = accounts.get_mut(account) {
            *count += 1;
        } else if accounts.len() < MOST {
            accounts.insert(account.clone(), 1);
        }
    }

    /// A request failed by walrus' own fault.
    pub(crate) fn failed(&self) {
        self.failures.add(1);
    }

    /// What is told of them.
    pub(crate) fn told(&self, by_accounts: bool) -> Traffic {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let each = accounts.iter().map(|(account, count)| (account.clone(), *count));
        Traffic {
            requests: self.requests.value(),
            failures: self.failures.value(),
            refusals: self.refusals.value(),
            accounts: if by_accounts { each.collect() } else { Vec::new() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_whoever_sent_them_and_accounts_are_bounded() {
        let tally = Tally::new(&Metrics::default());
        let account = |n: usize| format!("{n:012}").parse::<AccountId>().unwrap();
        tally.note(None, 403);
        tally.note(Some(&account(1)), 304);
        tally.note(Some(&account(1)), 404);
        tally.failed();
        let told = tally.told(true);
        assert_eq!((told.requests, told.refusals, told.failures), (3, 2, 1));
        assert_eq!(told.accounts, [(account(1), 2)]);
        (0..MOST + 5).for_each(|n| tally.note(Some(&account(n)), 200));
        assert_eq!(tally.told(true).accounts.len(), MOST);
        assert!(tally.told(false).accounts.is_empty());
    }
}

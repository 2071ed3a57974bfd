//! How many calls there were, by API and by account: counted where they are recorded.
//!
//! Only so many accounts are told apart; of more, those that came first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use common::audit::Event;
use common::error::ApiError;
use futures_util::future::BoxFuture;
use runtime::auditor::Auditor;

/// How many accounts are told apart.
const MOST: usize = 10_000;

/// Calls of an API since the start, and those among them that were refused or failed.
#[derive(Debug, Default)]
struct Pair(AtomicU64, AtomicU64);

impl Pair {
    fn read(&self) -> [u64; 2] {
        [self.0.load(Ordering::Relaxed), self.1.load(Ordering::Relaxed)]
    }
}

/// Calls of each account, by its number: of EC2, and of all other APIs.
pub type Calls = BTreeMap<String, [u64; 2]>;

#[derive(Debug, Default)]
struct All {
    apis: [Pair; 2],
    accounts: Mutex<Calls>,
}

/// The counts of the clc's APIs. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<All>);

impl Counts {
    /// Calls of EC2 and those refused, of all other APIs and those refused.
    pub fn read(&self) -> [u64; 4] {
        let [ec2, others] = &self.0.apis;
        let ([ec2, refused], [others, refused_others]) = (ec2.read(), others.read());
        [ec2, refused, others, refused_others]
    }

    /// Calls of each account.
    pub fn calls(&self) -> Calls {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, event: &Event) {
        let api = usize::from(event.service != "ec2");
        let pair = &self.0.apis[api];
        pair.0.fetch_add(1, Ordering::Relaxed);
        if event.failure.is_some() {
            pair.1.fetch_add(1, Ordering::Relaxed);
        }
        let Some(actor) = &event.actor else { return };
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = accounts.get_mut(&actor.account) {
            calls[api] += 1;
        } else if accounts.len() < MOST {
            accounts.entry(actor.account.clone()).or_default()[api] = 1;
        }
    }
}

/// An auditor that counts what another keeps.
pub struct Counted<A> {
    /// The other.
    pub auditor: A,
    /// The counts.
    pub counts: Counts,
}

impl<A: Auditor> Auditor for Counted<A> {
    fn ready(&self) -> Result<(), ApiError> {
        self.auditor.ready()
    }

    fn keep(&self, event: Event) -> BoxFuture<'_, Result<(), ApiError>> {
        self.counts.note(&event);
        self.auditor.keep(event)
    }
}

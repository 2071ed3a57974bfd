//! How many calls there were, by API: counted where they are recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::audit::Event;
use common::error::ApiError;
use futures_util::future::BoxFuture;
use runtime::auditor::Auditor;

/// Calls of an API since the start, and those among them that were refused or failed.
#[derive(Debug, Default)]
struct Pair(AtomicU64, AtomicU64);

impl Pair {
    fn read(&self) -> [u64; 2] {
        [self.0.load(Ordering::Relaxed), self.1.load(Ordering::Relaxed)]
    }
}

/// The counts of the clc's APIs. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Counts(Arc<[Pair; 2]>);

impl Counts {
    /// Calls of EC2 and those refused, of all other APIs and those refused.
    pub fn read(&self) -> [u64; 4] {
        let ([ec2, refused], [others, refused_others]) = (self.0[0].read(), self.0[1].read());
        [ec2, refused, others, refused_others]
    }

    fn note(&self, event: &Event) {
        let pair = &self.0[usize::from(event.service != "ec2")];
        pair.0.fetch_add(1, Ordering::Relaxed);
        if event.failure.is_some() {
            pair.1.fetch_add(1, Ordering::Relaxed);
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

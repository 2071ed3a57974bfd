//! How many operations are done at once: all together, and for one account, so that whoever sends
//! or reads slowly takes up their own share and not everybody's.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Leave to do one operation; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _own: OwnedSemaphorePermit,
    _common: OwnedSemaphorePermit,
}

/// The permits that there are. Callers without an account share one share.
#[derive(Debug)]
pub(crate) struct Permits {
    common: Arc<Semaphore>,
    share: usize,
    own: BTreeMap<Option<AccountId>, Arc<Semaphore>>,
}

impl Permits {
    /// `count` permits, of which one account may have three quarters.
    pub(crate) fn new(count: usize) -> Self {
        let share = (count - count / 4).max(1);
        Self { common: Arc::new(Semaphore::new(count)), share, own: BTreeMap::new() }
    }

    /// A permit for an operation of that account, if one is left for it.
    pub(crate) fn take(&mut self, account: Option<&AccountId>) -> Option<Permit> {
        let share = self.share;
        // Accounts that do nothing just now are not remembered.
        self.own.retain(|_, own| own.available_permits() < share);
        let own = self.own.entry(account.cloned());
        let own = own.or_insert_with(|| Arc::new(Semaphore::new(share)));
        let own = Arc::clone(own).try_acquire_owned().ok()?;
        let common = Arc::clone(&self.common).try_acquire_owned().ok()?;
        Some(Permit { _own: own, _common: common })
    }
}

/// The refusal for want of a permit.
pub(crate) fn slow_down() -> ApiError {
    let text = "Too many requests are being worked on, please reduce your request rate";
    ApiError::new(ErrorCode::SlowDown, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_has_a_share_and_all_have_the_whole() {
        let mut permits = Permits::new(4);
        let (one, two): (AccountId, AccountId) =
            ("111111111111".parse().unwrap(), "222222222222".parse().unwrap());
        let mut held: Vec<_> = (0..3).map(|_| permits.take(Some(&one)).unwrap()).collect();
        assert!(permits.take(Some(&one)).is_none());
        held.push(permits.take(Some(&two)).unwrap());
        assert!(permits.take(Some(&two)).is_none(), "there are no more");
        assert!(permits.take(None).is_none());
        held.clear();
        let nobody = permits.take(None).unwrap();
        assert_eq!(permits.own.len(), 1, "who does nothing is forgotten");
        drop(nobody);
        assert!(Permits::new(1).take(None).is_some());
    }
}

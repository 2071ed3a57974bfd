//! Charges changes: the one writer of usage rows.
//!
//! Rows are read as late as can be before their commit, because every write of an account meets
//! in them; whoever loses a round reads them anew. The totals for /metrics follow the commits
//! and may lag behind them, never the rows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::s3::BucketName;
use common::wire::quota::{Limit, Limits, Scope, SetDefaultLimits, Used};
use store::{Batch, Engine, StoreError, Table};

use super::amount::{Change, Excess, Quota, Usage, effective, excess, scope_key, scopes, stricter};

/// Why a change cannot be charged.
#[derive(Debug)]
pub(crate) enum ChargeError {
    /// It would be more than there may be.
    Exceeded(ApiError),
    /// The rows could not be read.
    Store(StoreError),
}

impl From<StoreError> for ChargeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The limits of those for whom no administrator has set any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// An account's.
    pub(crate) account: Limits,
    /// A bucket's.
    pub(crate) bucket: Limits,
}

/// How much policies let somebody have, whatever else is set. What is not said is no cap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Caps {
    /// Whose account counts.
    pub(crate) account: Option<AccountId>,
    /// What that account may have.
    pub(crate) of_account: Limits,
    /// What each bucket may.
    pub(crate) of_bucket: Limits,
}

/// The figures of all accounts together.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    bytes: AtomicU64,
    uploading: AtomicU64,
    objects: AtomicU64,
    buckets: AtomicU64,
    /// Requests refused because of a quota.
    refusals: AtomicU64,
}

impl Totals {
    /// What is used by all accounts.
    pub(crate) fn used(&self) -> Used {
        Used {
            bytes: self.bytes.load(Ordering::Relaxed),
            uploading: self.uploading.load(Ordering::Relaxed),
            objects: self.objects.load(Ordering::Relaxed),
            buckets: self.buckets.load(Ordering::Relaxed),
        }
    }

    /// Requests refused so far.
    pub(crate) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Adds a change.
    pub(crate) fn add(&self, change: Change) {
        for (figure, by) in [
            (&self.bytes, change.bytes),
            (&self.uploading, change.uploading),
            (&self.objects, change.objects),
            (&self.buckets, change.buckets),
        ] {
            let add = |now: u64| Some(now.saturating_add_signed(by));
            // The closure never gives None.
            let _ = figure.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }
}

/// The tables of quotas.
#[derive(Clone)]
pub(crate) struct Ledger {
    /// What is used.
    pub(crate) usage: Table<Usage>,
    /// The limits that were set.
    pub(crate) quotas: Table<Quota>,
    /// The limits of the others, by the configuration.
    pub(crate) defaults: Defaults,
    /// What an administrator has set in their place.
    chosen: Arc<Mutex<SetDefaultLimits>>,
    /// The figures of all accounts.
    pub(crate) totals: Arc<Totals>,
    /// How much whoever makes the changes may have.
    pub(crate) caps: Caps,
}

impl Ledger {
    /// A ledger in a store.
    pub(crate) fn new(engine: &Arc<dyn Engine>) -> Self {
        Self {
            usage: Table::new(Arc::clone(engine)),
            quotas: Table::new(Arc::clone(engine)),
            defaults: Defaults::default(),
            chosen: Arc::default(),
            totals: Arc::default(),
            caps: Caps::default(),
        }
    }

    /// What a scope uses. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn used(&self, scope: &Scope) -> Result<Used, StoreError> {
        let seen = self.usage.get(&scope_key(scope))?;
        Ok(seen.map(|seen| seen.record.used).unwrap_or_default())
    }

    /// The limits that hold for a scope. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn limits(&self, scope: &Scope) -> Result<(Limits, Limits), StoreError> {
        let seen = self.quotas.get(&scope_key(scope))?;
        let set = seen.map(|seen| seen.record.limits).unwrap_or_default();
        Ok((set, effective(set, self.defaults_of(scope))))
    }

    /// What a change by whoever is capped must keep within.
    fn strictest(&self, scope: &Scope) -> Result<Limits, StoreError> {
        let (_, limits) = self.limits(scope)?;
        let caps = match scope {
            Scope::Bucket(_) => self.caps.of_bucket,
            Scope::Account(account) if self.caps.account.as_ref() == Some(account) => {
                self.caps.of_account
            }
            Scope::Account(_) => Limits::default(),
        };
        Ok(stricter(limits, caps))
    }

    /// What an administrator has set in the place of the configuration.
    pub(crate) fn chosen(&self) -> SetDefaultLimits {
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something else in the place of the configuration.
    pub(crate) fn choose(&self, chosen: SetDefaultLimits) {
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = chosen;
    }

    fn defaults_of(&self, scope: &Scope) -> Limits {
        let Defaults { account, bucket } = self.defaults;
        let chosen = self.chosen();
        match scope {
            Scope::Account(_) => {
                let buckets = chosen.account_buckets.map_or(account.buckets, configured);
                Limits { buckets, ..account }
            }
            Scope::Bucket(_) => {
                let bytes = chosen.bucket_bytes.map_or(bucket.bytes, configured);
                Limits { bytes, ..bucket }
            }
        }
    }

    /// Refuses a change that would not keep within the limits as things stand, so that nobody
    /// sends bytes in vain. Promises nothing: the commit looks again. Blocks.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(crate) fn foresee(
        &self,
        bucket: &BucketName,
        account: &AccountId,
        change: Change,
    ) -> Result<(), ChargeError> {
        if change.grows() {
            for scope in scopes(bucket, account) {
                let limits = self.strictest(&scope)?;
                self.allow(&scope, self.used(&scope)?, change, &limits)?;
            }
        }
        Ok(())
    }

    /// Adds a change of something in a bucket to its commit. Blocks.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub(crate) fn charge(
        &self,
        batch: &mut Batch,
        bucket: &BucketName,
        account: &AccountId,
        change: Change,
    ) -> Result<(), ChargeError> {
        scopes(bucket, account).iter().try_for_each(|scope| self.charge_one(batch, scope, change))
    }

    /// Adds the coming of a bucket to its commit. Blocks.
    ///
    /// # Errors
    /// `TooManyBuckets`.
    pub(crate) fn bucket_comes(
        &self,
        batch: &mut Batch,
        bucket: &BucketName,
        account: &AccountId,
    ) -> Result<(), ChargeError> {
        self.charge(batch, bucket, account, Change::buckets(1))
    }

    /// Adds the going of a bucket, which holds nothing any more, to its commit; gives what that
    /// changes. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn bucket_goes(
        &self,
        batch: &mut Batch,
        bucket: &BucketName,
        account: &AccountId,
    ) -> Result<Change, ChargeError> {
        let row = scope_key(&Scope::Bucket(bucket.clone()));
        if let Some(quota) = self.quotas.get(&row)? {
            batch.remove(&quota);
        }
        let mut change = Change::buckets(-1);
        if let Some(usage) = self.usage.get(&row)? {
            // Nothing is in it any more, whatever the row says.
            change = Change::all_goes(usage.used).and(Change::buckets(-1));
            batch.remove(&usage);
        }
        self.charge_one(batch, &Scope::Account(account.clone()), change)?;
        Ok(change)
    }

    /// Adds to the commit that gives a bucket to another account: all that is used by it is
    /// charged to that one from now on, and to the former no more. Blocks.
    ///
    /// # Errors
    /// `QuotaExceeded` or `TooManyBuckets` if the new owner may not have so much.
    pub(crate) fn bucket_moves(
        &self,
        batch: &mut Batch,
        bucket: &BucketName,
        (from, to): (&AccountId, &AccountId),
    ) -> Result<(), ChargeError> {
        let used = self.used(&Scope::Bucket(bucket.clone()))?;
        let goes = Change::all_goes(used).and(Change::buckets(-1));
        self.charge_one(batch, &Scope::Account(from.clone()), goes)?;
        self.charge_one(batch, &Scope::Account(to.clone()), goes.reversed())
    }

    /// Refuses an account that may not have all that another has, as things stand. Blocks.
    ///
    /// # Errors
    /// `QuotaExceeded` or `TooManyBuckets`.
    pub(crate) fn foresee_all(&self, from: &AccountId, to: &AccountId) -> Result<(), ChargeError> {
        let used = self.used(&Scope::Account(from.clone()))?;
        let buckets = i64::try_from(used.buckets).unwrap_or(i64::MAX);
        let comes = Change::all_goes(used).reversed().and(Change::buckets(buckets));
        let scope = Scope::Account(to.clone());
        let limits = self.strictest(&scope)?;
        self.allow(&scope, self.used(&scope)?, comes, &limits)
    }

    /// Adds to a commit: an account that has nothing any more leaves no row. Blocks.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn account_goes(
        &self,
        batch: &mut Batch,
        account: &AccountId,
    ) -> Result<(), StoreError> {
        let row = scope_key(&Scope::Account(account.clone()));
        if let Some(usage) = self.usage.get(&row)? {
            batch.remove(&usage);
        }
        if let Some(quota) = self.quotas.get(&row)? {
            batch.remove(&quota);
        }
        Ok(())
    }

    /// Tells the totals what was committed.
    pub(crate) fn committed(&self, change: Change) {
        self.totals.add(change);
    }

    fn charge_one(
        &self,
        batch: &mut Batch,
        scope: &Scope,
        change: Change,
    ) -> Result<(), ChargeError> {
        if change.is_nothing() {
            return Ok(());
        }
        let limits = if change.grows() { self.strictest(scope)? } else { Limits::default() };
        match self.usage.get(&scope_key(scope))? {
            Some(mut seen) => {
                self.allow(scope, seen.used, change, &limits)?;
                seen.record.used = change.apply(seen.used);
                batch.replace(&seen)?;
            }
            None => {
                self.allow(scope, Used::default(), change, &limits)?;
                let used = change.apply(Used::default());
                batch.insert(&Usage { scope: scope.clone(), used })?;
            }
        }
        Ok(())
    }

    fn allow(
        &self,
        scope: &Scope,
        used: Used,
        change: Change,
        limits: &Limits,
    ) -> Result<(), ChargeError> {
        let Some(excess) = excess(used, change, limits) else { return Ok(()) };
        self.totals.refusals.fetch_add(1, Ordering::Relaxed);
        let (code, what) = match excess {
            Excess::Bytes(most) => (ErrorCode::QuotaExceeded, format!("{most} bytes")),
            Excess::Objects(most) => (ErrorCode::QuotaExceeded, format!("{most} objects")),
            Excess::Buckets(most) => (ErrorCode::TooManyBuckets, format!("{most} buckets")),
        };
        let text = format!("The quota of the {scope} is {what}, and this would be more");
        Err(ChargeError::Exceeded(ApiError::new(code, text)))
    }
}

/// A limit of the configuration: 0 is none.
pub(crate) fn configured(most: u64) -> Limit {
    if most == 0 { Limit::Unlimited } else { Limit::AtMost(most) }
}

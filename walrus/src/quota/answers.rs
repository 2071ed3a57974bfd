//! What an administrator asks of quotas, by the clc: limits are kept here, so that they hold while
//! the clc is away.

use common::error::ApiError;
use common::wire::quota::{DescribeQuotas, Limit, QuotaView, Scope, SetDefaultLimits, SetQuota};
use store::{StoreError, transact};

use crate::records::{Failed, Records, Setting};
use crate::usage::amount::{Quota, scope_key};

/// Quotas of one answer at most.
const PAGE: usize = 500;

/// Changes limits. Blocks.
///
/// # Errors
/// `NoSuchBucket`; `InvalidParameterValue` for buckets in a bucket.
pub(crate) fn set(records: &Records, ask: &SetQuota) -> Result<QuotaView, Failed> {
    if matches!(ask.scope, Scope::Bucket(_)) && ask.buckets.is_some() {
        return Err(ApiError::invalid("buckets", "a bucket holds no buckets").into());
    }
    let quotas = &records.ledger.quotas;
    transact(records.engine(), |batch| {
        if let Scope::Bucket(name) = &ask.scope {
            let bucket = records.bucket(name)?;
            batch.hold(&bucket);
        }
        let seen = quotas.get(&scope_key(&ask.scope))?;
        let mut limits = seen.as_ref().map(|seen| seen.limits).unwrap_or_default();
        for (limit, wanted) in [
            (&mut limits.bytes, ask.bytes),
            (&mut limits.objects, ask.objects),
            (&mut limits.buckets, ask.buckets),
        ] {
            *limit = wanted.unwrap_or(*limit);
        }
        let none = [limits.bytes, limits.objects, limits.buckets] == [Limit::Default; 3];
        match seen {
            Some(seen) if none => drop(batch.remove(&seen)),
            Some(mut seen) => {
                seen.record.limits = limits;
                batch.replace(&seen)?;
            }
            None if none => {}
            None => drop(batch.insert(&Quota { scope: ask.scope.clone(), limits })?),
        }
        Ok::<_, Failed>(())
    })?;
    Ok(view(records, ask.scope.clone())?)
}

/// The names under which limits are kept that stand in the place of the configuration.
const ACCOUNT_BUCKETS: &str = "default-account-buckets";
const BUCKET_BYTES: &str = "default-bucket-bytes";

/// Puts limits in the place of the configuration's; says whether they are others than before. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn set_defaults(records: &Records, wanted: SetDefaultLimits) -> Result<bool, Failed> {
    if records.ledger.chosen() == wanted {
        return Ok(false);
    }
    transact(records.engine(), |batch| {
        for (name, value) in
            [(ACCOUNT_BUCKETS, wanted.account_buckets), (BUCKET_BYTES, wanted.bucket_bytes)]
        {
            match (records.settings.get(name)?, value) {
                (Some(seen), None) => drop(batch.remove(&seen)),
                (Some(mut seen), Some(value)) => {
                    seen.record.value = value;
                    batch.replace(&seen)?;
                }
                (None, Some(value)) => {
                    batch.insert(&Setting { name: name.to_owned(), value })?;
                }
                (None, None) => {}
            }
        }
        Ok::<_, StoreError>(())
    })?;
    records.ledger.choose(wanted);
    Ok(true)
}

/// What was put in the place of the configuration holds again after a restart. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn recall_defaults(records: &Records) -> Result<(), StoreError> {
    let kept = |name| Ok::<_, StoreError>(records.settings.get(name)?.map(|it| it.record.value));
    let (account_buckets, bucket_bytes) = (kept(ACCOUNT_BUCKETS)?, kept(BUCKET_BYTES)?);
    records.ledger.choose(SetDefaultLimits { account_buckets, bucket_bytes });
    Ok(())
}

/// Tells a page of all quotas. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn describe(records: &Records, ask: &DescribeQuotas) -> Result<Vec<QuotaView>, Failed> {
    let after = ask.after.as_ref().map(scope_key);
    let used = records.ledger.usage.scan("", after.as_deref(), PAGE)?;
    let set = records.ledger.quotas.scan("", after.as_deref(), PAGE)?;
    let used = used.into_iter().map(|seen| seen.record.scope);
    let mut scopes: Vec<Scope> =
        used.chain(set.into_iter().map(|seen| seen.record.scope)).collect();
    scopes.sort_by_cached_key(scope_key);
    scopes.dedup();
    scopes.truncate(PAGE);
    Ok(scopes.into_iter().map(|scope| view(records, scope)).collect::<Result<_, _>>()?)
}

fn view(records: &Records, scope: Scope) -> Result<QuotaView, StoreError> {
    let (set, holds) = records.ledger.limits(&scope)?;
    Ok(QuotaView { used: records.ledger.used(&scope)?, scope, set, holds })
}

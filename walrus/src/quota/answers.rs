//! What an administrator asks of quotas, by the clc: limits are kept here, so that they hold while
//! the clc is away.

use common::error::ApiError;
use common::wire::quota::{DescribeQuotas, Limit, QuotaView, Scope, SetQuota};
use store::{StoreError, transact};

use crate::records::{Failed, Records};
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

//! Counts what is there: for a store whose usage was never counted, at start and before anything is
//! served; later now and then, to put right what should never be wrong.
//!
//! A count beside running requests needs no lock. The row of a bucket changes in every commit that
//! changes what the count would find, so a row that is the same before and after is to be
//! compared, and any other is left for the next time.

use std::collections::BTreeMap;
use std::time::Duration;

use common::error::ApiError;
use common::id::AccountId;
use common::wire::quota::{Scope, Used};
use runtime::metrics::Counter;
use runtime::pool;
use runtime::shutdown::Shutdown;
use store::{Batch, Seen, StoreError, transact};

use crate::records::{Bucket, Failed, Records, Setting, object_key};
use crate::upload::{Stage, by_key};
use crate::usage::amount::{Change, Usage, scope_key};

/// The setting that tells that usage was counted.
const COUNTED: &str = "usage-counted";

/// How long after a count the next begins.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// How many rows are read at once.
const PAGE: usize = 256;

/// Counts everything in a store where that was never done, and sums the totals up. Blocks; nothing
/// may be served yet.
///
/// # Errors
/// If the store fails; the next start begins anew.
pub(crate) fn prepare(records: &Records) -> Result<(), Failed> {
    if records.settings.get(COUNTED)?.is_none() {
        let mut accounts: BTreeMap<AccountId, Used> = BTreeMap::new();
        for bucket in records.buckets.all("") {
            let bucket = bucket?.record;
            let Some(used) = measure(records, &bucket, &|| false)? else { continue };
            let sum = accounts.entry(bucket.owner.account).or_default();
            *sum = plus(*sum, used);
            put(records, Scope::Bucket(bucket.name), used)?;
        }
        for (account, used) in accounts {
            put(records, Scope::Account(account), used)?;
        }
        records.settings.insert(Setting { name: COUNTED.to_owned(), value: 1 })?;
        tracing::info!("counted what accounts and buckets use");
    }
    for usage in records.ledger.usage.all("account/") {
        records.ledger.totals.add(difference(Used::default(), usage?.used));
    }
    Ok(())
}

fn put(records: &Records, scope: Scope, used: Used) -> Result<(), StoreError> {
    let usage = Usage { scope, used };
    transact(records.engine(), |batch| {
        match records.ledger.usage.get(&scope_key(&usage.scope))? {
            Some(mut seen) => {
                seen.record = usage.clone();
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(&usage)?),
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(())
}

fn plus(one: Used, other: Used) -> Used {
    difference(Used::default(), other).apply(one)
}

/// What changes one figure into the other.
fn difference(from: Used, to: Used) -> Change {
    let less =
        |from: u64, to: u64| i64::try_from(i128::from(to) - i128::from(from)).unwrap_or(i64::MAX);
    Change {
        bytes: less(from.bytes, to.bytes),
        uploading: less(from.uploading, to.uploading),
        objects: less(from.objects, to.objects),
        buckets: less(from.buckets, to.buckets),
    }
}

/// What is in a bucket; nothing if told to stop. Blocks.
fn measure(
    records: &Records,
    bucket: &Bucket,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Used>, StoreError> {
    let mut used = Used { buckets: 1, ..Used::default() };
    let prefix = object_key(&bucket.name, "");
    let mut last: Option<String> = None;
    loop {
        let page = records.objects.scan(&prefix, last.as_deref(), PAGE)?;
        for object in &page {
            used = Change::write(None, object.size).apply(used);
        }
        if page.len() < PAGE {
            break;
        }
        if stop() {
            return Ok(None);
        }
        last = page.last().map(|object| object.key().to_owned());
    }
    let (space, mut last) = (by_key(&bucket.name, ""), None::<String>);
    loop {
        let page = records.upload_by_key.scan(&space, last.as_deref(), PAGE)?;
        for row in &page {
            let id = row.key.rsplit_once('\0').map_or("", |(_, id)| id);
            let upload = records.uploads.get(id)?.filter(|upload| upload.stage == Stage::Open);
            if let Some(upload) = upload {
                let change = Change::upload_begins().and(Change::part(0, upload.bytes));
                used = change.apply(used);
            }
        }
        if page.len() < PAGE {
            return Ok(Some(used));
        }
        last = page.last().map(|row| row.key.clone());
    }
}

/// The count that goes on beside the requests.
pub(crate) struct Count {
    /// The records.
    pub(crate) records: Records,
    /// Rows that were put right so far.
    pub(crate) corrected: Counter,
}

impl Count {
    /// Counts now, and then every day, until the shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        while !shutdown.is_raised() {
            let (records, stop) = (self.records.clone(), shutdown.clone());
            let counted = pool::block(move || recount(&records, &|| stop.is_raised()));
            match counted.await.map(|counted| counted.map_err(ApiError::from)) {
                Ok(Ok(0)) => {}
                Ok(Ok(corrected)) => {
                    self.corrected.add(corrected);
                    tracing::warn!(corrected, "put usage right that was counted wrongly");
                }
                Ok(Err(error)) | Err(error) => tracing::warn!(
                    %error,
                    cause = error.source_text().unwrap_or_default(),
                    "the count of what is used was broken off"
                ),
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = shutdown.raised() => {}
            }
        }
    }
}

/// Compares all rows with what is there; gives how many were put right. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn recount(records: &Records, stop: &dyn Fn() -> bool) -> Result<u64, Failed> {
    let mut corrected = 0;
    for bucket in records.buckets.all("") {
        if stop() {
            return Ok(corrected);
        }
        corrected += u64::from(recount_bucket(records, &bucket?, stop)?);
    }
    for usage in records.ledger.usage.all("account/") {
        if stop() {
            return Ok(corrected);
        }
        corrected += u64::from(recount_account(records, &usage?)?);
    }
    Ok(corrected)
}

fn recount_bucket(
    records: &Records,
    bucket: &Seen<Bucket>,
    stop: &dyn Fn() -> bool,
) -> Result<bool, Failed> {
    let scope = Scope::Bucket(bucket.name.clone());
    let before = records.ledger.usage.get(&scope_key(&scope))?;
    let Some(found) = measure(records, bucket, stop)? else { return Ok(false) };
    let said = before.as_ref().map(|seen| seen.used).unwrap_or_default();
    if said == found {
        return Ok(false);
    }
    // The account's row is left as it is: it is the sum of its buckets' rows, which comes next.
    let mut batch = Batch::new();
    batch.hold(bucket);
    match before {
        Some(mut seen) => {
            seen.record.used = found;
            batch.replace(&seen)?;
        }
        None => drop(batch.insert(&Usage { scope, used: found })?),
    }
    settle(records, batch)
}

fn recount_account(records: &Records, before: &Seen<Usage>) -> Result<bool, Failed> {
    let Scope::Account(account) = &before.scope else { return Ok(false) };
    let (mut found, mut last) = (Used::default(), None::<String>);
    loop {
        let space = format!("{account}/");
        let page = records.bucket_by_owner.scan(&space, last.as_deref(), PAGE)?;
        for row in &page {
            let key = format!("bucket/{}", row.value);
            let usage = records.ledger.usage.get(&key)?;
            found = plus(found, usage.map(|usage| usage.used).unwrap_or_default());
        }
        if page.len() < PAGE {
            break;
        }
        last = page.last().map(|row| row.key.clone());
    }
    if before.used == found {
        return Ok(false);
    }
    let mut right = before.clone();
    right.record.used = found;
    let mut batch = Batch::new();
    batch.replace(&right)?;
    let settled = settle(records, batch)?;
    if settled {
        records.ledger.committed(difference(before.used, found));
    }
    Ok(settled)
}

/// Commits unless somebody has changed something since: then there is nothing to be said.
fn settle(records: &Records, batch: Batch) -> Result<bool, Failed> {
    match batch.commit(records.engine()) {
        Ok(_) => Ok(true),
        Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::Memory;

    use super::*;
    use crate::records::Object;

    const ALICE: &str = "111111111111";

    fn records() -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        for name in ["one", "two"] {
            let bucket = Bucket::sample(name, ALICE);
            let row = format!("{ALICE}/{name}");
            let mut batch = Batch::new();
            batch.insert(&bucket).unwrap().claim(&records.bucket_by_owner, &row, name);
            batch.commit(records.engine()).unwrap();
            for n in 0..300 {
                let key = format!("k{n}");
                let object = Object { size: 2, ..Object::sample(name, &key, ALICE) };
                records.objects.insert(object).unwrap();
            }
        }
        records
    }

    fn used(records: &Records, scope: &str) -> Used {
        records.ledger.usage.get(scope).unwrap().map(|seen| seen.record.used).unwrap_or_default()
    }

    #[test]
    fn a_store_of_the_last_version_is_counted_at_its_first_start() {
        let records = records();
        prepare(&records).unwrap();
        let bucket = Used { bytes: 600, uploading: 0, objects: 300, buckets: 1 };
        let account = Used { bytes: 1200, uploading: 0, objects: 600, buckets: 2 };
        assert_eq!(used(&records, "bucket/one"), bucket);
        assert_eq!(used(&records, "account/111111111111"), account);
        assert_eq!(records.ledger.totals.used(), account);
        assert_eq!(recount(&records, &|| false).unwrap(), 0);
        // What is counted stays: a second start reads the rows only.
        let object = Object { size: 5, ..Object::sample("one", "unseen", ALICE) };
        records.objects.insert(object).unwrap();
        prepare(&records).unwrap();
        assert_eq!(used(&records, "bucket/one"), bucket);
    }

    #[test]
    fn rows_that_disagree_are_put_right() {
        let records = records();
        prepare(&records).unwrap();
        let object = Object { size: 5, ..Object::sample("one", "unseen", ALICE) };
        records.objects.insert(object).unwrap();
        assert_eq!(recount(&records, &|| false).unwrap(), 2, "the bucket's and the account's");
        assert_eq!(used(&records, "bucket/one").bytes, 605);
        assert_eq!(used(&records, "account/111111111111").objects, 601);
        assert_eq!(records.ledger.totals.used().bytes, 1205);
        assert_eq!(recount(&records, &|| false).unwrap(), 0);
        assert_eq!(recount(&records, &|| true).unwrap(), 0);
    }
}

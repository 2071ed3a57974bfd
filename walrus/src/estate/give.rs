//! Gives an account's buckets to another. Blocks.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::s3::BucketName;
use common::wire::estate::{EstateLeft, GiveBuckets};
use common::wire::quota::Scope;
use store::{Seen, transact};

use crate::estates::{Giving, Walk};
use crate::records::{Failed, Records, object_key};
use crate::upload::{Stage, by_key};
use crate::usage::ledger::Caps;

/// How many records one commit is about.
const PAGE: usize = 256;

/// How many commits one call makes at most.
const COMMITS: usize = 32;

/// Refuses an heir whose quota does not allow it.
///
/// # Errors
/// `QuotaExceeded`, `TooManyBuckets`.
pub(super) fn foresee(records: &Records, ask: &GiveBuckets) -> Result<EstateLeft, Failed> {
    let records = capped(records, ask)?;
    records.ledger.foresee_all(&ask.from, &ask.to.account)?;
    left(&records, &ask.from)
}

/// Does a portion of it; gives what is left.
///
/// # Errors
/// `QuotaExceeded` or `TooManyBuckets` if the heir has no room any more.
pub(super) fn portion(records: &Records, ask: &GiveBuckets) -> Result<EstateLeft, Failed> {
    let records = &capped(records, ask)?;
    for _ in 0..COMMITS {
        let begun = records.giving.scan(&of(&ask.from), None, 1)?;
        if let Some(giving) = begun.first() {
            walk(records, giving)?;
            continue;
        }
        let rows = records.bucket_by_owner.scan(&of(&ask.from), None, 1)?;
        let Some(row) = rows.first() else {
            return super::end::close_books(records, &ask.from).map(|()| EstateLeft::default());
        };
        change_hands(records, &row.value.parse()?, ask)?;
    }
    left(records, &ask.from)
}

fn capped(records: &Records, ask: &GiveBuckets) -> Result<Records, Failed> {
    if ask.from == ask.to.account {
        let text = "an account cannot be given what it has";
        return Err(ApiError::new(ErrorCode::InvalidParameterValue, text).into());
    }
    let mut records = records.clone();
    let account = Some(ask.to.account.clone());
    records.ledger.caps = Caps { account, of_account: ask.caps, ..Caps::default() };
    Ok(records)
}

fn of(account: &AccountId) -> String {
    format!("{account}/")
}

/// What is left of an account's buckets.
fn left(records: &Records, from: &AccountId) -> Result<EstateLeft, Failed> {
    let used = records.ledger.used(&Scope::Account(from.clone()))?;
    let mut left = EstateLeft { buckets: used.buckets, objects: used.objects };
    for seen in records.giving.all(&of(from)) {
        left.buckets += 1;
        left.objects += seen?.left;
    }
    Ok(left)
}

/// Makes one bucket another's. Whoever writes into it holds its record, or the usage of its owner,
/// in their own commit.
fn change_hands(records: &Records, name: &BucketName, ask: &GiveBuckets) -> Result<(), Failed> {
    let (from, to) = (&ask.from, &ask.to);
    transact(records.engine(), |batch| {
        let row = format!("{from}/{name}");
        batch.unpoint(&records.bucket_by_owner, &row);
        let Some(mut seen) = records.buckets.get(name.as_str())? else { return Ok(()) };
        if seen.owner.account != *from {
            return Ok(());
        }
        seen.record.owner = to.clone();
        // Whoever was removing it is told to try again.
        seen.record.leaving = false;
        batch.replace(&seen)?;
        batch.point(&records.bucket_by_owner, &format!("{}/{name}", to.account), name.as_str());
        records.ledger.bucket_moves(batch, name, (from, &to.account))?;
        let left = records.ledger.used(&Scope::Bucket(name.clone()))?.objects;
        let walk = Walk::Objects(None);
        let (bucket, from, to) = (name.clone(), from.clone(), to.clone());
        batch.insert(&Giving { bucket, from, to, walk, left })?;
        Ok::<_, Failed>(())
    })?;
    Ok(())
}

/// Goes one page further through a bucket.
fn walk(records: &Records, giving: &Seen<Giving>) -> Result<(), Failed> {
    transact(records.engine(), |batch| {
        let Some(mut seen) = records.giving.get(giving.key())? else { return Ok(()) };
        let Giving { bucket, from, to, walk, left } = &mut seen.record;
        match walk {
            Walk::Objects(after) => {
                let space = object_key(bucket, "");
                let page = records.objects.scan(&space, after.as_deref(), PAGE)?;
                *left = left.saturating_sub(page.len() as u64);
                let full = page.len() == PAGE;
                let last = page.last().map(|object| object.key().to_owned());
                for mut object in page {
                    if object.owner.account == *from {
                        object.record.owner = to.clone();
                        batch.replace(&object)?;
                    }
                }
                *walk = if full { Walk::Objects(last) } else { Walk::Uploads(None) };
            }
            Walk::Uploads(after) => {
                let rows =
                    records.upload_by_key.scan(&by_key(bucket, ""), after.as_deref(), PAGE)?;
                *left = left.saturating_sub(rows.len() as u64);
                for row in &rows {
                    let id = row.key.rsplit_once('\0').map_or("", |(_, id)| id);
                    let Some(mut upload) = records.uploads.get(id)? else { continue };
                    if upload.stage == Stage::Open && upload.owner.account == *from {
                        upload.record.owner = to.clone();
                        batch.replace(&upload)?;
                    }
                }
                if rows.len() < PAGE {
                    batch.remove(&seen);
                    return Ok(());
                }
                *walk = Walk::Uploads(rows.last().map(|row| row.key.clone()));
            }
        }
        batch.replace(&seen)?;
        Ok::<_, Failed>(())
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::s3::Owner;
    use common::wire::quota::{Limit, Limits, Used};
    use store::Memory;

    use super::*;
    use crate::estates::close;
    use crate::quota::count::{prepare, recount};
    use crate::records::{Bucket, Object};
    use crate::s3::buckets::create;
    use crate::usage::ledger::Defaults;

    const FROM: &str = "111111111111";
    const TO: &str = "222222222222";
    const OBJECTS: usize = PAGE * 3 + 1;

    fn ask() -> GiveBuckets {
        let to = Owner { account: TO.parse().unwrap(), alias: "b".into() };
        GiveBuckets { from: FROM.parse().unwrap(), to, caps: Limits::default(), rehearsal: false }
    }

    /// Two buckets, of which one has many objects, one of them written by another.
    fn records() -> Records {
        let records = Records::new(Arc::new(Memory::new()));
        for name in ["many", "none"] {
            create(&records, &Bucket::sample(name, FROM)).unwrap();
        }
        for n in 0..OBJECTS {
            let whose = if n == 5 { "333333333333" } else { FROM };
            let object = Object { size: 2, ..Object::sample("many", &format!("k{n:05}"), whose) };
            records.objects.insert(object).unwrap();
        }
        prepare(&records).unwrap();
        recount(&records, &|| false).unwrap();
        records
    }

    fn used(records: &Records, account: &str) -> Used {
        records.ledger.used(&Scope::Account(account.parse().unwrap())).unwrap()
    }

    fn code(refused: Result<EstateLeft, Failed>) -> ErrorCode {
        ApiError::from(refused.unwrap_err()).code()
    }

    #[test]
    fn everything_is_given_page_by_page_from_wherever_it_stopped() {
        let records = records();
        let (ask, name) = (ask(), "many".parse().unwrap());
        change_hands(&records, &name, &ask).unwrap();
        // Twice is once.
        change_hands(&records, &name, &ask).unwrap();
        assert_eq!(used(&records, TO).objects, OBJECTS as u64);
        let giving = || records.giving.scan("", None, 9).unwrap();
        walk(&records, &giving()[0]).unwrap();
        let left = OBJECTS as u64 - PAGE as u64;
        assert_eq!(giving()[0].left, left);
        let told = EstateLeft { buckets: 2, objects: left };
        assert_eq!(super::left(&records, &ask.from).unwrap(), told);
        assert!(portion(&records, &ask).unwrap().is_nothing());
        assert!(giving().is_empty());
        for object in records.objects.all("") {
            let object = object.unwrap();
            let whose = if object.record.key.as_str() == "k00005" { "333333333333" } else { TO };
            assert_eq!(object.owner.account.as_str(), whose);
        }
        let all =
            Used { bytes: 2 * OBJECTS as u64, objects: OBJECTS as u64, buckets: 2, uploading: 0 };
        assert_eq!(used(&records, TO), all);
        assert!(records.ledger.usage.get(&format!("account/{FROM}")).unwrap().is_none());
        assert_eq!(recount(&records, &|| false).unwrap(), 0, "and it is counted right");
        assert!(portion(&records, &ask).unwrap().is_nothing(), "asked again");
    }

    #[test]
    fn whose_quota_does_not_allow_it_gets_nothing() {
        let limits = |objects, buckets| Limits {
            bytes: Limit::Default,
            objects: Limit::AtMost(objects),
            buckets: Limit::AtMost(buckets),
        };
        let many = OBJECTS as u64;
        for (account, expected) in [
            (limits(many, 1), Some(ErrorCode::TooManyBuckets)),
            (limits(many - 1, 2), Some(ErrorCode::QuotaExceeded)),
            (limits(many, 2), None),
        ] {
            let defaults = Defaults { account, ..Defaults::default() };
            let records = records().with_defaults(defaults);
            assert_eq!(foresee(&records, &ask()).err().map(|e| ApiError::from(e).code()), expected);
        }
        let records = records();
        let capped = GiveBuckets { caps: limits(many - 1, 2), ..ask() };
        assert_eq!(code(foresee(&records, &capped)), ErrorCode::QuotaExceeded);
        assert_eq!(code(portion(&records, &capped)), ErrorCode::QuotaExceeded, "nor later");
        assert_eq!(used(&records, FROM).objects, many);
    }

    #[test]
    fn a_closed_account_gets_no_bucket() {
        let records = records();
        let now = common::time::Timestamp::from_secs(1_800_000_000);
        close(&records.closed_accounts, &FROM.parse().unwrap(), now).unwrap();
        let refused = create(&records, &Bucket::sample("late", FROM));
        assert_eq!(ApiError::from(refused.unwrap_err()).code(), ErrorCode::AccessDenied);
        create(&records, &Bucket::sample("late", TO)).unwrap();
    }
}

//! How much policies let a caller have: statements of `Effect: Limit`. They count beside what an
//! administrator has set, in the same commits; the stricter wins.

use common::action::Caller;
use common::s3::permissions::bucket_arn;
use common::s3::{BucketName, ObjectKey};
use common::wire::quota::{Limit, Limits};

use crate::content::Content;
use crate::parts::Shelves;
use crate::records::Records;
use crate::usage::ledger::Caps;

/// The content as this caller may write that object.
pub(crate) fn content(
    content: &Content,
    caller: &Caller,
    (bucket, key): (&BucketName, &ObjectKey),
) -> Content {
    let records = records(&content.records, caller, (bucket, key));
    Content { shelves: Shelves { records, ..content.shelves.clone() } }
}

/// The records as this caller may write that object's.
pub(crate) fn records(
    records: &Records,
    caller: &Caller,
    (bucket, key): (&BucketName, &ObjectKey),
) -> Records {
    let bucket = bucket_arn(bucket);
    let object = format!("{bucket}/{key}");
    let most = |quota: &str| {
        // Such a policy names objects, or the bucket that they are in.
        let limits =
            [&object, &bucket].map(|arn| caller.authority.limit("s3:PutObject", arn, quota));
        limit(limits.into_iter().flatten().min())
    };
    let of_bucket = Limits {
        bytes: megabytes(most("s3:quota-bucketsize")),
        objects: most("s3:quota-bucketobjectnumber"),
        ..Limits::default()
    };
    let of_account =
        Limits { bytes: megabytes(most("s3:quota-buckettotalsize")), ..Limits::default() };
    capped(records, caller, of_account, of_bucket)
}

/// The records as this caller may make that bucket's.
pub(crate) fn of_new_bucket(records: &Records, caller: &Caller, bucket: &BucketName) -> Records {
    let quota = "s3:quota-bucketnumber";
    let most = caller.authority.limit("s3:CreateBucket", &bucket_arn(bucket), quota);
    let of_account = Limits { buckets: limit(most), ..Limits::default() };
    capped(records, caller, of_account, Limits::default())
}

/// Policies count in MB, powers of 2.
fn megabytes(most: Limit) -> Limit {
    match most {
        Limit::AtMost(most) => Limit::AtMost(most.saturating_mul(1 << 20)),
        other => other,
    }
}

fn limit(most: Option<u64>) -> Limit {
    most.map_or(Limit::Default, Limit::AtMost)
}

fn capped(records: &Records, caller: &Caller, of_account: Limits, of_bucket: Limits) -> Records {
    let mut records = records.clone();
    records.ledger.caps = Caps { account: Some(caller.account.clone()), of_account, of_bucket };
    records
}

//! Whether an account may be given all that another has: the limits that the cloud has set for it,
//! held against both together. Those of S3 are for walrus to hold against what it knows.

use common::action::Caller;
use common::error::ApiError;
use common::id::AccountId;
use common::wire::quota::{Limit, Limits};

use super::{images, instances};
use crate::records::Records;

/// Refuses an heir whose limits do not allow it, of what is on record here. Blocks.
///
/// # Errors
/// `InstanceLimitExceeded` or `ResourceLimitExceeded`.
pub fn admit(records: &Records, heir: &Caller, from: &AccountId) -> Result<(), ApiError> {
    instances::admit_gift(records, heir, from)?;
    images::admit_gift(records, heir, from)
}

/// The limits of S3 that policies set for the heir's whole account.
pub fn caps(heir: &Caller) -> Limits {
    let least = |action, key| {
        let most = heir.authority.limit_of_account(action, "*", key);
        most.map_or(Limit::Default, Limit::AtMost)
    };
    Limits {
        bytes: least("s3:PutObject", "s3:quota-buckettotalsize"),
        objects: Limit::Default,
        buckets: least("s3:CreateBucket", "s3:quota-bucketnumber"),
    }
}

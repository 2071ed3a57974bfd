//! Quotas: what statements of `Effect: Limit` can bound, by the condition key that says how far.
//!
//! ```text
//!   {"Effect":"Limit","Action":"ec2:RunInstances","Resource":"*",
//!    "Condition":{"NumericLessThanEquals":{"ec2:quota-vminstancenumber":"16"}}}
//! ```
//! Such a statement allows nothing and denies nothing: it says how much there may be.

use super::operator::{Kind, Operator, Order, Set};
use super::value::Decimal;

/// The keys that are heeded, in lower case. Memory and sizes of S3 are in MB, disks in GB (powers of
/// 2), processors and the rest are counted.
pub const QUOTAS: &[&str] = &[
    "ec2:quota-cputotalsize",
    "ec2:quota-disktotalsize",
    "ec2:quota-imagenumber",
    "ec2:quota-memorytotalsize",
    "ec2:quota-vminstanceactivenumber",
    "ec2:quota-vminstancenumber",
    "iam:quota-groupnumber",
    "iam:quota-instanceprofilenumber",
    "iam:quota-policynumber",
    "iam:quota-rolenumber",
    "iam:quota-usernumber",
    "s3:quota-bucketnumber",
    "s3:quota-bucketobjectnumber",
    "s3:quota-bucketsize",
    "s3:quota-buckettotalsize",
];

/// Whether a condition key, in lower case, is that of a quota, known or not.
pub(super) fn is_quota(key: &str) -> bool {
    key.split_once(':').is_some_and(|(_, name)| name.starts_with("quota-"))
}

/// The most that a condition on a quota lets there be.
///
/// # Errors
/// Says what is wrong with the condition.
pub(super) fn read(operator: Operator, key: &str, texts: &[String]) -> Result<u64, String> {
    if !QUOTAS.contains(&key) {
        return Err(format!("there is no quota '{key}'"));
    }
    let plain = operator.set == Set::Plain && !operator.if_exists;
    let below = match operator.kind {
        Kind::Number(Order::LessOrEqual) if plain => 0,
        Kind::Number(Order::Less) if plain => 1,
        _ => return Err("a quota is set by NumericLessThanEquals".to_owned()),
    };
    let [text] = texts else { return Err("a quota is one number".to_owned()) };
    let most = Decimal::read(text).and_then(|number| number.count());
    let most = most.and_then(|number| number.checked_sub(below));
    most.ok_or_else(|| format!("'{text}' is no quota: a whole number is expected"))
}

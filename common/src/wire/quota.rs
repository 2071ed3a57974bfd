//! Quotas as the services speak of them: whose, how much, and how much is used.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::admin::Admin;
use super::walrus::Walrus;
use crate::id::AccountId;
use crate::messages;
use crate::s3::BucketName;

/// Whose quota.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// An account's, over all of its buckets.
    Account(AccountId),
    /// One bucket's.
    Bucket(BucketName),
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => write!(out, "account {account}"),
            Self::Bucket(bucket) => write!(out, "bucket {bucket}"),
        }
    }
}

/// How much of something there may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit {
    /// As much as walrus' configuration says.
    #[default]
    Default,
    /// As much as there is room for.
    Unlimited,
    /// No more than that.
    AtMost(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::Unlimited => out.write_str("unlimited"),
            Self::AtMost(most) => write!(out, "{most}"),
        }
    }
}

/// A text that is no limit.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("'{0}' is neither a number nor 'unlimited' nor 'default'")]
pub struct NoLimit(String);

impl FromStr for Limit {
    type Err = NoLimit;
    fn from_str(text: &str) -> Result<Self, NoLimit> {
        match text {
            "default" => Ok(Self::Default),
            "unlimited" => Ok(Self::Unlimited),
            number => number.parse().map(Self::AtMost).map_err(|_| NoLimit(text.to_owned())),
        }
    }
}

/// The limits of one scope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of objects and of the parts of open uploads.
    #[serde(default)]
    pub bytes: Limit,
    /// Objects.
    #[serde(default)]
    pub objects: Limit,
    /// Buckets; an account's only.
    #[serde(default)]
    pub buckets: Limit,
}

/// What is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Bytes of objects.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes of the parts of open uploads.
    #[serde(default)]
    pub uploading: u64,
    /// Objects.
    #[serde(default)]
    pub objects: u64,
    /// Buckets; 1 for a bucket.
    #[serde(default)]
    pub buckets: u64,
}

/// Change limits; those that are not named stay. They hold from the next request on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetQuota {
    /// Whose.
    pub scope: Scope,
    /// The new limit of bytes.
    pub bytes: Option<Limit>,
    /// The new limit of objects.
    pub objects: Option<Limit>,
    /// The new limit of buckets.
    pub buckets: Option<Limit>,
}

/// Set the limits of accounts and buckets for which no administrator has set any of their own, in the place of
/// those of walrus' configuration. They hold from the next request on, and over a restart. Answers
/// whether they are others than before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetDefaultLimits {
    /// Buckets of an account; 0: no limit; nothing: as walrus is configured.
    #[serde(default)]
    pub account_buckets: Option<u64>,
    /// Bytes of a bucket, in the same way.
    #[serde(default)]
    pub bucket_bytes: Option<u64>,
}

/// A page of all quotas: of every scope that uses something or has limits of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeQuotas {
    /// Only scopes behind this one.
    pub after: Option<Scope>,
}

/// The quota of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaView {
    /// Whose.
    pub scope: Scope,
    /// What is used.
    pub used: Used,
    /// The limits that an administrator has set.
    pub set: Limits,
    /// The limits that hold; never `Default`.
    pub holds: Limits,
}

/// Whose quota, as an administrator names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The account of that name.
    Account(String),
    /// That bucket.
    Bucket(BucketName),
}

/// Change limits of an account or a bucket; those that are not named stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeQuota {
    /// Whose.
    pub whose: Whose,
    /// The new limit of bytes.
    pub bytes: Option<Limit>,
    /// The new limit of objects.
    pub objects: Option<Limit>,
    /// The new limit of buckets.
    pub buckets: Option<Limit>,
}

/// A page of all quotas.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListQuotas {
    /// Only scopes behind this one.
    pub after: Option<Scope>,
}

/// A quota with the name of its account or bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedQuota {
    /// The account's or bucket's name; an account's number if it has no name any more.
    pub name: String,
    /// The quota.
    pub quota: QuotaView,
}

messages! {
    Admin:
    ChangeQuota => NamedQuota, true;
    ListQuotas => Vec<NamedQuota>, true;
}

messages! {
    Walrus:
    SetQuota => QuotaView, true;
    SetDefaultLimits => bool, true;
    DescribeQuotas => Vec<QuotaView>, true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_shown() {
        for limit in [Limit::Default, Limit::Unlimited, Limit::AtMost(0), Limit::AtMost(1 << 40)] {
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        for bad in ["", "-1", "1G", "none"] {
            assert_eq!(bad.parse::<Limit>(), Err(NoLimit(bad.to_owned())));
        }
    }
}

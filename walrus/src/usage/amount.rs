//! The records of usage and of limits, and their arithmetic: pure.

use common::id::AccountId;
use common::s3::BucketName;
use common::wire::quota::{Limit, Limits, Scope, Used};
use serde::{Deserialize, Serialize};
use store::{NoPrevious, Record};

/// What a scope uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Whose.
    pub(crate) scope: Scope,
    /// How much.
    pub(crate) used: Used,
}

/// The limits that an administrator has set for a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quota {
    /// Whose.
    pub(crate) scope: Scope,
    /// How much.
    pub(crate) limits: Limits,
}

impl Record for Usage {
    const TABLE: &'static str = "usage";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        scope_key(&self.scope)
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Record for Quota {
    const TABLE: &'static str = "quota";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        scope_key(&self.scope)
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// The key of a scope's rows: accounts sort before buckets.
pub(crate) fn scope_key(scope: &Scope) -> String {
    match scope {
        Scope::Account(account) => format!("account/{account}"),
        Scope::Bucket(bucket) => format!("bucket/{bucket}"),
    }
}

/// What a commit changes of what is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Bytes of objects.
    pub(crate) bytes: i64,
    /// Bytes of parts of open uploads.
    pub(crate) uploading: i64,
    /// Objects, and open uploads.
    pub(crate) objects: i64,
    /// Buckets.
    pub(crate) buckets: i64,
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl Change {
    /// An object of `size` bytes comes in the place of one of `old` bytes, or of none.
    pub(crate) fn write(old: Option<u64>, size: u64) -> Self {
        let gone = old.map(Self::removal).unwrap_or_default();
        Self { bytes: signed(size), objects: 1, ..Self::default() }.and(gone)
    }

    /// An object of `old` bytes goes.
    pub(crate) fn removal(old: u64) -> Self {
        Self { bytes: -signed(old), objects: -1, ..Self::default() }
    }

    /// An upload begins: it counts as the object it is to become, so that nobody can open more of
    /// them than they may have objects.
    pub(crate) fn upload_begins() -> Self {
        Self { objects: 1, ..Self::default() }
    }

    /// A part of an open upload comes in the place of another, or of none; both by their bytes.
    pub(crate) fn part(old: u64, new: u64) -> Self {
        Self { uploading: signed(new).saturating_sub(signed(old)), ..Self::default() }
    }

    /// An upload with that many bytes ends; what becomes of them is another change.
    pub(crate) fn upload_ends(bytes: u64) -> Self {
        Self { uploading: -signed(bytes), objects: -1, ..Self::default() }
    }

    /// Everything that was used, but buckets, goes.
    pub(crate) fn all_goes(used: Used) -> Self {
        Self {
            bytes: -signed(used.bytes),
            uploading: -signed(used.uploading),
            objects: -signed(used.objects),
            buckets: 0,
        }
    }

    /// A bucket comes (1) or goes (-1).
    pub(crate) fn buckets(buckets: i64) -> Self {
        Self { buckets, ..Self::default() }
    }

    /// The contrary.
    pub(crate) fn reversed(self) -> Self {
        Self {
            bytes: self.bytes.saturating_neg(),
            uploading: self.uploading.saturating_neg(),
            objects: self.objects.saturating_neg(),
            buckets: self.buckets.saturating_neg(),
        }
    }

    /// Both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            uploading: self.uploading.saturating_add(other.uploading),
            objects: self.objects.saturating_add(other.objects),
            buckets: self.buckets.saturating_add(other.buckets),
        }
    }

    /// Whether nothing changes.
    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Whether anything becomes more.
    pub(crate) fn grows(self) -> bool {
        self.stored() > 0 || self.objects > 0 || self.buckets > 0
    }

    fn stored(self) -> i64 {
        self.bytes.saturating_add(self.uploading)
    }

    /// What is used after it.
    pub(crate) fn apply(self, used: Used) -> Used {
        Used {
            bytes: used.bytes.saturating_add_signed(self.bytes),
            uploading: used.uploading.saturating_add_signed(self.uploading),
            objects: used.objects.saturating_add_signed(self.objects),
            buckets: used.buckets.saturating_add_signed(self.buckets),
        }
    }
}

/// What there would be too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// Bytes; with the limit.
    Bytes(u64),
    /// Objects; with the limit.
    Objects(u64),
    /// Buckets; with the limit.
    Buckets(u64),
}

/// Looks whether a change keeps within limits. What does not become more is never refused, also
/// not above a limit that was lowered. A limit that is not said is none.
pub(crate) fn excess(used: Used, change: Change, limits: &Limits) -> Option<Excess> {
    let after = change.apply(used);
    let over = |change: i64, after: u64, limit: Limit| match limit {
        Limit::AtMost(most) if change > 0 && after > most => Some(most),
        Limit::AtMost(_) | Limit::Unlimited | Limit::Default => None,
    };
    let stored = after.bytes.saturating_add(after.uploading);
    over(change.buckets, after.buckets, limits.buckets)
        .map(Excess::Buckets)
        .or_else(|| over(change.objects, after.objects, limits.objects).map(Excess::Objects))
        .or_else(|| over(change.stored(), stored, limits.bytes).map(Excess::Bytes))
}

/// The limits that hold: those that were set, and the defaults for the others.
pub(crate) fn effective(set: Limits, defaults: Limits) -> Limits {
    let or = |set: Limit, default: Limit| match (set, default) {
        (Limit::Default, Limit::Default) => Limit::Unlimited,
        (Limit::Default, default) => default,
        (set, _) => set,
    };
    Limits {
        bytes: or(set.bytes, defaults.bytes),
        objects: or(set.objects, defaults.objects),
        buckets: or(set.buckets, defaults.buckets),
    }
}

/// What keeps within both.
pub(crate) fn stricter(one: Limits, other: Limits) -> Limits {
    let least = |one: Limit, other: Limit| match (one, other) {
        (Limit::AtMost(one), Limit::AtMost(other)) => Limit::AtMost(one.min(other)),
        (Limit::AtMost(most), _) | (_, Limit::AtMost(most)) => Limit::AtMost(most),
        (other, _) => other,
    };
    Limits {
        bytes: least(one.bytes, other.bytes),
        objects: least(one.objects, other.objects),
        buckets: least(one.buckets, other.buckets),
    }
}

/// The scopes that something in a bucket is charged to.
pub(crate) fn scopes(bucket: &BucketName, account: &AccountId) -> [Scope; 2] {
    [Scope::Bucket(bucket.clone()), Scope::Account(account.clone())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(bytes: u64, objects: u64) -> Used {
        Used { bytes, objects, ..Used::default() }
    }

    #[test]
    fn changes_add_up() {
        let change = Change::write(None, 7);
        assert_eq!(change.apply(used(1, 1)), used(8, 2));
        assert_eq!(Change::write(Some(10), 7).apply(used(10, 1)), used(7, 1));
        assert_eq!(Change::removal(10).apply(used(10, 1)), used(0, 0));
        assert_eq!(Change::removal(10).apply(used(3, 0)), used(0, 0), "never below nothing");
        assert!(Change::write(Some(10), 10).is_nothing());
        let part = Change::part(5, 8);
        assert_eq!(part.apply(Used::default()).uploading, 3);
        let done = Change::upload_ends(8).and(Change::write(None, 8));
        assert!(!done.and(Change::removal(0)).grows(), "no more bytes");
    }

    #[test]
    fn only_what_grows_beyond_a_limit_is_refused() {
        let limits = Limits {
            bytes: Limit::AtMost(10),
            objects: Limit::AtMost(2),
            buckets: Limit::AtMost(1),
        };
        let write = |bytes, objects| Change { bytes, objects, ..Change::default() };
        for (now, change, expected) in [
            (used(0, 0), write(10, 1), None),
            (used(0, 0), write(11, 1), Some(Excess::Bytes(10))),
            (used(5, 2), write(1, 1), Some(Excess::Objects(2))),
            (used(50, 9), write(-1, 0), None),
            (used(50, 9), write(0, 0), None),
            (used(50, 9), write(1, 0), Some(Excess::Bytes(10))),
            (used(0, 0), Change::buckets(1), None),
            (Used { buckets: 1, ..used(0, 0) }, Change::buckets(1), Some(Excess::Buckets(1))),
            (Used { uploading: 8, ..used(2, 0) }, Change::part(0, 1), Some(Excess::Bytes(10))),
            (
                Used { uploading: 8, ..used(2, 0) },
                Change::upload_ends(8).and(Change::write(None, 8)),
                None,
            ),
        ] {
            assert_eq!(excess(now, change, &limits), expected, "{now:?} {change:?}");
        }
        assert_eq!(excess(used(u64::MAX, 0), write(1, 1), &Limits::default()), None);
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let defaults = Limits { bytes: Limit::AtMost(5), ..Limits::default() };
        let set =
            Limits { bytes: Limit::Unlimited, objects: Limit::AtMost(1), ..Limits::default() };
        assert_eq!(effective(Limits::default(), defaults).bytes, Limit::AtMost(5));
        assert_eq!(effective(set, defaults).bytes, Limit::Unlimited);
        assert_eq!(effective(set, defaults).objects, Limit::AtMost(1));
        let caps = Limits { bytes: Limit::AtMost(9), objects: Limit::AtMost(9), ..set };
        let both = stricter(effective(set, defaults), caps);
        let expected = (Limit::AtMost(9), Limit::AtMost(1), Limit::Unlimited);
        assert_eq!((both.bytes, both.objects, both.buckets), expected);
    }
}

//! How much each account and each bucket uses, and how much it may.
//!
//! ```text
//!   a change of records ── charge ──▶ usage rows of bucket and account, in the same commit
//!                             └────── more than the limits allow ──▶ QuotaExceeded, no commit
//!   usage/account/ID   usage/bucket/NAME    what is used
//!   quota/account/ID   quota/bucket/NAME    limits that an administrator set
//! ```
//! Everything in a bucket is charged to the bucket and to the account that owns the bucket,
//! whoever wrote it; a copy that shares its bytes with another is charged in full. It knows no
//! objects and no buckets, only figures: who changes records says what that changes.

pub(crate) mod amount;
pub(crate) mod ledger;

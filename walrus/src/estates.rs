//! The records of what accounts leave behind that are deleted: see [`crate::estate`] for what is
//! done about it.
//!
//! ```text
//!   closed-account/ACCOUNT   no bucket may be made for it: from the first call until nothing that
//!                            was under way then can still come
//!   giving/ACCOUNT/NAME      a bucket has its new owner, objects and uploads in it perhaps not
//! ```

use std::time::Duration;

use common::id::AccountId;
use common::s3::{BucketName, Owner};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::{NoPrevious, Record, StoreError, Table, transact};

/// How long it is remembered that an account is closed: longer than any request or ticket lives.
const KEPT: Duration = Duration::from_secs(48 * 3600);

/// That an account is being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClosedAccount {
    /// Which.
    pub(crate) account: AccountId,
    /// Until when something of it could come.
    pub(crate) until: Timestamp,
}

impl Record for ClosedAccount {
    const TABLE: &'static str = "closed-account";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        self.account.to_string()
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// A bucket that was given away, and how far it was gone through since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Giving {
    /// The bucket.
    pub(crate) bucket: BucketName,
    /// Whose it was.
    pub(crate) from: AccountId,
    /// Whose it is.
    pub(crate) to: Owner,
    /// What is gone through.
    pub(crate) walk: Walk,
    /// How many objects and uploads are not known to be the new owner's yet.
    pub(crate) left: u64,
}

/// How far a bucket was gone through: first its objects, which none of the former owner's can join
/// any more, then its open uploads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Walk {
    /// Up to the object of this key in the table; from the beginning if there is none.
    Objects(Option<String>),
    /// Up to the upload of this row in the index.
    Uploads(Option<String>),
}

impl Record for Giving {
    const TABLE: &'static str = "giving";
    const VERSION: u32 = 1;
    type Previous = NoPrevious;

    fn key(&self) -> String {
        format!("{}/{}", self.from, self.bucket)
    }

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// Notes that an account is closed. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn close(
    accounts: &Table<ClosedAccount>,
    account: &AccountId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let until = now.plus(KEPT);
    let noted = transact(&**accounts.engine(), |batch| {
        match accounts.get(account.as_str())? {
            // Each call would be a commit else.
            Some(seen) if seen.until > now.plus(KEPT / 2) => {}
            Some(mut seen) => {
                seen.record.until = until;
                batch.replace(&seen)?;
            }
            None => drop(batch.insert(&ClosedAccount { account: account.clone(), until })?),
        }
        Ok::<_, StoreError>(())
    });
    noted.map(drop)
}

/// Forgets the accounts of which nothing can come any more. Blocks.
///
/// # Errors
/// If the store fails.
pub(crate) fn forget(accounts: &Table<ClosedAccount>, now: Timestamp) -> Result<(), StoreError> {
    for seen in accounts.all("") {
        let seen = seen?;
        if seen.until <= now {
            accounts.remove(seen.key())?;
        }
    }
    Ok(())
}

//! Administrators of the cloud beside the first: users inside the cloud's own account.
//!
//! The functions block.

use common::error::ApiError;
use common::iam::EntityName;
use common::iam::principal::unique_id;
use common::id::AccountId;

use crate::iam::belongings;
use crate::identity::accounts;
use crate::people::People;
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{AccessKey, Login, Records, User};

/// The administrator of that name, in any case; the first is none of them.
///
/// # Errors
/// If the store fails.
pub(super) fn find(records: &Records, name: &str) -> Result<Option<User>, ApiError> {
    let found = records.users.get(&User::key_of(&AccountId::cloud(), name))?;
    Ok(found.map(|seen| seen.record).filter(|user| !user.is_owner()))
}

/// All of them by name.
///
/// # Errors
/// If the store fails.
pub(super) fn list(records: &Records) -> Result<Vec<User>, ApiError> {
    let mut users = Vec::new();
    for seen in records.users.all(&format!("{}/", AccountId::cloud())) {
        let user = seen?.record;
        if !user.is_owner() {
            users.push(user);
        }
    }
    Ok(users)
}

/// Makes one, with an access key.
///
/// # Errors
/// `InvalidParameterValue` for a name that is taken.
pub(super) fn add(people: &People, name: &str) -> Result<(), ApiError> {
    let (records, account, now) = (&people.records, AccountId::cloud(), people.now());
    let taken = || ApiError::invalid("UserName", format!("'{name}' is taken already"));
    if name.eq_ignore_ascii_case(FIRST_USER) {
        return Err(taken());
    }
    let id = unique_id("AIDA", &random::bytes::<16>()?);
    let user = User::new(account.clone(), name, "/", id, now);
    let key = AccessKey {
        id: random::access_key_id()?,
        secret: random::secret_key()?,
        account: account.clone(),
        user: name.to_owned(),
        created: now,
        active: true,
        holder: user.id.clone(),
    };
    records.change_identity(|batch, touched| {
        if records.users.get(&User::key_of(&account, name))?.is_some()
            || accounts::is_taken(records, name, None)?
        {
            return Err(taken());
        }
        batch.insert(&user)?;
        touched.note(EntityName::user(&account, name));
        batch.insert(&key)?;
        batch.point(&records.keys_of, &belongings::key_row(&key), &key.id);
        touched.note(EntityName::AccessKey(key.id.clone()));
        Ok(())
    })
}

/// Lets one use anything, or nothing.
///
/// # Errors
/// If the store fails.
pub(super) fn enable(records: &Records, name: &str, enabled: bool) -> Result<(), ApiError> {
    let account = AccountId::cloud();
    records.change_identity(|batch, touched| {
        let Some(mut seen) = records.users.get(&User::key_of(&account, name))? else {
            return Ok(());
        };
        seen.record.enabled = enabled;
        batch.replace(&seen)?;
        touched.note(EntityName::user(&account, &seen.record.name));
        Ok(())
    })
}

/// Removes one with all that makes them one: keys, memberships, attached policies, the password.
/// Certificates stay on record for the bundles they signed and are shown to nobody.
///
/// # Errors
/// If the store fails.
pub(super) fn remove(records: &Records, name: &str) -> Result<(), ApiError> {
    let account = AccountId::cloud();
    records.change_identity(|batch, touched| {
        let Some(seen) = records.users.get(&User::key_of(&account, name))? else {
            return Ok(());
        };
        if let Some(login) = records.logins.get(&Login::key_of(&account, name))? {
            batch.remove(&login);
        }
        belongings::remove(records, batch, touched, &seen)?;
        Ok(())
    })
}

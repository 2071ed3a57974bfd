//! Following the links of mails: confirming a registration, setting a password that was forgotten.
//!
//! A link is used up in the commit that does what it is good for, so it does it once.

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::time::Timestamp;
use common::wire::people::{Confirm, Recover};
use store::Batch;

use super::registering::step;
use super::standing::{Event, Next};
use super::strangers::admit;
use super::throttle::Kind;
use super::{People, links, lockout, passwords};
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Errand, Login, Records};

/// A user has followed the link of a confirmation. Blocks.
///
/// # Errors
/// `InvalidToken` for a link that is not good, whatever is wrong with it; `MissingParameter` and
/// `InvalidParameterValue` about the first password of one who has none; `AccessDenied` for an
/// account that may use nothing.
pub fn confirm(people: &People, ask: &Confirm) -> Result<(), ApiError> {
    admit(people, Kind::Link, &ask.address)?;
    let (records, now) = (&people.records, people.now());
    let (_, account) = links::find(records, &ask.name, &ask.token, Errand::Confirm, now)?;
    usable(&account)?;
    let login = links::login_of(records, &account.number)?;
    let hash = match (&login, &ask.password) {
        (Some(_), None) => None,
        (Some(_), Some(_)) => {
            let why = "one was chosen with the application: leave it empty, and sign in with that";
            return Err(ApiError::invalid("the password", why));
        }
        (None, None) => return Err(ApiError::missing("password")),
        (None, Some(password)) => {
            passwords::check_first(&account.alias, FIRST_USER, password)?;
            Some(passwords::hash(people, password)?)
        }
    };
    records.change_identity(|batch, touched| {
        let found = links::find(records, &ask.name, &ask.token, Errand::Confirm, now)?;
        let (_, mut account) = found;
        usable(&account)?;
        let Next::Becomes(standing) = step(&account, Event::Confirm)? else { return Ok(()) };
        account.record.registration.standing = standing;
        account.record.registration.confirmed = Some(now);
        batch.replace(&account)?;
        touched.note(EntityName::Account(account.number.clone()));
        links::revoke(records, batch, &account.number)?;
        match &hash {
            Some(hash) => set(records, batch, &account, hash.clone(), now),
            None => Ok(()),
        }
    })
}

/// Refuses an account that an administrator has disabled or that is being deleted.
fn usable(account: &Account) -> Result<(), ApiError> {
    if account.enabled && account.registration.leaving.is_none() {
        return Ok(());
    }
    let text = format!("The user '{}' may not use the cloud", account.alias);
    Err(ApiError::new(ErrorCode::AccessDenied, text))
}

/// A user has followed the link of a recovery and sets a password. Blocks.
///
/// # Errors
/// `InvalidToken` for a link that is not good, whatever is wrong with it; `InvalidParameterValue`
/// for a password that breaks a rule.
pub fn recover(people: &People, ask: &Recover) -> Result<(), ApiError> {
    admit(people, Kind::Link, &ask.address)?;
    let (records, now) = (&people.records, people.now());
    let (_, account) = links::find(records, &ask.name, &ask.token, Errand::Recover, now)?;
    let login = links::login_of(records, &account.number)?;
    match &login {
        Some(login) => passwords::check_new(people, &account.alias, login, &ask.password)?,
        None => passwords::check_first(&account.alias, FIRST_USER, &ask.password)?,
    }
    let hash = passwords::hash(people, &ask.password)?;
    store::transact(&*records.engine, |batch| {
        let (_, account) = links::find(records, &ask.name, &ask.token, Errand::Recover, now)?;
        if !account.is_usable() {
            let text = format!("The user '{}' may not use the cloud", account.alias);
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        // Others that were sent are of no use any more, least of all to whoever asked for them.
        links::revoke(records, batch, &account.number)?;
        lockout::open(records, batch, &account.alias, FIRST_USER, now)?;
        set(records, batch, &account, hash.clone(), now)
    })?;
    Ok(())
}

/// Adds to a batch: this is the password of the account's owner.
fn set(
    records: &Records,
    batch: &mut Batch,
    account: &Account,
    hash: String,
    now: Timestamp,
) -> Result<(), ApiError> {
    match links::login_of(records, &account.number)? {
        Some(mut seen) => {
            passwords::replace(&mut seen.record, hash, false, now);
            batch.replace(&seen)?;
        }
        None => {
            batch.insert(&Login::new(account.number.clone(), FIRST_USER, hash, false, now))?;
        }
    }
    Ok(())
}

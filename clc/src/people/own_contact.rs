//! What the owner of an account changes of what is known of them.
//!
//! ```text
//!   the mail address stays, or the cloud sends no mails ──▶ changed at once
//!   another one ──▶ link to the new address ── followed ──▶ changed, and the old address is told
//! ```
//! By the mail address a forgotten password is set anew: so it becomes another one only for somebody who
//! reads what is sent there, and not behind the back of whoever reads the old one. Until the link is
//! followed the old address stays. A later link ends the earlier ones.

use common::error::{ApiError, ErrorCode};
use common::wire::people::{ConfirmAddress, ContactChange};

use super::strangers::admit;
use super::throttle::Kind;
use super::{People, contact, links, mails, outgoing, registering};
use crate::identity::accounts;
use crate::records::Errand;

/// The owner of an account changes what is known of them. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a field that cannot be used; `RequestLimitExceeded` if too many mails
/// went to the new address.
pub fn change(people: &People, alias: &str, change: &ContactChange) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    let account = accounts::find(records, alias)?;
    let before = &account.registration.contact;
    let wanted = contact::checked(&change.of(before), false)
        .map_err(|error| ApiError::invalid("the user", error))?;
    if !people.mails || wanted.email.is_empty() || wanted.email == before.email {
        return registering::change_contact(people, alias, change).map(drop);
    }
    admit(people, Kind::Mailed, &wanted.email)?;
    let token = links::Token::random()?;
    let console = people.console()?;
    store::transact(&*records.engine, |batch| {
        let seen = records.accounts.get(account.number.as_str())?;
        let mut seen = seen.ok_or_else(|| {
            ApiError::new(ErrorCode::InvalidParameterValue, "The account is gone")
        })?;
        let email = seen.registration.contact.email.clone();
        seen.record.registration.contact = wanted.clone();
        seen.record.registration.contact.email = email;
        let login = links::login_of(records, &seen.number)?;
        let login = login.as_ref().map(|login| &login.record);
        links::revoke_of(records, batch, &seen.number, Some(Errand::Address))?;
        links::put_for(
            records,
            batch,
            &token,
            (Errand::Address, &wanted.email),
            &seen,
            login,
            now,
        )?;
        let language = mails::language_of(records, &seen)?;
        let mail = mails::new_address(records, &console, language, &seen, &wanted.email, &token)?;
        batch.replace(&seen)?;
        outgoing::queue(batch, &mail, now)
    })?;
    people.post.wake();
    Ok(())
}

/// A user has followed the link that went to a new mail address. Blocks.
///
/// # Errors
/// `InvalidToken` for a link that is not good, whatever is wrong with it; `AccessDenied` for an account
/// that may use nothing.
pub fn confirm(people: &People, ask: &ConfirmAddress) -> Result<(), ApiError> {
    admit(people, Kind::Link, &ask.address)?;
    let (records, now) = (&people.records, people.now());
    store::transact(&*records.engine, |batch| {
        let (token, mut account) =
            links::find(records, &ask.name, &ask.token, Errand::Address, now)?;
        if !account.is_usable() {
            let text = format!("The user '{}' may not use the cloud", account.alias);
            return Err(ApiError::new(ErrorCode::AccessDenied, text));
        }
        let language = mails::language_of(records, &account)?;
        let told = mails::moved(records, language, &account, &token.wanted)?;
        account.record.registration.contact.email.clone_from(&token.wanted);
        batch.replace(&account)?;
        // Links that went to the old address are good no more.
        links::revoke(records, batch, &account.number)?;
        match told.to.is_empty() {
            true => Ok(()),
            false => outgoing::queue(batch, &told, now),
        }
    })?;
    people.post.wake();
    Ok(())
}

//! What becomes of what strangers asked, after they were answered.
//!
//! Each request is looked at once and goes in the commit that does what comes of it: an application
//! becomes an account that waits for an administrator, who gets a mail; or, if the name is taken, a
//! mail to whoever applied. A recovery becomes a link for the mail address on record; or nothing.

use std::time::Duration;

use common::error::ApiError;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::{Contact, Language, Standing};
use store::{After, Batch, Seen};

use super::{People, links, mails, outgoing, registering};
use crate::identity::accounts;
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Asked, Errand, Login, Records, Registration, Request};

/// How many are looked at in one pass.
const PASS: usize = 100;
/// How many applications wait for an administrator at most.
pub const APPLICANTS: usize = 1000;
/// How long they wait.
const PATIENCE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Looks at the oldest requests, and says how many there were. Blocks.
///
/// # Errors
/// If the store fails.
pub fn look(people: &People) -> Result<u64, ApiError> {
    let mut looked = 0;
    for request in people.records.requests.scan("", None, PASS)? {
        match &request.ask {
            Asked::Account { .. } => apply(people, &request)?,
            Asked::Recovery { name, language } => recover(people, &request, name, *language)?,
        }
        looked += 1;
    }
    Ok(looked)
}

fn apply(people: &People, request: &Seen<Request>) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    let Asked::Account { name, contact, hash, language } = &request.ask else { return Ok(()) };
    let number = AccountId::from_random(random::bytes()?);
    records.change_identity(|batch, touched| {
        let Some(request) = records.requests.get(request.key())? else { return Ok(()) };
        batch.remove(&request);
        if accounts::is_taken(records, name, None)? {
            let mail = mails::name_taken(records, *language, name, contact)?;
            return outgoing::queue(batch, &mail, now);
        }
        let account = applicant(&number, name, contact, *language, request.at);
        accounts::insert_bare(records, batch, touched, &account)?;
        batch.point(&records.applicants, &account.applicant_row(), number.as_str());
        batch.insert(&Login::new(number.clone(), FIRST_USER, hash.clone(), false, request.at))?;
        tell_administrator(people, batch, &account, now)
    })
}

/// Turns down those who have waited too long for an administrator: nothing of them stays, they get a
/// mail, and their names are free. Says how many. Blocks.
///
/// # Errors
/// If the store fails.
pub fn expire(people: &People) -> Result<u64, ApiError> {
    let (records, now) = (&people.records, people.now());
    let waits = |account: &Account| account.registration.standing == Standing::Applied;
    let mut turned_down = 0;
    for row in records.applicants.scan("", After::Start, APPLICANTS)? {
        let seen = records.accounts.get(&row.value)?.filter(|seen| waits(seen));
        let since = seen.as_ref().and_then(|seen| seen.registration.applied);
        if since.is_some_and(|since| now.since(since) < PATIENCE) {
            continue;
        }
        turned_down += records.change_identity(|batch, touched| {
            batch.unpoint(&records.applicants, &row.key);
            let seen = records.accounts.get(&row.value)?.filter(|seen| waits(seen));
            let Some(seen) = seen else { return Ok(0) };
            let language = mails::language_of(records, &seen)?;
            let mail = mails::rejected(records, language, &seen, "")?;
            outgoing::queue(batch, &mail, now)?;
            registering::remove(records, batch, touched, &seen)?;
            tracing::info!(account = %seen.number, "an application has waited too long");
            Ok(1)
        })?;
    }
    Ok(turned_down)
}

fn applicant(
    number: &AccountId,
    name: &str,
    contact: &Contact,
    language: Language,
    at: Timestamp,
) -> Account {
    let registration = Registration {
        standing: Standing::Applied,
        contact: contact.clone(),
        language: Some(language),
        applied: Some(at),
        ..Registration::default()
    };
    Account { registration, ..Account::new(number.clone(), name, at) }
}

fn tell_administrator(
    people: &People,
    batch: &mut Batch,
    account: &Account,
    now: Timestamp,
) -> Result<(), ApiError> {
    let records = &people.records;
    // Whoever switched applications off meanwhile finds this one in the list.
    let Some(address) = registering::told_to(records)? else { return Ok(()) };
    let mail = mails::application(records, &people.console()?, &address, account)?;
    outgoing::queue(batch, &mail, now)
}

fn recover(
    people: &People,
    request: &Seen<Request>,
    name: &str,
    language: Option<Language>,
) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    let token = links::Token::random()?;
    store::transact(&*records.engine, |batch| {
        let Some(request) = records.requests.get(request.key())? else { return Ok(()) };
        batch.remove(&request);
        let Some(account) = recoverable(records, name)? else { return Ok(()) };
        let login = links::login_of(records, &account.number)?;
        let login = login.as_ref().map(|login| &login.record);
        links::put(records, batch, &token, Errand::Recover, &account, login, now)?;
        let language = match language {
            Some(language) => language,
            None => mails::language_of(records, &account)?,
        };
        let mail = mails::recovery(records, &people.console()?, language, &account, &token)?;
        outgoing::queue(batch, &mail, now)
    })?;
    Ok(())
}

/// An account whose owner can log in, and can be reached by mail.
fn recoverable(records: &Records, name: &str) -> Result<Option<Account>, ApiError> {
    let Some(row) = records.aliases.get(&name.to_ascii_lowercase())? else { return Ok(None) };
    let account = records.accounts.get(&row.value)?.map(|seen| seen.record);
    Ok(account.filter(|it| it.is_usable() && !it.registration.contact.email.is_empty()))
}

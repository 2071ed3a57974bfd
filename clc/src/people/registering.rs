//! What administrators do with registrations: add, list, approve, reject, enable, disable.

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::id::AccountId;
use common::name;
use common::wire::admin::CredentialFile;
use common::wire::people::{Contact, ContactChange, DeletionView, Language, Registered, Standing};
use store::{Batch, Seen};

use super::standing::{self, Event, Next};
use super::{People, contact, groups, links, mails, outgoing, passwords};
use crate::identity::accounts::{self, Issued};
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Errand, Login, Records, Registration, Touched};
use crate::settings;

/// Whom an administrator adds.
#[derive(Clone, Default)]
pub struct NewPerson {
    /// The account's name.
    pub name: String,
    /// Who stands behind it.
    pub contact: Contact,
    /// The language of mails to them; the cloud's if it is not said.
    pub language: Option<Language>,
    /// A first password for the console, which has to be changed at the first log-in.
    pub password: Option<String>,
    /// Whether it is confirmed by the link of a mail first; needs a mail address.
    pub by_mail: bool,
    /// Whether credentials are made at once.
    pub credentials: bool,
}

/// Who was added.
pub struct Added {
    /// The account.
    pub account: AccountId,
    /// The credentials, if they were wanted.
    pub files: Vec<CredentialFile>,
}

/// Registers a user. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a name that breaks the rules or is taken, a field that cannot be
/// used, a password that is too weak, and for `by_mail` without a mail address or a mail server.
pub fn add(people: &People, new: &NewPerson) -> Result<Added, ApiError> {
    let records = &people.records;
    check_name(&new.name)?;
    let contact = contact::checked(&new.contact, new.by_mail)
        .map_err(|error| ApiError::invalid("the user", error))?;
    if new.by_mail && !people.mails {
        let why =
            "the cloud has no mail server ([mail] in clc.toml), so nobody can be asked by mail";
        return Err(ApiError::invalid("the user", why));
    }
    let taken = || ApiError::invalid("the user name", format!("'{}' is taken already", new.name));
    // Making keys takes long; a name that is taken is refused before.
    if accounts::is_taken(records, &new.name, None)? {
        return Err(taken());
    }
    let now = people.now();
    let number = AccountId::from_random(random::bytes()?);
    let login = match &new.password {
        None => None,
        Some(password) => {
            passwords::check_first(&new.name, FIRST_USER, password)?;
            let hash = passwords::hash(people, password)?;
            Some(Login::new(number.clone(), FIRST_USER, hash, true, now))
        }
    };
    let confirmed = !new.by_mail;
    let registration = Registration {
        standing: if confirmed { Standing::Confirmed } else { Standing::Approved },
        contact,
        language: new.language,
        approved: Some(now),
        confirmed: confirmed.then_some(now),
        ..Registration::default()
    };
    let account = Account { registration, ..Account::new(number.clone(), &new.name, now) };
    let issued = new.credentials.then(|| Issued::make(account.clone(), now)).transpose()?;
    let files = match &issued {
        Some(issued) => {
            let cloud = accounts::cloud_certificate(records)?;
            issued.files(&cloud, &people.endpoints()?)?.files
        }
        None => Vec::new(),
    };
    let token = links::Token::random()?;
    records.change_identity(|batch, touched| {
        if accounts::is_taken(records, &new.name, None)? {
            return Err(taken());
        }
        accounts::insert_bare(records, batch, touched, &account)?;
        if let Some(issued) = &issued {
            issued.add_to(records, batch, touched)?;
        }
        if let Some(login) = &login {
            batch.insert(login)?;
        }
        if !confirmed {
            links::put(records, batch, &token, Errand::Confirm, &account, login.as_ref(), now)?;
            let language = mails::language_of(records, &account)?;
            let mail = mails::added(records, &people.console()?, language, &account, &token)?;
            outgoing::queue(batch, &mail, now)?;
        }
        Ok(())
    })?;
    people.post.wake();
    Ok(Added { account: number, files })
}

/// All registrations, the cloud's own first, then by name. Blocks.
///
/// # Errors
/// If the store fails.
pub fn list(people: &People) -> Result<Vec<Registered>, ApiError> {
    let names = groups::names(&people.records)?;
    let mut all = Vec::new();
    for seen in people.records.accounts.all("") {
        all.push(shown(&people.records, seen?.record, &names)?);
    }
    let cloud = AccountId::cloud();
    all.sort_by_key(|it| (it.account != cloud, it.name.to_ascii_lowercase()));
    Ok(all)
}

/// One registration. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn find(people: &People, name: &str) -> Result<Registered, ApiError> {
    let account = accounts::find(&people.records, name)?;
    shown(&people.records, account, &groups::names(&people.records)?)
}

/// Agrees to an application: its user gets a mail with a link. Asking again changes nothing, but
/// sends another mail to one who has not confirmed yet, and the link of the one before is good no
/// more. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user.
pub fn approve(people: &People, name: &str) -> Result<Registered, ApiError> {
    let (records, now) = (&people.records, people.now());
    let token = links::Token::random()?;
    records.change_identity(|batch, touched| {
        let mut seen = accounts::read(records, name)?;
        let next = step(&seen, Event::Approve)?;
        if seen.registration.standing == Standing::Confirmed {
            batch.hold(&seen);
            return Ok(());
        }
        if let Next::Becomes(standing) = next {
            seen.record.registration.standing = standing;
            seen.record.registration.approved = Some(now);
        }
        batch.replace(&seen)?;
        touched.note(EntityName::Account(seen.number.clone()));
        links::revoke(records, batch, &seen.number)?;
        let login = links::login_of(records, &seen.number)?;
        let login = login.as_ref().map(|login| &login.record);
        links::put(records, batch, &token, Errand::Confirm, &seen, login, now)?;
        let language = mails::language_of(records, &seen)?;
        let mail = mails::approved(records, &people.console()?, language, &seen, &token)?;
        outgoing::queue(batch, &mail, now)?;
        Ok(())
    })?;
    people.post.wake();
    find(people, name)
}

/// Why the mail to somebody who was approved does not go out, if it does not.
pub fn unsent(people: &People, it: &Registered) -> Option<String> {
    if it.standing != Standing::Approved {
        return None;
    }
    let why = if it.contact.email.is_empty() {
        "there is no mail address"
    } else if !people.mails {
        "the cloud has no mail server ([mail] in clc.toml)"
    } else {
        return None;
    };
    Some(format!("no mail goes out, because {why}: confirm without one (clc admin confirm)"))
}

/// Turns an application down: nothing of it stays, and its user gets a mail. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user, or for a reason that is too long;
/// `IncorrectState` for one who was approved.
pub fn reject(people: &People, name: &str, reason: Option<&str>) -> Result<(), ApiError> {
    let (records, now) = (&people.records, people.now());
    let reason = contact::reason(reason.unwrap_or_default())
        .map_err(|error| ApiError::invalid("the reason", error))?;
    records.change_identity(|batch, touched| {
        let seen = accounts::read(records, name)?;
        step(&seen, Event::Reject)?;
        let language = mails::language_of(records, &seen)?;
        let mail = mails::rejected(records, language, &seen, &reason)?;
        outgoing::queue(batch, &mail, now)?;
        remove(records, batch, touched, &seen)
    })?;
    people.post.wake();
    Ok(())
}

/// Lets a user use the cloud, or nothing of it. Blocks.
///
/// # Errors
/// As [`accounts::enable`].
pub fn enable(people: &People, name: &str, enabled: bool) -> Result<Registered, ApiError> {
    accounts::enable(&people.records, name, enabled)?;
    find(people, name)
}

/// Confirms a registration without a mail, whoever its user is. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user; `IncorrectState` for one whom nobody has
/// approved.
pub fn confirm(people: &People, name: &str) -> Result<Registered, ApiError> {
    let (records, now) = (&people.records, people.now());
    records.change_identity(|batch, touched| {
        let mut seen = accounts::read(records, name)?;
        if let Next::Becomes(standing) = step(&seen, Event::Confirm)? {
            seen.record.registration.standing = standing;
            seen.record.registration.confirmed = Some(now);
            batch.replace(&seen)?;
            touched.note(EntityName::Account(seen.number.clone()));
        }
        Ok(())
    })?;
    find(people, name)
}

/// Changes what is known of who stands behind an account. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user or a field cannot be used.
pub fn change_contact(
    people: &People,
    name: &str,
    change: &ContactChange,
) -> Result<Registered, ApiError> {
    let account = accounts::find(&people.records, name)?;
    people.records.accounts.update(account.number.as_str(), |account| {
        let contact = &mut account.registration.contact;
        *contact = contact::checked(&change.of(contact), false)
            .map_err(|error| ApiError::invalid("the user", error))?;
        Ok::<_, ApiError>(())
    })?;
    find(people, name)
}

/// The rules for names, as an error that names the parameter.
///
/// # Errors
/// `InvalidParameterValue` says which rule is broken.
pub fn check_name(text: &str) -> Result<(), ApiError> {
    name::check_account_name(text).map_err(|error| ApiError::invalid("the user name", error))
}

/// What an event does to an account.
pub(super) fn step(account: &Account, event: Event) -> Result<Next, ApiError> {
    standing::next(account.registration.standing, event).map_err(|refused| {
        let text = format!("The user '{}' {refused}", account.alias);
        ApiError::new(ErrorCode::IncorrectState, text)
    })
}

/// Removes an account that owns nothing but its owner.
pub(super) fn remove(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<Account>,
) -> Result<(), ApiError> {
    let number = &seen.number;
    batch.remove(seen).unpoint(&records.aliases, &seen.alias.to_ascii_lowercase());
    touched.note(EntityName::Account(number.clone()));
    for user in records.users.all(&format!("{number}/")) {
        let user = user?;
        touched.note(EntityName::user(number, &user.name));
        batch.remove(&user);
    }
    for login in records.logins.all(&format!("{number}/")) {
        batch.remove(&login?);
    }
    Ok(())
}

/// A registration as it is told. Blocks.
///
/// # Errors
/// If the store fails.
pub fn shown(
    records: &Records,
    account: Account,
    groups: &groups::Names,
) -> Result<Registered, ApiError> {
    let Account { number, alias, enabled, registration, .. } = account;
    let zone_groups = groups.of(&registration);
    let deletion = match &registration.leaving {
        None => None,
        Some(leaving) => {
            let heir = leaving.heir.as_ref();
            let named = heir.map(|heir| records.accounts.get(heir.as_str())).transpose()?;
            Some(DeletionView {
                since: leaving.since,
                heir: named.flatten().map(|seen| seen.record.alias),
                left: leaving.why.clone(),
                failure: leaving.failure.clone(),
            })
        }
    };
    Ok(Registered {
        name: alias,
        account: number,
        enabled,
        standing: registration.standing,
        contact: registration.contact,
        applied: registration.applied,
        approved: registration.approved,
        confirmed: registration.confirmed,
        zone_groups,
        leaving: registration.leaving.map(|leaving| leaving.why),
        deletion,
    })
}

/// Where applications are told, if any are taken. Blocks.
///
/// # Errors
/// If the store fails.
pub fn told_to(records: &Records) -> Result<Option<String>, ApiError> {
    let address = settings::get(records, settings::SIGNUP_ADDRESS)?;
    Ok(Some(address).filter(|address| !address.is_empty()))
}

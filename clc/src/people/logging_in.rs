//! Logging in with a password, and changing it.
//!
//! ```text
//!   too many wrong ones lately? ── yes ──▶ wait
//!        │ no
//!   the password's hash (of nobody, if there is no such user) ── no ──▶ wrong, and counted
//!        │ the same
//!   applied, approved, disabled? ──▶ told so, because they know the password
//!        │ none of it
//!   a second factor? ── no code ──▶ wanted;  wrong or used ──▶ wrong, and counted
//!        │ none, or right
//!   in, or to change the password first (an administrator set it, or it is too old)
//! ```

use std::time::Duration;

use common::action::is_administrator;
use common::error::{ApiError, ErrorCode};
use common::iam::directory::authority_of_user;
use common::time::Timestamp;
use common::wire::people::{
    ChangePassword, CheckPerson, LogIn, LoggedIn, Person, ProveAgain, Proven, SetOwnPassword,
    Standing,
};
use store::Seen;

use super::lockout::{self, Counted, Tried};
use super::strangers::admit;
use super::throttle::Kind;
use super::{People, passwords, second_factor};
use crate::identity::directory::RecordedDirectory;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Login, Records, User};

/// Whose password it is.
struct Whose {
    account: Account,
    user: User,
    login: Seen<Login>,
}

/// Somebody logs in. Blocks.
///
/// # Errors
/// `AccessDenied`, the same for an unknown name and a wrong password, and another one for whoever
/// knows the password of an account that cannot be used; `RequestLimitExceeded` after too many
/// wrong ones.
pub fn log_in(people: &People, ask: &LogIn) -> Result<LoggedIn, ApiError> {
    let user = ask.user.as_deref().unwrap_or(FIRST_USER);
    let records = &people.records;
    let tried = Tried::new(&ask.account, user, &ask.address);
    admit(people, Kind::Password, &ask.address)?;
    let (whose, counted) = proven(people, &tried, &ask.account, user, &ask.password)?;
    if !second(people, &whose, ask.code.as_deref())? {
        lockout::take_back(records, &counted)?;
        return Ok(LoggedIn::NeedsCode);
    }
    let dearer = match passwords::is_cheap(&whose.login.hash) {
        true => Some(passwords::hash(people, &ask.password)?),
        false => None,
    };
    store::transact(&*records.engine, |batch| {
        lockout::right(records, batch, &tried, &counted, people.now())?;
        if let Some(hash) = &dearer {
            let mut login = whose.login.clone();
            login.record.hash.clone_from(hash);
            batch.replace(&login)?;
        }
        Ok::<_, ApiError>(())
    })?;
    let is_old = is_old(people, &whose.login)?;
    let must_change = whose.login.must_change || is_old;
    let person = person(records, whose)?;
    Ok(if must_change { LoggedIn::MustChange(person) } else { LoggedIn::In(person) })
}

/// Whether a password is older than the account's rules let it be.
///
/// # Errors
/// `AccessDenied` if it is of no use any more.
fn is_old(people: &People, login: &Login) -> Result<bool, ApiError> {
    let age = people.now().since(login.set);
    let rules = passwords::rules_of(&people.records, &login.account)?;
    let most = rules.as_ref().and_then(|rules| rules.max_age_days);
    let is_old = most.is_some_and(|days| age > Duration::from_secs(u64::from(days) * 86_400));
    if is_old && rules.is_some_and(|rules| rules.hard_expiry) {
        let text = "The password is too old: an administrator has to set another one";
        return Err(ApiError::new(ErrorCode::AccessDenied, text));
    }
    Ok(is_old)
}

/// Whether somebody who logged in once may go on. Blocks.
///
/// # Errors
/// `AccessDenied` for one who may use nothing any more, or whose password is another one since.
pub fn check(people: &People, ask: &CheckPerson) -> Result<Person, ApiError> {
    let records = &people.records;
    let over = || ApiError::new(ErrorCode::AccessDenied, "The session is over: log in again");
    let account = records.accounts.get(ask.account.as_str())?.ok_or_else(over)?.record;
    let whose = whose(records, account, &ask.user)?.ok_or_else(over)?;
    let usable = whose.account.is_usable() && whose.user.enabled;
    if !usable || whose.login.set != ask.password_set {
        return Err(over());
    }
    person(records, whose)
}

/// Somebody who is signed in proves again who they are. Wrong passwords and codes count with those of
/// signing in. Blocks.
///
/// # Errors
/// As [`check`] and [`log_in`]; `MissingParameter` if there is a second factor and no code.
pub fn prove_again(people: &People, ask: &ProveAgain) -> Result<Proven, ApiError> {
    let now = check(people, &ask.by)?;
    let records = &people.records;
    let tried = Tried::new(&now.alias, &now.user, &ask.address);
    admit_known(people, &now)?;
    let (whose, counted) = proven(people, &tried, &now.alias, &now.user, &ask.password)?;
    if !second(people, &whose, ask.code.as_deref())? {
        lockout::take_back(records, &counted)?;
        return Err(ApiError::missing("code"));
    }
    store::transact(&*records.engine, |batch| {
        lockout::right(records, batch, &tried, &counted, people.now())
    })?;
    let second_factor = second_factor::has_one(records, &now.account, &now.user)?;
    Ok(Proven { second_factor })
}

/// Somebody sets another password, knowing the old one. Blocks.
///
/// # Errors
/// As [`log_in`], and `InvalidParameterValue` for a password that breaks a rule.
pub fn change_password(people: &People, ask: &ChangePassword) -> Result<(), ApiError> {
    let user = ask.user.as_deref().unwrap_or(FIRST_USER);
    let tried = Tried::new(&ask.account, user, &ask.address);
    admit(people, Kind::Password, &ask.address)?;
    let (whose, counted) = proven(people, &tried, &ask.account, user, &ask.old)?;
    let second = second(people, &whose, ask.code.as_deref())?;
    lockout::take_back(&people.records, &counted)?;
    if !second {
        return Err(ApiError::missing("code"));
    }
    may_change(people, &whose)?;
    exchange(people, &whose.account.alias, &whose.login, &ask.new)
}

/// Somebody who is signed in sets another password, knowing the old one or having to. Blocks.
///
/// # Errors
/// As [`check`] and [`change_password`]: a session that somebody else has got hold of, and the old
/// password, are not enough where there is a second factor.
pub fn set_own(people: &People, ask: &SetOwnPassword) -> Result<Person, ApiError> {
    let now = check(people, &ask.by)?;
    let records = &people.records;
    let found = match &ask.old {
        Some(old) => {
            let tried = Tried::new(&now.alias, &now.user, &ask.address);
            admit_known(people, &now)?;
            let (whose, counted) = proven(people, &tried, &now.alias, &now.user, old)?;
            let second = second(people, &whose, ask.code.as_deref())?;
            lockout::take_back(records, &counted)?;
            if !second {
                return Err(ApiError::missing("code"));
            }
            may_change(people, &whose)?;
            whose
        }
        None => {
            let account = records.accounts.get(now.account.as_str())?;
            let found = match account {
                Some(account) => whose(records, account.record, &now.user)?,
                None => None,
            };
            let found = found.ok_or_else(wrong)?;
            if !found.login.must_change && !is_old(people, &found.login)? {
                return Err(ApiError::missing("old"));
            }
            found
        }
    };
    exchange(people, &now.alias, &found.login, &ask.new)?;
    let login = records.logins.get(&Login::key_of(&now.account, &now.user))?.ok_or_else(wrong)?;
    Ok(Person { password_set: login.set, ..now })
}

/// Refuses users who may not change their passwords. One that must be changed may be.
fn may_change(people: &People, whose: &Whose) -> Result<(), ApiError> {
    let rules = passwords::rules_of(&people.records, &whose.account.number)?;
    let may = rules.is_none_or(|rules| rules.may_change) || whose.login.must_change;
    if may || whose.user.is_owner() {
        return Ok(());
    }
    let text = "The users of this account may not change their passwords";
    Err(ApiError::new(ErrorCode::AccessDenied, text))
}

/// Puts a new password in the place of one that was read, if it is still that one. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a password that breaks a rule; `OperationAborted` if it was changed
/// meanwhile.
pub fn exchange(
    people: &People,
    alias: &str,
    login: &Seen<Login>,
    new: &str,
) -> Result<(), ApiError> {
    if passwords::matches(people, Some(&login.hash), new)? {
        return Err(ApiError::invalid("the new password", "it is the old one"));
    }
    passwords::check_new(people, alias, login, new)?;
    let hash = passwords::hash(people, new)?;
    let (records, now) = (&people.records, people.now());
    store::transact(&*records.engine, |batch| {
        let seen = records.logins.get(login.key())?.filter(|seen| seen.hash == login.hash);
        let mut seen = seen.ok_or_else(|| {
            let text = "The password was changed by somebody else at the same time";
            ApiError::new(ErrorCode::OperationAborted, text)
        })?;
        passwords::replace(&mut seen.record, hash.clone(), false, now);
        batch.replace(&seen)?;
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Counts a try of somebody who is signed in: with their own, and not with those of strangers behind the
/// same address.
fn admit_known(people: &People, person: &Person) -> Result<(), ApiError> {
    admit(people, Kind::Own, &format!("{}/{}", person.account, person.user))
}

/// Who has proven to know a password, and may use the cloud. Their try stays counted until all is
/// proven.
fn proven(
    people: &People,
    tried: &Tried,
    alias: &str,
    user: &str,
    password: &str,
) -> Result<(Whose, Counted), ApiError> {
    let records = &people.records;
    let counted = lockout::begin(records, tried, people.now())?;
    let account = match records.aliases.get(&alias.to_ascii_lowercase())? {
        Some(row) => records.accounts.get(&row.value)?.map(|seen| seen.record),
        None => None,
    };
    let whose = match account {
        Some(account) => whose(records, account, user)?,
        None => None,
    };
    let hash = whose.as_ref().map(|whose| whose.login.hash.as_str());
    let right = match passwords::matches(people, hash, password) {
        Ok(right) => right,
        Err(error) => {
            // Nobody has looked at it.
            lockout::take_back(records, &counted)?;
            return Err(error);
        }
    };
    let Some(whose) = whose.filter(|_| right) else { return Err(wrong()) };
    let alias = &whose.account.alias;
    let registration = &whose.account.registration;
    let why = match registration.standing {
        Standing::Applied => "has not been approved yet",
        Standing::Approved => "is not confirmed yet: follow the link in the mail",
        Standing::Confirmed if registration.leaving.is_some() => "is being deleted",
        Standing::Confirmed if !whose.account.enabled || !whose.user.enabled => "is disabled",
        Standing::Confirmed => return Ok((whose, counted)),
    };
    lockout::take_back(records, &counted)?;
    Err(ApiError::new(ErrorCode::AccessDenied, format!("The user '{alias}' {why}")))
}

fn wrong() -> ApiError {
    ApiError::new(ErrorCode::AccessDenied, "The user name or the password is wrong")
}

/// Whether the second factor is there as well, where there is one.
fn second(people: &People, whose: &Whose, code: Option<&str>) -> Result<bool, ApiError> {
    let (records, now) = (&people.records, people.now());
    let (account, user) = (&whose.account.number, &whose.user.name);
    match (second_factor::has_one(records, account, user)?, code) {
        (false, _) => Ok(true),
        (true, None) => Ok(false),
        (true, Some(code)) if second_factor::take(records, account, user, code, now)? => Ok(true),
        (true, Some(_)) => {
            Err(ApiError::new(ErrorCode::AccessDenied, "The code is wrong or was used before"))
        }
    }
}

fn whose(records: &Records, account: Account, user: &str) -> Result<Option<Whose>, ApiError> {
    let key = Login::key_of(&account.number, user);
    let (user, login) = (records.users.get(&key)?, records.logins.get(&key)?);
    Ok(user.zip(login).map(|(user, login)| Whose { account, user: user.record, login }))
}

fn person(records: &Records, whose: Whose) -> Result<Person, ApiError> {
    let Account { number, alias, .. } = whose.account;
    let directory = RecordedDirectory::new(records.clone());
    let authority = authority_of_user(&directory, &number, &whose.user.name)?;
    Ok(Person {
        administrator: authority.is_some_and(|authority| is_administrator(&authority)),
        account: number,
        alias,
        user: whose.user.name,
        password_set: whose.login.set,
    })
}

/// Sets the password of a user whom an administrator helps; it must be changed at the next log-in,
/// which no wrong passwords of before hold up. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such user or the password breaks a rule.
pub fn set_first(people: &People, alias: &str, password: &str) -> Result<(), ApiError> {
    let (records, now): (_, Timestamp) = (&people.records, people.now());
    let account = crate::identity::accounts::find(records, alias)?;
    passwords::check_first(&account.alias, FIRST_USER, password)?;
    let hash = passwords::hash(people, password)?;
    store::transact(&*records.engine, |batch| {
        lockout::open(records, batch, &account.alias, FIRST_USER, now)?;
        match records.logins.get(&Login::key_of(&account.number, FIRST_USER))? {
            Some(mut seen) => {
                passwords::replace(&mut seen.record, hash.clone(), true, now);
                batch.replace(&seen)?;
            }
            None => {
                let (number, hash) = (account.number.clone(), hash.clone());
                batch.insert(&Login::new(number, FIRST_USER, hash, true, now))?;
            }
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

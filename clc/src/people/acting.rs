//! On whose behalf the console does what needs more than a name: it says who has logged in, and that
//! is looked at here, so that nothing is approved or handed out because a page forgot to ask.

use common::action::ADMINISTER;
use common::administration::accounts::user_arn;
use common::error::{ApiError, ErrorCode};
use common::iam::Context;
use common::iam::directory::authority_of_user;
use common::wire::people::{CheckPerson, Person};

use super::{People, logging_in};
use crate::identity::accounts;
use crate::identity::directory::RecordedDirectory;
use crate::records::Login;
use crate::records::accounts::FIRST_USER;

/// Somebody who may administrate users. Blocks.
///
/// # Errors
/// `AccessDenied` if the session is over, the password has to be changed first, or they do not
/// administrate the cloud.
pub fn administrator(people: &People, by: &CheckPerson) -> Result<Person, ApiError> {
    let person = acting(people, by)?;
    if may(people, &person, ADMINISTER, "*")? {
        return Ok(person);
    }
    Err(denied(format!("'{}' does not administrate the cloud", person.alias)))
}

/// An administrator whom policies let do something to an account. Blocks.
///
/// # Errors
/// As [`administrator`].
pub fn permitted(
    people: &People,
    by: &CheckPerson,
    action: &str,
    name: &str,
) -> Result<Person, ApiError> {
    let person = administrator(people, by)?;
    let resource = match name {
        "" => "*".to_owned(),
        // A number means the account as its name does.
        name => match accounts::find(&people.records, name) {
            Ok(account) => user_arn(&account.alias),
            Err(_) => user_arn(name),
        },
    };
    if may(people, &person, action, &resource)? {
        return Ok(person);
    }
    Err(denied(format!("'{}' may not do {action} to '{name}'", person.alias)))
}

/// An administrator who may have what makes them the owner of an account that is not their own:
/// whoever sets its password or its mail address can. Blocks.
///
/// # Errors
/// As [`owner`]; `OperationNotPermitted` for one's own account, for which there are other ways.
pub fn helper(people: &People, by: &CheckPerson, name: &str) -> Result<Person, ApiError> {
    let person = administrator(people, by)?;
    owner(people, by, name)?;
    if accounts::find(&people.records, name)?.number == person.account {
        let text = "This is your own account: change it on the pages of your account";
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    Ok(person)
}

/// Somebody who may have what makes them the owner of an account: the owner, or an administrator who
/// may make credentials; those of the cloud's owner are nobody else's. Blocks.
///
/// # Errors
/// As [`administrator`]; `InvalidParameterValue` if there is no such account.
pub fn owner(people: &People, by: &CheckPerson, name: &str) -> Result<Person, ApiError> {
    let person = acting(people, by)?;
    let account = accounts::find(&people.records, name)?;
    if account.number == person.account && person.user == FIRST_USER {
        return Ok(person);
    }
    let another = account.number != person.account;
    if another
        && may(people, &person, ADMINISTER, "*")?
        && may(people, &person, "eucalypt:GetCredentials", &user_arn(&account.alias))?
    {
        return Ok(person);
    }
    Err(denied(format!("'{}' may not have the credentials of '{name}'", person.alias)))
}

/// Somebody who may see who stands behind an account: the owner, or an administrator. Blocks.
///
/// # Errors
/// As [`administrator`].
pub fn beholder(people: &People, by: &CheckPerson, name: &str) -> Result<Person, ApiError> {
    let person = acting(people, by)?;
    let own = person.alias.eq_ignore_ascii_case(name) && person.user == FIRST_USER;
    if own { Ok(person) } else { administrator(people, by) }
}

fn acting(people: &People, by: &CheckPerson) -> Result<Person, ApiError> {
    let person = logging_in::check(people, by)?;
    let login = people.records.logins.get(&Login::key_of(&person.account, &person.user))?;
    if login.is_none_or(|login| login.must_change) {
        return Err(denied("The password has to be changed first".to_owned()));
    }
    Ok(person)
}

fn may(people: &People, person: &Person, action: &str, resource: &str) -> Result<bool, ApiError> {
    if !person.administrator {
        return Ok(false);
    }
    let directory = RecordedDirectory::new(people.records.clone());
    let authority = authority_of_user(&directory, &person.account, &person.user)?;
    Ok(authority.is_some_and(|it| it.may(action, resource, &Context::new())))
}

fn denied(text: String) -> ApiError {
    ApiError::new(ErrorCode::AccessDenied, text)
}

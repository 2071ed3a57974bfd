//! Who is behind a message of the console, for its record: whoever has proven it, and nobody else.

use common::audit::{Actor, Event};
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use serde_json::Value;

use crate::iam::users;
use crate::records::accounts::FIRST_USER;
use crate::records::{Records, User};

/// What stands in the place of a name that nobody has.
const UNKNOWN: &str = "***";

/// Takes out of the record of a sign-in what names nobody: whoever mistakes one field for the next has
/// typed a password there. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn hide(records: &Records, event: &mut Event) -> Result<(), ApiError> {
    let said = |name: &str| event.parameters.get(name).cloned();
    let account = said("account").unwrap_or_default().to_ascii_lowercase();
    let number = records.aliases.get(&account)?.and_then(|row| row.value.parse().ok());
    let number: Option<AccountId> = number;
    let user = match (&number, said("user")) {
        (Some(number), Some(user)) => records.users.get(&User::key_of(number, &user))?.is_some(),
        (number, _) => number.is_some(),
    };
    for (name, known) in [("account", number.is_some()), ("user", user)] {
        if let Some(value) = event.parameters.get_mut(name).filter(|_| !known) {
            UNKNOWN.clone_into(value);
        }
    }
    if number.is_none() {
        event.resources.clear();
    }
    Ok(())
}

/// The person behind a message that was answered so. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn behind(
    records: &Records,
    action: &str,
    message: &Value,
    answered: Result<&[u8], ErrorCode>,
) -> Result<Option<Actor>, ApiError> {
    let text = |name: &str| message.pointer(name).and_then(Value::as_str);
    let (account, user) = match action {
        "LogIn" | "ChangePassword" | "Confirm" | "ConfirmAddress" | "Recover" => {
            let Ok(answer) = answered else { return Ok(None) };
            // The password was right, and the code is still to come.
            if answer == br#""needs_code""# {
                return Ok(None);
            }
            let Some(name) = text("/account").or_else(|| text("/name")) else { return Ok(None) };
            let row = records.aliases.get(&name.to_ascii_lowercase())?;
            (row.map(|row| row.value), text("/user"))
        }
        // Who says so was looked at before all else, and being nobody is what is refused so.
        _ => {
            let nobody = answered.is_err_and(|code| code == ErrorCode::AccessDenied);
            let Some(account) = text("/by/account").filter(|_| !nobody) else { return Ok(None) };
            (Some(account.to_owned()), text("/by/user"))
        }
    };
    let Some(number) = account.and_then(|number| number.parse::<AccountId>().ok()) else {
        return Ok(None);
    };
    let user = records.users.get(&User::key_of(&number, user.unwrap_or(FIRST_USER)))?;
    let account = records.accounts.get(number.as_str())?;
    Ok(account.zip(user).map(|(account, user)| Actor {
        arn: users::arn(&number, &user.path, &user.name),
        account: number.to_string(),
        alias: account.record.alias,
        name: user.name.clone(),
        id: user.unique_id(),
        session: None,
    }))
}

//! Administrators of the cloud act in other accounts, as those accounts' owners would.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use futures_util::future::BoxFuture;
use runtime::stand_in::StandIn;
use store::Seen;

use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Records};

/// The account of a name in any case, or of a number. Blocks.
///
/// # Errors
/// `NoSuchEntity`.
pub fn account(records: &Records, named: &str) -> Result<Seen<Account>, ApiError> {
    // A number leads to one account for ever, so it goes before a name that looks like one.
    if let Ok(number) = named.parse::<AccountId>()
        && let Some(seen) = records.accounts.get(number.as_str())?
    {
        return Ok(seen);
    }
    let row = records.aliases.get(&named.to_ascii_lowercase())?;
    let seen = row.map(|row| records.accounts.get(&row.value)).transpose()?.flatten();
    seen.ok_or_else(|| {
        let text = format!("The account with name {named} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

/// Lets administrators stand in for the owners of accounts.
pub struct RecordedStandIn {
    /// What lasts.
    pub records: Records,
}

impl StandIn for RecordedStandIn {
    fn stand_in<'a>(
        &'a self,
        caller: Caller,
        named: &'a str,
    ) -> BoxFuture<'a, Result<Caller, ApiError>> {
        Box::pin(async move {
            if !caller.administrator {
                let text = format!(
                    "User: {} is not authorized to act in another account: only administrators of \
                     the cloud are",
                    caller.arn()
                );
                return Err(ApiError::new(ErrorCode::AccessDenied, text));
            }
            let named = named.to_owned();
            let found = self.records.work(move |records| account(records, &named)).await?;
            let Account { number, alias, .. } = found.record;
            Ok(Caller { account: number, alias, user: FIRST_USER.to_owned(), ..caller })
        })
    }
}

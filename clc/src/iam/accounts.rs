//! Accounts, for administrators of the cloud: CreateAccount, GetAccount, ListAccounts,
//! DeleteAccount.
//!
//! An account that is made here has its owner, who can do nothing yet: an administrator gives it an
//! access key by CreateAccessKey with `DelegateAccount`.

use common::error::{ApiError, ErrorCode};
use common::euare::accounts::{
    Account as View, Accounts, CreateAccount, DeleteAccount, GetAccount, ListAccounts, OneAccount,
};
use common::euare::elements::{Moment, Nothing};
use common::euare::paging::Page;
use common::iam::EntityName;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::wire::admin::Belongings;
use runtime::actor::{Answer, Handle, Scene};
use store::After;

use super::change::{Change, Changes, changes};
use super::{Iam, aliases};
use crate::identity::stand_in;
use crate::people::deletion;
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Records, User};

changes!(CreateAccount);

/// Refuses whoever is no administrator of the cloud.
///
/// # Errors
/// `AccessDenied`.
pub fn administrators_only(scene: &Scene<Iam>, action: &str) -> Result<(), ApiError> {
    if scene.caller.administrator {
        return Ok(());
    }
    let text = format!(
        "User: {} is not authorized to perform: iam:{action}: only administrators of the cloud are",
        scene.caller.arn()
    );
    Err(ApiError::new(ErrorCode::AccessDenied, text))
}

fn told(account: &Account) -> View {
    View {
        account_name: account.alias.clone(),
        account_id: account.number.to_string(),
        create_date: Moment(account.created),
        enabled: account.enabled,
    }
}

impl Changes for CreateAccount {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<OneAccount>, ApiError> {
        administrators_only(scene, "CreateAccount")?;
        let number = AccountId::from_random(random::bytes()?);
        let alias = self.account_name.unwrap_or_else(|| number.to_string());
        aliases::check_alias(&alias)?;
        let account = Account::new(number, &alias, scene.clock.now());
        Ok(Change::new(move |records, batch, touched| {
            let Account { number, alias, created, .. } = &account;
            aliases::free(records, alias, number)?;
            batch.insert(&account)?;
            batch.claim(&records.aliases, &alias.to_ascii_lowercase(), number.as_str());
            let id = unique_id("AIDA", &random::bytes::<16>()?);
            batch.insert(&User::new(number.clone(), FIRST_USER, "/", id, *created))?;
            touched.note(EntityName::Account(number.clone()));
            touched.note(EntityName::user(number, FIRST_USER));
            Ok(OneAccount { account: told(&account) })
        }))
    }
}

impl Answer<Iam> for GetAccount {
    async fn answer(self, scene: &Scene<Iam>) -> Result<OneAccount, ApiError> {
        let own = scene.caller.account.to_string();
        let named = self.account_name.filter(|named| *named != own);
        if named.is_some() {
            administrators_only(scene, "GetAccount")?;
        }
        let named = named.unwrap_or(own);
        let seen = scene.records.work(move |records| stand_in::account(records, &named)).await?;
        Ok(OneAccount { account: told(&seen) })
    }
}

impl Answer<Iam> for ListAccounts {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Accounts, ApiError> {
        administrators_only(scene, "ListAccounts")?;
        let marker = self.marker.as_deref();
        let whole = self.max_items.is_none() && marker.is_none();
        let page = Page::new(&["ListAccounts"], marker, self.max_items)?;
        scene
            .records
            .work(move |records| {
                let rows = records.accounts.all_behind("", page.after()).map(|seen| {
                    let seen = seen?;
                    Ok::<_, ApiError>((seen.key().to_owned(), told(&seen)))
                });
                if whole {
                    let all = rows.map(|row| row.map(|(_, it)| it));
                    let accounts = all.collect::<Result<Vec<_>, _>>()?.into();
                    return Ok(Accounts { accounts, is_truncated: false, marker: None });
                }
                let filled = page.fill(rows)?;
                let (is_truncated, marker) = (filled.is_truncated, filled.marker);
                Ok(Accounts { accounts: filled.items, is_truncated, marker })
            })
            .await
    }
}

impl Handle<Iam> for DeleteAccount {
    /// The account's name, and what becomes of what it owns.
    type Checked = (String, Belongings);

    async fn check(self, scene: &Scene<Iam>) -> Result<Self::Checked, ApiError> {
        administrators_only(scene, "DeleteAccount")?;
        let (named, recursive) = (self.account_name, self.recursive);
        let (word, heir) = (self.belongings.as_deref(), self.heir.as_deref());
        let belongings = Belongings::read(("Belongings", word), ("Heir", heir))?;
        scene
            .records
            .work(move |records| {
                let seen = stand_in::account(records, &named)?;
                if seen.number == AccountId::cloud() {
                    let text = "Cannot delete entity, the cloud's own account stays.";
                    return Err(ApiError::new(ErrorCode::DeleteConflict, text));
                }
                let belongings = match belongings {
                    Belongings::Give(heir) => {
                        Belongings::Give(stand_in::account(records, &heir)?.record.alias)
                    }
                    other => other,
                };
                let owned = deletion::owned(records, &seen.number)?;
                if belongings == Belongings::Refuse && !owned.is_empty() {
                    let text = format!("Cannot delete entity, it owns {}.", owned.join("; "));
                    return Err(ApiError::new(ErrorCode::DeleteConflict, text));
                }
                if !recursive {
                    has_nothing(records, &seen.number)?;
                }
                Ok((seen.record.alias, belongings))
            })
            .await
    }

    async fn act(
        (alias, belongings): Self::Checked,
        scene: &Scene<Iam>,
    ) -> Result<Nothing, ApiError> {
        deletion::delete(&scene.people, &scene.walrus, &alias, belongings).await?;
        Ok(Nothing {})
    }
}

fn first(what: &str) -> Result<(), ApiError> {
    let text = format!("Cannot delete entity, must {what} first.");
    Err(ApiError::new(ErrorCode::DeleteConflict, text))
}

/// Refuses to remove an account that has more than its owner. Blocks.
fn has_nothing(records: &Records, account: &AccountId) -> Result<(), ApiError> {
    let own = format!("{account}/");
    if records.users.scan(&own, After::Start, 2)?.len() > 1 {
        return first("delete users");
    }
    if !records.groups.scan(&own, After::Start, 1)?.is_empty() {
        return first("delete groups");
    }
    if !records.profiles.scan(&own, After::Start, 1)?.is_empty() {
        return first("delete instance profiles");
    }
    if !records.roles.scan(&own, After::Start, 1)?.is_empty() {
        return first("delete roles");
    }
    if !records.policies.scan(&own, After::Start, 1)?.is_empty() {
        return first("delete policies");
    }
    Ok(())
}

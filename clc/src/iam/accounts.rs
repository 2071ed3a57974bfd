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
use runtime::actor::{Answer, Scene};
use store::{After, Batch, Seen};

use super::change::{Change, Changes, changes};
use super::{Iam, aliases, belongings, groups};
use crate::identity::stand_in;
use crate::random;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Records, Role, Touched, User};

changes!(CreateAccount, DeleteAccount);

/// How many rows are read at a time.
const CHUNK: usize = 128;

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

impl Changes for DeleteAccount {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        administrators_only(scene, "DeleteAccount")?;
        let (named, recursive) = (self.account_name, self.recursive);
        Ok(Change::new(move |records, batch, touched| {
            let seen = stand_in::account(records, &named)?;
            if seen.number == AccountId::cloud() {
                let text = "Cannot delete entity, the cloud's own account stays.";
                return Err(ApiError::new(ErrorCode::DeleteConflict, text));
            }
            owns_nothing(records, &seen.number)?;
            if !recursive {
                has_nothing(records, &seen.number)?;
            }
            remove(records, batch, touched, &seen)?;
            Ok(Nothing {})
        }))
    }
}

fn first(what: &str) -> Result<(), ApiError> {
    let text = format!("Cannot delete entity, must {what} first.");
    Err(ApiError::new(ErrorCode::DeleteConflict, text))
}

/// Refuses to remove an account that others would miss something with. Blocks.
fn owns_nothing(records: &Records, account: &AccountId) -> Result<(), ApiError> {
    let own = format!("{account}/");
    for row in records.instances_of.rows(&own, None, CHUNK) {
        if records.instances.get(&row?.value)?.is_some_and(|it| it.lives()) {
            return first("terminate instances");
        }
    }
    for row in records.images_for.rows(&own, None, CHUNK) {
        if records.images.get(&row?.value)?.is_some_and(|it| it.account == *account) {
            return first("deregister images");
        }
    }
    Ok(())
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
    if !records.key_pairs.scan(&own, After::Start, 1)?.is_empty() {
        return first("delete key pairs");
    }
    Ok(())
}

/// Adds to a batch: an account goes with everybody in it. Its certificates stay on record. Blocks.
///
/// # Errors
/// If the store fails.
pub fn remove(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<Account>,
) -> Result<(), ApiError> {
    let account = &seen.number;
    let own = format!("{account}/");
    for group in records.groups.all(&own) {
        groups::remove_emptied(records, batch, touched, &group?)?;
    }
    for user in records.users.all(&own) {
        belongings::remove_with_account(records, batch, touched, &user?)?;
    }
    for profile in records.profiles.all(&own) {
        let profile = profile?;
        if let Some(role) = &profile.role {
            let name = profile.name.to_ascii_lowercase();
            let row = format!("{}/{name}", Role::key_of(account, role));
            batch.unpoint(&records.profiles_of, &row);
        }
        batch.remove(&profile);
    }
    for role in records.roles.all(&own) {
        let role = role?;
        let attached =
            role.policies.attached.iter().map(|arn| format!("{arn}|role/{}", role.key()));
        let boundary =
            role.boundary.iter().map(|arn| format!("{arn}|boundary-role/{}", role.key()));
        for row in attached.chain(boundary) {
            batch.unpoint(&records.attachments, &row);
        }
        touched.note(EntityName::role(account, &role.name));
        batch.remove(&role);
    }
    for policy in records.policies.all(&own) {
        let policy = policy?;
        touched.note(EntityName::Policy(policy.arn()));
        batch.remove(&policy);
    }
    for pair in records.key_pairs.all(&own) {
        batch.remove(&pair?);
    }
    for tags in records.tags.all(&own) {
        let tags = tags?;
        batch.unpoint(&records.tags_of, &format!("{}/{account}", tags.resource));
        batch.remove(&tags);
    }
    batch.unpoint(&records.aliases, &seen.alias.to_ascii_lowercase());
    batch.remove(seen);
    touched.note(EntityName::Account(account.clone()));
    Ok(())
}

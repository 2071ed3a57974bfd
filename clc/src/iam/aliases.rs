//! The account itself: CreateAccountAlias, DeleteAccountAlias, ListAccountAliases,
//! GetAccountSummary.
//!
//! The alias is the account's name, by which people and administrators know it; there is one at
//! most, and an account without one goes by its number.

use common::error::{ApiError, ErrorCode};
use common::euare::aliases::{
    AccountAliases, AccountSummary, CreateAccountAlias, DeleteAccountAlias, Entries, Entry,
    GetAccountSummary, ListAccountAliases,
};
use common::euare::elements::Nothing;
use common::euare::paging::Page;
use common::iam::EntityName;
use common::id::AccountId;
use common::name;
use runtime::actor::{Answer, Scene};
use store::{Batch, Pages, Record, Seen, Table};

use super::change::{Change, Changes, changes};
use super::{Iam, belongings, limits};
use crate::identity::accounts;
use crate::records::accounts::FIRST_USER;
use crate::records::{Account, Records, Touched, User};
use crate::settings;

changes!(CreateAccountAlias, DeleteAccountAlias);

/// Refuses a name that no account may have.
///
/// # Errors
/// `ValidationError`.
pub fn check_alias(alias: &str) -> Result<(), ApiError> {
    name::check_account_name(alias).map_err(|error| {
        let text = format!("The specified value for accountAlias is invalid: {error}");
        ApiError::new(ErrorCode::ValidationError, text)
    })
}

/// Refuses a name that means another already: an account by its name or number, or an administrator
/// of the cloud. Blocks.
///
/// # Errors
/// `EntityAlreadyExists`.
pub fn free(records: &Records, alias: &str, account: &AccountId) -> Result<(), ApiError> {
    if !accounts::is_taken(records, alias, Some(account))? {
        return Ok(());
    }
    let text = format!("The account alias {alias} already exists.");
    Err(ApiError::new(ErrorCode::EntityAlreadyExists, text))
}

/// The caller's account, if its name may be changed. Blocks.
fn own(records: &Records, account: &AccountId) -> Result<Seen<Account>, ApiError> {
    if *account == AccountId::cloud() {
        let text = "The name of the cloud's own account cannot be changed.";
        return Err(ApiError::new(ErrorCode::UnmodifiableEntity, text));
    }
    records.accounts.get(account.as_str())?.ok_or_else(|| {
        let text = format!("The account {account} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

/// Adds to a batch: an account goes by another name, which is free.
fn rename(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    mut seen: Seen<Account>,
    alias: &str,
) -> Result<Nothing, ApiError> {
    batch.unpoint(&records.aliases, &seen.alias.to_ascii_lowercase());
    batch.point(&records.aliases, &alias.to_ascii_lowercase(), seen.number.as_str());
    alias.clone_into(&mut seen.record.alias);
    batch.replace(&seen)?;
    touched.note(EntityName::Account(seen.record.number));
    Ok(Nothing {})
}

impl Changes for CreateAccountAlias {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_alias(&self.account_alias)?;
        let (account, alias) = (scene.caller.account.clone(), self.account_alias);
        Ok(Change::new(move |records, batch, touched| {
            let seen = own(records, &account)?;
            free(records, &alias, &account)?;
            rename(records, batch, touched, seen, &alias)
        }))
    }
}

impl Changes for DeleteAccountAlias {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let (account, alias) = (scene.caller.account.clone(), self.account_alias);
        Ok(Change::new(move |records, batch, touched| {
            let seen = own(records, &account)?;
            if !seen.alias.eq_ignore_ascii_case(&alias) || seen.alias == account.as_str() {
                let text = format!("The account alias {alias} cannot be found.");
                return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
            }
            free(records, account.as_str(), &account)?;
            rename(records, batch, touched, seen, account.as_str())
        }))
    }
}

impl Answer<Iam> for ListAccountAliases {
    async fn answer(self, scene: &Scene<Iam>) -> Result<AccountAliases, ApiError> {
        let account = scene.caller.account.clone();
        let listing = ["ListAccountAliases", account.as_str()];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        let seen = scene.records.work(move |records| Ok(records.accounts.get(account.as_str())?));
        let named = seen.await?.filter(|seen| seen.alias != seen.number.as_str());
        let filled = page.cut(named.map(|seen| (seen.alias.clone(), seen.record.alias)));
        Ok(AccountAliases { account_aliases: filled.items, is_truncated: filled.is_truncated })
    }
}

/// All of an account's in a table.
fn all<R: Record>(table: &Table<R>, account: &AccountId) -> Pages<R> {
    table.all(&format!("{account}/"))
}

fn count<T>(of: impl Iterator<Item = Result<T, store::StoreError>>) -> Result<usize, ApiError> {
    let mut count = 0;
    for seen in of {
        seen?;
        count += 1;
    }
    Ok(count)
}

impl Answer<Iam> for GetAccountSummary {
    async fn answer(self, scene: &Scene<Iam>) -> Result<AccountSummary, ApiError> {
        let account = scene.caller.account.clone();
        scene.records.work(move |records| summary(records, &account)).await
    }
}

fn summary(records: &Records, account: &AccountId) -> Result<AccountSummary, ApiError> {
    let (mut policies, mut versions) = (0, 0);
    for seen in all(&records.policies, account) {
        policies += 1;
        versions += seen?.versions.len();
    }
    let owner = records.users.get(&User::key_of(account, FIRST_USER))?;
    let has = |count: usize| usize::from(count > 0);
    let (mut keys, mut certificates) = (0, 0);
    if let Some(owner) = &owner {
        keys = has(belongings::keys(records, owner)?.len());
        certificates = has(belongings::certificates(records, owner)?.len());
    }
    let numbers = [
        ("AccessKeysPerUserQuota", settings::number(records, settings::ACCESS_KEYS_PER_USER)?),
        ("AccountAccessKeysPresent", keys),
        ("AccountSigningCertificatesPresent", certificates),
        ("AssumeRolePolicySizeQuota", limits::TRUST_POLICY_SIZE),
        ("AttachedPoliciesPerGroupQuota", limits::ATTACHED),
        ("AttachedPoliciesPerRoleQuota", limits::ATTACHED),
        ("AttachedPoliciesPerUserQuota", limits::ATTACHED),
        ("GroupPolicySizeQuota", limits::GROUP_POLICY_SIZE),
        ("Groups", count(all(&records.groups, account))?),
        ("GroupsPerUserQuota", limits::GROUPS_PER_USER),
        ("GroupsQuota", limits::GROUPS),
        ("InstanceProfiles", count(all(&records.profiles, account))?),
        ("InstanceProfilesQuota", limits::INSTANCE_PROFILES),
        ("Policies", policies),
        ("PoliciesQuota", limits::POLICIES),
        ("PolicySizeQuota", limits::POLICY_SIZE),
        ("PolicyVersionsInUse", versions),
        ("RolePolicySizeQuota", limits::ROLE_POLICY_SIZE),
        ("Roles", count(all(&records.roles, account))?),
        ("RolesQuota", limits::ROLES),
        (
            "SigningCertificatesPerUserQuota",
            settings::number(records, settings::CERTIFICATES_PER_USER)?,
        ),
        ("UserPolicySizeQuota", limits::USER_POLICY_SIZE),
        ("Users", count(all(&records.users, account))?),
        ("UsersQuota", limits::USERS),
        ("VersionsPerPolicyQuota", limits::VERSIONS_PER_POLICY),
    ];
    let entry = |(key, value): (&str, usize)| Entry {
        key: key.to_owned(),
        value: u64::try_from(value).unwrap_or(u64::MAX),
    };
    Ok(AccountSummary { summary_map: Entries { entry: numbers.into_iter().map(entry).collect() } })
}

//! How an account itself goes, when nothing is left that it owned. Everything here can be done again
//! from wherever it stopped, and blocks.

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use common::id::AccountId;
use store::{After, Record};

use crate::records::{Group, Records, Role, User};
use crate::settings;

/// How many records one commit is about.
const PORTION: usize = 64;

/// Removes users, what they sign and log in with, what permits them, and at last the account.
///
/// Certificates stay, for nobody to use, if what they signed is another's now: its bundles are as
/// good as before.
pub(super) fn remove_identity(
    records: &Records,
    account: &AccountId,
    keeps_certificates: bool,
) -> Result<(), ApiError> {
    let prefix = format!("{account}/");
    keys(records, account)?;
    // Policies of the cloud are no account's, so who has them is taken out one by one.
    let attachments = |kind: &str, key: &str, arns: &[String], boundary: Option<&String>| {
        let attached = arns.iter().map(|arn| format!("{arn}|{kind}/{key}"));
        let boundary = boundary.map(|arn| format!("{arn}|boundary-{kind}/{key}"));
        attached.chain(boundary).map(|row| (&records.attachments, row)).collect::<Vec<_>>()
    };
    portions(records, &records.users, &prefix, |it| {
        let groups = it.groups.iter().map(|group| format!("{account}/{group}/{}", it.name));
        let members = groups.map(|row| (&records.members, row.to_ascii_lowercase()));
        let (arns, boundary) = (&it.policies.attached, it.boundary.as_ref());
        let mut rows = attachments("user", &User::key_of(account, &it.name), arns, boundary);
        rows.extend(members);
        (Some(EntityName::user(account, &it.name)), rows)
    })?;
    portions(records, &records.groups, &prefix, |it| {
        let key = Group::key_of(account, &it.name);
        let rows = attachments("group", &key, &it.policies.attached, None);
        (Some(EntityName::group(account, &it.name)), rows)
    })?;
    portions(records, &records.roles, &prefix, |it| {
        let key = Role::key_of(account, &it.name);
        let rows = attachments("role", &key, &it.policies.attached, it.boundary.as_ref());
        (Some(EntityName::role(account, &it.name)), rows)
    })?;
    portions(records, &records.policies, &prefix, |it| {
        (Some(EntityName::Policy(it.arn())), Vec::new())
    })?;
    portions(records, &records.profiles, &prefix, |_| (None, Vec::new()))?;
    if keeps_certificates {
        for seen in records.certificates.all(&prefix) {
            records.certificates.update(seen?.key(), |it| {
                (it.deleted, it.active) = (true, false);
                Ok::<_, ApiError>(())
            })?;
        }
    } else {
        portions(records, &records.certificates, &prefix, |it| {
            (Some(it.entity_name()), Vec::new())
        })?;
    }
    portions(records, &records.launches, &prefix, |_| (None, Vec::new()))?;
    portions(records, &records.logins, &prefix, |_| (None, Vec::new()))?;
    portions(records, &records.mfa_devices, &prefix, |_| (None, Vec::new()))?;
    for index in [&records.members, &records.profiles_of, &records.mfa_of, &records.keys_of] {
        rows(records, index, &prefix)?;
    }
    rows(records, &records.turns, account.as_str())?;
    // Managed policies are named by their ARNs there.
    rows(records, &records.attachments, &format!("arn:aws:iam::{account}:"))?;
    for seen in records.tags.all(&prefix) {
        let seen = seen?;
        store::transact(&*records.engine, |batch| {
            if let Some(now) = records.tags.get(seen.key())? {
                batch.remove(&now);
                batch.unpoint(&records.tags_of, &format!("{}/{account}", now.resource));
            }
            Ok::<_, ApiError>(())
        })?;
    }
    records.change_identity(|batch, touched| {
        // Whoever was making something in it has committed before this, or finds it gone.
        if !is_empty(records, account)? {
            let text = "something was made in the account meanwhile";
            return Err(ApiError::new(ErrorCode::OperationAborted, text));
        }
        if let Some(rules) = records.password_rules.get(account.as_str())? {
            batch.remove(&rules);
        }
        settings::forget_image_bucket(records, batch, account)?;
        batch.unpoint(&records.leaving, account.as_str());
        let Some(seen) = records.accounts.get(account.as_str())? else { return Ok(()) };
        batch.remove(&seen).unpoint(&records.aliases, &seen.alias.to_ascii_lowercase());
        touched.note(EntityName::Account(account.clone()));
        Ok(())
    })
}

/// Whether nobody is in an account, and nothing that lives is its.
fn is_empty(records: &Records, account: &AccountId) -> Result<bool, ApiError> {
    let prefix = format!("{account}/");
    let inside = records.users.scan(&prefix, None, 1)?.len()
        + records.groups.scan(&prefix, None, 1)?.len()
        + records.roles.scan(&prefix, None, 1)?.len()
        + records.policies.scan(&prefix, None, 1)?.len()
        + records.profiles.scan(&prefix, None, 1)?.len()
        + records.keys_of.scan(&prefix, After::Start, 1)?.len();
    Ok(inside == 0 && super::owned::owned(records, account)?.is_empty())
}

fn keys(records: &Records, account: &AccountId) -> Result<(), ApiError> {
    let prefix = format!("{account}/");
    loop {
        let page = records.keys_of.scan(&prefix, After::Start, PORTION)?;
        if page.is_empty() {
            return Ok(());
        }
        records.change_identity(|batch, touched| {
            for row in &page {
                if let Some(key) = records.access_keys.get(&row.value)? {
                    batch.remove(&key);
                }
                if let Some(used) = records.key_uses.get(&row.value)? {
                    batch.remove(&used);
                }
                batch.unpoint(&records.keys_of, &row.key);
                touched.note(EntityName::AccessKey(row.value.clone()));
            }
            Ok(())
        })?;
    }
}

/// Removes the records of a table that are the account's, some at a time. `told` says which entity
/// one is, and which rows of which indexes lead to it.
fn portions<'r, R: Record>(
    records: &'r Records,
    table: &store::Table<R>,
    prefix: &str,
    told: impl Fn(&R) -> (Option<EntityName>, Vec<(&'r store::Index, String)>),
) -> Result<(), ApiError> {
    loop {
        let page = table.scan(prefix, None, PORTION)?;
        if page.is_empty() {
            return Ok(());
        }
        records.change_identity(|batch, touched| {
            for seen in &page {
                let Some(seen) = table.get(seen.key())? else { continue };
                let (name, rows) = told(&seen);
                name.into_iter().for_each(|name| touched.note(name));
                for (index, row) in rows {
                    batch.unpoint(index, &row);
                }
                batch.remove(&seen);
            }
            Ok(())
        })?;
    }
}

/// Removes the rows of an index that begin so.
fn rows(records: &Records, index: &store::Index, prefix: &str) -> Result<(), ApiError> {
    loop {
        let page = index.scan(prefix, After::Start, PORTION)?;
        if page.is_empty() {
            return Ok(());
        }
        store::transact(&*records.engine, |batch| {
            for row in &page {
                batch.unpoint(index, &row.key);
            }
            Ok::<_, ApiError>(())
        })?;
    }
}

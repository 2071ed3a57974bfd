//! How what an account owned comes to its end, and then the account itself. Everything here can be
//! done again from wherever it stopped, and blocks.

use common::error::ApiError;
use common::iam::EntityName;
use common::id::AccountId;
use common::time::Timestamp;
use store::Record;

use crate::reconcile::images::undefault;
use crate::records::{Group, Image, ImageState, Reason, Records, Role, User};
use crate::settings;

/// How many records one commit is about.
const PORTION: usize = 64;

/// What a pass over the belongings found.
pub(super) struct Ended {
    /// What is still there, in words.
    pub(super) left: Vec<String>,
    /// The nodes of what was ended just now.
    pub(super) nodes: Vec<String>,
    /// Whether an image was deregistered just now.
    pub(super) images: bool,
}

/// Ends whatever an account owns.
pub(super) fn end_belongings(
    records: &Records,
    account: &AccountId,
    now: Timestamp,
) -> Result<Ended, ApiError> {
    let prefix = format!("{account}/");
    let mut ended = Ended { left: Vec::new(), nodes: Vec::new(), images: false };
    let ids = |index: &store::Index| -> Result<Vec<String>, ApiError> {
        index.rows(&prefix, None, 256).map(|row| Ok(row?.value)).collect()
    };
    let reason = || Reason::new("Server.AccountDeleted", "The account was deleted");
    let mut living = 0;
    for id in ids(&records.instances_of)? {
        let (news, _) = store::transact(&*records.engine, |batch| {
            let Some(mut seen) = records.instances.get(&id)? else { return Ok(None) };
            let news = seen.record.end(reason(), now);
            if news {
                batch.replace(&seen)?;
            }
            Ok::<_, ApiError>(seen.lives().then(|| news.then(|| seen.node.clone())))
        })?;
        if let Some(node) = news {
            living += 1;
            ended.nodes.extend(node);
        }
    }
    let mut tasks = 0;
    for id in ids(&records.bundles_of)? {
        let (news, _) = store::transact(&*records.engine, |batch| {
            let Some(mut seen) = records.bundle_tasks.get(&id)? else { return Ok(None) };
            let news = seen.record.cancel(reason(), now);
            if news {
                batch.replace(&seen)?;
            }
            Ok::<_, ApiError>((!seen.is_over()).then(|| news.then(|| seen.node.clone())))
        })?;
        if let Some(node) = news {
            tasks += 1;
            ended.nodes.extend(node);
        }
    }
    for id in ids(&records.images_for)? {
        ended.images |= deregister(records, account, &id)?;
    }
    loop {
        let page = records.key_pairs.scan(&prefix, None, PORTION)?;
        if page.is_empty() {
            break;
        }
        store::transact(&*records.engine, |batch| {
            for seen in &page {
                if let Some(seen) = records.key_pairs.get(seen.key())? {
                    records.drop_tags(batch, seen.id.as_str())?;
                    batch.remove(&seen);
                }
            }
            Ok::<_, ApiError>(())
        })?;
    }
    for (count, what) in [(living, "instances that end"), (tasks, "bundle tasks that end")] {
        if count > 0 {
            ended.left.push(format!("{what}: {count}"));
        }
    }
    Ok(ended)
}

fn deregister(records: &Records, account: &AccountId, id: &str) -> Result<bool, ApiError> {
    let (news, _) = store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.images.get(id)? else { return Ok(false) };
        if seen.account != *account || !seen.is_registered() {
            return Ok(false);
        }
        let sha256 = seen.plain().map(|plain| plain.sha256);
        let before = seen.record.clone();
        seen.record.state = ImageState::Deregistered { sha256 };
        batch.replace(&seen)?;
        records.list(batch, Some(&before), &seen);
        batch.unpoint(&records.image_names, &Image::name_key(&seen.account, &seen.name));
        records.drop_tags(batch, id)?;
        undefault(records, batch, &before.id)?;
        Ok::<_, ApiError>(true)
    })?;
    Ok(news)
}

/// Says on record why an account is still there.
pub(super) fn say_why(records: &Records, account: &AccountId, why: &str) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let Some(mut seen) = records.accounts.get(account.as_str())? else { return Ok(()) };
        let Some(leaving) = &mut seen.record.registration.leaving else { return Ok(()) };
        if leaving.why != why {
            why.clone_into(&mut leaving.why);
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Removes users, what they sign and log in with, what permits them, and at last the account.
pub(super) fn remove_identity(records: &Records, account: &AccountId) -> Result<(), ApiError> {
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
    portions(records, &records.certificates, &prefix, |it| (Some(it.entity_name()), Vec::new()))?;
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

fn keys(records: &Records, account: &AccountId) -> Result<(), ApiError> {
    let prefix = format!("{account}/");
    loop {
        let page = records.keys_of.scan(&prefix, store::After::Start, PORTION)?;
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
        let page = index.scan(prefix, store::After::Start, PORTION)?;
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

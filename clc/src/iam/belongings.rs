//! All that a user has, wherever it stands: what is moved when the user is renamed, what stands in
//! the way when it is removed, and what goes with it.
//!
//! ```text
//!   user ─┬─ access keys      record, index access-key-by-user, feed
//!         ├─ certificates     record; a deleted one stays for the bundles it signed
//!         ├─ groups           index group-members
//!         ├─ login profile    record; second factor: record, index mfa-device-by-user
//!         └─ policies         index policy-attachments, the boundary's too
//! ```

use common::error::{ApiError, ErrorCode};
use common::iam::EntityName;
use store::{Batch, Seen};

use crate::people::second_factor;
use crate::records::{AccessKey, Certificate, KeyUse, Login, Records, Touched, User};

/// How many rows are read at a time.
const CHUNK: usize = 64;

/// The access keys of a user. Blocks.
///
/// # Errors
/// If the store fails.
pub fn keys(records: &Records, user: &User) -> Result<Vec<Seen<AccessKey>>, ApiError> {
    let mut keys = Vec::new();
    let prefix = format!("{}/", User::key_of(&user.account, &user.name));
    for row in records.keys_of.rows(&prefix, None, CHUNK) {
        keys.extend(records.access_keys.get(&row?.value)?);
    }
    Ok(keys)
}

/// The row that leads to a user's access key.
pub fn key_row(key: &AccessKey) -> String {
    key.row()
}

/// The certificates of a user that were not deleted, by id. Blocks.
///
/// # Errors
/// If the store fails.
pub fn certificates(records: &Records, user: &User) -> Result<Vec<Seen<Certificate>>, ApiError> {
    let mut own = Vec::new();
    for seen in records.certificates.all(&format!("{}/", user.account)) {
        let seen = seen?;
        if !seen.deleted && seen.user.eq_ignore_ascii_case(&user.name) {
            own.push(seen);
        }
    }
    Ok(own)
}

/// The row by which a group finds a user.
pub fn member_row(user: &User, group: &str) -> String {
    format!("{}/{group}/{}", user.account, user.name.to_ascii_lowercase())
}

/// The rows by which policies find a user, with their kinds.
fn attachment_rows(user: &User) -> impl Iterator<Item = (String, &'static str)> {
    let key = User::key_of(&user.account, &user.name);
    let attached = user.policies.attached.iter().map(|arn| (arn, "user"));
    let boundary = user.boundary.iter().map(|arn| (arn, "boundary-user"));
    attached.chain(boundary).map(move |(arn, kind)| (format!("{arn}|{kind}/{key}"), kind))
}

/// Adds to a batch: policies find the user.
pub fn point_attachments(records: &Records, batch: &mut Batch, user: &User) {
    for (row, kind) in attachment_rows(user) {
        batch.point(&records.attachments, &row, kind);
    }
}

fn unpoint_attachments(records: &Records, batch: &mut Batch, user: &User) {
    for (row, _) in attachment_rows(user) {
        batch.unpoint(&records.attachments, &row);
    }
}

/// Adds to a batch: a user becomes another, who has all that it had. The new name must be free.
/// Blocks.
///
/// # Errors
/// If the store fails.
pub fn rename(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<User>,
    becomes: &User,
) -> Result<(), ApiError> {
    let (account, before) = (&seen.account, &seen.record);
    touched.note(EntityName::user(account, &before.name));
    touched.note(EntityName::user(account, &becomes.name));
    if User::key_of(account, &becomes.name) == seen.key() {
        let mut seen = seen.clone();
        seen.record = becomes.clone();
        batch.replace(&seen)?;
    } else {
        batch.remove(seen);
        batch.insert(becomes)?;
    }
    if becomes.name == before.name {
        return Ok(());
    }
    for mut key in keys(records, before)? {
        batch.unpoint(&records.keys_of, &key_row(&key));
        key.record.user.clone_from(&becomes.name);
        batch.point(&records.keys_of, &key_row(&key), &key.id);
        batch.replace(&key)?;
        touched.note(EntityName::AccessKey(key.record.id));
    }
    for mut certificate in certificates(records, before)? {
        certificate.record.user.clone_from(&becomes.name);
        batch.replace(&certificate)?;
    }
    for group in &before.groups {
        batch.unpoint(&records.members, &member_row(before, group));
        let key = User::key_of(account, &becomes.name);
        batch.point(&records.members, &member_row(becomes, group), &key);
    }
    unpoint_attachments(records, batch, before);
    point_attachments(records, batch, becomes);
    if let Some(login) = records.logins.get(&Login::key_of(account, &before.name))? {
        let moved = Login { user: becomes.name.clone(), ..login.record.clone() };
        if Login::key_of(account, &becomes.name) == login.key() {
            let mut login = login;
            login.record = moved;
            batch.replace(&login)?;
        } else {
            batch.remove(&login).insert(&moved)?;
        }
    }
    second_factor::follow(records, batch, before, Some(becomes))
}

/// Refuses to remove a user that has something. Blocks.
///
/// # Errors
/// `DeleteConflict`, which says what must go first.
pub fn has_nothing(records: &Records, user: &User) -> Result<(), ApiError> {
    let first = |what: &str| {
        let text = format!("Cannot delete entity, must {what} first.");
        Err(ApiError::new(ErrorCode::DeleteConflict, text))
    };
    if !keys(records, user)?.is_empty() {
        return first("delete access keys");
    }
    if !certificates(records, user)?.is_empty() {
        return first("delete signing certificates");
    }
    if records.logins.get(&Login::key_of(&user.account, &user.name))?.is_some() {
        return first("delete login profile");
    }
    if second_factor::has_one(records, &user.account, &user.name)? {
        return first("deactivate MFA device");
    }
    if !user.groups.is_empty() {
        return first("remove users from group");
    }
    if !user.policies.attached.is_empty() {
        return first("detach all policies");
    }
    if !user.policies.inline.is_empty() {
        return first("delete policies");
    }
    Ok(())
}

/// Adds to a batch: a user goes with all that it has. Blocks.
///
/// # Errors
/// If the store fails.
pub fn remove(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<User>,
) -> Result<(), ApiError> {
    for mut certificate in certificates(records, seen)? {
        certificate.record.deleted = true;
        certificate.record.active = false;
        batch.replace(&certificate)?;
    }
    for key in keys(records, seen)? {
        remove_key(records, batch, touched, &key)?;
    }
    for group in &seen.groups {
        batch.unpoint(&records.members, &member_row(seen, group));
    }
    unpoint_attachments(records, batch, seen);
    if let Some(login) = records.logins.get(&Login::key_of(&seen.account, &seen.name))? {
        batch.remove(&login);
    }
    second_factor::follow(records, batch, seen, None)?;
    batch.remove(seen);
    touched.note(EntityName::user(&seen.account, &seen.name));
    Ok(())
}

/// Adds to a batch: an access key goes, and what is known of its use. Blocks.
///
/// # Errors
/// If the store fails.
pub fn remove_key(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    key: &Seen<AccessKey>,
) -> Result<(), ApiError> {
    batch.remove(key);
    batch.unpoint(&records.keys_of, &key_row(key));
    if let Some(used) = records.key_uses.get(&key.id)? {
        batch.remove::<KeyUse>(&used);
    }
    touched.note(EntityName::AccessKey(key.id.clone()));
    Ok(())
}

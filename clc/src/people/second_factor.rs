//! Second factors: devices that show codes, as IAM's virtual MFA devices.
//!
//! A device is made (its secret is answered once), tried with two codes in a row, and from then on
//! asked for at each log-in, until it is deactivated. Each code is taken once.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;

use store::Batch;

use super::totp;
use crate::records::{MfaDevice, Records, User};

/// Adds to a batch: a device that showed these two codes in a row is a user's. Blocks.
///
/// # Errors
/// `NoSuchEntity` for a device that is not there; `EntityAlreadyExists` if it is somebody's, or the
/// user has one; `InvalidAuthenticationCode` if it did not show these codes.
pub fn enable(
    records: &Records,
    batch: &mut Batch,
    serial: &str,
    user: &User,
    codes: (&str, &str),
    now: Timestamp,
) -> Result<(), ApiError> {
    let mut seen = find(records, &user.account, serial)?;
    let row = User::key_of(&user.account, &user.name);
    if seen.user.is_some() || records.mfa_of.get(&row)?.is_some() {
        let text = "The MFA device is in use, or the user has one already";
        return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
    }
    let used = totp::in_a_row(&seen.secret, codes.0, codes.1, now).ok_or_else(|| {
        let text = "The two codes are not those that the device shows one after the other";
        ApiError::new(ErrorCode::InvalidAuthenticationCode, text)
    })?;
    let device = &mut seen.record;
    (device.user, device.enabled, device.used) = (Some(user.name.clone()), Some(now), used);
    let key = seen.key().to_owned();
    batch.replace(&seen)?.claim(&records.mfa_of, &row, &key);
    Ok(())
}

/// Adds to a batch: a device is nobody's any more, and its user logs in without one. Blocks.
///
/// # Errors
/// `NoSuchEntity` if it is not theirs.
pub fn disable(
    records: &Records,
    batch: &mut Batch,
    serial: &str,
    user: &User,
) -> Result<(), ApiError> {
    let mut seen = find(records, &user.account, serial)?;
    let theirs = seen.user.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&user.name));
    if !theirs {
        return Err(unknown(serial));
    }
    (seen.record.user, seen.record.enabled) = (None, None);
    let row = User::key_of(&user.account, &user.name);
    batch.replace(&seen)?.unpoint(&records.mfa_of, &row);
    Ok(())
}

/// Adds to a batch: a device that is nobody's goes. Blocks.
///
/// # Errors
/// `NoSuchEntity` for one that is not there; `DeleteConflict` for somebody's.
pub fn delete(
    records: &Records,
    batch: &mut Batch,
    account: &AccountId,
    serial: &str,
) -> Result<(), ApiError> {
    let seen = find(records, account, serial)?;
    if seen.user.is_some() {
        let text = "The MFA device is in use: deactivate it first";
        return Err(ApiError::new(ErrorCode::DeleteConflict, text));
    }
    batch.remove(&seen);
    Ok(())
}

/// Adds to a batch: a user that is renamed or goes takes its device along, or leaves it as nobody's.
/// Blocks.
///
/// # Errors
/// If the store fails.
pub fn follow(
    records: &Records,
    batch: &mut Batch,
    before: &User,
    becomes: Option<&User>,
) -> Result<(), ApiError> {
    let row = User::key_of(&before.account, &before.name);
    let Some(pointed) = records.mfa_of.get(&row)? else { return Ok(()) };
    batch.unpoint(&records.mfa_of, &row);
    let Some(mut seen) = records.mfa_devices.get(&pointed.value)? else { return Ok(()) };
    seen.record.user = becomes.map(|user| user.name.clone());
    if let Some(user) = becomes {
        batch.point(&records.mfa_of, &User::key_of(&user.account, &user.name), &pointed.value);
    }
    batch.replace(&seen)?;
    Ok(())
}

/// Whether a user has a second factor. Blocks.
///
/// # Errors
/// If the store fails.
pub fn has_one(records: &Records, account: &AccountId, user: &str) -> Result<bool, ApiError> {
    Ok(records.mfa_of.get(&User::key_of(account, user))?.is_some())
}

/// Takes a code of a user's device, if it is right and was not taken before. Blocks.
///
/// # Errors
/// If the store fails.
pub fn take(
    records: &Records,
    account: &AccountId,
    user: &str,
    code: &str,
    now: Timestamp,
) -> Result<bool, ApiError> {
    let (taken, _) = store::transact(&*records.engine, |batch| {
        let Some(row) = records.mfa_of.get(&User::key_of(account, user))? else {
            return Ok(false);
        };
        let Some(mut seen) = records.mfa_devices.get(&row.value)? else { return Ok(false) };
        let newest = totp::newest(now);
        if seen.used > newest + 2 {
            // The clock was set back: the device shows what was not taken yet before long.
            seen.record.used = newest;
            batch.replace(&seen)?;
            return Ok(false);
        }
        let Some(step) = totp::shown_at(&seen.secret, code, now, seen.used) else {
            return Ok(false);
        };
        seen.record.used = step;
        batch.replace(&seen)?;
        Ok::<_, ApiError>(true)
    })?;
    Ok(taken)
}

/// The device of a serial number. Blocks.
///
/// # Errors
/// `NoSuchEntity` if the account has none.
pub fn find(
    records: &Records,
    account: &AccountId,
    serial: &str,
) -> Result<store::Seen<MfaDevice>, ApiError> {
    let name = serial.rsplit('/').next().unwrap_or_default();
    let seen = records.mfa_devices.get(&MfaDevice::key_of(account, name))?;
    seen.filter(|seen| seen.serial().eq_ignore_ascii_case(serial)).ok_or_else(|| unknown(serial))
}

fn unknown(serial: &str) -> ApiError {
    let text = format!("VirtualMFADevice with serial number {serial} does not exist");
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

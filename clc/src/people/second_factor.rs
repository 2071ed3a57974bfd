//! Second factors: devices that show codes, as IAM's virtual MFA devices.
//!
//! A device is made (its secret is answered once), tried with two codes in a row, and from then on
//! asked for at each log-in, until it is deactivated; STS asks for it where credentials shall have
//! been given out with it. Each code is taken once, here or there.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;

use store::Batch;

use super::lockout::{self, Tried};
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
    let used = totp::in_a_row(&seen.secret, codes.0, codes.1, now).ok_or_else(not_in_a_row)?;
    let device = &mut seen.record;
    (device.user, device.enabled) = (Some(user.name.clone()), Some(now));
    (device.used, device.ahead) = (used, 0);
    let key = seen.key().to_owned();
    batch.replace(&seen)?.claim(&records.mfa_of, &row, &key);
    Ok(())
}

fn not_in_a_row() -> ApiError {
    let text = "The two codes are not those that the device shows one after the other";
    ApiError::new(ErrorCode::InvalidAuthenticationCode, text)
}

/// Adds to a batch: the clock of a user's device, which showed these two codes in a row, is taken as
/// it is. Blocks.
///
/// # Errors
/// `NoSuchEntity` if it is not theirs; `InvalidAuthenticationCode`.
pub fn resync(
    records: &Records,
    batch: &mut Batch,
    serial: &str,
    user: &User,
    codes: (&str, &str),
    now: Timestamp,
) -> Result<(), ApiError> {
    let mut seen = theirs(records, serial, user)?;
    let found = totp::resynced(&seen.secret, codes.0, codes.1, now, seen.used);
    (seen.record.used, seen.record.ahead) = found.ok_or_else(not_in_a_row)?;
    batch.replace(&seen)?;
    Ok(())
}

/// The device of a serial number, which is the user's. Blocks.
///
/// # Errors
/// `NoSuchEntity` if it is not.
pub fn theirs(
    records: &Records,
    serial: &str,
    user: &User,
) -> Result<store::Seen<MfaDevice>, ApiError> {
    let seen = find(records, &user.account, serial)?;
    match &seen.user {
        Some(name) if name.eq_ignore_ascii_case(&user.name) => Ok(seen),
        _ => Err(unknown(serial)),
    }
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
    let mut seen = theirs(records, serial, user)?;
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
        if set_back(&mut seen, now) {
            batch.replace(&seen)?;
            return Ok(false);
        }
        let Some(step) = totp::shown_at(&seen.secret, code, now, (seen.used, seen.ahead)) else {
            return Ok(false);
        };
        seen.record.used = step;
        batch.replace(&seen)?;
        Ok::<_, ApiError>(true)
    })?;
    Ok(taken)
}

/// Whether the last code was taken at a time to come, before the cloud's clock was set back. Then
/// those that may have been taken since are taken no more, and those behind them are.
fn set_back(seen: &mut store::Seen<MfaDevice>, now: Timestamp) -> bool {
    let newest = totp::newest(now, seen.ahead);
    let is = seen.used > newest + 2;
    if is {
        seen.record.used = newest;
    }
    is
}

/// Why a code was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untaken {
    /// The device is none of the user's.
    NotTheirs,
    /// The code is wrong, or was taken before.
    Wrong,
    /// Too many were wrong lately: none is looked at for so many seconds.
    Closed(u64),
}

/// Takes a code that the user's device of that serial number shows. Wrong ones are counted in the
/// same commit in which they were looked at, so that many at a time are not more tries. Blocks.
///
/// # Errors
/// If the store fails.
pub fn prove(
    records: &Records,
    (account, user): (&AccountId, &str),
    (serial, code): (&str, &str),
    now: Timestamp,
) -> Result<Result<(), Untaken>, ApiError> {
    let tried = Tried::code(account, user);
    let (told, _) = store::transact(&*records.engine, |batch| {
        if let Some(seconds) = lockout::closed(records, &tried, now)? {
            return Ok(Err(Untaken::Closed(seconds)));
        }
        let row = records.mfa_of.get(&User::key_of(account, user))?;
        let seen = match row {
            Some(row) => records.mfa_devices.get(&row.value)?,
            None => None,
        };
        let theirs = seen.filter(|seen| seen.serial().eq_ignore_ascii_case(serial));
        let Some(mut seen) = theirs else { return Ok(Err(Untaken::NotTheirs)) };
        if set_back(&mut seen, now) {
            batch.replace(&seen)?;
            return Ok(Err(Untaken::Wrong));
        }
        let Some(step) = totp::shown_at(&seen.secret, code, now, (seen.used, seen.ahead)) else {
            lockout::count(records, batch, &tried, now)?;
            return Ok(Err(Untaken::Wrong));
        };
        seen.record.used = step;
        batch.replace(&seen)?;
        lockout::forgive(records, batch, &tried)?;
        Ok::<_, ApiError>(Ok(()))
    })?;
    Ok(told)
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

//! Second factors: devices that show codes, as IAM's virtual MFA devices.
//!
//! A device is made (its secret is answered once), tried with two codes in a row, and from then on
//! asked for at each log-in, until it is deactivated. Each code is taken once.

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::time::Timestamp;

use super::totp;
use crate::random;
use crate::records::{MfaDevice, Records, User};

/// What a device is told once, when it is made.
pub struct Seed {
    /// Its serial number.
    pub serial: String,
    /// The secret, as it is typed in: base32.
    pub base32: String,
    /// The secret, as it is read in: `otpauth://totp/…`.
    pub url: String,
}

/// Makes a device. Blocks.
///
/// # Errors
/// `EntityAlreadyExists` for a name that is taken.
pub fn make(
    records: &Records,
    account: &AccountId,
    path: &str,
    name: &str,
    now: Timestamp,
) -> Result<Seed, ApiError> {
    let device = MfaDevice {
        account: account.clone(),
        name: name.to_owned(),
        path: path.to_owned(),
        secret: random::bytes::<20>()?.to_vec(),
        created: now,
        user: None,
        enabled: None,
        used: 0,
    };
    store::transact(&*records.engine, |batch| {
        if records.mfa_devices.get(&MfaDevice::key_of(account, name))?.is_some() {
            let text = format!("MFADevice entity with the name {name} already exists");
            return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
        }
        batch.insert(&device)?;
        Ok(())
    })?;
    let base32 = totp::base32(&device.secret);
    let url = format!(
        "otpauth://totp/Eucalypt:{name}@{account}?secret={base32}&issuer=Eucalypt&digits=6&period=30"
    );
    Ok(Seed { serial: device.serial(), base32, url })
}

/// Tries a device with two codes in a row, and makes it a user's. Blocks.
///
/// # Errors
/// `NoSuchEntity` for a device that is not there; `EntityAlreadyExists` if it is somebody's, or the
/// user has one; `ValidationError` if it did not show these codes.
pub fn enable(
    records: &Records,
    serial: &str,
    user: &User,
    codes: (&str, &str),
    now: Timestamp,
) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut seen = find(records, &user.account, serial)?;
        let row = User::key_of(&user.account, &user.name);
        if seen.user.is_some() || records.mfa_of.get(&row)?.is_some() {
            let text = "The MFA device is in use, or the user has one already";
            return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
        }
        let used = totp::in_a_row(&seen.secret, codes.0, codes.1, now).ok_or_else(|| {
            let text = "The two codes are not those that the device shows one after the other";
            ApiError::new(ErrorCode::ValidationError, text)
        })?;
        let device = &mut seen.record;
        (device.user, device.enabled, device.used) = (Some(user.name.clone()), Some(now), used);
        let key = seen.key().to_owned();
        batch.replace(&seen)?.claim(&records.mfa_of, &row, &key);
        Ok(())
    })?;
    Ok(())
}

/// Takes a device from a user, who logs in without one from then on. Blocks.
///
/// # Errors
/// `NoSuchEntity` if it is not theirs.
pub fn disable(records: &Records, serial: &str, user: &User) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let mut seen = find(records, &user.account, serial)?;
        let theirs = seen.user.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&user.name));
        if !theirs {
            return Err(unknown(serial));
        }
        (seen.record.user, seen.record.enabled) = (None, None);
        let row = User::key_of(&user.account, &user.name);
        batch.replace(&seen)?.unpoint(&records.mfa_of, &row);
        Ok(())
    })?;
    Ok(())
}

/// Removes a device that is nobody's. Blocks.
///
/// # Errors
/// `NoSuchEntity` for one that is not there; `DeleteConflict` for somebody's.
pub fn delete(records: &Records, account: &AccountId, serial: &str) -> Result<(), ApiError> {
    store::transact(&*records.engine, |batch| {
        let seen = find(records, account, serial)?;
        if seen.user.is_some() {
            let text = "The MFA device is in use: deactivate it first";
            return Err(ApiError::new(ErrorCode::DeleteConflict, text));
        }
        batch.remove(&seen);
        Ok(())
    })?;
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

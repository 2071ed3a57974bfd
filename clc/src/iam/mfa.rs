//! Virtual MFA devices, changed: CreateVirtualMFADevice, EnableMFADevice, ResyncMFADevice,
//! DeactivateMFADevice, DeleteVirtualMFADevice, and their tags. What a device is and which codes it
//! shows stands in [`crate::people::second_factor`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Nothing, Tag};
use common::euare::mfa::{
    CreateVirtualMFADevice, CreatedDevice, DeactivateMFADevice, DeleteVirtualMFADevice,
    EnableMFADevice, ResyncMFADevice, Seed, TagMFADevice, UntagMFADevice,
};
use common::euare::names;
use common::iam::EntityName;
use runtime::actor::Scene;

use super::change::{Change, Changes, changes};
use super::{Iam, limits, listing, users};
use crate::people::{picture, second_factor, totp};
use crate::random;
use crate::records::{MfaDevice, TagMap};

changes!(
    CreateVirtualMFADevice,
    DeactivateMFADevice,
    DeleteVirtualMFADevice,
    EnableMFADevice,
    ResyncMFADevice,
    TagMFADevice,
    UntagMFADevice,
);

/// Refuses what is no serial number.
pub(super) fn check_serial(serial: &str) -> Result<(), ApiError> {
    let at = "serialNumber";
    names::check_length(at, serial, 256)?;
    let constraint = match serial {
        _ if serial.len() < 9 => "Member must have length greater than or equal to 9",
        _ if !serial.chars().all(|c| c.is_ascii_alphanumeric() || "_+=/:,.@-".contains(c)) => {
            r"Member must satisfy regular expression pattern: [\w+=/:,.@-]+"
        }
        _ => return Ok(()),
    };
    Err(names::violation(serial, at, constraint))
}

/// Refuses what no device shows. What it shows is not repeated.
fn check_codes(codes: [&str; 2]) -> Result<(), ApiError> {
    for (number, code) in (1..).zip(codes) {
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            let at = format!("authenticationCode{number}");
            return Err(names::violation("******", &at, "Member must be six digits"));
        }
    }
    Ok(())
}

impl Changes for CreateVirtualMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<CreatedDevice>, ApiError> {
        names::check_name("virtualMFADeviceName", &self.name, names::GROUP)?;
        let path = names::checked_path("path", self.path.as_deref())?;
        let tags = names::checked_tags(&self.tags)?;
        let alias = scene.caller.alias.clone();
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        let device = MfaDevice {
            account,
            name: self.name,
            path,
            secret: random::bytes::<20>()?.to_vec(),
            created: now,
            user: None,
            enabled: None,
            used: 0,
            ahead: 0,
            tags,
        };
        let secret = totp::base32(&device.secret);
        let picture = picture::address(&device.name, &alias, &secret, picture::ISSUER);
        // The API's type is bytes, and the bytes are base32: that is how it is.
        let (seed, picture) = (STANDARD.encode(secret), STANDARD.encode(picture::png(&picture)?));
        Ok(Change::new(move |records, batch, _| {
            let MfaDevice { account, name, .. } = &device;
            if records.mfa_devices.get(&MfaDevice::key_of(account, name))?.is_some() {
                let text = format!("MFADevice entity at the same path and name {name} exists.");
                return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
            }
            let room = (limits::USERS, "MFADevicesPerAccount");
            listing::check_room(&records.mfa_devices, account, room.0, room.1)?;
            batch.insert(&device)?;
            let device = Seed {
                serial_number: device.serial(),
                base32_string_seed: seed.clone(),
                qr_code_png: picture.clone(),
                tags: Some(Tag::all(&device.tags)).filter(|_| !device.tags.is_empty()),
            };
            Ok(CreatedDevice { device })
        }))
    }
}

impl Changes for EnableMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("userName", &self.user_name, names::EXISTING)?;
        check_serial(&self.serial_number)?;
        check_codes([&self.authentication_code1, &self.authentication_code2])?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        let codes = (self.authentication_code1, self.authentication_code2);
        let (name, serial) = (self.user_name, self.serial_number);
        Ok(Change::new(move |records, batch, touched| {
            let user = users::find(records, &account, &name)?;
            let codes = (codes.0.as_str(), codes.1.as_str());
            second_factor::enable(records, batch, &serial, &user, codes, now)?;
            // A user that goes at this moment is found to have it.
            batch.replace(&user)?;
            touched.note(EntityName::user(&account, &user.name));
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeactivateMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        check_serial(&self.serial_number)?;
        let (account, serial) = (scene.caller.account.clone(), self.serial_number);
        Ok(Change::new(move |records, batch, _| {
            let user = users::find(records, &account, &name)?;
            second_factor::disable(records, batch, &serial, &user)?;
            Ok(Nothing {})
        }))
    }
}

impl Changes for DeleteVirtualMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_serial(&self.serial_number)?;
        let (account, serial) = (scene.caller.account.clone(), self.serial_number);
        Ok(Change::new(move |records, batch, _| {
            second_factor::delete(records, batch, &account, &serial)?;
            Ok(Nothing {})
        }))
    }
}

impl Changes for ResyncMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("userName", &self.user_name, names::EXISTING)?;
        check_serial(&self.serial_number)?;
        check_codes([&self.authentication_code1, &self.authentication_code2])?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        Ok(Change::new(move |records, batch, _| {
            let user = users::find(records, &account, &self.user_name)?;
            let codes = (self.authentication_code1.as_str(), self.authentication_code2.as_str());
            second_factor::resync(records, batch, &self.serial_number, &user, codes, now)?;
            Ok(Nothing {})
        }))
    }
}

fn retagged(
    scene: &Scene<Iam>,
    serial: String,
    change: impl Fn(&mut TagMap) -> Result<(), ApiError> + Send + Sync + 'static,
) -> Result<Change<Nothing>, ApiError> {
    check_serial(&serial)?;
    let account = scene.caller.account.clone();
    Ok(Change::new(move |records, batch, _| {
        let mut seen = second_factor::find(records, &account, &serial)?;
        change(&mut seen.record.tags)?;
        batch.replace(&seen)?;
        Ok(Nothing {})
    }))
}

impl Changes for TagMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        if self.tags.is_empty() {
            return Err(names::absent("tags"));
        }
        let tags = names::checked_tags(&self.tags)?;
        retagged(scene, self.serial_number, move |on| names::set_tags(on, tags.clone()))
    }
}

impl Changes for UntagMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        if self.tag_keys.is_empty() {
            return Err(names::absent("tagKeys"));
        }
        names::check_tag_keys(&self.tag_keys)?;
        let keys = self.tag_keys;
        retagged(scene, self.serial_number, move |on| {
            names::take_tags(on, &keys);
            Ok(())
        })
    }
}

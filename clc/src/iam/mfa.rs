//! Virtual MFA devices: CreateVirtualMFADevice, EnableMFADevice, ListMFADevices,
//! DeactivateMFADevice, DeleteVirtualMFADevice. What a device is and which codes it shows stands in
//! [`crate::people::second_factor`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Moment, Nothing};
use common::euare::mfa::{
    CreateVirtualMFADevice, CreatedDevice, DeactivateMFADevice, DeleteVirtualMFADevice, Device,
    Devices, EnableMFADevice, ListMFADevices, Seed,
};
use common::euare::names;
use common::euare::paging::Page;
use common::iam::EntityName;
use runtime::actor::{Answer, Scene};
use store::After;

use super::change::{Change, Changes, changes};
use super::{Iam, limits, users};
use crate::people::{second_factor, totp};
use crate::random;
use crate::records::{MfaDevice, User};

changes!(CreateVirtualMFADevice, DeactivateMFADevice, DeleteVirtualMFADevice, EnableMFADevice,);

impl Changes for CreateVirtualMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<CreatedDevice>, ApiError> {
        names::check_name("virtualMFADeviceName", &self.name, names::GROUP)?;
        let path = names::checked_path("path", self.path.as_deref())?;
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
        };
        Ok(Change::new(move |records, batch, _| {
            let MfaDevice { account, name, .. } = &device;
            if records.mfa_devices.get(&MfaDevice::key_of(account, name))?.is_some() {
                let text = format!("MFADevice entity at the same path and name {name} exists.");
                return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
            }
            let have =
                records.mfa_devices.scan(&format!("{account}/"), After::Start, limits::USERS)?;
            limits::room(have.len(), limits::USERS, name, "VirtualMFADevicesPerAccount")?;
            batch.insert(&device)?;
            // The API's type is bytes, and the bytes are base32: that is how it is.
            let seed = STANDARD.encode(totp::base32(&device.secret));
            let device = Seed { serial_number: device.serial(), base32_string_seed: seed };
            Ok(CreatedDevice { device })
        }))
    }
}

impl Changes for EnableMFADevice {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("userName", &self.user_name, names::EXISTING)?;
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
        let (account, serial) = (scene.caller.account.clone(), self.serial_number);
        Ok(Change::new(move |records, batch, _| {
            second_factor::delete(records, batch, &account, &serial)?;
            Ok(Nothing {})
        }))
    }
}

impl Answer<Iam> for ListMFADevices {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Devices, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        let account = scene.caller.account.clone();
        let listing = ["ListMFADevices", account.as_str(), &name];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let user = users::find(records, &account, &name)?;
                let row = records.mfa_of.get(&User::key_of(&account, &user.name))?;
                let seen = match row {
                    Some(row) => records.mfa_devices.get(&row.value)?,
                    None => None,
                };
                let device = |seen: store::Seen<MfaDevice>| {
                    let (key, serial_number) = (seen.key().to_owned(), seen.serial());
                    let enable_date = Moment(seen.enabled.unwrap_or(seen.created));
                    let user_name = user.name.clone();
                    (key, Device { user_name, serial_number, enable_date })
                };
                let filled = page.cut(seen.map(device));
                let (is_truncated, marker) = (filled.is_truncated, filled.marker);
                Ok(Devices { devices: filled.items, is_truncated, marker })
            })
            .await
    }
}

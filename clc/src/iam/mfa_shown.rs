//! Virtual MFA devices, shown: ListMFADevices, ListVirtualMFADevices, GetMFADevice,
//! ListMFADeviceTags. A secret is never shown again.

use common::error::ApiError;
use common::euare::elements::Moment;
use common::euare::mfa::{
    AssignmentStatus, Device, Devices, FoundDevice, GetMFADevice, ListMFADeviceTags,
    ListMFADevices, ListVirtualMFADevices, VirtualDevice, VirtualDevices,
};
use common::euare::paging::Page;
use common::euare::tagging::TagList;
use runtime::actor::{Answer, Scene};
use store::Seen;

use super::mfa::check_serial;
use super::{Iam, listing, users};
use crate::people::second_factor;
use crate::records::{MfaDevice, Records, User};

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
                let device = |seen: Seen<MfaDevice>| {
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

impl Answer<Iam> for GetMFADevice {
    async fn answer(self, scene: &Scene<Iam>) -> Result<FoundDevice, ApiError> {
        let name = users::meant(scene, self.user_name.as_deref())?;
        check_serial(&self.serial_number)?;
        let (account, serial) = (scene.caller.account.clone(), self.serial_number);
        scene
            .records
            .work(move |records| {
                let user = users::find(records, &account, &name)?;
                let seen = second_factor::theirs(records, &serial, &user)?;
                let enable_date = Moment(seen.enabled.unwrap_or(seen.created));
                let (user_name, serial_number) = (user.name.clone(), seen.serial());
                Ok(FoundDevice { user_name, serial_number, enable_date })
            })
            .await
    }
}

/// A device as its account's list tells it.
fn listed(records: &Records, seen: &MfaDevice) -> Result<VirtualDevice, ApiError> {
    let user = match &seen.user {
        Some(name) => records.users.get(&User::key_of(&seen.account, name))?,
        None => None,
    };
    Ok(VirtualDevice {
        serial_number: seen.serial(),
        user: user.map(|user| users::listed(&user)),
        enable_date: seen.enabled.map(Moment),
    })
}

impl Answer<Iam> for ListVirtualMFADevices {
    async fn answer(self, scene: &Scene<Iam>) -> Result<VirtualDevices, ApiError> {
        let (account, wanted) = (scene.caller.account.clone(), self.assignment_status);
        let listing = ["ListVirtualMFADevices", account.as_str(), word(wanted)];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let behind = page.after().map(str::to_owned);
                let all = records.mfa_devices.all_behind(&format!("{account}/"), behind.as_deref());
                let all = all.filter(|seen| {
                    seen.as_ref().map_or(true, |seen| match wanted {
                        AssignmentStatus::Any => true,
                        AssignmentStatus::Assigned => seen.user.is_some(),
                        AssignmentStatus::Unassigned => seen.user.is_none(),
                    })
                });
                let filled = page.fill(all.map(|seen| {
                    let seen = seen?;
                    Ok::<_, ApiError>((seen.key().to_owned(), listed(records, &seen)?))
                }))?;
                let (is_truncated, marker) = (filled.is_truncated, filled.marker);
                Ok(VirtualDevices { devices: filled.items, is_truncated, marker })
            })
            .await
    }
}

fn word(status: AssignmentStatus) -> &'static str {
    match status {
        AssignmentStatus::Assigned => "assigned",
        AssignmentStatus::Unassigned => "unassigned",
        AssignmentStatus::Any => "any",
    }
}

impl Answer<Iam> for ListMFADeviceTags {
    async fn answer(self, scene: &Scene<Iam>) -> Result<TagList, ApiError> {
        check_serial(&self.serial_number)?;
        let account = scene.caller.account.clone();
        scene
            .records
            .work(move |records| {
                let seen = second_factor::find(records, &account, &self.serial_number)?;
                let listing = ["tags", "mfa", seen.key()];
                listing::tags(&listing, &seen.tags, self.marker.as_deref(), self.max_items)
            })
            .await
    }
}

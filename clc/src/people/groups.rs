//! Zone groups: which accounts may use which availability zones, as user groups of 2.0 said.
//!
//! An account may use a zone if one of its groups may. Two groups are always there: `all`, which
//! nobody leaves and which may use no zone until one is granted to it, and `default`, in which every
//! account begins and which may use every zone until one is revoked from it. The cloud's own account
//! may use every zone.
//!
//! Membership stands with the account, by the id of the group: a group that was deleted means
//! nothing, and a later one of its name is another one.

use std::collections::{BTreeMap, BTreeSet};

use common::error::{ApiError, ErrorCode};
use common::id::AccountId;
use common::name;
use common::time::Timestamp;
use common::wire::admin::ZoneGroupView;
use store::Seen;

use super::People;
use crate::identity::accounts;
use crate::random;
use crate::records::people::{ALL, DEFAULT};
use crate::records::{Account, Records, Registration, ZoneGroup};

/// Makes a group without members, which may use no zone. Blocks.
///
/// # Errors
/// `InvalidParameterValue` for a name that breaks the rules of users' names or is taken.
pub fn add(people: &People, group: &str) -> Result<ZoneGroupView, ApiError> {
    name::check_account_name(group).map_err(|error| ApiError::invalid("the group name", error))?;
    let taken = || ApiError::invalid("the group name", format!("'{group}' is taken already"));
    let made = ZoneGroup {
        id: format!("{:016x}", u64::from_be_bytes(random::bytes()?)),
        name: group.to_owned(),
        every_zone: false,
        zones: BTreeSet::new(),
        created: people.now(),
    };
    let records = &people.records;
    store::transact(&*records.engine, |batch| {
        if found(records, group)?.is_some() {
            return Err(taken());
        }
        batch.insert(&made)?;
        Ok(())
    })?;
    find(people, group)
}

/// Removes a group; its members lose what it gave them. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is none; `OperationNotPermitted` for the two that are always
/// there.
pub fn delete(people: &People, group: &str) -> Result<(), ApiError> {
    if is_fixed(group) {
        let text = format!("The group '{group}' is always there");
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    let records = &people.records;
    store::transact(&*records.engine, |batch| {
        let seen = records.zone_groups.get(&group.to_ascii_lowercase())?;
        batch.remove(&seen.ok_or_else(|| unknown(group))?);
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// All groups by name, with their members. Blocks.
///
/// # Errors
/// If the store fails.
pub fn list(people: &People) -> Result<Vec<ZoneGroupView>, ApiError> {
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for seen in people.records.accounts.all("") {
        let Account { alias, registration, .. } = seen?.record;
        members.entry(ALL.to_owned()).or_default().push(alias.clone());
        for id in registration.zone_groups {
            members.entry(id).or_default().push(alias.clone());
        }
    }
    let mut views = Vec::new();
    for group in every(&people.records)? {
        let mut members = members.get(&group.id).cloned().unwrap_or_default();
        members.sort_by_key(|name| name.to_ascii_lowercase());
        let zones = zones_of(&group, &people.zones);
        views.push(ZoneGroupView { name: group.name, zones, members });
    }
    views.sort_by_key(|view| view.name.to_ascii_lowercase());
    Ok(views)
}

/// One group. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is none.
pub fn find(people: &People, group: &str) -> Result<ZoneGroupView, ApiError> {
    let all = list(people)?;
    let found = all.into_iter().find(|view| view.name.eq_ignore_ascii_case(group));
    found.ok_or_else(|| unknown(group))
}

/// Puts a user into a group, in which they may be already. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such group or user.
pub fn join(people: &People, group: &str, user: &str) -> Result<(), ApiError> {
    membership(people, group, user, true)
}

/// Takes a user out of a group, in which they need not be. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such group or user; `OperationNotPermitted` for `all`.
pub fn leave(people: &People, group: &str, user: &str) -> Result<(), ApiError> {
    if group.eq_ignore_ascii_case(ALL) {
        let text = "Nobody leaves the group 'all'";
        return Err(ApiError::new(ErrorCode::OperationNotPermitted, text));
    }
    membership(people, group, user, false)
}

fn membership(people: &People, group: &str, user: &str, member: bool) -> Result<(), ApiError> {
    let records = &people.records;
    store::transact(&*records.engine, |batch| {
        let id = found(records, group)?.ok_or_else(|| unknown(group))?.id;
        let mut seen = accounts::read(records, user)?;
        let groups = &mut seen.record.registration.zone_groups;
        let changed = match (member, id.as_str()) {
            (_, ALL) => false,
            (true, _) => groups.insert(id),
            (false, _) => groups.remove(&id),
        };
        if changed {
            batch.replace(&seen)?;
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// Lets a group use a zone, which it may be able to already. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such group or zone.
pub fn grant(people: &People, group: &str, zone: &str) -> Result<(), ApiError> {
    permission(people, group, zone, |found| found.every_zone || !found.zones.insert(zone.into()))
}

/// Lets a group use a zone no more. A group that may use every zone may use the others from then
/// on. Blocks.
///
/// # Errors
/// `InvalidParameterValue` if there is no such group or zone.
pub fn revoke(people: &People, group: &str, zone: &str) -> Result<(), ApiError> {
    permission(people, group, zone, |found| {
        if found.every_zone {
            found.every_zone = false;
            found.zones = people.zones.iter().cloned().collect();
        }
        !found.zones.remove(zone)
    })
}

/// `change` answers whether it left the group as it was.
fn permission(
    people: &People,
    group: &str,
    zone: &str,
    change: impl Fn(&mut ZoneGroup) -> bool,
) -> Result<(), ApiError> {
    if !people.zones.iter().any(|known| known == zone) {
        let why = format!("there is no availability zone '{zone}'");
        return Err(ApiError::invalid("the zone", why));
    }
    let records = &people.records;
    store::transact(&*records.engine, |batch| {
        let key = group.to_ascii_lowercase();
        match records.zone_groups.get(&key)? {
            Some(mut seen) => {
                if !change(&mut seen.record) {
                    batch.replace(&seen)?;
                }
            }
            None => {
                let mut fixed = fixed(&key).ok_or_else(|| unknown(group))?;
                if !change(&mut fixed) {
                    batch.insert(&fixed)?;
                }
            }
        }
        Ok::<_, ApiError>(())
    })?;
    Ok(())
}

/// The zones among these that an account may use. Blocks.
///
/// # Errors
/// If the store fails.
pub fn permitted(
    records: &Records,
    account: &AccountId,
    zones: &[String],
) -> Result<Vec<String>, ApiError> {
    if *account == AccountId::cloud() {
        return Ok(zones.to_vec());
    }
    let Some(seen) = records.accounts.get(account.as_str())? else { return Ok(Vec::new()) };
    let mine =
        |group: &ZoneGroup| group.id == ALL || seen.registration.zone_groups.contains(&group.id);
    let groups: Vec<_> = every(records)?.into_iter().filter(mine).collect();
    let may = |zone: &&String| groups.iter().any(|it| it.every_zone || it.zones.contains(*zone));
    Ok(zones.iter().filter(may).cloned().collect())
}

/// What groups are called, by id.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// The names of the groups that an account is in.
    pub fn of(&self, registration: &Registration) -> Vec<String> {
        let ids = [ALL].into_iter().chain(registration.zone_groups.iter().map(String::as_str));
        ids.filter_map(|id| self.0.get(id).cloned()).collect()
    }
}

/// What groups are called. Blocks.
///
/// # Errors
/// If the store fails.
pub fn names(records: &Records) -> Result<Names, ApiError> {
    Ok(Names(every(records)?.into_iter().map(|group| (group.id, group.name)).collect()))
}

fn is_fixed(name: &str) -> bool {
    fixed(&name.to_ascii_lowercase()).is_some()
}

/// A group that is always there, as it is until somebody changes it.
fn fixed(key: &str) -> Option<ZoneGroup> {
    let every_zone = match key {
        ALL => false,
        DEFAULT => true,
        _ => return None,
    };
    Some(ZoneGroup {
        id: key.to_owned(),
        name: key.to_owned(),
        every_zone,
        zones: BTreeSet::new(),
        created: Timestamp::EPOCH,
    })
}

fn found(records: &Records, name: &str) -> Result<Option<ZoneGroup>, ApiError> {
    let key = name.to_ascii_lowercase();
    let seen = records.zone_groups.get(&key)?;
    Ok(seen.map(|seen: Seen<ZoneGroup>| seen.record).or_else(|| fixed(&key)))
}

fn every(records: &Records) -> Result<Vec<ZoneGroup>, ApiError> {
    let mut groups = Vec::new();
    for seen in records.zone_groups.all("") {
        groups.push(seen?.record);
    }
    for key in [ALL, DEFAULT] {
        if !groups.iter().any(|group| group.id == key) {
            groups.extend(fixed(key));
        }
    }
    Ok(groups)
}

fn zones_of(group: &ZoneGroup, zones: &[String]) -> Vec<String> {
    if group.every_zone { zones.to_vec() } else { group.zones.iter().cloned().collect() }
}

fn unknown(group: &str) -> ApiError {
    ApiError::invalid("the group name", format!("there is no group '{group}'"))
}

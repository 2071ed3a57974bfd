//! Instance profiles: made, shown, given a role, removed.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Moment, Nothing, Tag};
use common::euare::instance_profiles::{
    self as language, AddRoleToInstanceProfile, CreateInstanceProfile, DeleteInstanceProfile,
    GetInstanceProfile, InstanceProfileList, ListInstanceProfileTags, ListInstanceProfiles,
    ListInstanceProfilesForRole, OneInstanceProfile, RemoveRoleFromInstanceProfile,
    TagInstanceProfile, UntagInstanceProfile,
};
use common::euare::names::{
    EXISTING, PROFILE, check_name, check_tag_keys, checked_path, checked_prefix, checked_tags,
    set_tags, take_tags,
};
use common::euare::paging::Page;
use common::iam::EntityName;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::time::Timestamp;
use store::{After, Batch, Seen};

use super::bearers::role;
use super::work::{Work, account, answers, works};
use super::{limits, listing, roles};
use crate::quota::identity::Kind;
use crate::records::{InstanceProfile, Records, Role, TagMap, Touched};
use crate::{quota, random};

/// The profile of that name. Blocks.
fn find(
    records: &Records,
    account: &AccountId,
    name: &str,
) -> Result<Seen<InstanceProfile>, ApiError> {
    check_name("instanceProfileName", name, EXISTING)?;
    let found = records.profiles.get(&InstanceProfile::key_of(account, name))?;
    found.ok_or_else(|| {
        let text = format!("Instance Profile {name} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

/// A profile as it is shown; `whole` with what lists leave out. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn shown(
    records: &Records,
    profile: &InstanceProfile,
    whole: bool,
) -> Result<language::InstanceProfile, ApiError> {
    let role = match &profile.role {
        Some(name) => records.roles.get(&Role::key_of(&profile.account, name))?,
        None => None,
    };
    Ok(language::InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: profile.arn(),
        create_date: Moment(profile.created),
        roles: role
            .iter()
            .map(|role| roles::shown(records, role, false))
            .collect::<Result<_, _>>()?,
        tags: if whole { Tag::all(&profile.tags) } else { Default::default() },
    })
}

/// The profiles that a role is in. Blocks.
///
/// # Errors
/// If the store fails.
pub(super) fn of_role(
    records: &Records,
    role: &Seen<Role>,
) -> Result<Vec<Seen<InstanceProfile>>, ApiError> {
    let rows = records.profiles_of.scan(
        &format!("{}/", role.key()),
        After::Start,
        limits::INSTANCE_PROFILES,
    )?;
    let found = rows.iter().map(|row| records.profiles.get(&row.value));
    Ok(found.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// The row by which a role leads to a profile.
fn row(profile: &InstanceProfile, role: &str) -> String {
    let role = Role::key_of(&profile.account, role);
    format!("{role}/{}", profile.name.to_ascii_lowercase())
}

/// A profile is made.
pub(super) struct Create(InstanceProfile, Caller);

impl Create {
    fn new(caller: &Caller, it: CreateInstanceProfile, now: Timestamp) -> Result<Self, ApiError> {
        check_name("instanceProfileName", &it.instance_profile_name, PROFILE)?;
        Ok(Self(
            InstanceProfile {
                account: caller.account.clone(),
                name: it.instance_profile_name,
                id: unique_id("AIPA", &random::bytes::<16>()?),
                path: checked_path("path", it.path.as_deref())?,
                role: None,
                created: now,
                tags: checked_tags(&it.tags)?,
            },
            caller.clone(),
        ))
    }
}

impl Work for Create {
    type Done = OneInstanceProfile;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        _: &mut Touched,
    ) -> Result<OneInstanceProfile, ApiError> {
        let Self(profile, caller) = self;
        let key = InstanceProfile::key_of(&profile.account, &profile.name);
        if records.profiles.get(&key)?.is_some() {
            let text = format!("Instance Profile {} already exists.", profile.name);
            return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
        }
        let quota = "InstanceProfilesPerAccount";
        quota::identity::admit(records, batch, caller, Kind::InstanceProfile)?;
        listing::check_room(&records.profiles, &profile.account, limits::INSTANCE_PROFILES, quota)?;
        batch.insert(profile)?;
        Ok(OneInstanceProfile { instance_profile: shown(records, profile, true)? })
    }
}

/// A profile gets a role.
pub(super) struct Fill {
    account: AccountId,
    profile: String,
    role: String,
    caller: Caller,
}

impl Work for Fill {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut profile = find(records, &self.account, &self.profile)?;
        let role = role(records, &self.account, &self.role)?;
        // Whoever puts a role into a profile hands it to instances.
        self.caller.may_pass(&role.arn(), "ec2.amazonaws.com")?;
        if profile.role.is_some() {
            let text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
            return Err(ApiError::new(ErrorCode::LimitExceeded, text));
        }
        profile.record.role = Some(role.name.clone());
        batch.replace(&profile)?;
        batch.point(&records.profiles_of, &row(&profile, &role.name), profile.key());
        // The role cannot go meanwhile.
        touched.note(EntityName::role(&role.account, &role.name));
        Ok(Nothing {})
    }
}

/// A profile loses its role.
pub(super) struct Empty {
    account: AccountId,
    profile: String,
    role: String,
}

impl Work for Empty {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut profile = find(records, &self.account, &self.profile)?;
        check_name("roleName", &self.role, EXISTING)?;
        let Some(name) = profile.role.clone().filter(|it| it.eq_ignore_ascii_case(&self.role))
        else {
            let text = format!("The role with name {} cannot be found.", self.role);
            return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
        };
        profile.record.role = None;
        batch.replace(&profile)?;
        batch.unpoint(&records.profiles_of, &row(&profile, &name));
        touched.note(EntityName::role(&self.account, &name));
        Ok(Nothing {})
    }
}

/// A profile is removed.
pub(super) struct Delete {
    account: AccountId,
    profile: String,
}

impl Work for Delete {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        _: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let profile = find(records, &self.account, &self.profile)?;
        if profile.role.is_some() {
            let text = "Cannot delete entity, must remove roles from instance profile first.";
            return Err(ApiError::new(ErrorCode::DeleteConflict, text));
        }
        batch.remove(&profile);
        Ok(Nothing {})
    }
}

/// Tags of a profile are changed.
pub(super) struct Retag {
    account: AccountId,
    profile: String,
    set: TagMap,
    take: Vec<String>,
}

impl Work for Retag {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        _: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut profile = find(records, &self.account, &self.profile)?;
        set_tags(&mut profile.record.tags, self.set.clone())?;
        take_tags(&mut profile.record.tags, &self.take);
        batch.replace(&profile)?;
        Ok(Nothing {})
    }
}

works! {
    CreateInstanceProfile: |it, scene| Create::new(&scene.caller, it, scene.clock.now());
    AddRoleToInstanceProfile: |it, scene| Ok::<_, ApiError>(Fill {
        account: account(scene),
        profile: it.instance_profile_name,
        role: it.role_name,
        caller: scene.caller.clone(),
    });
    RemoveRoleFromInstanceProfile: |it, scene| Ok::<_, ApiError>(Empty {
        account: account(scene),
        profile: it.instance_profile_name,
        role: it.role_name,
    });
    DeleteInstanceProfile: |it, scene| {
        Ok::<_, ApiError>(Delete { account: account(scene), profile: it.instance_profile_name })
    };
    TagInstanceProfile: |it, scene| checked_tags(&it.tags).map(|set| Retag {
        account: account(scene),
        profile: it.instance_profile_name,
        set,
        take: Vec::new(),
    });
    UntagInstanceProfile: |it, scene| check_tag_keys(&it.tag_keys).map(|()| Retag {
        account: account(scene),
        profile: it.instance_profile_name,
        set: TagMap::new(),
        take: it.tag_keys,
    });
}

fn list(
    it: &ListInstanceProfiles,
    account: &AccountId,
    records: &Records,
) -> Result<InstanceProfileList, ApiError> {
    let prefix = checked_prefix(it.path_prefix.as_deref())?;
    let listing = ["instance profiles", account.as_str(), &prefix];
    let page = Page::new(&listing, it.marker.as_deref(), it.max_items)?;
    let rows = records.profiles.all_behind(&format!("{account}/"), page.after());
    let rows = rows.filter(|seen| seen.as_ref().map_or(true, |it| it.path.starts_with(&prefix)));
    let filled = page.fill(rows.map(|seen| {
        let profile = seen?;
        Ok::<_, ApiError>((profile.key().to_owned(), shown(records, &profile, false)?))
    }))?;
    Ok(InstanceProfileList {
        instance_profiles: filled.items,
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

fn list_for_role(
    it: &ListInstanceProfilesForRole,
    account: &AccountId,
    records: &Records,
) -> Result<InstanceProfileList, ApiError> {
    let role = role(records, account, &it.role_name)?;
    let page = Page::new(&["profiles of", role.key()], it.marker.as_deref(), it.max_items)?;
    let all = of_role(records, &role)?;
    let all = all.into_iter().filter(|it| Some(it.key()) > page.after());
    let filled = page.fill(all.map(|profile| {
        Ok::<_, ApiError>((profile.key().to_owned(), shown(records, &profile, false)?))
    }))?;
    Ok(InstanceProfileList {
        instance_profiles: filled.items,
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

answers! {
    GetInstanceProfile => |it: GetInstanceProfile, account: &AccountId, records: &Records| {
        let profile = find(records, account, &it.instance_profile_name)?;
        Ok(OneInstanceProfile { instance_profile: shown(records, &profile, true)? })
    };
    ListInstanceProfiles => |it: ListInstanceProfiles, account: &AccountId, records: &Records| {
        list(&it, account, records)
    };
    ListInstanceProfilesForRole =>
        |it: ListInstanceProfilesForRole, account: &AccountId, records: &Records| {
            list_for_role(&it, account, records)
        };
    ListInstanceProfileTags =>
        |it: ListInstanceProfileTags, account: &AccountId, records: &Records| {
            let profile = find(records, account, &it.instance_profile_name)?;
            let listing = ["tags", "instance profile", profile.key()];
            listing::tags(&listing, &profile.tags, it.marker.as_deref(), it.max_items)
        };
}

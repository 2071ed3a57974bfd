//! Roles: made, shown, changed, removed.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Boundary, Moment, Nothing, Tag};
use common::euare::names::{
    ROLE, check_name, check_tag_keys, checked_path, checked_prefix, checked_tags, set_tags,
    take_tags, violation,
};
use common::euare::paging::Page;
use common::euare::roles::{
    self as language, CreateRole, DeleteRole, GetRole, ListRoleTags, ListRoles, OneRole, RoleList,
    TagRole, UntagRole, UpdateAssumeRolePolicy, UpdateRole, UpdateRoleDescription,
};
use common::iam::EntityName;
use common::iam::entity::PolicySet;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::time::Timestamp;
use store::{After, Batch, Seen};

use super::bearers::role;
use super::work::{Work, account, answers, works};
use super::{attachments, documents, limits, listing, managed};
use crate::identity::trust;
use crate::quota::identity::Kind;
use crate::records::attachments::Use;
use crate::records::{Records, Role, TagMap, Touched};
use crate::{quota, random};

/// How long the sessions of a role may last at most if nothing is said, seconds.
const SESSION: u32 = 3600;
/// The longest and the shortest such time.
const SESSIONS: std::ops::RangeInclusive<u32> = 3600..=43_200;

/// A role as it is shown; `whole` with what lists leave out.
pub(super) fn shown(
    records: &Records,
    role: &Role,
    whole: bool,
) -> Result<language::Role, ApiError> {
    let boundary = role.boundary.as_deref().map(Boundary::policy);
    Ok(language::Role {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(),
        create_date: Moment(role.created),
        assume_role_policy_document: documents::written(&trust::shown(records, role)?),
        description: Some(role.description.clone()),
        max_session_duration: role.max_session_seconds,
        permissions_boundary: boundary.filter(|_| whole),
        tags: if whole { Tag::all(&role.tags) } else { Default::default() },
    })
}

fn checked_session(seconds: u32) -> Result<u32, ApiError> {
    match SESSIONS.contains(&seconds) {
        true => Ok(seconds),
        false => {
            let constraint = format!(
                "Member must have value between {} and {}",
                SESSIONS.start(),
                SESSIONS.end()
            );
            Err(violation(&seconds.to_string(), "maxSessionDuration", &constraint))
        }
    }
}

fn write(batch: &mut Batch, touched: &mut Touched, role: &Seen<Role>) -> Result<(), ApiError> {
    batch.replace(role)?;
    touched.note(EntityName::role(&role.account, &role.name));
    Ok(())
}

/// A role is made.
pub(super) struct Create(Role, Caller);

impl Create {
    fn new(caller: &Caller, it: CreateRole, now: Timestamp) -> Result<Self, ApiError> {
        check_name("roleName", &it.role_name, ROLE)?;
        let path = checked_path("path", it.path.as_deref())?;
        let description = it.description.unwrap_or_default();
        managed::check_description(&description)?;
        documents::check_trust("assumeRolePolicyDocument", &it.assume_role_policy_document)?;
        Ok(Self(
            Role {
                account: caller.account.clone(),
                name: it.role_name,
                id: unique_id("AROA", &random::bytes::<16>()?),
                path,
                description,
                trust: it.assume_role_policy_document,
                trusted: Default::default(),
                max_session_seconds: checked_session(it.max_session_duration.unwrap_or(SESSION))?,
                policies: PolicySet::default(),
                boundary: it.permissions_boundary,
                created: now,
                tags: checked_tags(&it.tags)?,
            },
            caller.clone(),
        ))
    }
}

impl Work for Create {
    type Done = OneRole;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<OneRole, ApiError> {
        let Self(role, caller) = self;
        let key = Role::key_of(&role.account, &role.name);
        if records.roles.get(&key)?.is_some() {
            let text = format!("Role with name {} already exists.", role.name);
            return Err(ApiError::new(ErrorCode::EntityAlreadyExists, text));
        }
        quota::identity::admit(records, batch, caller, Kind::Role)?;
        listing::check_room(&records.roles, &role.account, limits::ROLES, "RolesPerAccount")?;
        if let Some(arn) = &role.boundary {
            let arn = attachments::attachable(records, &role.account, arn)?.arn();
            records.attach(batch, &arn, Use::RoleBoundary, &key);
        }
        let role = Role { trusted: trust::named(records, &role.trust)?, ..role.clone() };
        batch.insert(&role)?;
        touched.note(EntityName::role(&role.account, &role.name));
        Ok(OneRole { role: shown(records, &role, true)? })
    }
}

/// Something about a role becomes different.
pub(super) struct Update {
    account: AccountId,
    name: String,
    to: To,
}

/// What becomes different.
enum To {
    Described { description: Option<String>, session: Option<u32> },
    Trusting(String),
    Tagged { set: TagMap, take: Vec<String> },
}

impl Update {
    fn new(account: AccountId, name: String, to: To) -> Result<Self, ApiError> {
        match &to {
            To::Described { description, session } => {
                description.as_deref().map_or(Ok(()), managed::check_description)?;
                session.map_or(Ok(SESSION), checked_session)?;
            }
            To::Trusting(text) => documents::check_trust("policyDocument", text)?,
            To::Tagged { .. } => {}
        }
        Ok(Self { account, name, to })
    }

    fn change(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Seen<Role>, ApiError> {
        let mut role = role(records, &self.account, &self.name)?;
        let it = &mut role.record;
        match &self.to {
            To::Described { description, session } => {
                if let Some(description) = description {
                    it.description.clone_from(description);
                }
                it.max_session_seconds = session.unwrap_or(it.max_session_seconds);
            }
            To::Trusting(text) => {
                it.trusted = trust::named(records, text)?;
                it.trust.clone_from(text);
            }
            To::Tagged { set, take } => {
                set_tags(&mut it.tags, set.clone())?;
                take_tags(&mut it.tags, take);
            }
        }
        write(batch, touched, &role)?;
        Ok(role)
    }
}

impl Work for Update {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        self.change(records, batch, touched).map(|_| Nothing {})
    }
}

/// The same, and the role is shown.
pub(super) struct Describe(Update);

impl Work for Describe {
    type Done = OneRole;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<OneRole, ApiError> {
        let role = self.0.change(records, batch, touched)?;
        Ok(OneRole { role: shown(records, &role, true)? })
    }
}

/// A role is removed.
pub(super) struct Delete {
    account: AccountId,
    name: String,
}

impl Work for Delete {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let role = role(records, &self.account, &self.name)?;
        let conflict = |text: &str| Err(ApiError::new(ErrorCode::DeleteConflict, text));
        let profiles = records.profiles_of.scan(&format!("{}/", role.key()), After::Start, 1)?;
        if !profiles.is_empty() {
            return conflict(
                "Cannot delete entity, must remove roles from instance profile first.",
            );
        }
        if !role.policies.inline.is_empty() {
            return conflict("Cannot delete entity, must delete policies first.");
        }
        if !role.policies.attached.is_empty() {
            return conflict("Cannot delete entity, must detach all policies first.");
        }
        if let Some(arn) = &role.boundary {
            records.detach(batch, arn, Use::RoleBoundary, role.key());
        }
        batch.remove(&role);
        touched.note(EntityName::role(&role.account, &role.name));
        Ok(Nothing {})
    }
}

works! {
    CreateRole: |it, scene| Create::new(&scene.caller, it, scene.clock.now());
    UpdateRole: |it, scene| {
        let to = To::Described { description: it.description, session: it.max_session_duration };
        Update::new(account(scene), it.role_name, to)
    };
    UpdateRoleDescription: |it, scene| {
        let to = To::Described { description: Some(it.description), session: None };
        Update::new(account(scene), it.role_name, to).map(Describe)
    };
    UpdateAssumeRolePolicy: |it, scene| {
        Update::new(account(scene), it.role_name, To::Trusting(it.policy_document))
    };
    DeleteRole: |it, scene| {
        Ok::<_, ApiError>(Delete { account: account(scene), name: it.role_name })
    };
    TagRole: |it, scene| checked_tags(&it.tags).and_then(|set| {
        Update::new(account(scene), it.role_name, To::Tagged { set, take: Vec::new() })
    });
    UntagRole: |it, scene| check_tag_keys(&it.tag_keys).and_then(|()| {
        let to = To::Tagged { set: TagMap::new(), take: it.tag_keys };
        Update::new(account(scene), it.role_name, to)
    });
}

fn list(it: &ListRoles, account: &AccountId, records: &Records) -> Result<RoleList, ApiError> {
    let prefix = checked_prefix(it.path_prefix.as_deref())?;
    let page =
        Page::new(&["roles", account.as_str(), &prefix], it.marker.as_deref(), it.max_items)?;
    let rows = records.roles.all_behind(&format!("{account}/"), page.after());
    let rows = rows.filter(|seen| seen.as_ref().map_or(true, |it| it.path.starts_with(&prefix)));
    let filled = page.fill(rows.map(|seen| {
        let role = seen?;
        Ok::<_, ApiError>((role.key().to_owned(), shown(records, &role, false)?))
    }))?;
    Ok(RoleList { roles: filled.items, is_truncated: filled.is_truncated, marker: filled.marker })
}

answers! {
    GetRole => |it: GetRole, account: &AccountId, records: &Records| {
        let role = role(records, account, &it.role_name)?;
        Ok(OneRole { role: shown(records, &role, true)? })
    };
    ListRoles => |it: ListRoles, account: &AccountId, records: &Records| {
        list(&it, account, records)
    };
    ListRoleTags => |it: ListRoleTags, account: &AccountId, records: &Records| {
        let role = role(records, account, &it.role_name)?;
        listing::tags(&["tags", "role", role.key()], &role.tags, it.marker.as_deref(), it.max_items)
    };
}

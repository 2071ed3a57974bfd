//! Groups: CreateGroup, GetGroup, ListGroups, UpdateGroup, DeleteGroup, and who is in them:
//! AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser.
//!
//! A user's record names its groups, by lower-case names; the index `group-members` leads from a
//! group to its users. Both are written in one commit.

use common::error::{ApiError, ErrorCode};
use common::euare::elements::{Moment, Nothing};
use common::euare::groups::{
    AddUserToGroup, CreateGroup, DeleteGroup, GetGroup, Group as View, GroupWithUsers, Groups,
    ListGroups, ListGroupsForUser, OneGroup, RemoveUserFromGroup, UpdateGroup,
};
use common::euare::names::{self, EXISTING};
use common::euare::paging::Page;
use common::iam::entity::PolicySet;
use common::iam::{Arn, Context, EntityName};
use common::id::AccountId;
use runtime::actor::{Answer, Scene};
use store::{After, Batch, Seen};

use super::change::{Change, Changes, changes};
use super::users;
use super::{Iam, belongings, limits};
use crate::quota::identity::Kind;
use crate::records::{Group, Records, Touched};
use crate::{quota, random};

changes!(AddUserToGroup, CreateGroup, DeleteGroup, RemoveUserFromGroup, UpdateGroup);

/// How many rows are read at a time.
const CHUNK: usize = 128;

/// The group of a name. Blocks.
///
/// # Errors
/// `NoSuchEntity`.
pub fn find(records: &Records, account: &AccountId, name: &str) -> Result<Seen<Group>, ApiError> {
    records.groups.get(&Group::key_of(account, name))?.ok_or_else(|| {
        let text = format!("The group with name {name} cannot be found.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

/// The ARN of a group.
pub fn arn(account: &AccountId, path: &str, name: &str) -> String {
    Arn::iam(account.as_str(), format!("group{path}{name}")).to_string()
}

/// A group as IAM tells it.
pub fn told(group: &Group) -> View {
    View {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: arn(&group.account, &group.path, &group.name),
        create_date: Moment(group.created),
    }
}

/// Refuses a name that is taken. Blocks.
fn free(records: &Records, account: &AccountId, name: &str) -> Result<(), ApiError> {
    match records.groups.get(&Group::key_of(account, name))? {
        Some(_) => {
            let text = format!("Group with name {name} already exists.");
            Err(ApiError::new(ErrorCode::EntityAlreadyExists, text))
        }
        None => Ok(()),
    }
}

/// The rows that lead to a group's users.
fn member_rows(group: &Group) -> String {
    format!("{}/", Group::key_of(&group.account, &group.name))
}

impl Changes for CreateGroup {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<OneGroup>, ApiError> {
        names::check_name("groupName", &self.group_name, names::GROUP)?;
        let path = names::checked_path("path", self.path.as_deref())?;
        let (account, now) = (scene.caller.account.clone(), scene.clock.now());
        let (name, caller) = (self.group_name, scene.caller.clone());
        Ok(Change::new(move |records, batch, touched| {
            free(records, &account, &name)?;
            quota::identity::admit(records, batch, &caller, Kind::Group)?;
            let prefix = format!("{account}/");
            let have = records.groups.scan(&prefix, After::Start, limits::GROUPS)?.len();
            limits::room(have, limits::GROUPS, &name, "GroupsPerAccount")?;
            let group = Group {
                account: account.clone(),
                name: name.clone(),
                id: Group::new_id(random::bytes()?),
                path: path.clone(),
                policies: PolicySet::default(),
                created: now,
            };
            batch.insert(&group)?;
            touched.note(EntityName::group(&account, &name));
            Ok(OneGroup { group: told(&group) })
        }))
    }
}

impl Answer<Iam> for GetGroup {
    async fn answer(self, scene: &Scene<Iam>) -> Result<GroupWithUsers, ApiError> {
        names::check_name("groupName", &self.group_name, EXISTING)?;
        let (account, name) = (scene.caller.account.clone(), self.group_name);
        let key = Group::key_of(&account, &name);
        let page = Page::new(&["GetGroup", &key], self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let group = find(records, &account, &name)?;
                let rows = records.members.rows(&member_rows(&group), page.after(), CHUNK);
                let filled = page.fill(rows.filter_map(|row| member(records, row).transpose()))?;
                Ok(GroupWithUsers {
                    group: told(&group),
                    users: filled.items,
                    is_truncated: filled.is_truncated,
                    marker: filled.marker,
                })
            })
            .await
    }
}

type Member = (String, common::euare::users::User);

/// The user that a row leads to, if it was not removed since the row was read.
fn member(
    records: &Records,
    row: Result<store::IndexRow, store::StoreError>,
) -> Result<Option<Member>, ApiError> {
    let row = row?;
    let user = records.users.get(&row.value)?;
    Ok(user.map(|user| (row.key, users::listed(&user))))
}

impl Answer<Iam> for ListGroups {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Groups, ApiError> {
        let prefix = names::checked_prefix(self.path_prefix.as_deref())?;
        let account = scene.caller.account.clone();
        let listing = ["ListGroups", account.as_str(), &prefix];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        let filled = scene
            .records
            .work(move |records| {
                let all = records.groups.all_behind(&format!("{account}/"), page.after());
                let below = all.filter(|seen| {
                    seen.as_ref().map_or(true, |group| group.path.starts_with(&prefix))
                });
                page.fill(below.map(|seen| {
                    let seen = seen?;
                    Ok::<_, ApiError>((seen.key().to_owned(), told(&seen)))
                }))
            })
            .await?;
        let (is_truncated, marker) = (filled.is_truncated, filled.marker);
        Ok(Groups { groups: filled.items, is_truncated, marker })
    }
}

impl Changes for UpdateGroup {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("groupName", &self.group_name, EXISTING)?;
        if let Some(name) = &self.new_group_name {
            names::check_name("newGroupName", name, names::GROUP)?;
        }
        let path = self.new_path.as_deref();
        let path = path.map(|path| names::checked_path("newPath", Some(path))).transpose()?;
        let (name, new_name) = (self.group_name, self.new_group_name);
        let caller = scene.caller.clone();
        let account = caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let seen = find(records, &account, &name)?;
            let mut group = seen.record.clone();
            group.name = new_name.clone().unwrap_or(group.name);
            group.path = path.clone().unwrap_or(group.path);
            let becomes = arn(&account, &group.path, &group.name);
            if !caller.authority.may("iam:UpdateGroup", &becomes, &Context::new()) {
                let text = format!(
                    "User: {} is not authorized to perform: iam:UpdateGroup on resource: {becomes}",
                    caller.arn()
                );
                return Err(ApiError::new(ErrorCode::AccessDenied, text));
            }
            if Group::key_of(&account, &group.name) != seen.key() {
                free(records, &account, &group.name)?;
            }
            rename(records, batch, touched, &seen, &group)?;
            Ok(Nothing {})
        }))
    }
}

/// Adds to a batch: a group becomes another, with the same users and policies. Blocks.
fn rename(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<Group>,
    becomes: &Group,
) -> Result<(), ApiError> {
    let account = &seen.account;
    touched.note(EntityName::group(account, &seen.name));
    touched.note(EntityName::group(account, &becomes.name));
    let key = Group::key_of(account, &becomes.name);
    if key == seen.key() {
        let mut seen = seen.clone();
        seen.record = becomes.clone();
        batch.replace(&seen)?;
        return Ok(());
    }
    let (before, now) = (seen.name.to_ascii_lowercase(), becomes.name.to_ascii_lowercase());
    for row in records.members.rows(&member_rows(seen), None, CHUNK) {
        let row = row?;
        batch.unpoint(&records.members, &row.key);
        let Some(mut user) = records.users.get(&row.value)? else { continue };
        user.record.groups.remove(&before);
        user.record.groups.insert(now.clone());
        batch.point(&records.members, &belongings::member_row(&user, &now), &row.value);
        batch.replace(&user)?;
        touched.note(EntityName::user(account, &user.name));
    }
    for arn in &seen.policies.attached {
        batch.unpoint(&records.attachments, &attachment_row(arn, seen.key()));
        batch.point(&records.attachments, &attachment_row(arn, &key), "group");
    }
    batch.remove(seen);
    batch.insert(becomes)?;
    Ok(())
}

/// The row by which a policy finds a group.
fn attachment_row(arn: &str, key: &str) -> String {
    format!("{arn}|group/{key}")
}

impl Changes for DeleteGroup {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        names::check_name("groupName", &self.group_name, EXISTING)?;
        let (name, recursive) = (self.group_name, self.is_recursive);
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let seen = find(records, &account, &name)?;
            if !recursive {
                has_nothing(records, &seen)?;
            }
            remove(records, batch, touched, &seen)?;
            Ok(Nothing {})
        }))
    }
}

/// Refuses to remove a group that has something. Blocks.
fn has_nothing(records: &Records, group: &Group) -> Result<(), ApiError> {
    let first = |what: &str| {
        let text = format!("Cannot delete entity, must {what} first.");
        Err(ApiError::new(ErrorCode::DeleteConflict, text))
    };
    if !records.members.scan(&member_rows(group), After::Start, 1)?.is_empty() {
        return first("remove users from group");
    }
    if !group.policies.attached.is_empty() {
        return first("detach all policies");
    }
    if !group.policies.inline.is_empty() {
        return first("delete policies");
    }
    Ok(())
}

/// Adds to a batch: a group goes, its users are in it no more. Blocks.
///
/// # Errors
/// If the store fails.
pub fn remove(
    records: &Records,
    batch: &mut Batch,
    touched: &mut Touched,
    seen: &Seen<Group>,
) -> Result<(), ApiError> {
    let name = seen.name.to_ascii_lowercase();
    for row in records.members.rows(&member_rows(seen), None, CHUNK) {
        let row = row?;
        batch.unpoint(&records.members, &row.key);
        let Some(mut user) = records.users.get(&row.value)? else { continue };
        user.record.groups.remove(&name);
        batch.replace(&user)?;
        touched.note(EntityName::user(&seen.account, &user.name));
    }
    for arn in &seen.policies.attached {
        batch.unpoint(&records.attachments, &attachment_row(arn, seen.key()));
    }
    batch.remove(seen);
    touched.note(EntityName::group(&seen.account, &seen.name));
    Ok(())
}

fn check_names(group: &str, user: &str) -> Result<(), ApiError> {
    names::check_name("groupName", group, EXISTING)?;
    names::check_name("userName", user, EXISTING)
}

impl Changes for AddUserToGroup {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_names(&self.group_name, &self.user_name)?;
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let group = find(records, &account, &self.group_name)?;
            let mut user = users::find(records, &account, &self.user_name)?;
            let name = group.name.to_ascii_lowercase();
            if user.groups.contains(&name) {
                return Ok(Nothing {});
            }
            let most = limits::GROUPS_PER_USER;
            limits::room(user.groups.len(), most, &user.name, "GroupsPerUser")?;
            let key = user.key().to_owned();
            batch.point(&records.members, &belongings::member_row(&user, &name), &key);
            user.record.groups.insert(name);
            batch.replace(&user)?;
            touched.note(EntityName::user(&account, &user.name));
            Ok(Nothing {})
        }))
    }
}

impl Changes for RemoveUserFromGroup {
    fn change(self, scene: &Scene<Iam>) -> Result<Change<Nothing>, ApiError> {
        check_names(&self.group_name, &self.user_name)?;
        let account = scene.caller.account.clone();
        Ok(Change::new(move |records, batch, touched| {
            let group = find(records, &account, &self.group_name)?;
            let mut user = users::find(records, &account, &self.user_name)?;
            let name = group.name.to_ascii_lowercase();
            if !user.record.groups.remove(&name) {
                let text = format!("The user {} is not in the group {}.", user.name, group.name);
                return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
            }
            batch.unpoint(&records.members, &belongings::member_row(&user, &name));
            batch.replace(&user)?;
            touched.note(EntityName::user(&account, &user.name));
            Ok(Nothing {})
        }))
    }
}

impl Answer<Iam> for ListGroupsForUser {
    async fn answer(self, scene: &Scene<Iam>) -> Result<Groups, ApiError> {
        names::check_name("userName", &self.user_name, EXISTING)?;
        let (account, name) = (scene.caller.account.clone(), self.user_name);
        let listing = ["ListGroupsForUser", account.as_str(), &name];
        let page = Page::new(&listing, self.marker.as_deref(), self.max_items)?;
        scene
            .records
            .work(move |records| {
                let user = users::find(records, &account, &name)?;
                let mut groups = Vec::new();
                for name in &user.groups {
                    let group = records.groups.get(&Group::key_of(&account, name))?;
                    groups.extend(group.map(|group| (name.clone(), told(&group))));
                }
                let filled = page.cut(groups);
                let (is_truncated, marker) = (filled.is_truncated, filled.marker);
                Ok(Groups { groups: filled.items, is_truncated, marker })
            })
            .await
    }
}

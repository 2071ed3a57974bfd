//! GetAccountAuthorizationDetails: users, groups, roles and managed policies in one listing.
//!
//! The kinds follow one another, each in the order of its keys, and pages run through all of them.

use std::collections::BTreeSet;

use common::error::ApiError;
use common::euare::authorization::{
    AuthorizationDetails, GetAccountAuthorizationDetails, GroupDetail, InlinePolicy, PolicyDetail,
    RoleDetail, UserDetail,
};
use common::euare::elements::{Boundary, Members, Moment, Tag};
use common::euare::names::violation;
use common::euare::paging::Page;
use common::iam::Arn;
use common::iam::entity::PolicySet;
use common::id::AccountId;
use store::{Record, Seen, Table};

use super::managed::{CloudPolicy, Usable};
use super::work::answers;
use super::{attachments, documents, instance_profiles, versions};
use crate::identity::trust;
use crate::records::{Group, Records, Role, User};

/// The kinds in the order of the listing, by the names of the filter.
const KINDS: [&str; 5] = ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"];

/// One entry of the listing.
enum Detail {
    User(UserDetail),
    Group(GroupDetail),
    Role(RoleDetail),
    Policy(PolicyDetail),
}

fn inline(set: &PolicySet) -> Members<InlinePolicy> {
    let shown = |(name, text): (&String, &String)| InlinePolicy {
        policy_name: name.clone(),
        policy_document: documents::written(text),
    };
    set.inline.iter().map(shown).collect()
}

fn user(records: &Records, user: &User) -> Result<UserDetail, ApiError> {
    // Users know their groups by key; they are shown by the names they were given.
    let mut groups = Vec::new();
    for name in &user.groups {
        let group = records.groups.get(&Group::key_of(&user.account, name))?;
        groups.extend(group.map(|group| group.name.clone()));
    }
    let arn = Arn::iam(user.account.as_str(), format!("user{}{}", user.path, user.name));
    Ok(UserDetail {
        path: user.path.clone(),
        user_name: user.name.clone(),
        user_id: user.unique_id(),
        arn: arn.to_string(),
        create_date: Moment(user.created),
        user_policy_list: inline(&user.policies),
        group_list: groups.into(),
        attached_managed_policies: attachments::attached(&user.policies).collect(),
        permissions_boundary: user.boundary.as_deref().map(Boundary::policy),
        tags: Tag::all(&user.tags),
    })
}

fn group(group: &Group) -> GroupDetail {
    let arn = Arn::iam(group.account.as_str(), format!("group{}{}", group.path, group.name));
    GroupDetail {
        path: group.path.clone(),
        group_name: group.name.clone(),
        group_id: group.id.clone(),
        arn: arn.to_string(),
        create_date: Moment(group.created),
        group_policy_list: inline(&group.policies),
        attached_managed_policies: attachments::attached(&group.policies).collect(),
    }
}

fn role(records: &Records, role: &Seen<Role>) -> Result<RoleDetail, ApiError> {
    let profiles = instance_profiles::of_role(records, role)?;
    let shown = profiles.iter().map(|it| instance_profiles::shown(records, it, false));
    Ok(RoleDetail {
        path: role.path.clone(),
        role_name: role.name.clone(),
        role_id: role.id.clone(),
        arn: role.arn(),
        create_date: Moment(role.created),
        assume_role_policy_document: documents::written(&trust::shown(records, role)?),
        instance_profile_list: shown.collect::<Result<_, _>>()?,
        role_policy_list: inline(&role.policies),
        attached_managed_policies: attachments::attached(&role.policies).collect(),
        permissions_boundary: role.boundary.as_deref().map(Boundary::policy),
        tags: Tag::all(&role.tags),
    })
}

fn policy(records: &Records, account: &AccountId, it: &Usable) -> Result<PolicyDetail, ApiError> {
    let shown = it.shown(records, account, true)?;
    Ok(PolicyDetail {
        policy_name: shown.policy_name,
        policy_id: shown.policy_id,
        arn: shown.arn,
        path: shown.path,
        default_version_id: shown.default_version_id,
        attachment_count: shown.attachment_count,
        permissions_boundary_usage_count: shown.permissions_boundary_usage_count,
        is_attachable: shown.is_attachable,
        description: shown.description,
        create_date: shown.create_date,
        update_date: shown.update_date,
        policy_version_list: versions::all(it, true).into(),
    })
}

fn wanted(filter: &[String]) -> Result<BTreeSet<usize>, ApiError> {
    if filter.is_empty() {
        return Ok((0..KINDS.len()).collect());
    }
    let place = |(index, name): (usize, &String)| {
        KINDS.iter().position(|kind| kind == name).ok_or_else(|| {
            let constraint = "Member must satisfy enum value set: [User, Role, Group, \
                              LocalManagedPolicy, AWSManagedPolicy]";
            violation(name, &format!("filter.{}.member", index + 1), constraint)
        })
    };
    filter.iter().enumerate().map(place).collect()
}

/// The records of an account behind what a page begins with, each with its key in the listing.
fn behind<'a, R: Record + 'a>(
    table: &Table<R>,
    kind: usize,
    account: &AccountId,
    after: &str,
) -> impl Iterator<Item = Result<(String, Seen<R>), ApiError>> + 'a {
    let (prefix, mark) = (format!("{account}/"), format!("{kind}/"));
    let start = after.strip_prefix(&mark).map(str::to_owned);
    // Kinds before that of the last entry were told whole.
    let told = start.is_none() && after > mark.as_str();
    let rows = (!told).then(|| table.all_behind(&prefix, start.as_deref()));
    rows.into_iter().flatten().map(move |seen| {
        let seen = seen?;
        Ok((format!("{mark}{}", seen.key()), seen))
    })
}

fn details(
    it: &GetAccountAuthorizationDetails,
    account: &AccountId,
    records: &Records,
) -> Result<AuthorizationDetails, ApiError> {
    let wanted = wanted(&it.filter)?;
    let listing = ["authorization", account.as_str(), &format!("{wanted:?}")];
    let page = Page::new(&listing, it.marker.as_deref(), it.max_items)?;
    let after = page.after().unwrap_or_default();
    let asked = |kind: usize| wanted.contains(&kind);
    let users = asked(0).then(|| behind(&records.users, 0, account, after)).into_iter().flatten();
    let users = users.map(|row| {
        let (key, it) = row?;
        Ok((key, Detail::User(user(records, &it)?)))
    });
    let groups = asked(1).then(|| behind(&records.groups, 1, account, after)).into_iter().flatten();
    let groups = groups.map(|row| row.map(|(key, it)| (key, Detail::Group(group(&it)))));
    let roles = asked(2).then(|| behind(&records.roles, 2, account, after)).into_iter().flatten();
    let roles = roles.map(|row| {
        let (key, it) = row?;
        Ok((key, Detail::Role(role(records, &it)?)))
    });
    let own = asked(3).then(|| behind(&records.policies, 3, account, after)).into_iter().flatten();
    let own = own.map(|row| {
        let (key, it) = row?;
        Ok((key, Detail::Policy(policy(records, account, &Usable::Own(Box::new(it)))?)))
    });
    let mut cloud: Vec<_> = CloudPolicy::all()
        .filter(|_| asked(4))
        .map(|policy| (format!("4/{}", policy.arn()), policy))
        .filter(|(key, _)| key.as_str() > after)
        .collect();
    cloud.sort_by(|(one, _), (other, _)| one.cmp(other));
    let cloud = cloud
        .into_iter()
        .map(|(key, it)| Ok((key, Detail::Policy(policy(records, account, &Usable::Cloud(it))?))));
    let filled =
        page.fill::<_, ApiError>(users.chain(groups).chain(roles).chain(own).chain(cloud))?;
    let mut told = AuthorizationDetails {
        is_truncated: filled.is_truncated,
        marker: filled.marker,
        ..AuthorizationDetails::default()
    };
    for detail in filled.items.member {
        match detail {
            Detail::User(it) => told.user_detail_list.member.push(it),
            Detail::Group(it) => told.group_detail_list.member.push(it),
            Detail::Role(it) => told.role_detail_list.member.push(it),
            Detail::Policy(it) => told.policies.member.push(it),
        }
    }
    Ok(told)
}

answers! {
    GetAccountAuthorizationDetails =>
        |it: GetAccountAuthorizationDetails, account: &AccountId, records: &Records| {
            details(&it, account, records)
        };
}

//! Managed policies attached to users, groups and roles, and permissions boundaries.
//!
//! The ARN stands in the record of whoever has the policy, and a row of the index leads back. Both
//! are written together, in a commit that starts again if identity changes meanwhile: a policy
//! cannot go while somebody gets it.

use common::error::{ApiError, ErrorCode};
use common::euare::attachments::{
    AttachGroupPolicy, AttachRolePolicy, AttachUserPolicy, AttachedPolicies, AttachedPolicy,
    DeleteRolePermissionsBoundary, DeleteUserPermissionsBoundary, DetachGroupPolicy,
    DetachRolePolicy, DetachUserPolicy, ListAttachedGroupPolicies, ListAttachedRolePolicies,
    ListAttachedUserPolicies, ListEntitiesForPolicy, PolicyEntities, PolicyGroup, PolicyRole,
    PolicyUser, PutRolePermissionsBoundary, PutUserPermissionsBoundary,
};
use common::euare::elements::Nothing;
use common::euare::names::{checked_prefix, violation};
use common::euare::paging::Page;
use common::iam::Arn;
use common::iam::entity::PolicySet;
use common::id::AccountId;
use store::Batch;

use super::bearers::{self, Bearer, Kind};
use super::limits;
use super::listing::{self, Usage};
use super::managed::{Usable, find, usable};
use super::work::{Work, account, answers, works};
use crate::records::attachments::Use;
use crate::records::{Records, Touched};

/// A policy is attached.
pub(super) struct Attach {
    account: AccountId,
    kind: Kind,
    bearer: String,
    arn: String,
}

/// The policy of an ARN, to be attached to something.
///
/// # Errors
/// `NoSuchEntity`.
pub(super) fn attachable(
    records: &Records,
    account: &AccountId,
    arn: &str,
) -> Result<Usable, ApiError> {
    usable(records, account, arn)?.ok_or_else(|| {
        let text = format!("Policy {arn} does not exist or is not attachable.");
        ApiError::new(ErrorCode::NoSuchEntity, text)
    })
}

impl Work for Attach {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut bearer = bearers::find(records, self.kind, &self.account, &self.bearer)?;
        let arn = attachable(records, &self.account, &self.arn)?.arn();
        let attached = &mut bearer.policies_mut().attached;
        if attached.contains(&arn) {
            return Ok(Nothing {});
        }
        let quota = match self.kind {
            Kind::User => "PoliciesPerUser",
            Kind::Group => "PoliciesPerGroup",
            Kind::Role => "PoliciesPerRole",
        };
        limits::room(attached.len(), limits::ATTACHED, &arn, quota)?;
        attached.push(arn.clone());
        records.attach(batch, &arn, self.kind.attached(), bearer.key());
        bearer.write(batch, touched)?;
        Ok(Nothing {})
    }
}

/// A policy is taken off.
pub(super) struct Detach {
    account: AccountId,
    kind: Kind,
    bearer: String,
    arn: String,
}

impl Work for Detach {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut bearer = bearers::find(records, self.kind, &self.account, &self.bearer)?;
        let attached = &mut bearer.policies_mut().attached;
        let before = attached.len();
        attached.retain(|arn| *arn != self.arn);
        if attached.len() == before {
            usable(records, &self.account, &self.arn)?;
            let text = format!("Policy {} was not found.", self.arn);
            return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
        }
        records.detach(batch, &self.arn, self.kind.attached(), bearer.key());
        bearer.write(batch, touched)?;
        Ok(Nothing {})
    }
}

/// A boundary is set, or taken away.
pub(super) struct Bound {
    account: AccountId,
    kind: Kind,
    bearer: String,
    arn: Option<String>,
}

impl Work for Bound {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut bearer = bearers::find(records, self.kind, &self.account, &self.bearer)?;
        if let (Bearer::User(user), Some(_)) = (&bearer, &self.arn)
            && user.is_owner()
        {
            let text = format!("The user {} owns the account: nothing bounds it.", user.name);
            return Err(ApiError::new(ErrorCode::UnmodifiableEntity, text));
        }
        let arn = match &self.arn {
            Some(arn) => Some(attachable(records, &self.account, arn)?.arn()),
            None => None,
        };
        let key = bearer.key().to_owned();
        let (boundary, how) = match &mut bearer {
            Bearer::User(it) => (&mut it.record.boundary, Use::UserBoundary),
            Bearer::Role(it) => (&mut it.record.boundary, Use::RoleBoundary),
            Bearer::Group(_) => {
                let cause = "groups have no boundary";
                return Err(ApiError::internal("The boundary could not be set", cause));
            }
        };
        let before = std::mem::replace(boundary, arn);
        if let (None, None) = (&before, &*boundary) {
            let text = format!("{} does not have a permissions boundary.", self.bearer);
            return Err(ApiError::new(ErrorCode::NoSuchEntity, text));
        }
        if let Some(arn) = before {
            records.detach(batch, &arn, how, &key);
        }
        if let Some(arn) = boundary {
            records.attach(batch, arn, how, &key);
        }
        bearer.write(batch, touched)?;
        Ok(Nothing {})
    }
}

/// The managed policies of a set, by name and ARN.
pub(super) fn attached(set: &PolicySet) -> impl Iterator<Item = AttachedPolicy> + '_ {
    set.attached.iter().map(|arn| AttachedPolicy {
        policy_name: arn.rsplit_once('/').map_or(arn.as_str(), |(_, name)| name).to_owned(),
        policy_arn: arn.clone(),
    })
}

/// The path of a managed policy, as its ARN has it.
fn path(arn: &str) -> String {
    let resource = arn.parse::<Arn>().map(|arn| arn.resource).unwrap_or_default();
    let path = resource.strip_prefix("policy").unwrap_or_default();
    path.rfind('/').map_or("/".to_owned(), |end| path[..=end].to_owned())
}

fn listed(
    bearer: &Bearer,
    path_prefix: Option<&str>,
    marker: Option<&str>,
    max_items: Option<u32>,
) -> Result<AttachedPolicies, ApiError> {
    let prefix = checked_prefix(path_prefix)?;
    let page = Page::new(&["attached policies", bearer.key(), &prefix], marker, max_items)?;
    let mut all: Vec<_> = attached(bearer.policies())
        .filter(|policy| path(&policy.policy_arn).starts_with(&prefix))
        .map(|policy| (policy.policy_arn.clone(), policy))
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let filled = page.cut(all);
    Ok(AttachedPolicies {
        attached_policies: filled.items,
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

macro_rules! attached_policies {
    ($kind:ident, $field:ident: $attach:ident, $detach:ident, $list:ident) => {
        works! {
            $attach: |it, scene| Ok::<_, ApiError>(Attach {
                account: account(scene),
                kind: Kind::$kind,
                bearer: it.$field,
                arn: it.policy_arn,
            });
            $detach: |it, scene| Ok::<_, ApiError>(Detach {
                account: account(scene),
                kind: Kind::$kind,
                bearer: it.$field,
                arn: it.policy_arn,
            });
        }
        answers! {
            $list => |it: $list, account: &AccountId, records: &Records| {
                let bearer = bearers::find(records, Kind::$kind, account, &it.$field)?;
                listed(&bearer, it.path_prefix.as_deref(), it.marker.as_deref(), it.max_items)
            };
        }
    };
}

attached_policies!(User, user_name: AttachUserPolicy, DetachUserPolicy, ListAttachedUserPolicies);
attached_policies!(Group, group_name: AttachGroupPolicy, DetachGroupPolicy, ListAttachedGroupPolicies);
attached_policies!(Role, role_name: AttachRolePolicy, DetachRolePolicy, ListAttachedRolePolicies);

fn bound(
    account: AccountId,
    kind: Kind,
    bearer: String,
    arn: Option<String>,
) -> Result<Bound, ApiError> {
    Ok(Bound { account, kind, bearer, arn })
}

works! {
    PutUserPermissionsBoundary: |it, scene| {
        bound(account(scene), Kind::User, it.user_name, Some(it.permissions_boundary))
    };
    DeleteUserPermissionsBoundary: |it, scene| {
        bound(account(scene), Kind::User, it.user_name, None)
    };
    PutRolePermissionsBoundary: |it, scene| {
        bound(account(scene), Kind::Role, it.role_name, Some(it.permissions_boundary))
    };
    DeleteRolePermissionsBoundary: |it, scene| {
        bound(account(scene), Kind::Role, it.role_name, None)
    };
}

/// Which kinds of bearers a listing shows, and by which uses.
fn wanted(it: &ListEntitiesForPolicy) -> Result<Vec<(Kind, Use)>, ApiError> {
    let kinds = match it.entity_filter.as_deref() {
        None => vec![Kind::Group, Kind::User, Kind::Role],
        Some("Group") => vec![Kind::Group],
        Some("User") => vec![Kind::User],
        Some("Role") => vec![Kind::Role],
        // A policy is attached to no policy.
        Some("LocalManagedPolicy" | "AWSManagedPolicy") => Vec::new(),
        Some(other) => {
            let constraint = "Member must satisfy enum value set: [User, Role, Group, \
                              LocalManagedPolicy, AWSManagedPolicy]";
            return Err(violation(other, "entityFilter", constraint));
        }
    };
    let usage = listing::usage(it.policy_usage_filter.as_deref())?;
    let of = |kind: Kind| {
        let boundary = match kind {
            Kind::User => Some(Use::UserBoundary),
            Kind::Role => Some(Use::RoleBoundary),
            Kind::Group => None,
        };
        let attached = (usage != Usage::Boundary).then_some(kind.attached());
        let boundary = boundary.filter(|_| usage != Usage::Permissions);
        attached.into_iter().chain(boundary).map(move |how| (kind, how))
    };
    Ok(kinds.into_iter().flat_map(of).collect())
}

fn entities(
    it: &ListEntitiesForPolicy,
    account: &AccountId,
    records: &Records,
) -> Result<PolicyEntities, ApiError> {
    let arn = find(records, account, &it.policy_arn)?.arn();
    let wanted = wanted(it)?;
    let prefix = checked_prefix(it.path_prefix.as_deref())?;
    let listing = ["entities", account.as_str(), &arn, &prefix, &format!("{wanted:?}")];
    let page = Page::new(&listing, it.marker.as_deref(), it.max_items)?;
    let mut keys = Vec::new();
    for (kind, how) in wanted {
        let bearers = records.bearers(account, &arn, how)?;
        keys.extend(bearers.into_iter().map(|key| (format!("{}/{key}", kind.word()), kind, key)));
    }
    keys.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    // Whoever has it in both ways is listed once.
    keys.dedup_by(|(one, ..), (other, ..)| one == other);
    let after = page.after().unwrap_or_default();
    let rows =
        keys.into_iter().filter(|(at, ..)| at.as_str() > after).filter_map(|(at, kind, key)| {
            match bearers::at(records, kind, &key) {
                Ok(Some(bearer)) if bearer.path().starts_with(&prefix) => Some(Ok((at, bearer))),
                Ok(_) => None,
                Err(error) => Some(Err(ApiError::from(error))),
            }
        });
    let filled = page.fill(rows)?;
    let mut told = PolicyEntities {
        is_truncated: filled.is_truncated,
        marker: filled.marker,
        ..PolicyEntities::default()
    };
    for bearer in filled.items.member {
        let (name, id) = (bearer.name().to_owned(), bearer.id());
        match bearer {
            Bearer::Group(_) => {
                told.policy_groups.member.push(PolicyGroup { group_name: name, group_id: id });
            }
            Bearer::User(_) => {
                told.policy_users.member.push(PolicyUser { user_name: name, user_id: id });
            }
            Bearer::Role(_) => {
                told.policy_roles.member.push(PolicyRole { role_name: name, role_id: id });
            }
        }
    }
    Ok(told)
}

answers! {
    ListEntitiesForPolicy => |it: ListEntitiesForPolicy, account: &AccountId, records: &Records| {
        entities(&it, account, records)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_policy_stands_in_its_arn() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:policy/p", "/"),
            ("arn:aws:iam::123456789012:policy/a/b/p", "/a/b/"),
            ("arn:aws:iam::aws:policy/job-function/p", "/job-function/"),
            ("nothing", "/"),
        ] {
            assert_eq!(path(arn), expected);
        }
    }
}

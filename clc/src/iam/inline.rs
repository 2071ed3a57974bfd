//! Policies that are part of a user, group or role.

use common::error::{ApiError, ErrorCode};
use common::euare::elements::Nothing;
use common::euare::inline::{
    DeleteGroupPolicy, DeleteRolePolicy, DeleteUserPolicy, GetGroupPolicy, GetRolePolicy,
    GetUserPolicy, GroupPolicy, ListGroupPolicies, ListRolePolicies, ListUserPolicies, PolicyNames,
    PutGroupPolicy, PutRolePolicy, PutUserPolicy, RolePolicy, UserPolicy,
};
use common::euare::names::{POLICY, check_name};
use common::euare::paging::Page;
use common::iam::policy::size;
use common::id::AccountId;
use store::Batch;

use super::bearers::{self, Bearer, Kind};
use super::documents;
use super::work::{Work, account, answers, works};
use crate::records::{Records, Touched};

/// A policy is given to a bearer, in the place of one of that name.
pub(super) struct Put {
    account: AccountId,
    kind: Kind,
    bearer: String,
    name: String,
    text: String,
}

impl Put {
    fn new(
        account: AccountId,
        kind: Kind,
        bearer: String,
        name: String,
        text: String,
    ) -> Result<Self, ApiError> {
        check_name("policyName", &name, POLICY)?;
        documents::check("policyDocument", &text)?;
        Ok(Self { account, kind, bearer, name, text })
    }
}

impl Work for Put {
    type Done = Nothing;

    fn apply(
        &self,
        records: &Records,
        batch: &mut Batch,
        touched: &mut Touched,
    ) -> Result<Nothing, ApiError> {
        let mut bearer = bearers::find(records, self.kind, &self.account, &self.bearer)?;
        let own = &mut bearer.policies_mut().inline;
        own.insert(self.name.clone(), self.text.clone());
        let most = self.kind.most_inline();
        let counted = own.values().map(|text| size(text)).sum::<usize>();
        if counted > most || own.values().map(String::len).sum::<usize>() > documents::MOST {
            let (kind, name) = (self.kind.word(), bearer.name());
            let text = format!("Maximum policy size of {most} bytes exceeded for {kind} {name}");
            return Err(ApiError::new(ErrorCode::LimitExceeded, text));
        }
        bearer.write(batch, touched)?;
        Ok(Nothing {})
    }
}

/// A policy is taken from a bearer.
pub(super) struct Delete {
    account: AccountId,
    kind: Kind,
    bearer: String,
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
        let mut bearer = bearers::find(records, self.kind, &self.account, &self.bearer)?;
        if bearer.policies_mut().inline.remove(&self.name).is_none() {
            return Err(unknown(self.kind, &self.name));
        }
        bearer.write(batch, touched)?;
        Ok(Nothing {})
    }
}

fn unknown(kind: Kind, name: &str) -> ApiError {
    let text = format!("The {} policy with name {name} cannot be found.", kind.word());
    ApiError::new(ErrorCode::NoSuchEntity, text)
}

/// The text of a bearer's policy as answers bear it.
fn text(bearer: &Bearer, kind: Kind, name: &str) -> Result<String, ApiError> {
    check_name("policyName", name, POLICY)?;
    let found = bearer.policies().inline.get(name);
    found.map(|text| documents::written(text)).ok_or_else(|| unknown(kind, name))
}

fn listed(
    bearer: &Bearer,
    marker: Option<&str>,
    max_items: Option<u32>,
) -> Result<PolicyNames, ApiError> {
    let page = Page::new(&["inline policies", bearer.key()], marker, max_items)?;
    let names = bearer.policies().inline.keys().map(|name| (name.clone(), name.clone()));
    let filled = page.cut(names);
    Ok(PolicyNames {
        policy_names: filled.items,
        is_truncated: filled.is_truncated,
        marker: filled.marker,
    })
}

macro_rules! inline_policies {
    ($kind:ident, $field:ident: $put:ident, $get:ident => $got:ident, $list:ident, $delete:ident) => {
        works! {
            $put: |it, scene| {
                let account = account(scene);
                Put::new(account, Kind::$kind, it.$field, it.policy_name, it.policy_document)
            };
            $delete: |it, scene| Ok::<_, ApiError>(Delete {
                account: account(scene),
                kind: Kind::$kind,
                bearer: it.$field,
                name: it.policy_name,
            });
        }
        answers! {
            $get => |it: $get, account: &AccountId, records: &Records| {
                let bearer = bearers::find(records, Kind::$kind, account, &it.$field)?;
                let policy_document = text(&bearer, Kind::$kind, &it.policy_name)?;
                let $field = bearer.name().to_owned();
                Ok($got { $field, policy_name: it.policy_name, policy_document })
            };
            $list => |it: $list, account: &AccountId, records: &Records| {
                let bearer = bearers::find(records, Kind::$kind, account, &it.$field)?;
                listed(&bearer, it.marker.as_deref(), it.max_items)
            };
        }
    };
}

inline_policies!(User, user_name: PutUserPolicy, GetUserPolicy => UserPolicy, ListUserPolicies, DeleteUserPolicy);
inline_policies!(Group, group_name: PutGroupPolicy, GetGroupPolicy => GroupPolicy, ListGroupPolicies, DeleteGroupPolicy);
inline_policies!(Role, role_name: PutRolePolicy, GetRolePolicy => RolePolicy, ListRolePolicies, DeleteRolePolicy);

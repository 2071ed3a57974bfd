//! AssumeRole: credentials of a role, for whoever its trust policy and their own let have it.
//!
//! Roles that do not exist and roles that trust others are told apart by nobody.

use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use common::iam::directory::Directory as _;
use common::iam::session::{Origin, Who};
use common::iam::{Arn, Authority, Context, managed};
use common::id::AccountId;
use common::sts::sessions::{AssumeRole, AssumedRole, AssumedRoleUser, PolicyArn};
use runtime::actor::{Answer, Scene};

use super::session_token::shown;
use super::{Tokens, factor};
use crate::identity::directory::{self, RecordedDirectory};
use crate::identity::sessions::{self, Wanted};
use crate::identity::trust;
use crate::records::{Records, Role};

impl Answer<Tokens> for AssumeRole {
    async fn answer(self, scene: &Scene<Tokens>) -> Result<AssumedRole, ApiError> {
        self.check()?;
        let shown_factor = self.factor()?;
        let (authority, now) = (scene.caller.authority.clone(), scene.clock.now());
        let directory = Arc::clone(&scene.directory);
        let assume = scene.records.work(move |records| {
            let second_factor = factor::since(records, &authority, shown_factor, now)?;
            let proof = factor::context(second_factor, now);
            let role = taken_on(records, &self, &authority, &proof)?;
            let chained = authority.principal().session.is_some();
            let source_identity = source_identity(&self, &authority)?;
            let wanted = Wanted {
                account: role.account.clone(),
                who: Who::Role(role.name.clone(), self.role_session_name.clone()),
                holder: role.id.clone(),
                life: self.life(i64::from(role.max_session_seconds), chained)?,
                policies: own_policy(&directory, self.policy.as_deref())?,
                policy_arns: managed_policies(records, &role, &self.policy_arns)?,
                second_factor,
                source_identity: source_identity.clone(),
                origin: Some(begun_by(&authority)?),
                via: None,
            };
            let limited = !wanted.policies.is_empty() || !wanted.policy_arns.is_empty();
            let made = sessions::begin(records, wanted, now)?;
            let session = &self.role_session_name;
            let resource = format!("assumed-role/{}/{session}", role.name);
            let arn =
                Arn { service: "sts".to_owned(), ..Arn::iam(role.account.as_str(), resource) };
            Ok(AssumedRole {
                assumed_role_user: AssumedRoleUser {
                    assumed_role_id: format!("{}:{session}", role.id),
                    arn: arn.to_string(),
                },
                packed_policy_size: limited.then_some(made.packed),
                credentials: shown(made),
                source_identity,
            })
        });
        assume.await
    }
}

/// The role, if the caller may take it on.
fn taken_on(
    records: &Records,
    asked: &AssumeRole,
    caller: &Authority,
    proof: &Context,
) -> Result<Role, ApiError> {
    let denied = |action: &str| {
        let (who, role) = (caller.principal().arn(), &asked.role_arn);
        let text =
            format!("User: {who} is not authorized to perform: {action} on resource: {role}");
        ApiError::new(ErrorCode::AccessDenied, text)
    };
    let role = named(records, &asked.role_arn)?.ok_or_else(|| denied("sts:AssumeRole"))?;
    let context = proof
        .clone()
        .with("sts:RoleSessionName", asked.role_session_name.as_str())
        .with_some("sts:ExternalId", asked.external_id.as_deref())
        .with_some("sts:SourceIdentity", source_identity(asked, caller)?);
    let actions: &[&str] = match source_identity(asked, caller)?.is_some() {
        true => &["sts:AssumeRole", "sts:SetSourceIdentity"],
        false => &["sts:AssumeRole"],
    };
    for action in actions {
        if !trust::lets(&role, caller, action, &context)? {
            return Err(denied(action));
        }
    }
    Ok(role)
}

/// The role of an ARN whose account may use anything.
fn named(records: &Records, arn: &str) -> Result<Option<Role>, ApiError> {
    let Ok(parsed) = arn.parse::<Arn>() else { return Ok(None) };
    let Ok(account) = parsed.account.parse::<AccountId>() else { return Ok(None) };
    let Some((_, name)) = parsed.resource.rsplit_once('/') else { return Ok(None) };
    let enabled = records.accounts.get(account.as_str())?.is_some_and(|seen| seen.enabled);
    if !enabled {
        return Ok(None);
    }
    let seen = records.roles.get(&Role::key_of(&account, name))?;
    Ok(seen.map(|seen| seen.record).filter(|role| role.arn() == arn))
}

/// Whoever is behind the session in person: it ends when they may use nothing any more.
fn begun_by(caller: &Authority) -> Result<Origin, ApiError> {
    caller.origin().ok_or_else(|| {
        let text = "An earlier version of the cloud began this session, so no role can be taken on \
                    with it: begin it anew";
        ApiError::new(ErrorCode::AccessDenied, text)
    })
}

/// Who is behind the session: once said it stays, from role to role.
fn source_identity(asked: &AssumeRole, caller: &Authority) -> Result<Option<String>, ApiError> {
    let before = caller.context().get("aws:sourceidentity").and_then(|values| values.first());
    match (before, &asked.source_identity) {
        (Some(before), Some(now)) if before != now => {
            let text = "The source identity of a session cannot be changed by taking on a role";
            Err(ApiError::new(ErrorCode::AccessDenied, text))
        }
        (before, now) => Ok(now.as_ref().or(before).cloned()),
    }
}

/// The policy that came with the request, without its blanks.
fn own_policy(directory: &RecordedDirectory, text: Option<&str>) -> Result<Vec<String>, ApiError> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let malformed = |why: &dyn std::fmt::Display| {
        ApiError::new(ErrorCode::MalformedPolicyDocument, format!("Policy: {why}"))
    };
    directory.policy(text).map_err(|error| malformed(&error))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    Ok(vec![value.to_string()])
}

/// The managed policies that came with the request, which are of the role's account or everybody's.
fn managed_policies(
    records: &Records,
    role: &Role,
    asked: &[PolicyArn],
) -> Result<Vec<String>, ApiError> {
    let mut arns = Vec::new();
    for PolicyArn { arn } in asked {
        let known = match managed::text(arn) {
            Some(_) => true,
            None => {
                let policy = directory::policy(records, arn)?;
                policy.is_some_and(|policy| policy.account == role.account)
            }
        };
        if !known {
            let text = format!("There is no policy {arn} that a session of this role could have");
            return Err(ApiError::new(ErrorCode::ValidationError, text));
        }
        arns.push(arn.clone());
    }
    Ok(arns)
}

//! Who may take on a role: what its trust policy says, and for people their own policies besides.
//!
//! A trust policy names people and roles by ARN; whom it means is noted when it is written, by their
//! unique ids. One who gets the same name later is somebody else and inherits nothing; one who is
//! given another name is still meant. Where an ARN is not that of whom it meant any more, the id is
//! shown in its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::error::{ApiError, ErrorCode};
use common::iam::policy::{
    Attached, Policies, Policy, PolicyError, PolicyKind, Question, Source, Verdict,
    evaluate_assuming, trusts_service,
};
use common::iam::{Arn, Authority, Context};
use common::id::AccountId;
use serde_json::Value;

use crate::records::{Records, Role, User};

/// EC2, as trust policies name it.
pub const EC2: &str = "ec2.amazonaws.com";

/// Whether somebody may do an action that takes on the role; `further` is known besides.
///
/// # Errors
/// If the role's trust policy cannot be read any more.
pub fn lets(
    role: &Role,
    caller: &Authority,
    action: &str,
    further: &Context,
) -> Result<bool, ApiError> {
    let arn = role.arn();
    let policy = read(role).map_err(|error| {
        ApiError::internal(format!("The trust policy of {arn} cannot be read"), error)
    })?;
    let trust = Attached { name: arn.clone(), source: Source::Resource, policy: Arc::new(policy) };
    let (grants, context) = (caller.grants(), caller.context().clone().and(further));
    let policies = Policies {
        identity: &grants.identity,
        boundary: grants.boundary.as_ref(),
        session: &grants.session,
        resource: Some(&trust),
        owner: Some(&role.account),
    };
    let principal = caller.principal();
    let question = Question { principal, action, resource: &arn, context: &context };
    Ok(evaluate_assuming(&policies, &question).verdict == Verdict::Allowed)
}

/// Whether EC2 may take on the role for an instance. A trust policy that cannot be read lets nobody.
pub fn lets_ec2(role: &Role) -> bool {
    match read(role) {
        Ok(policy) => trusts_service(&policy, EC2, &Context::new()),
        Err(error) => {
            tracing::warn!(role = role.arn(), %error, "a trust policy cannot be read");
            false
        }
    }
}

fn read(role: &Role) -> Result<Policy, PolicyError> {
    match role.trusted.is_empty() {
        true => Policy::parse(&role.trust, PolicyKind::Trust),
        false => Policy::parse(&renamed(&role.trust, &role.trusted), PolicyKind::Trust),
    }
}

/// The unique ids of those whom a trust policy names, by ARN. Blocks.
///
/// # Errors
/// `MalformedPolicyDocument` for one who is not there.
pub fn named(records: &Records, text: &str) -> Result<BTreeMap<String, String>, ApiError> {
    let mut arns = Vec::new();
    let mut document: Value = serde_json::from_str(text).unwrap_or_default();
    each_principal(&mut document, &mut |arn| arns.push(arn.clone()));
    let mut named = BTreeMap::new();
    for arn in arns.into_iter().filter(|arn| is_somebody(arn)) {
        let id = id_of(records, &arn)?.ok_or_else(|| {
            let text = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
            ApiError::new(ErrorCode::MalformedPolicyDocument, text)
        })?;
        named.insert(arn, id);
    }
    Ok(named)
}

/// The trust policy as it is shown: an ARN that is not that of whom it meant any more is their id.
/// Blocks.
///
/// # Errors
/// If the store fails.
pub fn shown(records: &Records, role: &Role) -> Result<String, ApiError> {
    let mut strangers = BTreeMap::new();
    for (arn, id) in &role.trusted {
        if id_of(records, arn)?.as_ref() != Some(id) {
            strangers.insert(arn.clone(), id.clone());
        }
    }
    Ok(match strangers.is_empty() {
        true => role.trust.clone(),
        false => renamed(&role.trust, &strangers),
    })
}

/// The policy with other names for its principals.
fn renamed(text: &str, names: &BTreeMap<String, String>) -> String {
    let Ok(mut document) = serde_json::from_str(text) else { return text.to_owned() };
    each_principal(&mut document, &mut |name| {
        if let Some(other) = names.get(name) {
            name.clone_from(other);
        }
    });
    document.to_string()
}

/// Does something with each name below `Principal` and `AWS`.
fn each_principal(document: &mut Value, work: &mut dyn FnMut(&mut String)) {
    fn each(value: Option<&mut Value>) -> Vec<&mut Value> {
        match value {
            Some(Value::Array(items)) => items.iter_mut().collect(),
            value => value.into_iter().collect(),
        }
    }
    for statement in each(document.get_mut("Statement")) {
        let whom = statement.get_mut("Principal").and_then(|whom| whom.get_mut("AWS"));
        for name in each(whom) {
            if let Value::String(name) = name {
                work(name);
            }
        }
    }
}

/// Whether it is the ARN of a user, a role or a session.
fn is_somebody(name: &str) -> bool {
    name.parse::<Arn>().is_ok_and(|arn| arn.resource.contains('/'))
}

/// The unique id of whom an ARN names now.
fn id_of(records: &Records, text: &str) -> Result<Option<String>, ApiError> {
    let Ok(arn) = text.parse::<Arn>() else { return Ok(None) };
    let Ok(account) = arn.account.parse::<AccountId>() else { return Ok(None) };
    let mut parts = arn.resource.split('/');
    let (kind, last) = (parts.next().unwrap_or_default(), parts.next_back().unwrap_or_default());
    Ok(match kind {
        "user" => {
            let seen = records.users.get(&User::key_of(&account, last))?.map(|seen| seen.record);
            let own = |user: &User| {
                let resource = format!("user{}{}", user.path, user.name);
                Arn::iam(account.as_str(), resource).to_string() == text
            };
            seen.filter(own).map(|user| user.unique_id())
        }
        "role" => {
            let seen = records.roles.get(&Role::key_of(&account, last))?.map(|seen| seen.record);
            seen.filter(|role| role.arn() == text).map(|role| role.id)
        }
        "assumed-role" => {
            let name = parts.next().unwrap_or_default();
            let seen = records.roles.get(&Role::key_of(&account, name))?.map(|seen| seen.record);
            seen.filter(|role| role.name == name).map(|role| format!("{}:{last}", role.id))
        }
        _ => None,
    })
}

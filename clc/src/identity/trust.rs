//! Who may take on a role: what its trust policy says, and for people their own policies besides.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::policy::{
    Attached, Policies, Policy, PolicyError, PolicyKind, Question, Source, Verdict,
    evaluate_assuming, trusts_service,
};
use common::iam::{Authority, Context};

use crate::records::Role;

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
    Policy::parse(&role.trust, PolicyKind::Trust)
}

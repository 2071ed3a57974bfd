//! Whether a role may be taken on: what its trust policy and the caller's policies say together.

use std::sync::Arc;

use common::error::ApiError;
use common::iam::policy::{Attached, Policy, PolicyKind, Source};
use common::iam::{Authority, Context};

use crate::records::Role;

/// Whether the role's trust policy, and the caller's own where they have a say, allow it.
///
/// # Errors
/// If the role's trust policy cannot be read any more.
pub fn lets(
    role: &Role,
    caller: &Authority,
    action: &str,
    context: &Context,
) -> Result<bool, ApiError> {
    let arn = role.arn();
    let policy = Policy::parse(&role.trust, PolicyKind::Trust).map_err(|error| {
        ApiError::internal(format!("The trust policy of {arn} cannot be read"), error)
    })?;
    let policy = Arc::new(policy);
    let trust = Attached { name: arn.clone(), source: Source::Resource, policy };
    let decision = caller.decide_with(action, &arn, context, Some(&trust));
    Ok(decision.verdict == common::iam::policy::Verdict::Allowed)
}

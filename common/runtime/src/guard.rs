//! Who stands between a request that was understood and the actor that does it: nothing is done
//! that policies do not allow.
//!
//! Every action of every query API passes here on its way through the router, whatever it is, so an
//! action that is added is guarded without a word about it.

use common::action::Caller;
use common::error::{ApiError, ErrorCode};
use common::iam::policy::{STEPS, Verdict};
use common::iam::{Resource, Subject};
use futures_util::future::BoxFuture;

/// Actions that need no permission, as on AWS: they tell callers nothing but what they are, or give
/// them no more than they have. Who may take on a role is decided by AssumeRole itself, which reads
/// the role's trust policy beside the caller's own.
pub const FREE: &[&str] = &["sts:AssumeRole", "sts:GetCallerIdentity", "sts:GetSessionToken"];

/// How many steps the decisions about all that one request names may take together.
const MOST_STEPS: u64 = 8 * STEPS;

/// Decides whether a caller may do an action.
pub trait Guard: Send + Sync + 'static {
    /// Refuses what is not allowed.
    ///
    /// # Errors
    /// `AccessDenied`, which names caller, action and resource.
    fn demand<'a>(
        &'a self,
        caller: &'a Caller,
        action: &'a str,
        subject: Subject,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// The names of resources, for the record of a request.
    ///
    /// # Errors
    /// If the records in which they stand cannot be read.
    fn names<'a>(
        &'a self,
        caller: &'a Caller,
        resources: Vec<Resource>,
    ) -> BoxFuture<'a, Result<Vec<String>, ApiError>>;
}

/// A guard that knows what the request says and nothing else.
pub struct PlainGuard {
    /// The region in the names of resources.
    pub region: String,
}

impl Guard for PlainGuard {
    fn demand<'a>(
        &'a self,
        caller: &'a Caller,
        action: &'a str,
        subject: Subject,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let named = |resource: &Resource| resource.arn(&self.region, &caller.account, "/");
        let decide = |(action, subject): (&str, &Subject)| {
            let names: Vec<String> = subject.resources.iter().map(named).collect();
            decide(caller, action, &names, subject)
        };
        let decided = subject.steps(action).into_iter().try_for_each(decide);
        Box::pin(std::future::ready(decided))
    }

    fn names<'a>(
        &'a self,
        caller: &'a Caller,
        resources: Vec<Resource>,
    ) -> BoxFuture<'a, Result<Vec<String>, ApiError>> {
        let named = |resource: &Resource| resource.arn(&self.region, &caller.account, "/");
        let names = resources.iter().map(named).collect();
        Box::pin(std::future::ready(Ok(names)))
    }
}

/// Demands that an action is allowed on each of these resources, which are the subject's by their
/// names, or on `*` if there is none.
///
/// # Errors
/// `AccessDenied`.
pub fn decide(
    caller: &Caller,
    action: &str,
    names: &[String],
    subject: &Subject,
) -> Result<(), ApiError> {
    if FREE.contains(&action) {
        return Ok(());
    }
    let any = ["*".to_owned()];
    let names = if names.is_empty() { &any[..] } else { names };
    let mut steps = 0;
    for (place, name) in names.iter().enumerate() {
        if steps > MOST_STEPS {
            let why = "to decide about so many resources takes too long: name fewer";
            return Err(denied(caller, action, name, why));
        }
        let decision = caller.authority.decide(action, name, &subject.context_of(place));
        steps += decision.steps;
        match decision.verdict {
            Verdict::Allowed => {}
            Verdict::ExplicitDeny => {
                return Err(denied(caller, action, name, "a policy denies it"));
            }
            Verdict::ImplicitDeny => {
                return Err(denied(caller, action, name, "no policy allows it"));
            }
        }
    }
    Ok(())
}

fn denied(caller: &Caller, action: &str, resource: &str, why: &str) -> ApiError {
    let who = caller.arn();
    let text = format!(
        "User: {who} is not authorized to perform: {action} on resource: {resource}: {why}"
    );
    ApiError::new(ErrorCode::AccessDenied, text)
}

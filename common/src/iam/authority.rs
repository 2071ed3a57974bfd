//! What a principal may do, carried along with a request: asked, never looked up again.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::policy::{self, Attached, Decision, Policies, Question, Verdict};
use super::principal::{Principal, PrincipalKind, unique_id};
use super::session::Origin;
use crate::id::AccountId;

/// The policies that have a say about what a principal does.
#[derive(Debug, Clone, Default)]
pub struct Grants {
    /// Those of the user, their groups, or the role.
    pub identity: Vec<Attached>,
    /// The permissions boundary.
    pub boundary: Option<Attached>,
    /// Those that came with the session.
    pub session: Vec<Attached>,
    /// Those of the account, which limit all of it and allow nothing.
    pub account: Vec<Attached>,
}

/// A principal, their policies, and what is known of the request. Cheap to clone.
#[derive(Clone)]
pub struct Authority {
    principal: Arc<Principal>,
    grants: Arc<Grants>,
    context: Arc<Context>,
    origin: Option<Arc<Origin>>,
}

impl Authority {
    /// What a principal may do by these policies.
    pub fn new(principal: Principal, grants: Grants) -> Self {
        let context = Arc::new(principal.context());
        Self { principal: Arc::new(principal), grants: Arc::new(grants), context, origin: None }
    }

    /// The same, of a role that this one took on.
    #[must_use]
    pub fn begun_by(self, origin: Option<Origin>) -> Self {
        Self { origin: origin.map(Arc::new), ..self }
    }

    /// Whoever is behind it in person: the user, or who began the chain of roles of which this is
    /// the last. None for a role of which that is not known.
    pub fn origin(&self) -> Option<Origin> {
        let Principal { account, kind, name, id, .. } = self.principal.as_ref();
        match kind {
            PrincipalKind::Role => self.origin.as_deref().cloned(),
            PrincipalKind::Owner | PrincipalKind::User => {
                Some(Origin::User(account.clone(), name.clone(), id.clone()))
            }
        }
    }

    /// The authority of an account's owner.
    pub fn owner(account: &AccountId, name: &str) -> Self {
        let principal = Principal {
            account: account.clone(),
            kind: PrincipalKind::Owner,
            name: name.to_owned(),
            path: "/".to_owned(),
            id: unique_id("AIDA", format!("{account}/{name}").as_bytes()),
            session: None,
        };
        Self::new(principal, Grants::default())
    }

    /// The same, for a request of which this is known.
    #[must_use]
    pub fn within(&self, request: &Context) -> Self {
        // What a principal is cannot be said otherwise by a request.
        let context = Arc::new(request.clone().and(&self.context));
        Self { context, ..self.clone() }
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The policies.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// What is known of the request.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Decides one question; `further` is known besides.
    pub fn decide(&self, action: &str, resource: &str, further: &Context) -> Decision {
        self.decide_with(action, resource, further, None)
    }

    /// The same, where the resource has a policy of its own.
    pub fn decide_with(
        &self,
        action: &str,
        resource: &str,
        further: &Context,
        of_resource: Option<&Attached>,
    ) -> Decision {
        let context = self.knowing(further);
        let question = Question { principal: &self.principal, action, resource, context: &context };
        let policies = Policies { resource: of_resource, ..self.policies() };
        policy::evaluate(&policies, &question)
    }

    /// Decides whether a role of an account may be taken on; `trust` says who may.
    pub fn assume(
        &self,
        role: &str,
        account: &AccountId,
        trust: &Attached,
        further: &Context,
    ) -> Decision {
        let (context, action) = (self.knowing(further), "sts:AssumeRole");
        let question =
            Question { principal: &self.principal, action, resource: role, context: &context };
        let policies = Policies { resource: Some(trust), owner: Some(account), ..self.policies() };
        policy::evaluate_assuming(&policies, &question)
    }

    fn knowing(&self, further: &Context) -> Cow<'_, Context> {
        match further.is_empty() {
            true => Cow::Borrowed(self.context.as_ref()),
            false => Cow::Owned(self.context.as_ref().clone().and(further)),
        }
    }

    fn policies(&self) -> Policies<'_> {
        Policies {
            identity: &self.grants.identity,
            boundary: self.grants.boundary.as_ref(),
            session: &self.grants.session,
            ..Policies::default()
        }
    }

    /// Whether it may be done.
    pub fn may(&self, action: &str, resource: &str, further: &Context) -> bool {
        self.decide(action, resource, further).verdict == Verdict::Allowed
    }

    /// How much of something policies let it have: the smallest limit for the key, such as
    /// `ec2:quota-vminstancenumber`. Owners have none but those that the cloud has set for their
    /// account.
    pub fn limit(&self, action: &str, resource: &str, key: &str) -> Option<u64> {
        let own = self.limit_of_own(action, resource, key);
        own.into_iter().chain(self.limit_of_account(action, resource, key)).min()
    }

    /// The same of what it has made itself, by its own policies.
    pub fn limit_of_own(&self, action: &str, resource: &str, key: &str) -> Option<u64> {
        if self.is_owner() {
            return None;
        }
        policy::limit(&self.grants.identity, &self.question(action, resource), key)
    }

    /// The same of what its whole account may have together.
    pub fn limit_of_account(&self, action: &str, resource: &str, key: &str) -> Option<u64> {
        policy::limit(&self.grants.account, &self.question(action, resource), key)
    }

    fn question<'a>(&'a self, action: &'a str, resource: &'a str) -> Question<'a> {
        let (principal, context) = (self.principal.as_ref(), self.context.as_ref());
        Question { principal, action, resource, context }
    }

    /// Whether a policy that has a say asks for a condition key that begins so. What nobody asks
    /// for need not be looked up.
    pub fn asks_for(&self, beginning: &str) -> bool {
        let Grants { identity, boundary, session, .. } = self.grants.as_ref();
        let all = identity.iter().chain(boundary).chain(session);
        all.into_iter().any(|it| it.policy.asks_for(beginning))
    }

    /// Whether nothing can be denied: an owner whose session is not limited.
    pub fn is_unbound(&self) -> bool {
        self.is_owner() && self.grants.boundary.is_none() && self.grants.session.is_empty()
    }

    /// Whether it acts with temporary credentials.
    pub fn is_temporary(&self) -> bool {
        self.context.get("aws:tokenissuetime").is_some()
    }

    /// What temporary credentials are not good for, whatever policies say: those that somebody has
    /// of a user of their own, and those of a role. The reason, or `None`.
    pub fn barred(&self, action: &str) -> Option<Barred> {
        if !self.is_temporary() {
            return None;
        }
        let of_role = self.principal.kind == PrincipalKind::Role;
        let factor = ["true".to_owned()];
        let factor = self.context.get("aws:multifactorauthpresent") == Some(&factor[..]);
        match action {
            "sts:GetSessionToken" => Some(Barred::Sessions),
            "sts:AssumeRole" | "sts:GetCallerIdentity" => None,
            _ if of_role => None,
            _ if action.starts_with("sts:") => Some(Barred::Sessions),
            _ if action.starts_with("iam:") && !factor => Some(Barred::Identity),
            _ => None,
        }
    }

    /// Whether it is the owner of its account, whom no policy limits.
    pub fn is_owner(&self) -> bool {
        self.principal.kind == PrincipalKind::Owner
    }
}

/// What temporary credentials are not good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// Making further sessions of the same user.
    Sessions,
    /// Changing or reading identity, without a second factor.
    Identity,
}

impl fmt::Debug for Authority {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Authority({})", self.principal.arn())
    }
}

impl PartialEq for Authority {
    /// Whether it is the same principal.
    fn eq(&self, other: &Self) -> bool {
        self.principal == other.principal
    }
}

impl Eq for Authority {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_credentials_are_not_good_for_everything() {
        let account: AccountId = "123456789012".parse().unwrap();
        let user = Authority::owner(&account, "admin");
        let role = Principal { kind: PrincipalKind::Role, ..user.principal().clone() };
        let role = Authority::new(role, Grants::default());
        let session = |of: &Authority, factor: bool| {
            let context = Context::new().with("aws:TokenIssueTime", "2026-01-01T00:00:00Z");
            of.within(&context.with("aws:MultiFactorAuthPresent", factor.to_string()))
        };
        let (plain, strong, taken) =
            (session(&user, false), session(&user, true), session(&role, false));
        for (action, of_plain, of_strong, of_role) in [
            ("sts:GetSessionToken", true, true, true),
            ("sts:AssumeRole", false, false, false),
            ("sts:GetCallerIdentity", false, false, false),
            ("sts:GetAccessKeyInfo", true, true, false),
            ("iam:ListUsers", true, false, false),
            ("iam:CreateUser", true, false, false),
            ("ec2:RunInstances", false, false, false),
            ("s3:GetObject", false, false, false),
        ] {
            let barred = [&plain, &strong, &taken].map(|it| it.barred(action).is_some());
            assert_eq!(barred, [of_plain, of_strong, of_role], "{action}");
            assert_eq!(user.barred(action), None, "{action}");
        }
    }
}

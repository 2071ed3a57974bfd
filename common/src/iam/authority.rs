//! What a principal may do, carried along with a request: asked, never looked up again.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::policy::{self, Attached, Decision, Policies, Question, Verdict};
use super::principal::{Principal, PrincipalKind, unique_id};
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
    /// Those of the whole account, which set limits and allow or deny nothing.
    pub account: Vec<Attached>,
}

/// A principal, their policies, and what is known of the request. Cheap to clone.
#[derive(Clone)]
pub struct Authority {
    principal: Arc<Principal>,
    grants: Arc<Grants>,
    context: Arc<Context>,
}

impl Authority {
    /// What a principal may do by these policies.
    pub fn new(principal: Principal, grants: Grants) -> Self {
        let context = Arc::new(principal.context());
        Self { principal: Arc::new(principal), grants: Arc::new(grants), context }
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
        let (principal, context) = (self.principal.as_ref(), self.context.as_ref());
        let question = Question { principal, action, resource, context };
        let own = match self.is_owner() {
            true => None,
            false => policy::limit(&self.grants.identity, &question, key),
        };
        let of_account = policy::limit(&self.grants.account, &question, key);
        own.into_iter().chain(of_account).min()
    }

    /// Whether it is the owner of its account, whom no policy limits.
    pub fn is_owner(&self) -> bool {
        self.principal.kind == PrincipalKind::Owner
    }
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

//! Policies: read, checked, and asked.

use std::sync::Arc;

use thiserror::Error;

use super::context::Context;
use super::principal::{Principal, PrincipalKind};

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

/// Where a policy stands, which decides what it must and may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// On a user, group or role: no principal.
    Identity,
    /// On a role: who may take it on; a principal, no resource.
    Trust,
    /// On a resource: a principal and resources.
    Resource,
}

/// A policy, read and made ready to be asked.
#[derive(Debug)]
pub struct Policy {
    text: String,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Names what is wrong with the text, and where.
    pub fn parse(text: &str, _: PolicyKind) -> Result<Self, PolicyError> {
        Ok(Self { text: text.to_owned() })
    }

    /// The text, as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A policy with the name it goes by.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Its name if it is part of an identity, its ARN if it is managed.
    pub name: String,
    /// What it is attached to.
    pub source: Source,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// What a policy is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The user.
    User(String),
    /// A group that the user is in.
    Group(String),
    /// The role.
    Role(String),
    /// Nothing: it came with the session.
    Session,
    /// The resource.
    Resource,
    /// The cloud: it stands for what its administrators may.
    Cloud,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who acts.
    pub principal: &'a Principal,
    /// `ec2:RunInstances`.
    pub action: &'a str,
    /// The ARN of a resource, or `*`.
    pub resource: &'a str,
    /// What else is known, the principal's own keys included.
    pub context: &'a Context,
}

/// All policies that have a say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Those of the user, their groups, or the role.
    pub identity: &'a [Attached],
    /// The permissions boundary.
    pub boundary: Option<&'a Attached>,
    /// Those that came with a session; none if there is no session or it has none.
    pub session: &'a [Attached],
    /// That of the resource.
    pub resource: Option<&'a Attached>,
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Something allows it, nothing denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it.
    ImplicitDeny,
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// The policy's name.
    pub policy: String,
    /// What it is attached to.
    pub source: Source,
    /// Which statement of the policy, from 0.
    pub statement: usize,
}

/// An answer with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// The statements that made it.
    pub matched: Vec<Matched>,
    /// Condition keys that policies ask for and nobody knew, in lower case.
    pub missing: Vec<String>,
    /// Whether the boundary allows it, if there is one.
    pub within_boundary: Option<bool>,
}

/// Answers.
pub fn evaluate(_: &Policies<'_>, question: &Question<'_>) -> Decision {
    let owner = question.principal.kind == PrincipalKind::Owner;
    Decision {
        verdict: if owner { Verdict::Allowed } else { Verdict::ImplicitDeny },
        matched: Vec::new(),
        missing: Vec::new(),
        within_boundary: None,
    }
}

/// The smallest limit that statements of `Effect: Limit` set for a quota key (in lower case, such
/// as `ec2:quota-vminstancenumber`), if any does.
pub fn limit(_: &[Attached], _: &Question<'_>, _: &str) -> Option<u64> {
    None
}

//! Questions about what somebody may do, the policies that have a say, and answers.

use std::sync::Arc;

use super::document::Policy;
use crate::iam::context::Context;
use crate::iam::principal::Principal;
use crate::id::AccountId;

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
    /// The account that the resource belongs to. Without it that in the resource's ARN counts, and
    /// where it has none, as in S3, the principal's own.
    pub owner: Option<&'a AccountId>,
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
    /// The statements that made it: all that deny, or else all that allow; none where nothing does
    /// or something else forbids it, and none that made it for an account's owner.
    pub matched: Vec<Matched>,
    /// Condition keys that policies ask for and nobody knew, in lower case.
    pub missing: Vec<String>,
    /// Whether the boundary allows it, if there is one.
    pub within_boundary: Option<bool>,
    /// What finding the answer has cost, in bytes looked at, [`STEPS`](super::STEPS) at most: at that
    /// the answer was given up and is no.
    pub steps: u64,
}

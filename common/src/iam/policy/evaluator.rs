//! The one place where it is decided who may do what.
//!
//! ```text
//!   any Deny, in any policy that counts ───────────────────────────────▶ explicit deny
//!   resource in the same account:
//!     identity ∧ boundary ∧ session ───────────────────────────────────▶ allowed
//!     resource policy names …  the session itself ─────────────────────▶ allowed
//!                              the user itself       ∧ session ────────▶ allowed
//!                              the role, or everyone ∧ boundary ∧ session ▶ allowed
//!                              the account: gives nothing by itself
//!   resource in another account:
//!     identity ∧ boundary ∧ session ∧ resource policy, however it names ▶ allowed
//!   else ──────────────────────────────────────────────────────────────▶ implicit deny
//! ```
//! What would take longer than one question may (see [`super::meter`]) is an implicit deny, however
//! it would have ended: a Deny that was not reached must not be passed over.
//!
//! Several session policies are one: what any of them allows. For an account's owner identity and
//! boundary count as allowing everything and denying nothing. Taking on a role differs in one thing:
//! the role's own policy must allow it in any case.
//!
//! Where a resource has no policy, whose it is is not asked here: services find nobody's but those of
//! the account that they look into.

use super::document::Policy;
use super::known::Known;
use super::question::{Attached, Decision, Matched, Policies, Question, Source, Verdict};
use super::resource::ArnName;
use super::statement::{Asked, Effect, Statement};
use super::whom::{Asker, Named};
use crate::iam::context::Context;
use crate::iam::principal::PrincipalKind;

/// Answers.
pub fn evaluate(policies: &Policies<'_>, question: &Question<'_>) -> Decision {
    judge(policies, question, false)
}

/// Answers whether a role may be taken on: the question's resource is the role, the resource's policy
/// that of the role, which says who may, and must say so.
pub fn evaluate_assuming(policies: &Policies<'_>, question: &Question<'_>) -> Decision {
    judge(policies, question, true)
}

/// Whether the policy of a role lets a service, such as `ec2.amazonaws.com`, take it on.
pub fn trusts_service(trust: &Policy, service: &str, context: &Context) -> bool {
    let asked = asked("sts:AssumeRole", "*", context);
    let asker = Asker::Service(service);
    let speaks = |effect: Effect| {
        let mut these = trust.statements.iter().filter(|it| it.effect == effect);
        these.any(|it| it.names(&asker).is_some() && it.applies(&asked))
    };
    speaks(Effect::Allow) && !speaks(Effect::Deny) && !asked.known.meter.is_empty()
}

/// The smallest limit that statements of `Effect: Limit` set for a quota key (in lower case, such
/// as `ec2:quota-vminstancenumber`), if any does. An account's owner is limited by the cloud only.
pub fn limit(policies: &[Attached], question: &Question<'_>, key: &str) -> Option<u64> {
    let asked = asked(question.action, question.resource, question.context);
    let owner = question.principal.kind == PrincipalKind::Owner;
    let counts = |policy: &&Attached| !owner || policy.source == Source::Cloud;
    let statements = policies.iter().filter(counts).flat_map(|policy| &policy.policy.statements);
    let most = statements
        .filter(|it| it.effect == Effect::Limit)
        .filter_map(|it| {
            let most = it.quotas.iter().filter(|(quota, _)| quota == key).map(|(_, most)| *most);
            Some((it, most.min()?))
        })
        .filter(|(it, _)| it.applies(&asked))
        .map(|(_, most)| most)
        .min();
    // Whether a limit that was not reached would be smaller is not known.
    if asked.known.meter.is_empty() { Some(0) } else { most }
}

fn asked<'a>(action: &str, resource: &'a str, context: &'a Context) -> Asked<'a> {
    let action = action.to_ascii_lowercase();
    Asked { action, resource: ArnName::of(resource), known: Known::new(context) }
}

/// What some policies say together.
#[derive(Default)]
struct Said {
    allows: Vec<Matched>,
    denies: Vec<Matched>,
    /// The strongest way in which what allows it names the principal.
    named: Option<Named>,
}

impl Said {
    fn allow(&self) -> bool {
        !self.allows.is_empty()
    }

    /// Notes what a policy says by those of its statements that speak of the principal.
    fn note(
        &mut self,
        from: &Attached,
        asked: &Asked<'_>,
        names: impl Fn(&Statement) -> Option<Named>,
    ) {
        for (at, statement) in from.policy.statements.iter().enumerate() {
            if statement.effect == Effect::Limit || !asked.known.meter.pay(4) {
                continue;
            }
            let Some(named) = names(statement).filter(|_| statement.applies(asked)) else {
                continue;
            };
            let (policy, source) = (from.name.clone(), from.source.clone());
            let matched = Matched { policy, source, statement: at };
            match statement.effect {
                Effect::Deny => self.denies.push(matched),
                Effect::Allow => {
                    self.allows.push(matched);
                    self.named = self.named.max(Some(named));
                }
                Effect::Limit => {}
            }
        }
    }

    fn of<'p>(policies: impl IntoIterator<Item = &'p Attached>, asked: &Asked<'_>) -> Self {
        let mut said = Self::default();
        policies.into_iter().for_each(|policy| said.note(policy, asked, |_| Some(Named::User)));
        said
    }
}

fn judge(policies: &Policies<'_>, question: &Question<'_>, assuming: bool) -> Decision {
    let principal = question.principal;
    let owner = principal.kind == PrincipalKind::Owner;
    let asked = asked(question.action, question.resource, question.context);
    let identity = match owner {
        true => Said::default(),
        false => Said::of(policies.identity, &asked),
    };
    let boundary = policies.boundary.filter(|_| !owner).map(|it| Said::of([it], &asked));
    let session = Said::of(policies.session, &asked);
    let mut resource = Said::default();
    if let Some(policy) = policies.resource {
        let asker = Asker::of(principal, boundary.is_some());
        resource.note(policy, &asked, |statement| statement.names(&asker));
    }

    let by_identity = owner || identity.allow();
    let within_boundary = boundary.as_ref().map(Said::allow);
    let bounded = within_boundary.unwrap_or(true);
    let by_session = policies.session.is_empty() || session.allow();
    let own = policies.owner.map(|account| account.as_str()).or(asked.resource.account());
    let own = own.is_none_or(|account| account == principal.account.as_str());
    let allowed = match resource.named {
        // Services decide for themselves about what has no policy.
        _ if policies.resource.is_none() && !assuming => by_identity && bounded && by_session,
        None if assuming || !own => false,
        Some(Named::Session) if own => true,
        Some(Named::User) if own => by_session,
        Some(Named::Role | Named::Everyone) if own => bounded && by_session,
        _ => by_identity && bounded && by_session,
    };

    let mut denies = identity.denies;
    denies.extend(boundary.into_iter().flat_map(|it| it.denies));
    denies.extend(session.denies);
    denies.extend(resource.denies);
    let (steps, given_up) = (asked.known.meter.paid(), asked.known.meter.is_empty());
    let (verdict, matched) = match (denies.is_empty(), allowed) {
        _ if given_up => (Verdict::ImplicitDeny, Vec::new()),
        (false, _) => (Verdict::ExplicitDeny, denies),
        (true, false) => (Verdict::ImplicitDeny, Vec::new()),
        (true, true) => {
            let mut allows = identity.allows;
            allows.extend(session.allows);
            allows.extend(resource.allows);
            (Verdict::Allowed, allows)
        }
    };
    Decision { verdict, matched, missing: asked.known.missing(), within_boundary, steps }
}

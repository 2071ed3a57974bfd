//! A simulation, once all policies are at hand: which questions it asks, and how their answers are
//! told. Looks nothing up.

use std::net::IpAddr;
use std::slice;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::error::{ApiError, ErrorCode};
use common::euare::elements::Members;
use common::euare::names::{absent, violation};
use common::euare::simulate::{
    BoundaryDecision, ContextEntry, Detail, Details, EvaluationResult, Position, ResourceResult,
    Statement,
};
use common::iam::managed;
use common::iam::policy::{
    self, Attached, Decision, Matched, Policies, Question, Source, Verdict, evaluate,
};
use common::iam::{Arn, Context, Principal};
use common::id::AccountId;
use common::time::Timestamp;

/// All that decides.
pub(super) struct Simulated {
    pub(super) principal: Principal,
    pub(super) identity: Vec<Attached>,
    pub(super) boundary: Option<Attached>,
    pub(super) resource: Option<Attached>,
    /// The account that the resources belong to, if it is another, which then has to allow it, too.
    pub(super) owner: Option<AccountId>,
    /// A policy that allows everything.
    pub(super) everything: Attached,
    pub(super) context: Context,
    pub(super) actions: Vec<String>,
    /// `*` alone if none was named.
    pub(super) resources: Vec<String>,
    /// Whether resources were named.
    pub(super) named: bool,
}

fn bad(text: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, text)
}

/// How many values all context keys of a request may have together, and how long each may be: what
/// a request that is made may tell of itself.
const MOST_VALUES: usize = 1000;
const LONGEST_VALUE: usize = 2048;

/// Checks the names of actions: each of one service, without wildcards.
pub(super) fn checked_actions(names: Vec<String>) -> Result<Vec<String>, ApiError> {
    if names.is_empty() {
        return Err(absent("actionNames"));
    }
    for name in &names {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = name.split_once(':').is_some_and(|(service, action)| {
            let (mut service, mut action) = (service.chars(), action.chars());
            name.len() <= 128
                && service.next().is_some_and(plain)
                && service.all(plain)
                && action.next().is_some_and(plain)
                && action.all(plain)
        });
        if !good {
            let told: String = name.chars().take(128).collect();
            return Err(bad(format!("Invalid Action: {told} is not SERVICE:ACTION")));
        }
    }
    Ok(names)
}

/// Checks the names of resources.
pub(super) fn checked_resources(names: Vec<String>) -> Result<Vec<String>, ApiError> {
    for name in &names {
        let good = name == "*" || name.len() <= 2048 && name.parse::<Arn>().is_ok();
        if !good {
            let told: String = name.chars().take(128).collect();
            return Err(bad(format!("Invalid Resource: {told} is neither an ARN nor *")));
        }
    }
    Ok(names)
}

/// What is known of the simulated request.
pub(super) fn checked_context(entries: &[ContextEntry]) -> Result<Context, ApiError> {
    let mut context = Context::new();
    if entries.iter().map(|entry| entry.context_key_values.len()).sum::<usize>() > MOST_VALUES {
        return Err(bad(format!("The context keys have more than {MOST_VALUES} values together")));
    }
    for entry in entries {
        let ContextEntry { context_key_name: name, context_key_values: values, .. } = entry;
        let kind = entry.context_key_type.as_deref().unwrap_or("stringList");
        let (single, many) = match kind.strip_suffix("List") {
            Some(single) => (single, true),
            None => (kind, false),
        };
        let reads: fn(&str) -> bool = match single {
            "string" => |_| true,
            "numeric" => |text| text.parse::<f64>().is_ok_and(f64::is_finite),
            "boolean" => |text| matches!(text, "true" | "false"),
            "ip" => is_address,
            "binary" => |text| STANDARD.decode(text).is_ok(),
            "date" => |text| text.parse::<u64>().is_ok() || Timestamp::parse_iso(text).is_ok(),
            _ => {
                let constraint = "Member must satisfy enum value set: [string, stringList, numeric, \
                                  numericList, boolean, booleanList, ip, ipList, binary, binaryList, \
                                  date, dateList]";
                return Err(violation(kind, "contextEntries.member.contextKeyType", constraint));
            }
        };
        if name.is_empty() || name.len() > 256 {
            let constraint = "Member must have length between 1 and 256";
            return Err(violation("…", "contextEntries.member.contextKeyName", constraint));
        }
        if !many && values.len() != 1 {
            return Err(bad(format!("The context key {name} of type {kind} takes one value")));
        }
        if values.iter().any(|value| value.len() > LONGEST_VALUE) {
            let told =
                format!("The context key {name} has a value of more than {LONGEST_VALUE} bytes");
            return Err(bad(told));
        }
        if let Some(wrong) = values.iter().find(|value| !reads(value)) {
            let told: String = wrong.chars().take(128).collect();
            return Err(bad(format!(
                "The context key {name} has a value that is not of type {single}: {told}"
            )));
        }
        if context.get(&name.to_ascii_lowercase()).is_some() {
            return Err(bad(format!("The context key {name} is given twice")));
        }
        context = context.with_all(name, values.iter().cloned());
    }
    Ok(context)
}

fn is_address(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

impl Simulated {
    /// How many questions there are.
    pub(super) fn len(&self) -> usize {
        self.actions.len() * self.resources.len()
    }

    /// Asks one of them; says how many steps that took, too.
    pub(super) fn ask(&self, number: usize) -> (EvaluationResult, u64) {
        let of = self.resources.len().max(1);
        let action = self.actions.get(number / of).map_or("", String::as_str);
        let resource = self.resources.get(number % of).map_or("*", String::as_str);
        let (decision, details, steps) = self.decide(action, resource);
        let matched: Members<Statement> =
            decision.matched.iter().map(|matched| self.statement(matched)).collect();
        let missing: Members<String> = decision.missing.clone().into();
        let boundary = decision
            .within_boundary
            .map(|within| BoundaryDecision { allowed_by_permissions_boundary: within });
        let word = word(decision.verdict).to_owned();
        let specific = self.named.then(|| ResourceResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: word.clone(),
            matched_statements: matched.clone(),
            missing_context_values: missing.clone(),
            eval_decision_details: details.clone(),
            permissions_boundary_decision_detail: boundary,
        });
        let result = EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: resource.to_owned(),
            eval_decision: word,
            matched_statements: matched,
            missing_context_values: missing,
            permissions_boundary_decision_detail: boundary,
            eval_decision_details: details,
            resource_specific_results: specific.into_iter().collect(),
        };
        (result, steps)
    }

    /// The decision, of which accounts it was made, and what all that took.
    fn decide(&self, action: &str, resource: &str) -> (Decision, Details, u64) {
        let (principal, context) = (&self.principal, &self.context);
        let question = Question { principal, action, resource, context };
        let of_identity = Policies {
            identity: &self.identity,
            boundary: self.boundary.as_ref(),
            ..Policies::default()
        };
        let (of_resource, owner) = (self.resource.as_ref(), self.owner.as_ref());
        let all = Policies { resource: of_resource, owner, ..of_identity };
        if owner.is_none() {
            let decision = evaluate(&all, &question);
            let steps = decision.steps;
            return (decision, Details::default(), steps);
        }
        let own = evaluate(&of_identity, &question);
        let mut steps = own.steps;
        let theirs = match of_resource {
            // What the resource's policy says shows where nothing else would be in the way.
            Some(_) => {
                let identity = slice::from_ref(&self.everything);
                let theirs = evaluate(&Policies { identity, boundary: None, ..all }, &question);
                steps += theirs.steps;
                theirs.verdict
            }
            None => Verdict::ImplicitDeny,
        };
        let detail = |key: &str, verdict: Verdict| Detail {
            key: key.to_owned(),
            value: word(verdict).to_owned(),
        };
        let entry = vec![detail("IAM Policy", own.verdict), detail("Resource Policy", theirs)];
        let decision = match (of_resource, own.verdict) {
            (Some(_), _) => evaluate(&all, &question),
            (None, Verdict::Allowed) => {
                Decision { verdict: Verdict::ImplicitDeny, matched: Vec::new(), ..own }
            }
            (None, _) => own,
        };
        steps += decision.steps;
        (decision, Details { entry }, steps)
    }

    /// A statement as it is told: the policy by name, and where in its text.
    fn statement(&self, matched: &Matched) -> Statement {
        let all = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        let mut named = all.filter(|it| it.name == matched.policy && it.source == matched.source);
        let span = named.next().and_then(|it| it.policy.span(matched.statement));
        let place = |at: Option<policy::Position>| {
            at.map_or(Position { line: 1, column: 1 }, |policy::Position { line, column }| {
                Position { line, column }
            })
        };
        let (id, kind) = told(matched);
        Statement {
            source_policy_id: id,
            source_policy_type: kind.to_owned(),
            start_position: place(span.map(|span| span.start)),
            end_position: place(span.map(|span| span.end)),
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "allowed",
        Verdict::ExplicitDeny => "explicitDeny",
        Verdict::ImplicitDeny => "implicitDeny",
    }
}

/// How a policy is called, and what kind it is.
fn told(matched: &Matched) -> (String, &'static str) {
    let name = &matched.policy;
    if let Some(cloud) = name.strip_prefix(managed::PREFIX) {
        return (cloud.to_owned(), "aws-managed");
    }
    if name.starts_with("arn:") {
        let id = name.rsplit_once('/').map_or(name.as_str(), |(_, id)| id);
        return (id.to_owned(), "user-managed");
    }
    match &matched.source {
        Source::User(user) => (format!("user_{user}_{name}"), "user"),
        Source::Group(group) => (format!("group_{group}_{name}"), "group"),
        Source::Role(role) => (format!("role_{role}_{name}"), "role"),
        Source::Resource => (name.clone(), "resource"),
        Source::Session | Source::Cloud => (name.clone(), "none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: Option<&str>, values: &[&str]) -> ContextEntry {
        ContextEntry {
            context_key_name: name.into(),
            context_key_values: values.iter().map(|value| (*value).to_owned()).collect(),
            context_key_type: kind.map(str::to_owned),
        }
    }

    #[test]
    fn values_are_of_their_types() {
        for (kind, good, wrong) in [
            ("numeric", "-1.5e3", "x"),
            ("boolean", "true", "TRUE"),
            ("ip", "10.0.0.0/8", "10.0.0.0/33"),
            ("ip", "::1", "1.2.3"),
            ("binary", "aGk=", "a"),
            ("date", "2026-11-23T10:00:00Z", "today"),
            ("date", "1700000000", "-1"),
        ] {
            let read = |value: &str| checked_context(&[entry("a:b", Some(kind), &[value])]);
            assert!(read(good).is_ok(), "{kind} {good}");
            assert_eq!(read(wrong).unwrap_err().code(), ErrorCode::InvalidInput, "{kind} {wrong}");
        }
        let two = ["a", "b"];
        assert!(checked_context(&[entry("a:b", Some("string"), &two)]).is_err());
        assert!(checked_context(&[entry("a:b", None, &["x"]), entry("A:B", None, &[])]).is_err());
        assert!(checked_context(&[entry("a:b", Some("text"), &["x"])]).is_err());
        let long = ["x".repeat(2049)];
        assert!(checked_context(&[entry("a:b", None, &[&long[0][1..]])]).is_ok());
        assert!(checked_context(&[entry("a:b", None, &[&long[0]])]).is_err());
        assert!(checked_context(&[entry("a:b", None, &["x"; 1001])]).is_err());
        let context = checked_context(&[entry("Aws:X", Some("stringList"), &two)]).unwrap();
        assert_eq!(context.get("aws:x").map(<[_]>::len), Some(2));
    }

    #[test]
    fn actions_have_no_wildcards_and_resources_are_arns() {
        let one = |name: &str| vec![name.to_owned()];
        assert!(checked_actions(one("s3:GetObject")).is_ok());
        for bad in ["s3", "s3:", ":x", "s3:Get*", "*", "s3:a:b", "a b:c"] {
            assert!(checked_actions(one(bad)).is_err(), "{bad}");
        }
        assert!(checked_actions(Vec::new()).is_err());
        assert!(checked_resources(one("*")).is_ok());
        assert!(checked_resources(one("arn:aws:s3:::b/k")).is_ok());
        assert!(checked_resources(one("bucket")).is_err());
    }

    #[test]
    fn policies_are_called_by_what_they_are_attached_to() {
        let told = |policy: &str, source: Source| {
            told(&Matched { policy: policy.into(), source, statement: 0 })
        };
        let user = || Source::User("taro".into());
        assert_eq!(told("p", user()), ("user_taro_p".into(), "user"));
        let cloud = format!("{}AdministratorAccess", managed::PREFIX);
        assert_eq!(told(&cloud, user()), ("AdministratorAccess".into(), "aws-managed"));
        let own = "arn:aws:iam::123456789012:policy/a/p";
        assert_eq!(told(own, user()), ("p".into(), "user-managed"));
        assert_eq!(told("PolicyInputList.1", Source::Session).1, "none");
    }
}

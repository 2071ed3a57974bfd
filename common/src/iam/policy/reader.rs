//! From JSON to statements: what each kind of policy must hold and may hold, element by element.
//!
//! Nothing is passed over: an element that is unknown, of another type, or not for this kind of
//! policy is refused, and the error names it, so that no policy means less than its author thinks.

use std::collections::HashSet;
use std::fmt::Display;

use super::action::ActionPattern;
use super::condition::Condition;
use super::error::PolicyError;
use super::json::{self, Member, Node, Value};
use super::kind::PolicyKind;
use super::operator::Operator;
use super::quota;
use super::resource::ArnPattern;
use super::statement::{Actions, Effect, Resources, Statement};
use super::whom::Whom;

/// A policy's elements.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) id: Option<String>,
    pub(super) statements: Vec<Statement>,
}

/// Reads the text of a policy.
///
/// # Errors
/// Says what is wrong with it, and where.
pub(super) fn read(text: &str, kind: PolicyKind) -> Result<Document, PolicyError> {
    let document = json::read(text)?;
    let mut reader = Reader { text, kind, variables: false };
    let members = reader.members(&document, "the policy")?;
    let (mut id, mut statements) = (None, None);
    for Member { at, name, node } in members {
        match name.as_str() {
            "Version" => match reader.string(node, "Version")? {
                "2012-10-17" => reader.variables = true,
                // The second is what Eucalyptus' own policies bear.
                "2008-10-17" | "2011-04-01" => {}
                _ => {
                    let what = "2012-10-17 or 2008-10-17 is expected";
                    return Err(reader.wrong(node.at, "Version", what));
                }
            },
            "Id" => id = Some(reader.string(node, "Id")?.to_owned()),
            "Statement" => statements = Some(node),
            _ => return Err(reader.wrong(*at, name, "no policy has such an element")),
        }
    }
    let missing = || reader.wrong(document.at, "Statement", "it is missing");
    let statements = reader.statements(statements.ok_or_else(missing)?)?;
    Ok(Document { id, statements })
}

struct Reader<'a> {
    text: &'a str,
    kind: PolicyKind,
    /// Whether the version has variables.
    variables: bool,
}

/// The elements of one statement, before they are understood.
#[derive(Default)]
struct Elements<'a> {
    sid: Option<&'a Node>,
    effect: Option<&'a Node>,
    whom: Option<(bool, &'a Node)>,
    actions: Option<(bool, &'a Node)>,
    resources: Option<(bool, &'a Node)>,
    conditions: Option<&'a Node>,
}

/// The name of an element or of its opposite.
fn named(name: &str, negated: bool) -> String {
    format!("{}{name}", if negated { "Not" } else { "" })
}

impl Reader<'_> {
    fn wrong(&self, at: usize, element: &str, what: impl Display) -> PolicyError {
        PolicyError::at(self.text, at, &format!("{element}: {what}"))
    }

    fn members<'n>(&self, node: &'n Node, element: &str) -> Result<&'n [Member], PolicyError> {
        match &node.value {
            Value::Map(members) => Ok(members),
            _ => {
                let what = format!("an object is expected, not {}", node.kind());
                Err(self.wrong(node.at, element, what))
            }
        }
    }

    fn string<'n>(&self, node: &'n Node, element: &str) -> Result<&'n str, PolicyError> {
        match &node.value {
            Value::Text(text) => Ok(text),
            _ => {
                let what = format!("a string is expected, not {}", node.kind());
                Err(self.wrong(node.at, element, what))
            }
        }
    }

    /// One string, or a list with at least one.
    fn strings<'n>(
        &self,
        node: &'n Node,
        element: &str,
    ) -> Result<Vec<(usize, &'n str)>, PolicyError> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                Err(self.wrong(node.at, element, "the list is empty"))
            }
            Value::List(items) => {
                items.iter().map(|item| Ok((item.at, self.string(item, element)?))).collect()
            }
            _ => Ok(vec![(node.at, self.string(node, element)?)]),
        }
    }

    fn statements(&self, node: &Node) -> Result<Vec<Statement>, PolicyError> {
        let Value::List(items) = &node.value else {
            return Ok(vec![self.statement(node, "Statement")?]);
        };
        if items.is_empty() {
            return Err(self.wrong(node.at, "Statement", "the list is empty"));
        }
        let (mut statements, mut sids) = (Vec::with_capacity(items.len()), HashSet::new());
        for (at, item) in items.iter().enumerate() {
            let place = format!("Statement[{at}]");
            let statement = self.statement(item, &place)?;
            if let Some(sid) = statement.sid.as_ref().filter(|sid| !sid.is_empty())
                && !sids.insert(sid.clone())
            {
                let what = format!("'{sid}' is another statement's, too");
                return Err(self.wrong(item.at, &format!("{place}.Sid"), what));
            }
            statements.push(statement);
        }
        Ok(statements)
    }

    fn statement(&self, node: &Node, place: &str) -> Result<Statement, PolicyError> {
        let mut found = Elements::default();
        for Member { at, name, node: value } in self.members(node, place)? {
            let negated = name.starts_with("Not");
            let pair = match name.as_str() {
                "Sid" => {
                    found.sid = Some(value);
                    continue;
                }
                "Effect" => {
                    found.effect = Some(value);
                    continue;
                }
                "Condition" => {
                    found.conditions = Some(value);
                    continue;
                }
                "Principal" | "NotPrincipal" => &mut found.whom,
                "Action" | "NotAction" => &mut found.actions,
                "Resource" | "NotResource" => &mut found.resources,
                _ => {
                    let element = format!("{place}.{name}");
                    return Err(self.wrong(*at, &element, "no statement has such an element"));
                }
            };
            if pair.replace((negated, value)).is_some() {
                let what = "an element and its opposite cannot stand together";
                return Err(self.wrong(*at, &format!("{place}.{name}"), what));
            }
        }
        let element = |name: &str| format!("{place}.{name}");
        let missing = |name: &str| self.wrong(node.at, &element(name), "it is missing");
        let effect = self.effect(found.effect.ok_or_else(|| missing("Effect"))?, place)?;
        let sid = found.sid.map(|node| self.sid(node, &element("Sid"))).transpose()?;
        let (negated, actions) = found.actions.ok_or_else(|| missing("Action"))?;
        let actions = self.actions(actions, negated, &element(&named("Action", negated)))?;
        let whom = self.whom(found.whom, effect, node, place)?;
        let resources = match (self.kind, found.resources) {
            (PolicyKind::Trust, None) => None,
            (PolicyKind::Trust, Some((negated, node))) => {
                let what = "a policy on a role has no resource but the role";
                return Err(self.wrong(node.at, &element(&named("Resource", negated)), what));
            }
            (_, None) => return Err(missing("Resource")),
            (_, Some((negated, node))) => {
                Some(self.resources(node, negated, &element(&named("Resource", negated)))?)
            }
        };
        let (conditions, quotas) = match found.conditions {
            None => Default::default(),
            Some(node) => self.conditions(node, effect, &element("Condition"))?,
        };
        if effect == Effect::Limit && quotas.is_empty() {
            let what = "a statement of Effect Limit has a quota here";
            return Err(self.wrong(node.at, &element("Condition"), what));
        }
        let (at, end) = (node.at, node.end);
        Ok(Statement { at, end, sid, effect, whom, actions, resources, conditions, quotas })
    }

    fn effect(&self, node: &Node, place: &str) -> Result<Effect, PolicyError> {
        let place = format!("{place}.Effect");
        match self.string(node, &place)? {
            "Allow" => Ok(Effect::Allow),
            "Deny" => Ok(Effect::Deny),
            "Limit" if self.kind == PolicyKind::Identity => Ok(Effect::Limit),
            "Limit" => Err(self.wrong(node.at, &place, "only policies of identities set quotas")),
            _ => Err(self.wrong(node.at, &place, "Allow or Deny is expected, or Limit for quotas")),
        }
    }

    fn sid(&self, node: &Node, place: &str) -> Result<String, PolicyError> {
        let sid = self.string(node, place)?;
        // Services may let the policies on their resources say more; IAM does not.
        let more = if self.kind == PolicyKind::Resource { " -_./:" } else { "" };
        match sid.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c)) {
            true => Ok(sid.to_owned()),
            false => Err(self.wrong(node.at, place, "only letters and digits may stand in it")),
        }
    }

    fn actions(&self, node: &Node, negated: bool, place: &str) -> Result<Actions, PolicyError> {
        let mut patterns = Vec::new();
        for (at, text) in self.strings(node, place)? {
            let pattern = ActionPattern::read(text).map_err(|what| self.wrong(at, place, what))?;
            let of_sts = text.to_ascii_lowercase().starts_with("sts:");
            if self.kind == PolicyKind::Trust && (negated || !of_sts) {
                let what = "a policy on a role speaks of actions of sts only";
                return Err(self.wrong(at, place, what));
            }
            patterns.push(pattern);
        }
        Ok(Actions { negated, patterns })
    }

    fn resources(&self, node: &Node, negated: bool, place: &str) -> Result<Resources, PolicyError> {
        let mut patterns = Vec::new();
        for (at, text) in self.strings(node, place)? {
            let read = ArnPattern::resource(text, self.variables);
            patterns.push(read.map_err(|what| self.wrong(at, place, what))?);
        }
        Ok(Resources { negated, patterns })
    }

    fn whom(
        &self,
        found: Option<(bool, &Node)>,
        effect: Effect,
        statement: &Node,
        place: &str,
    ) -> Result<Option<Whom>, PolicyError> {
        let (negated, node) = match (self.kind, found) {
            (PolicyKind::Identity, None) => return Ok(None),
            (PolicyKind::Identity, Some((negated, node))) => {
                let place = format!("{place}.{}", named("Principal", negated));
                let what = "a policy of an identity speaks of that identity only";
                return Err(self.wrong(node.at, &place, what));
            }
            (_, None) => {
                let place = format!("{place}.Principal");
                return Err(self.wrong(statement.at, &place, "it is missing"));
            }
            (_, Some(found)) => found,
        };
        let place = format!("{place}.{}", named("Principal", negated));
        if negated && (self.kind == PolicyKind::Trust || effect != Effect::Deny) {
            let what = "it may stand only with Effect Deny, and not in a policy on a role";
            return Err(self.wrong(node.at, &place, what));
        }
        if matches!(&node.value, Value::Text(text) if text == "*") {
            return Ok(Some(Whom::new(negated, true)));
        }
        let members = match &node.value {
            Value::Map(members) if !members.is_empty() => members,
            _ => {
                let what = "\"*\" is expected, or an object of AWS and Service";
                return Err(self.wrong(node.at, &place, what));
            }
        };
        let mut whom = Whom::new(negated, false);
        for Member { name, node, .. } in members {
            for (at, text) in self.strings(node, &place)? {
                whom.add(name, text).map_err(|what| self.wrong(at, &place, what))?;
            }
        }
        Ok(Some(whom))
    }

    #[expect(clippy::type_complexity, reason = "the two halves of a condition block")]
    fn conditions(
        &self,
        node: &Node,
        effect: Effect,
        place: &str,
    ) -> Result<(Vec<Condition>, Vec<(String, u64)>), PolicyError> {
        let (mut conditions, mut quotas) = (Vec::new(), Vec::new());
        for Member { at, name, node } in self.members(node, place)? {
            let operator = Operator::read(name).map_err(|what| self.wrong(*at, place, what))?;
            let place = format!("{place}.{name}");
            let mut keys = HashSet::new();
            for Member { at, name: key, node } in self.members(node, &place)? {
                let lower = key.to_ascii_lowercase();
                let proper =
                    key.split_once(':').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
                if !proper {
                    let what = format!("'{key}' is no condition key: PREFIX:NAME is expected");
                    return Err(self.wrong(*at, &place, what));
                }
                if !keys.insert(lower.clone()) {
                    let what = format!("'{key}' stands there twice: keys know no case");
                    return Err(self.wrong(*at, &place, what));
                }
                let texts = self.values(node, &place, key)?;
                let wrong = |what: String| self.wrong(node.at, &place, format!("{key}: {what}"));
                match (quota::is_quota(&lower), effect) {
                    (false, _) => {
                        let read = Condition::read(operator, key, &texts, self.variables);
                        conditions.push(read.map_err(wrong)?);
                    }
                    (true, Effect::Limit) => {
                        let most = quota::read(operator, &lower, &texts).map_err(wrong)?;
                        quotas.push((lower, most));
                    }
                    (true, _) => return Err(wrong("a quota stands with Effect Limit".to_owned())),
                }
            }
        }
        Ok((conditions, quotas))
    }

    /// The values of a condition, which may also be written as numbers and booleans.
    fn values(&self, node: &Node, place: &str, key: &str) -> Result<Vec<String>, PolicyError> {
        let one = |node: &Node| match &node.value {
            Value::Text(text) | Value::Number(text) => Ok(text.clone()),
            Value::Bool(value) => Ok(value.to_string()),
            _ => {
                let what = format!("{key}: a value is expected, not {}", node.kind());
                Err(self.wrong(node.at, place, what))
            }
        };
        match &node.value {
            Value::List(items) if items.is_empty() => {
                Err(self.wrong(node.at, place, format!("{key}: the list is empty")))
            }
            Value::List(items) => items.iter().map(one).collect(),
            _ => Ok(vec![one(node)?]),
        }
    }
}

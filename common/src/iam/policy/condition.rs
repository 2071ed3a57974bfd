//! Conditions: an operator, a key, and the values that the key's are compared with.
//!
//! | the key is | plain | negated | `ForAllValues` | `ForAnyValue` | any with `IfExists` |
//! |---|---|---|---|---|---|
//! | unknown, or has no values | fails | holds | holds | fails | holds |
//! | nothing but empty texts | as known | as known | holds | fails | as without |
//! | known | one value matches | no value matches | each value meets it | one value meets it | as without |
//!
//! A value meets a condition if it matches one of the policy's values, a negated one if it matches
//! none of them. A value of the policy whose variable stands for nothing matches nothing, and a
//! negated condition cannot hold with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::known::Known;
use super::operator::{Kind, Operator, Order, Set};
use super::pattern::{Pattern, Style};
use super::resource::{ArnName, ArnPattern};
use super::value::{Decimal, Network, moment};
use crate::time::Timestamp;

/// A condition, ready to be asked.
#[derive(Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    /// As it was written.
    spelled: String,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Text {
        fold: bool,
        patterns: Vec<Pattern>,
    },
    Arn(Vec<ArnPattern>),
    Number(Order, Vec<Decimal>),
    Date(Order, Vec<Timestamp>),
    Bool(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Address(Vec<Network>),
    /// Whether the key shall be absent.
    Null(Vec<bool>),
}

fn truth(text: &str) -> Option<bool> {
    let known = [("true", true), ("false", false)];
    known.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
}

impl Condition {
    /// Makes a condition ready.
    ///
    /// # Errors
    /// Says what is wrong with a value.
    pub(super) fn read(
        operator: Operator,
        key: &str,
        texts: &[String],
        variables: bool,
    ) -> Result<Self, String> {
        fn all<T>(
            texts: &[String],
            what: &str,
            read: impl Fn(&str) -> Option<T>,
        ) -> Result<Vec<T>, String> {
            let wrong = |text: &String| format!("'{text}' is no {what}");
            texts.iter().map(|text| read(text).ok_or_else(|| wrong(text))).collect()
        }
        let values = match operator.kind {
            Kind::Text { wild, fold } => {
                let style = Style { variables, wild, fold };
                let patterns = texts.iter().map(|text| Pattern::read(text, style));
                Values::Text { fold, patterns: patterns.collect::<Result<_, _>>()? }
            }
            Kind::Arn => {
                let patterns = texts.iter().map(|text| ArnPattern::value(text, variables));
                Values::Arn(patterns.collect::<Result<_, _>>()?)
            }
            Kind::Number(order) => Values::Number(order, all(texts, "number", Decimal::read)?),
            Kind::Date(order) => Values::Date(order, all(texts, "date", moment)?),
            Kind::Bool => Values::Bool(all(texts, "true or false", truth)?),
            Kind::Null => Values::Null(all(texts, "true or false", truth)?),
            Kind::Binary => Values::Binary(all(texts, "base64", |text| BASE64.decode(text).ok())?),
            Kind::Address => Values::Address(all(texts, "IP address or network", Network::read)?),
        };
        let (key, spelled) = (key.to_ascii_lowercase(), key.to_owned());
        Ok(Self { operator, key, spelled, values })
    }

    /// Whether it holds.
    pub(super) fn holds(&self, known: &Known<'_>) -> bool {
        let Operator { negated, set, if_exists, .. } = self.operator;
        let values = known.values(&self.key).unwrap_or_default();
        if let Values::Null(wanted) = &self.values {
            return wanted.contains(&values.is_empty());
        }
        // For sets an empty text is no value at all.
        let nothing = match set {
            Set::Plain => values.is_empty(),
            Set::All | Set::Any => values.iter().all(String::is_empty),
        };
        if nothing {
            // A key with an empty text is there, and a set of nothing but that is empty.
            let absent = values.is_empty();
            return (if_exists && absent)
                || match set {
                    Set::Plain => negated,
                    Set::All => true,
                    Set::Any => false,
                };
        }
        let meets = |value: &String| self.matches(value, known) == Some(!negated);
        match (set, negated) {
            (Set::Plain, false) | (Set::Any, _) => values.iter().any(meets),
            (Set::Plain, true) | (Set::All, _) => values.iter().all(meets),
        }
    }

    /// Whether a value matches one of the policy's; `None` if it does not, and a variable stands for
    /// nothing.
    fn matches(&self, value: &str, known: &Known<'_>) -> Option<bool> {
        fn any(found: impl Iterator<Item = Option<bool>>) -> Option<bool> {
            let mut answer = Some(false);
            for one in found {
                match one {
                    Some(true) => return one,
                    Some(false) => {}
                    None => answer = None,
                }
            }
            answer
        }
        // Texts and names pay for each of the policy's values; all others are read once.
        let read = match &self.values {
            Values::Text { fold: false, .. } => 1,
            Values::Text { fold: true, .. } | Values::Arn(_) => value.len(),
            Values::Number(_, limits) => value.len() + limits.len(),
            Values::Date(_, limits) => value.len() + limits.len(),
            Values::Binary(wanted) => value.len() + wanted.len(),
            Values::Address(networks) => value.len() + networks.len(),
            Values::Bool(_) | Values::Null(_) => 4,
        };
        if !known.meter.pay(read) {
            return None;
        }
        match &self.values {
            Values::Text { fold: true, patterns } => {
                let value = value.to_lowercase();
                any(patterns.iter().map(|pattern| pattern.matches(&value, known)))
            }
            Values::Text { fold: false, patterns } => {
                any(patterns.iter().map(|pattern| pattern.matches(value, known)))
            }
            Values::Arn(patterns) => {
                let name = ArnName::of(value);
                any(patterns.iter().map(|pattern| pattern.matches(&name, known)))
            }
            Values::Number(order, limits) => {
                Some(Decimal::read(value).is_some_and(|number| {
                    limits.iter().any(|limit| order.holds(number.cmp(limit)))
                }))
            }
            Values::Date(order, limits) => {
                Some(moment(value).is_some_and(|moment| {
                    limits.iter().any(|limit| order.holds(moment.cmp(limit)))
                }))
            }
            Values::Bool(wanted) => Some(truth(value).is_some_and(|value| wanted.contains(&value))),
            Values::Binary(wanted) => {
                Some(BASE64.decode(value).is_ok_and(|value| wanted.contains(&value)))
            }
            Values::Address(networks) => Some(
                value
                    .parse()
                    .is_ok_and(|address| networks.iter().any(|network| network.holds(address))),
            ),
            Values::Null(_) => Some(false),
        }
    }

    /// The keys that it asks for, as they were written.
    pub(super) fn keys(&self) -> Vec<&str> {
        let mut keys = vec![self.spelled.as_str()];
        match &self.values {
            Values::Text { patterns, .. } => keys.extend(patterns.iter().flat_map(Pattern::keys)),
            Values::Arn(patterns) => keys.extend(patterns.iter().flat_map(ArnPattern::keys)),
            _ => {}
        }
        keys
    }
}

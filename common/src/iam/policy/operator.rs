//! The operators of conditions, by name.

use std::cmp::Ordering;

/// What an operator does with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) kind: Kind,
    /// Whether it holds where the values do not match.
    pub(super) negated: bool,
    pub(super) set: Set,
    /// Whether it holds for a key that is unknown.
    pub(super) if_exists: bool,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text { wild: bool, fold: bool },
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Address,
    Null,
}

/// How the value of the key stands to that of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// How many of a key's values must meet the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// One; of a negated condition, all.
    Plain,
    /// All, so none may fail: no values are fine.
    All,
    /// One.
    Any,
}

impl Order {
    pub(super) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

impl Operator {
    /// The operator of a name, such as `ForAllValues:StringNotLikeIfExists`.
    ///
    /// # Errors
    /// Says what is wrong with the name.
    pub(super) fn read(name: &str) -> Result<Self, String> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Set::All, rest),
            Some(("ForAnyValue", rest)) => (Set::Any, rest),
            Some(_) => return Err(unknown(name)),
            None => (Set::Plain, name),
        };
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let text = |wild, fold| Kind::Text { wild, fold };
        let (kind, negated) = match rest {
            "StringEquals" => (text(false, false), false),
            "StringNotEquals" => (text(false, false), true),
            "StringEqualsIgnoreCase" => (text(false, true), false),
            "StringNotEqualsIgnoreCase" => (text(false, true), true),
            "StringLike" => (text(true, false), false),
            "StringNotLike" => (text(true, false), true),
            "ArnEquals" | "ArnLike" => (Kind::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Kind::Arn, true),
            "Bool" => (Kind::Bool, false),
            "BinaryEquals" => (Kind::Binary, false),
            "IpAddress" => (Kind::Address, false),
            "NotIpAddress" => (Kind::Address, true),
            "Null" if !if_exists && set == Set::Plain => (Kind::Null, false),
            "Null" => return Err(format!("'{name}' is no operator: Null stands alone")),
            _ => match (rest.strip_prefix("Numeric"), rest.strip_prefix("Date")) {
                (Some(order), _) => ordered(order, Kind::Number).ok_or_else(|| unknown(name))?,
                (_, Some(order)) => ordered(order, Kind::Date).ok_or_else(|| unknown(name))?,
                _ => return Err(unknown(name)),
            },
        };
        Ok(Self { kind, negated, set, if_exists })
    }
}

fn unknown(name: &str) -> String {
    format!("'{name}' is no condition operator")
}

fn ordered(name: &str, kind: fn(Order) -> Kind) -> Option<(Kind, bool)> {
    let (order, negated) = match name {
        "Equals" => (Order::Equal, false),
        "NotEquals" => (Order::Equal, true),
        "LessThan" => (Order::Less, false),
        "LessThanEquals" => (Order::LessOrEqual, false),
        "GreaterThan" => (Order::Greater, false),
        "GreaterThanEquals" => (Order::GreaterOrEqual, false),
        _ => return None,
    };
    Some((kind(order), negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_known_by_their_exact_names() {
        let read = Operator::read("ForAnyValue:NumericNotEqualsIfExists").unwrap();
        let kind = Kind::Number(Order::Equal);
        assert_eq!(read, Operator { kind, negated: true, set: Set::Any, if_exists: true });
        for name in [
            "",
            "stringequals",
            "StringEqual",
            "StringEqualsIfExist",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForSomeValues:StringEquals",
            "ForAnyValue:",
            "IfExists",
            "Numeric",
            "DateLike",
            "BoolIfExistsIfExists",
            "ForAllValues:ForAnyValue:Bool",
            "BinaryNotEquals",
        ] {
            assert!(Operator::read(name).is_err(), "{name}");
        }
    }
}

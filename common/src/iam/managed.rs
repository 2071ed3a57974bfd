//! The managed policies that every account finds: `arn:aws:iam::aws:policy/…`.

/// A policy that allows everything.
pub const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A policy that allows nothing.
pub const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// What every ARN of these begins with.
pub const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Name and text of each.
pub const POLICIES: &[(&str, &str)] = &[("AdministratorAccess", EVERYTHING)];

/// The text of the policy of an ARN, if it is one of these.
pub fn text(arn: &str) -> Option<&'static str> {
    let name = arn.strip_prefix(PREFIX)?;
    POLICIES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

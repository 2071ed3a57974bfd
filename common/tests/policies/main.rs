//! Policies from outside: what is none, what is decided, and what must hold for all decisions.

#![expect(clippy::unwrap_used, reason = "a test may fail at once")]

mod costs;
mod decided;
mod laws;
mod malformed;

use std::sync::Arc;

use common::iam::policy::{Attached, Policy, PolicyKind, Source};
use common::iam::{Principal, PrincipalKind};

const IDENTITY: PolicyKind = PolicyKind::Identity;
const TRUST: PolicyKind = PolicyKind::Trust;
const RESOURCE: PolicyKind = PolicyKind::Resource;

/// A statement that is whole, with one element put in or replaced.
fn with(element: &str, value: &str) -> String {
    let mut text = String::new();
    let whole = [("Effect", r#""Allow""#), ("Action", r#""s3:*""#), ("Resource", r#""*""#)];
    for (name, value) in whole.iter().filter(|(name, _)| *name != element) {
        text += &format!(r#""{name}":{value},"#);
    }
    match value {
        "" => text.pop().map_or_else(String::new, |_| format!("{{{text}}}")),
        _ => format!(r#"{{{text}"{element}":{value}}}"#),
    }
}

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

fn attached(name: &str, policy: Policy) -> Attached {
    let source = Source::User("taro".to_owned());
    Attached { name: name.to_owned(), source, policy: Arc::new(policy) }
}

fn principal(kind: PrincipalKind) -> Principal {
    let role = kind == PrincipalKind::Role;
    Principal {
        account: "111122223333".parse().unwrap(),
        kind,
        name: "taro".to_owned(),
        path: "/".to_owned(),
        id: "AIDA1".to_owned(),
        session: role.then(|| "s1".to_owned()),
    }
}

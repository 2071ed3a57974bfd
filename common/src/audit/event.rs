//! What is recorded of one call. It never holds a secret, and its size is bounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::action::Caller;
use crate::time::Timestamp;

/// The longest text that is kept of what a client sent, in bytes: names, agents.
pub const LONGEST_TEXT: usize = 256;
/// The longest message of an error that is kept, in bytes.
const LONGEST_MESSAGE: usize = 1024;
/// How many resources are named: a bucket and as many objects as one request removes.
pub const MOST_RESOURCES: usize = 1001;

/// Who did it, after the signature was found right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The principal: a user, or the session in which a role was taken on.
    pub arn: String,
    /// The account's number.
    pub account: String,
    /// The account's name.
    pub alias: String,
    /// The user's name, or the role's.
    pub name: String,
    /// The id that nobody else ever has.
    pub id: String,
    /// The name of the session, of whoever took on a role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

impl Actor {
    /// The actor that a caller is.
    pub fn of(caller: &Caller) -> Self {
        let principal = caller.authority.principal();
        Self {
            arn: principal.arn(),
            account: principal.account.to_string(),
            alias: caller.alias.clone(),
            name: principal.name.clone(),
            id: principal.user_id(),
            session: principal.session.clone(),
        }
    }
}

/// Why it was refused, or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code of the API.
    pub code: String,
    /// What the client was told.
    pub message: String,
}

impl Failure {
    /// What the client was told, no longer than a record may hold.
    pub fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: cut(message, LONGEST_MESSAGE) }
    }
}

/// How a request to S3 was signed, or meant to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// `SigV2` or `SigV4`.
    pub version: String,
    /// `AuthHeader`, `QueryString` for a URL that was signed beforehand, or `HtmlForm`.
    pub method: String,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it was answered.
    pub at: Timestamp,
    /// The id that the client was told.
    pub request_id: String,
    /// What policies call the API: `ec2`, `s3`; `clc` for what an administrator did on the host.
    pub service: String,
    /// The action, `RunInstances`; empty if none could be read.
    pub action: String,
    /// Whether the action changes nothing.
    pub read_only: bool,
    /// Whether it is about the bytes of an object, and not about what holds them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data: bool,
    /// Who did it; nobody, if the signature was refused or there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The access key that the request named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub access_key: String,
    /// How it was signed, if it was a request to S3 that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// What it was done to, and what it made: ARNs and ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// What the request said, without secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// The address that the request came from.
    pub source: String,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub agent: String,
    /// Whether it came by https.
    pub secure: bool,
    /// Why it was refused; nothing if it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How many refused signatures before this one have no record of their own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unrecorded: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The beginning of a text, no longer than that many bytes, without characters that would spoil a
/// listing.
pub fn cut(text: &str, most: usize) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        if kept.len() + c.len_utf8() > most {
            break;
        }
        kept.push(if c.is_control() { ' ' } else { c });
    }
    kept
}

#[cfg(test)]
pub(super) fn sample(n: i64) -> Event {
    Event {
        at: Timestamp::from_secs(1_700_000_000 + n),
        request_id: format!("r-{n}"),
        service: "ec2".into(),
        action: "RunInstances".into(),
        read_only: false,
        data: false,
        actor: Some(Actor {
            arn: "arn:aws:iam::123456789012:user/taro".into(),
            account: "123456789012".into(),
            alias: "taro".into(),
            name: "taro".into(),
            id: "AIDA".into(),
            session: None,
        }),
        access_key: "AKI1".into(),
        signed: None,
        resources: vec![format!("arn:aws:ec2:r::instance/i-{n}")],
        parameters: BTreeMap::from([("ImageId".into(), "emi-1".into())]),
        source: "10.0.0.1".into(),
        agent: "boto".into(),
        secure: true,
        failure: None,
        unrecorded: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_control_nothing() {
        assert_eq!(cut("aあい", 4), "aあ");
        assert_eq!(cut("a\nb\u{1b}[2J", 100), "a b [2J");
    }

    #[test]
    fn what_is_absent_takes_no_room_and_old_records_are_read() {
        let mut event = sample(1);
        event.parameters.clear();
        let json = serde_json::to_string(&event).unwrap();
        assert!(!json.contains("parameters") && !json.contains("failure"), "{json}");
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}

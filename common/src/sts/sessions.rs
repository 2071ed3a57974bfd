//! Temporary credentials: asked for, checked as far as the request alone goes, and answered.
//!
//! What AWS knows and this cloud does not honour is read by name, so that it is refused and not
//! passed over: a session whose tags nobody keeps would be let do too much or too little.

use std::fmt;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::actions;
use crate::error::{ApiError, ErrorCode};
use crate::iam::{Resource, Subject};

/// Asks for credentials of the caller's own, good for a while.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetSessionToken {
    /// How long, in seconds: 900 to 129600, 43200 if absent.
    #[serde(default)]
    pub duration_seconds: Option<i64>,
    /// The second factor that the caller has at hand.
    #[serde(default)]
    pub serial_number: Option<String>,
    /// What it shows.
    #[serde(default)]
    pub token_code: Option<String>,
}

/// What GetSessionToken answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionToken {
    /// The credentials.
    pub credentials: Credentials,
}

/// Credentials for a while. Their secret is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
    /// What goes with each request beside the signature.
    pub session_token: String,
    /// Until when they are good.
    pub expiration: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credentials({} until {})", self.access_key_id, self.expiration)
    }
}

/// Takes on a role.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", from = "Sent")]
pub struct AssumeRole {
    /// The role's ARN.
    pub role_arn: String,
    /// What the session is called.
    pub role_session_name: String,
    /// A policy that holds beside the role's.
    #[serde(default)]
    pub policy: Option<String>,
    /// Managed policies that hold beside the role's.
    #[serde(default)]
    pub policy_arns: Vec<PolicyArn>,
    /// How long, in seconds: 900 to the role's longest session, 3600 if absent.
    #[serde(default)]
    pub duration_seconds: Option<i64>,
    /// What the role's owner and the caller have agreed upon.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Who is behind the session, whatever roles it takes on.
    #[serde(default)]
    pub source_identity: Option<String>,
    /// The second factor that the caller has at hand.
    #[serde(default)]
    pub serial_number: Option<String>,
    /// What it shows.
    #[serde(default)]
    pub token_code: Option<String>,
    /// Names of parameters that were sent and that are not honoured. Never sent.
    #[serde(skip)]
    pub unsupported: Vec<String>,
}

/// A managed policy of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyArn {
    /// Its ARN.
    pub arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    role_arn: String,
    role_session_name: String,
    #[serde(default)]
    policy: Option<String>,
    #[serde(default)]
    policy_arns: Vec<PolicyArn>,
    #[serde(default)]
    duration_seconds: Option<i64>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    source_identity: Option<String>,
    #[serde(default)]
    serial_number: Option<String>,
    #[serde(default)]
    token_code: Option<String>,
    #[serde(default)]
    tags: Option<IgnoredAny>,
    #[serde(default)]
    transitive_tag_keys: Option<IgnoredAny>,
    #[serde(default)]
    provided_contexts: Option<IgnoredAny>,
}

impl From<Sent> for AssumeRole {
    fn from(sent: Sent) -> Self {
        let rows = [
            ("Tags", sent.tags.is_some()),
            ("TransitiveTagKeys", sent.transitive_tag_keys.is_some()),
            ("ProvidedContexts", sent.provided_contexts.is_some()),
        ];
        let unsupported = rows.into_iter().filter(|(_, given)| *given);
        Self {
            role_arn: sent.role_arn,
            role_session_name: sent.role_session_name,
            policy: sent.policy,
            policy_arns: sent.policy_arns,
            duration_seconds: sent.duration_seconds,
            external_id: sent.external_id,
            source_identity: sent.source_identity,
            serial_number: sent.serial_number,
            token_code: sent.token_code,
            unsupported: unsupported.map(|(name, _)| name.to_owned()).collect(),
        }
    }
}

/// What AssumeRole answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRole {
    /// The credentials.
    pub credentials: Credentials,
    /// The session.
    pub assumed_role_user: AssumedRoleUser,
    /// How much of the room for its policies the session takes, in percent, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed_policy_size: Option<u32>,
    /// Who is behind the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
}

/// A session in which a role was taken on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRoleUser {
    /// The role's id and the session's name: `AROA…:NAME`.
    pub assumed_role_id: String,
    /// The session's ARN.
    pub arn: String,
}

/// The shortest session.
pub const SHORTEST: i64 = 900;
/// The longest session of a user's own.
pub const LONGEST_OF_USER: i64 = 129_600;
/// The longest session of any role.
pub const LONGEST_OF_ROLE: i64 = 43_200;
/// The longest session of a role that was taken on from within a role.
pub const LONGEST_CHAINED: i64 = 3600;
/// How many characters policies and ARNs of a session may have.
const POLICY_CHARACTERS: usize = 2048;
/// How many managed policies a session may have.
const MOST_ARNS: usize = 10;

fn violated(value: &str, at: &str, constraint: &str) -> ApiError {
    let text = format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: \
         {constraint}"
    );
    ApiError::new(ErrorCode::ValidationError, text)
}

/// Demands a length in characters, and letters, digits, `_` and `others` alone.
fn demand(
    value: &str,
    at: &str,
    (least, most): (usize, usize),
    others: &str,
) -> Result<(), ApiError> {
    let length = value.chars().count();
    if length < least {
        let constraint = format!("Member must have length greater than or equal to {least}");
        return Err(violated(value, at, &constraint));
    }
    if length > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        // The value itself may be as long as a request.
        return Err(violated("", at, &constraint));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || others.contains(c);
    match value.chars().all(good) {
        true => Ok(()),
        false => {
            let constraint = format!(
                "Member must hold nothing but letters, digits and the characters _{others}"
            );
            Err(violated(value, at, &constraint))
        }
    }
}

/// A life within its bounds.
fn life(asked: Option<i64>, otherwise: i64, most: i64) -> Result<Duration, ApiError> {
    let (seconds, at) = (asked.unwrap_or(otherwise), "durationSeconds");
    let constraint = match seconds {
        seconds if seconds < SHORTEST => {
            format!("Member must have value greater than or equal to {SHORTEST}")
        }
        seconds if seconds > most => format!("Member must have value less than or equal to {most}"),
        _ => return Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or_default())),
    };
    Err(violated(&seconds.to_string(), at, &constraint))
}

/// A second factor, as far as a request shows it: the serial number of the device and its code.
fn factor(
    serial: Option<&String>,
    code: Option<&String>,
) -> Result<Option<(String, String)>, ApiError> {
    if let Some(serial) = serial {
        demand(serial, "serialNumber", (9, 256), "+=/:,.@-")?;
    }
    if let Some(code) = code
        && (code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()))
    {
        // What the device shows is a secret for a moment.
        return Err(violated("", "tokenCode", "Member must be six digits"));
    }
    match (serial, code) {
        (None, None) => Ok(None),
        (Some(serial), Some(code)) => Ok(Some((serial.clone(), code.clone()))),
        _ => {
            let text = "SerialNumber and TokenCode are given both or not at all";
            Err(ApiError::new(ErrorCode::ValidationError, text))
        }
    }
}

impl GetSessionToken {
    /// How long the credentials are to be good.
    ///
    /// # Errors
    /// `ValidationError`.
    pub fn life(&self) -> Result<Duration, ApiError> {
        life(self.duration_seconds, 43_200, LONGEST_OF_USER)
    }

    /// Serial number and code of the caller's second factor, if one is shown.
    ///
    /// # Errors
    /// `ValidationError`.
    pub fn factor(&self) -> Result<Option<(String, String)>, ApiError> {
        factor(self.serial_number.as_ref(), self.token_code.as_ref())
    }
}

impl AssumeRole {
    /// Refuses what no role and no caller could make good.
    ///
    /// # Errors
    /// `ValidationError`; `UnsupportedOperation`, naming the parameter.
    pub fn check(&self) -> Result<(), ApiError> {
        if let Some(name) = self.unsupported.first() {
            let text = format!("The parameter {name} is not supported");
            return Err(ApiError::new(ErrorCode::UnsupportedOperation, text));
        }
        demand(&self.role_arn, "roleArn", (20, 2048), "+=,.@-:/")?;
        demand(&self.role_session_name, "roleSessionName", (2, 64), "+=,.@-")?;
        if let Some(id) = &self.external_id {
            demand(id, "externalId", (2, 1224), "+=,.@:/-")?;
        }
        if let Some(identity) = &self.source_identity {
            demand(identity, "sourceIdentity", (2, 64), "+=,.@-")?;
        }
        if self.policy_arns.len() > MOST_ARNS {
            let constraint = format!("Member must have length less than or equal to {MOST_ARNS}");
            return Err(violated("", "policyArns", &constraint));
        }
        for PolicyArn { arn } in &self.policy_arns {
            demand(arn, "policyArns", (20, 2048), "+=,.@-:/")?;
        }
        let own = self.policy.as_deref().unwrap_or_default();
        if own.chars().any(|c| !matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')) {
            let constraint = "Member must hold nothing but the characters of ISO 8859-1";
            return Err(violated("", "policy", constraint));
        }
        let arns: usize = self.policy_arns.iter().map(|it| it.arn.chars().count()).sum();
        if own.chars().count() + arns > POLICY_CHARACTERS {
            let text = format!(
                "The session's policy and the ARNs of its policies have more than \
                 {POLICY_CHARACTERS} characters"
            );
            return Err(ApiError::new(ErrorCode::ValidationError, text));
        }
        Ok(())
    }

    /// How long the session is to be, of a role whose sessions last at most so many seconds;
    /// `chained` if the caller has taken on a role already.
    ///
    /// # Errors
    /// `ValidationError`.
    pub fn life(&self, most: i64, chained: bool) -> Result<Duration, ApiError> {
        let life = life(self.duration_seconds, 3600.min(most), LONGEST_OF_ROLE)?;
        let longer =
            |most: i64| life > Duration::from_secs(u64::try_from(most).unwrap_or_default());
        let text = match (longer(most), chained && longer(LONGEST_CHAINED)) {
            (false, false) => return Ok(life),
            (true, _) => {
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            }
            (false, true) => {
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed \
                 by role chaining."
            }
        };
        Err(ApiError::new(ErrorCode::ValidationError, text))
    }

    /// Serial number and code of the caller's second factor, if one is shown.
    ///
    /// # Errors
    /// `ValidationError`.
    pub fn factor(&self) -> Result<Option<(String, String)>, ApiError> {
        factor(self.serial_number.as_ref(), self.token_code.as_ref())
    }
}

actions! {
    GetSessionToken => SessionToken, Read;
    AssumeRole => AssumedRole, Read, |it| Subject::of([Resource::Arn(it.role_arn.clone())]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::query::Node;

    const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

    fn assume(pairs: &[(&str, &str)]) -> Result<AssumeRole, ApiError> {
        let given = |name: &str| pairs.iter().any(|(own, _)| *own == name);
        let base = [("RoleArn", ROLE), ("RoleSessionName", "taro")];
        let base = base.into_iter().filter(|(name, _)| !given(name));
        let all: Vec<_> = base.chain(pairs.iter().copied()).collect();
        let ask: AssumeRole = Node::from_pairs(all)?.decode()?;
        ask.check().map(|()| ask)
    }

    #[test]
    fn what_a_request_alone_gets_wrong_is_told() {
        let (long, policy) = ("x".repeat(65), "x".repeat(2049));
        let arns: Vec<_> = (1..=11).map(|n| format!("PolicyArns.member.{n}.arn")).collect();
        let eleven: Vec<_> = arns.iter().map(|name| (name.as_str(), ROLE)).collect();
        for (pairs, code, word) in [
            (&[("RoleSessionName", "x")][..], ErrorCode::ValidationError, "roleSessionName"),
            (&[("RoleSessionName", &long)], ErrorCode::ValidationError, "roleSessionName"),
            (&[("RoleSessionName", "a b")], ErrorCode::ValidationError, "roleSessionName"),
            (&[("RoleSessionName", "a/b")], ErrorCode::ValidationError, "roleSessionName"),
            (&[("RoleSessionName", "a:b")], ErrorCode::ValidationError, "roleSessionName"),
            (&[("RoleArn", "arn:aws:iam::1")], ErrorCode::ValidationError, "roleArn"),
            (&[("ExternalId", "x")], ErrorCode::ValidationError, "externalId"),
            (&[("ExternalId", "a b")], ErrorCode::ValidationError, "externalId"),
            (&[("SourceIdentity", "a:b")], ErrorCode::ValidationError, "sourceIdentity"),
            (&[("Policy", &policy)], ErrorCode::ValidationError, "2048"),
            (&[("Policy", "\u{100}")], ErrorCode::ValidationError, "policy"),
            (&eleven, ErrorCode::ValidationError, "policyArns"),
            (&[("Tags.member.1.Key", "a")], ErrorCode::UnsupportedOperation, "Tags"),
            (
                &[("TransitiveTagKeys.member.1", "a")],
                ErrorCode::UnsupportedOperation,
                "TransitiveTagKeys",
            ),
        ] {
            let error = assume(pairs).unwrap_err();
            assert_eq!(error.code(), code, "{pairs:?}: {error}");
            assert!(error.text().contains(word), "{pairs:?}: {error}");
        }
        let ask = assume(&[
            ("RoleSessionName", "taro@example.org+=,.-_"),
            ("ExternalId", "a:b/c"),
            ("SourceIdentity", "taro"),
            ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("Policy", "{ }"),
        ]);
        let ask = ask.unwrap();
        assert_eq!(ask.policy_arns[0].arn, "arn:aws:iam::aws:policy/ReadOnlyAccess");
        assert_eq!(ask.external_id.as_deref(), Some("a:b/c"));
    }

    #[test]
    fn sessions_last_as_long_as_they_may() {
        let user = |seconds| {
            let ask = GetSessionToken { duration_seconds: seconds, ..GetSessionToken::default() };
            ask.life().map(|life| life.as_secs()).map_err(|error| error.code())
        };
        let refused = Err(ErrorCode::ValidationError);
        for (asked, expected) in [
            (None, Ok(43_200)),
            (Some(900), Ok(900)),
            (Some(129_600), Ok(129_600)),
            (Some(899), refused),
            (Some(129_601), refused),
            (Some(-1), refused),
        ] {
            assert_eq!(user(asked), expected, "{asked:?}");
        }
        let role = |seconds, most, chained| {
            let ask = AssumeRole { duration_seconds: seconds, ..AssumeRole::default() };
            ask.life(most, chained).map(|life| life.as_secs()).map_err(|error| error.code())
        };
        for (asked, most, chained, expected) in [
            (None, 3600, false, Ok(3600)),
            (None, 43_200, true, Ok(3600)),
            (Some(900), 3600, false, Ok(900)),
            (Some(43_200), 43_200, false, Ok(43_200)),
            (Some(3600), 43_200, true, Ok(3600)),
            (Some(3601), 3600, false, refused),
            (Some(3601), 43_200, true, refused),
            (Some(43_201), 43_200, false, refused),
            (Some(899), 43_200, false, refused),
        ] {
            assert_eq!(role(asked, most, chained), expected, "{asked:?} {most} {chained}");
        }
    }

    #[test]
    fn a_second_factor_is_shown_whole_or_not() {
        let shown = |serial: Option<&str>, code: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let (serial_number, token_code) = (own(serial), own(code));
            GetSessionToken { serial_number, token_code, ..GetSessionToken::default() }.factor()
        };
        let serial = "arn:aws:iam::123456789012:mfa/taro";
        assert_eq!(shown(None, None).unwrap(), None);
        assert!(shown(Some(serial), Some("123456")).unwrap().is_some());
        for (serial, code) in [
            (Some(serial), None),
            (None, Some("123456")),
            (Some(serial), Some("12345")),
            (Some(serial), Some("12345x")),
            (Some("short"), Some("123456")),
        ] {
            let error = shown(serial, code).unwrap_err();
            assert_eq!(error.code(), ErrorCode::ValidationError);
            assert!(!error.text().contains("12345"), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: "s3cr3t".into(),
            session_token: "t0k3n".into(),
            expiration: "2026-01-01T00:00:00Z".into(),
        };
        let shown = format!("{:?}", SessionToken { credentials });
        assert!(!shown.contains("s3cr3t") && !shown.contains("t0k3n"), "{shown}");
    }
}

//! Temporary credentials, made: nothing is recorded but the secret behind them all.
//!
//! What a session is stands in its token, sealed by one of the cloud's secrets
//! ([`super::session_secrets`]); see `common::iam::session`. Blocks.

use std::time::Duration;

use common::error::{ApiError, ErrorCode};
use common::iam::session::{Origin, Session, Via, Who, access_key_id};
use common::id::AccountId;
use common::sign::LONGEST_TOKEN;
use common::time::Timestamp;

use super::session_secrets;
use crate::random;
use crate::records::Records;

/// How many bytes the policies of a session may take in its token.
const ROOM: usize = 4000;

/// What a session shall be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The account.
    pub account: AccountId,
    /// Whose session.
    pub who: Who,
    /// The id of the user or role.
    pub holder: String,
    /// How long it is good.
    pub life: Duration,
    /// Policies that hold beside those of user or role: texts.
    pub policies: Vec<String>,
    /// Managed policies that hold beside them: ARNs.
    pub policy_arns: Vec<String>,
    /// When the second factor was shown with which it is begun, if one was.
    pub second_factor: Option<Timestamp>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// Whoever takes on the role. None if the session is a user's own.
    pub origin: Option<Origin>,
    /// Who sends its requests for its holder, if a service of the cloud does.
    pub via: Option<Via>,
}

/// Credentials for a while.
pub struct Temporary {
    /// The access key's id.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The session token.
    pub token: String,
    /// Since when they are good.
    pub issued: Timestamp,
    /// Until when they are good.
    pub expires: Timestamp,
    /// How much of the room for its policies the session takes, in percent.
    pub packed: u32,
}

/// Begins a session. Blocks.
///
/// # Errors
/// `PackedPolicyTooLarge`; if the store fails or the system has no random bytes.
pub fn begin(records: &Records, wanted: Wanted, now: Timestamp) -> Result<Temporary, ApiError> {
    let used = packed(&wanted);
    if used > ROOM {
        let text =
            format!("The policies of the session take {used} bytes packed, of at most {ROOM}");
        return Err(ApiError::new(ErrorCode::PackedPolicyTooLarge, text));
    }
    let secret = session_secrets::sealing(records, now)?.ok_or_else(|| {
        ApiError::new(ErrorCode::InternalError, "The cloud has no secret for sessions yet")
    })?;
    // Whole seconds, as they are told.
    let issued = Timestamp::from_secs(now.as_secs());
    let session = Session {
        access_key: access_key_id(&wanted.account, random::bytes()?),
        account: wanted.account,
        who: wanted.who,
        issued,
        expires: issued.plus(wanted.life),
        policies: wanted.policies,
        policy_arns: wanted.policy_arns,
        second_factor: wanted.second_factor.is_some(),
        second_factor_at: wanted.second_factor,
        holder: wanted.holder,
        source_identity: wanted.source_identity,
        origin: wanted.origin,
        via: wanted.via,
    };
    let sealed = session.seal(&secret.id, &secret.key);
    debug_assert!(sealed.token.len() <= LONGEST_TOKEN, "{}", sealed.token.len());
    Ok(Temporary {
        access_key: session.access_key,
        secret: sealed.secret,
        token: sealed.token,
        issued,
        expires: session.expires,
        packed: u32::try_from((used * 100).div_ceil(ROOM)).unwrap_or(100),
    })
}

/// How many bytes the policies take as they stand in the token.
fn packed(wanted: &Wanted) -> usize {
    let both = (&wanted.policies, &wanted.policy_arns);
    if both.0.is_empty() && both.1.is_empty() {
        return 0;
    }
    serde_json::to_string(&both).map_or(usize::MAX, |text| text.len())
}

#[cfg(test)]
mod tests {
    use store::EngineConfig;

    use super::*;
    use crate::records::SessionSecret;

    fn wanted() -> Wanted {
        Wanted {
            account: "123456789012".parse().unwrap(),
            who: Who::Role("r".repeat(64), "s".repeat(64)),
            holder: "AROAAAAAAAAAAAAAAAAAA".into(),
            life: Duration::from_secs(900),
            policies: Vec::new(),
            policy_arns: Vec::new(),
            second_factor: None,
            source_identity: Some("x".repeat(64)),
            origin: Some(Origin::User(
                "123456789012".parse().unwrap(),
                "u".repeat(64),
                "AIDAAAAAAAAAAAAAAAAAA".into(),
            )),
            via: None,
        }
    }

    #[test]
    fn sessions_are_sealed_by_the_newest_secret_and_never_too_large() {
        let records = Records::new(store::open(&EngineConfig::memory()).unwrap());
        let now = Timestamp::from_millis(1_800_000_000_500);
        assert!(begin(&records, wanted(), now).is_err(), "there is no secret");
        for (id, at) in [("b", 1), ("a", 2), ("c", 0)] {
            let created = Timestamp::from_secs(at);
            records
                .session_secrets
                .insert(SessionSecret { id: id.into(), key: vec![7; 32], created })
                .unwrap();
        }
        let made = begin(&records, wanted(), now).unwrap();
        assert_eq!(Session::key_of(&made.token), Some("a"));
        let (session, sealed) = Session::open(&made.token, &[7; 32]).unwrap();
        assert_eq!((session.access_key, sealed.secret), (made.access_key, made.secret));
        assert_eq!(made.expires.as_millis(), 1_800_000_900_000);
        assert_eq!(made.packed, 0);

        // What takes most room: every character of a policy is written as two.
        let full = |quotes: usize| Wanted { policies: vec!["\"".repeat(quotes)], ..wanted() };
        let made = begin(&records, full(1990), now).unwrap();
        assert!(made.token.len() <= LONGEST_TOKEN, "{}", made.token.len());
        assert_eq!(made.packed, 100);
        let error = begin(&records, full(2048), now).err().unwrap();
        assert_eq!(error.code(), ErrorCode::PackedPolicyTooLarge);
        let arns = Wanted { policy_arns: vec!["a".repeat(400); 5], ..wanted() };
        assert_eq!(begin(&records, arns, now).unwrap().packed, 51);
    }
}

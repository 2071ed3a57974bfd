//! Temporary credentials: an access key id, a secret and a token that says all about them.
//!
//! Nothing is recorded. The token holds what the session is, proven by a secret of the cloud's that
//! the clc and walrus share; the secret access key is computed from that token, so that whoever
//! knows the cloud's secret can check signatures, and nobody else can make a session.
//!
//! ```text
//! token  = KEY-ID . base64url(session) . base64url(HMAC-SHA256(key, "token" session))
//! secret = first 40 of base64url(HMAC-SHA256(key, "secret" session))
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

use crate::id::AccountId;
use crate::time::Timestamp;

/// What every access key id of temporary credentials begins with.
pub const TEMPORARY: &str = "ASIA";

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The access key's id, `ASIA…`.
    pub access_key: String,
    /// The account.
    pub account: AccountId,
    /// Whose session.
    pub who: Who,
    /// Since when it is good.
    pub issued: Timestamp,
    /// Until when it is good.
    pub expires: Timestamp,
    /// The policies that came with it: texts.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Managed policies that came with it: ARNs.
    #[serde(default)]
    pub policy_arns: Vec<String>,
    /// Whether it was begun with a second factor.
    #[serde(default)]
    pub second_factor: bool,
    /// When that was shown, if it was not when the session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_at: Option<Timestamp>,
    /// The id of the user or role, `AIDA…` or `AROA…`: another one of the same name is another.
    /// Empty if it was not noted.
    #[serde(default)]
    pub holder: String,
    /// Who is behind it, whatever roles are taken on.
    #[serde(default)]
    pub source_identity: Option<String>,
    /// Whoever took on the role, or the first of several one after the other. A session of a role
    /// that an earlier version began has none, and no other is begun with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Who sends its requests on behalf of its holder, who is somewhere else: the console. A session
    /// with one never leaves the cloud's own services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Via>,
}

/// On whose way requests come that a service of the cloud sends for somebody: what conditions and
/// records have to say of them is what holds for that somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// The address that the holder asks from; empty if it is not known.
    pub source: String,
    /// Who sends, and what the holder's client calls itself.
    pub agent: String,
    /// Whether the holder asks by https.
    pub secure: bool,
}

/// Whoever began a chain of roles. A session is good as long as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A user: the account, the name, and the id, by which another of that name is another.
    User(AccountId, String, String),
    /// The cloud, for an instance whose profile holds the role.
    Instance,
}

/// The id of an access key of temporary credentials: the account's number is in it, and 40 random
/// bits keep two apart.
pub fn access_key_id(account: &AccountId, random: [u8; 5]) -> String {
    let number: u64 = account.as_str().parse().unwrap_or_default();
    let random = random.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let mut id = TEMPORARY.to_owned();
    for half in [number, random] {
        for place in (0..8).rev() {
            let digit = usize::try_from(half >> (5 * place) & 31).unwrap_or_default();
            id.push(char::from(DIGITS[digit]));
        }
    }
    id
}

/// The account in the id of such an access key.
pub fn account_of(id: &str) -> Option<AccountId> {
    let digits = id.strip_prefix(TEMPORARY).filter(|digits| digits.len() == 16)?.as_bytes();
    let value = |byte: &u8| DIGITS.iter().position(|digit| digit == byte);
    if !digits.iter().all(|byte| value(byte).is_some()) {
        return None;
    }
    let number = digits.iter().take(8).filter_map(value);
    let number =
        number.fold(0u64, |sum, digit| sum << 5 | u64::try_from(digit).unwrap_or_default());
    format!("{number:012}").parse().ok()
}

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// A user's, by name.
    User(String),
    /// That of whoever took on a role: the role's name and the session's.
    Role(String, String),
}

/// A session as its holder gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The secret access key.
    pub secret: String,
    /// The session token.
    pub token: String,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the session token is none that this cloud has made")]
pub struct Forged;

fn proof(key: &[u8], what: &str, session: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
    mac.update(what.as_bytes());
    mac.update(session);
    mac
}

fn secret(key: &[u8], session: &[u8]) -> String {
    let mut text = BASE64.encode(proof(key, "secret", session).finalize().into_bytes());
    text.truncate(40);
    text
}

impl Session {
    /// When the second factor was shown by which it was begun.
    pub fn proven(&self) -> Option<Timestamp> {
        self.second_factor.then(|| self.second_factor_at.unwrap_or(self.issued))
    }

    /// Makes the token and secret, by the cloud's secret of that id.
    pub fn seal(&self, id: &str, key: &[u8]) -> Sealed {
        let session = serde_json::to_vec(self).unwrap_or_default();
        let mac = proof(key, "token", &session).finalize().into_bytes();
        let token = format!("{id}.{}.{}", BASE64.encode(&session), BASE64.encode(mac));
        Sealed { secret: secret(key, &session), token }
    }

    /// Reads a token that was made with this secret of the cloud's.
    ///
    /// # Errors
    /// If it was not.
    pub fn open(token: &str, key: &[u8]) -> Result<(Self, Sealed), Forged> {
        let mut parts = token.split('.').skip(1);
        let (Some(session), Some(mac), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Forged);
        };
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Forged);
        let (session, mac) = (decode(session)?, decode(mac)?);
        proof(key, "token", &session).verify_slice(&mac).map_err(|_| Forged)?;
        let sealed = Sealed { secret: secret(key, &session), token: token.to_owned() };
        let session = serde_json::from_slice(&session).map_err(|_| Forged)?;
        Ok((session, sealed))
    }

    /// The id of the secret that a token says it was made with.
    pub fn key_of(token: &str) -> Option<&str> {
        token.split_once('.').map(|(id, _)| id).filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_key_names_its_account() {
        for number in ["000000000001", "123456789012", "999999999999"] {
            let account: AccountId = number.parse().unwrap();
            let id = access_key_id(&account, [0xff, 0, 1, 2, 3]);
            assert_eq!((id.len(), account_of(&id)), (20, Some(account)), "{id}");
        }
        let other = access_key_id(&"000000000001".parse().unwrap(), [0; 5]);
        assert_eq!(other, "ASIAAAAAAAABAAAAAAAA");
        for bad in
            ["", "ASIA", "AKIAAAAAAAABAAAAAAAA", "ASIA0AAAAAABAAAAAAAA", "ASIA7777777777777777"]
        {
            assert_eq!(account_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_is_believed_only_as_it_was_made() {
        let session = Session {
            access_key: "ASIA1".into(),
            account: "123456789012".parse().unwrap(),
            who: Who::Role("r".into(), "s".into()),
            issued: Timestamp::from_secs(5),
            expires: Timestamp::from_secs(9),
            policies: vec!["{}".into()],
            policy_arns: Vec::new(),
            second_factor: true,
            second_factor_at: Some(Timestamp::from_secs(3)),
            holder: "AROA1".into(),
            source_identity: Some("taro".into()),
            origin: Some(Origin::User("123456789012".parse().unwrap(), "t".into(), "AIDA1".into())),
            via: Some(Via { source: "10.0.0.9".into(), agent: "console x".into(), secure: true }),
        };
        let sealed = session.seal("k1", &[7; 32]);
        assert_eq!(sealed.secret.len(), 40);
        assert_eq!(Session::key_of(&sealed.token), Some("k1"));
        let (opened, again) = Session::open(&sealed.token, &[7; 32]).unwrap();
        assert!(opened == session && again == sealed);
        assert_eq!(Session::open(&sealed.token, &[8; 32]).err(), Some(Forged));
        for at in 0..sealed.token.len() {
            let mut bytes = sealed.token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(bytes).unwrap();
            // The id of the secret is what the reader goes by; it proves nothing itself.
            let believed = Session::open(&text, &[7; 32]).is_ok();
            assert_eq!(believed, at < 2, "{at}");
        }
        // Whoever can make tokens may be of another version.
        let mut old = serde_json::to_value(&session).unwrap();
        let fields = old.as_object_mut().unwrap();
        let young = ["holder", "source_identity", "policies", "second_factor_at", "origin", "via"];
        fields.retain(|name, _| !young.contains(&&**name));
        let old: Session = serde_json::from_value(old).unwrap();
        assert_eq!((session.proven(), old.proven()), (session.second_factor_at, Some(old.issued)));
        assert_eq!((old.holder.as_str(), old.source_identity, old.policies.len()), ("", None, 0));
        assert_eq!((old.origin, old.via), (None, None));
        for bad in ["", ".", "..", "k1", "k1.e30", "k1.e30.e30", "k1.e30.e30.e30"] {
            assert!(Session::open(bad, &[7; 32]).is_err(), "{bad}");
        }
    }
}

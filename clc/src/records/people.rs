//! What is remembered of people: how their accounts were registered, how they log in, the links
//! that were sent to them, mails on their way, and groups that say which zones an account may use.
//!
//! A password is kept as its argon2id hash, a token of a link as its SHA-256: neither can be had
//! back from here. Two things can: a link stands in the text of its mail until that is sent or given
//! up, and the secrets of second factors must be known to check codes. They lie in the store, whose
//! directory only its owner may read.

use std::collections::{BTreeMap, BTreeSet};

use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::{Contact, Language, Standing};
use serde::{Deserialize, Serialize};

use super::record::record;

/// How an account came to be, and who stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    /// How far it is.
    pub standing: Standing,
    /// Who stands behind it.
    pub contact: Contact,
    /// The language of mails to them.
    pub language: Option<Language>,
    /// When they applied, if they did.
    pub applied: Option<Timestamp>,
    /// When an administrator agreed.
    pub approved: Option<Timestamp>,
    /// When they confirmed.
    pub confirmed: Option<Timestamp>,
    /// The ids of the zone groups that the account is in, beside [`ALL`].
    pub zone_groups: BTreeSet<String>,
    /// That it is being deleted, with all that it owns.
    pub leaving: Option<Leaving>,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            standing: Standing::default(),
            contact: Contact::default(),
            language: None,
            applied: None,
            approved: None,
            confirmed: None,
            zone_groups: BTreeSet::from([DEFAULT.to_owned()]),
            leaving: None,
        }
    }
}

/// The wish that an account be no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// Since when.
    pub since: Timestamp,
    /// Why it is still there: what is left of what it owned.
    pub why: String,
    /// Who gets what it owned; if nobody does, that ends.
    #[serde(default)]
    pub heir: Option<AccountId>,
    /// Why the last step failed, if it did.
    #[serde(default)]
    pub failure: Option<String>,
}

/// The zone group that every account is in.
pub const ALL: &str = "all";
/// The zone group that every account is in until it is taken out.
pub const DEFAULT: &str = "default";

/// A group of accounts that may use some zones; 2.0 called it a user group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneGroup {
    /// Its id, which no later group of that name has: `all`, `default`, or made at chance.
    pub id: String,
    /// Its name, unique without regard to case.
    pub name: String,
    /// Whether its members may use every zone, those to come, too.
    pub every_zone: bool,
    /// Else, the zones that they may use.
    pub zones: BTreeSet<String>,
    /// When it was made.
    pub created: Timestamp,
}

record!(ZoneGroup, "zone-group", |it| it.name.to_ascii_lowercase());

/// How a user logs in: a login profile.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// The user in it, as [`User`](super::User) has it.
    pub user: String,
    /// The hash of the password, in PHC's form.
    pub hash: String,
    /// When the profile was made.
    pub created: Timestamp,
    /// When the password was set.
    pub set: Timestamp,
    /// Whether it must be changed before anything else.
    pub must_change: bool,
    /// The hashes of the passwords before it, the latest first.
    #[serde(default)]
    pub former: Vec<String>,
}

record!(Login, "login", |it| Login::key_of(&it.account, &it.user));

impl Login {
    /// How a user logs in from now on, who had no password before.
    pub fn new(
        account: AccountId,
        user: &str,
        hash: String,
        must_change: bool,
        now: Timestamp,
    ) -> Self {
        let user = user.to_owned();
        Self { account, user, hash, created: now, set: now, must_change, former: Vec::new() }
    }

    /// The key of a user's profile, in any case.
    pub fn key_of(account: &AccountId, user: &str) -> String {
        format!("{account}/{}", user.to_ascii_lowercase())
    }
}

/// The rules for the passwords of an account's users. Absent, the cloud's rules hold alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordRules {
    /// The account.
    pub account: AccountId,
    /// How many characters at least.
    pub min_length: u32,
    /// Whether there must be a symbol.
    pub symbols: bool,
    /// Whether there must be a digit.
    pub numbers: bool,
    /// Whether there must be an upper-case letter.
    pub upper: bool,
    /// Whether there must be a lower-case letter.
    pub lower: bool,
    /// Whether users may change their own.
    pub may_change: bool,
    /// After how many days it must be changed.
    pub max_age_days: Option<u32>,
    /// How many of the former ones may not be used again.
    pub reuse: Option<u32>,
    /// Whether one that is too old can be set by an administrator alone.
    pub hard_expiry: bool,
}

record!(PasswordRules, "password-rules", |it| it.account.to_string());

/// What a link in a mail lets its bearer do, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Errand {
    /// Confirm a registration.
    Confirm,
    /// Set a password in place of a forgotten one.
    Recover,
    /// Have another mail address.
    Address,
}

/// A link that was sent. It goes when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkToken {
    /// The SHA-256 of the token, in hex.
    pub digest: String,
    /// What it is good for.
    pub errand: Errand,
    /// For whom.
    pub account: AccountId,
    /// Until when.
    pub expires: Timestamp,
    /// The SHA-256 of what was so when it was sent and must be so still: the mail address it went to,
    /// and the password that the account had. Empty for links of before this was written.
    #[serde(default)]
    pub given: String,
    /// The mail address that the account gets by it, if that is its errand.
    #[serde(default)]
    pub wanted: String,
}

record!(LinkToken, "link-token", |it| it.digest.clone());

/// What a stranger asked for, before anybody has looked whether there is such an account: what is
/// done for a name that is known and for one that is not is this record and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// In the order of their coming.
    pub id: String,
    /// What is asked.
    pub ask: Asked,
    /// When.
    pub at: Timestamp,
}

record!(Request, "people-request", |it| it.id.clone());

/// What a stranger can ask for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// An account. Its fields were checked.
    Account {
        /// Its name.
        name: String,
        /// Who asks.
        contact: Contact,
        /// The hash of the password.
        hash: String,
        /// The language of mails.
        language: Language,
    },
    /// A link by which to set a password.
    Recovery {
        /// The account's name.
        name: String,
        /// The language of the mail, if it was said.
        language: Option<Language>,
    },
}

/// A mail on its way.
///
/// ```text
///   queued ──▶ (no record: the server has it)
///     │  ▲ later, each time longer
///     ▼  │
///   refused, or nobody there ──▶ given up after days; kept for a while, so that it can be seen
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMail {
    /// In the order of their coming.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Its subject, one line.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// When it was queued.
    pub queued: Timestamp,
    /// When it is tried next.
    pub next: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What the server said the last time.
    #[serde(default)]
    pub error: Option<String>,
    /// When it was given up; then its text is gone.
    #[serde(default)]
    pub given_up: Option<Timestamp>,
    /// Until when it is of use, if it bears a link.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

record!(QueuedMail, "mail", |it| it.id.clone());

/// Failed attempts to log in that fell into one slot: of a name, of an address, or of both; or when
/// something was that bears on them. There is a bounded number of slots, so that strangers cannot
/// fill the store with names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// The slot.
    pub slot: String,
    /// How many, lately.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// Whose they are, as a hash with [`FailuresKey`]; empty for those of before that was known.
    #[serde(default)]
    pub who: String,
}

record!(Failures, "login-failures", |it| it.slot.clone());

/// The key of [`FailuresKey`]: there is one.
pub const FAILURES_KEY: &str = "cloud";

/// The secret by which names and addresses find their slots.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailuresKey {
    /// 32 random bytes.
    pub key: Vec<u8>,
}

record!(FailuresKey, "login-failures-key", |_it| FAILURES_KEY.to_owned());

/// A device that shows codes of six digits: a second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaDevice {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// `/` or `/division/`.
    pub path: String,
    /// The secret it shares with the cloud: 20 random bytes.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// Whose it is, once it has been tried.
    #[serde(default)]
    pub user: Option<String>,
    /// Since when.
    #[serde(default)]
    pub enabled: Option<Timestamp>,
    /// The step of time of the last code that was taken; none at or before it is taken again.
    #[serde(default)]
    pub used: u64,
    /// By how many steps its clock is ahead of the cloud's.
    #[serde(default)]
    pub ahead: i64,
    /// What was written on it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

record!(MfaDevice, "mfa-device", |it| MfaDevice::key_of(&it.account, &it.name));

impl MfaDevice {
    /// The key of the device of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// Its serial number, an ARN.
    pub fn serial(&self) -> String {
        format!("arn:aws:iam::{}:mfa{}{}", self.account, self.path, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Account;

    #[test]
    fn accounts_of_before_there_were_registrations_are_confirmed() {
        let old = r#"{"number":"123456789012","alias":"taro","enabled":true,"created":0}"#;
        let mut account: Account = serde_json::from_str(old).unwrap();
        assert!(account.is_usable());
        assert_eq!(account.registration.zone_groups, BTreeSet::from([DEFAULT.to_owned()]));
        for standing in [Standing::Applied, Standing::Approved] {
            account.registration.standing = standing;
            assert!(!account.is_usable(), "{standing}");
        }
        account.registration.standing = Standing::Confirmed;
        account.enabled = false;
        assert!(!account.is_usable());
        account.enabled = true;
        let why = String::new();
        let since = Timestamp::EPOCH;
        account.registration.leaving = Some(Leaving { since, why, heir: None, failure: None });
        assert!(!account.is_usable());
    }
}

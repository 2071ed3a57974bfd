//! What an administrator who is signed in asks about people: the same that `clc admin` does on the
//! host, with a name under it.
//!
//! Each message says who has logged in and asks; whether they are an administrator, and may do it,
//! is looked at where it is answered. Nothing here has a `Debug` that could show a secret.

use serde::{Deserialize, Serialize};

use super::audit::AuditState;
use super::people::{CheckPerson, Contact, ContactChange, Language, People, Registered};
use super::quota::{Limit, NamedQuota, Scope, Whose};
use crate::id::AccountId;
use crate::messages;
use crate::time::Timestamp;

/// Which registrations are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    /// All.
    #[default]
    All,
    /// Those that an administrator has to decide about.
    Waiting,
    /// Those whose users have to follow the link of a mail.
    Unconfirmed,
    /// Those that can use the cloud.
    Enabled,
    /// Those that an administrator lets use nothing.
    Disabled,
    /// Those that are being deleted.
    Leaving,
}

impl Shown {
    /// Whether a registration is one of those.
    pub fn admits(self, it: &Registered) -> bool {
        use super::people::Standing::{Applied, Approved, Confirmed};
        let stays = it.deletion.is_none();
        match self {
            Self::All => true,
            Self::Waiting => stays && it.standing == Applied,
            Self::Unconfirmed => stays && it.standing == Approved,
            Self::Enabled => stays && it.standing == Confirmed && it.enabled,
            Self::Disabled => stays && !it.enabled,
            Self::Leaving => !stays,
        }
    }
}

/// Lists registrations by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListPeople {
    /// Only those whose name, number, full name or mail address holds this, in any case.
    #[serde(default)]
    pub search: String,
    /// Only these.
    #[serde(default)]
    pub show: Shown,
    /// Only those behind this name.
    #[serde(default)]
    pub after: Option<String>,
    /// How many at most; 500 are told at once.
    pub most: usize,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Some registrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeoplePage {
    /// They.
    pub people: Vec<Registered>,
    /// Behind which name there are more, if there are.
    pub next: Option<String>,
}

/// Tells all that is known of one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribePerson {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// An account with what belongs to its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// The registration.
    pub registered: Registered,
    /// Since when there is the account.
    pub created: Timestamp,
    /// Why the mail that asks for confirmation does not go out, if it does not.
    pub unsent: Option<String>,
    /// The owner's access keys.
    pub keys: Vec<KeyView>,
    /// How many certificates of the owner are active.
    pub certificates: u64,
    /// When the owner's password was set, if there is one.
    pub password_set: Option<Timestamp>,
    /// Whether it has to be changed at the next log-in.
    pub must_change: bool,
    /// Whether the owner has a second factor.
    pub second_factor: bool,
    /// When the owner was last seen at the console, of sessions that are still there.
    pub seen: Option<Timestamp>,
    /// How many sessions the owner has at the console.
    pub sessions: u64,
    /// What it owns, in words, but buckets.
    pub owned: Vec<String>,
    /// What it has of what quotas count, buckets and objects excepted.
    pub holdings: Vec<Holding>,
}

/// An access key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// How much an account has of something, and may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// What policies call it: `ec2:quota-vminstancenumber`.
    pub key: String,
    /// The action that asks for more of it: `ec2:RunInstances`.
    pub action: String,
    /// How much it has, in the unit of the limit, rounded up.
    pub used: u64,
    /// How much the account may have; as much as there is if nothing is said.
    pub limit: Option<u64>,
}

/// Registers a user.
#[derive(Clone, Serialize, Deserialize)]
pub struct AddPerson {
    /// The account's name.
    pub name: String,
    /// Who stands behind it.
    pub contact: Contact,
    /// The language of mails to them; the cloud's if it is not said.
    #[serde(default)]
    pub language: Option<Language>,
    /// A first password, which has to be changed at the first log-in.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether the user confirms by the link of a mail first.
    #[serde(default)]
    pub by_mail: bool,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Confirms an approved user without a mail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConfirmPerson {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Changes what is known of who stands behind another's account. Who sets the mail address can have
/// the password set anew, so it wants what making credentials wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangePerson {
    /// The account's name.
    pub name: String,
    /// What is changed.
    pub contact: ContactChange,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Sets a first password of another's account, which has to be changed at the next log-in. Whoever
/// is signed in with the old one is so no more.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetFirstPassword {
    /// The account's name.
    pub name: String,
    /// The password.
    pub password: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Takes the second factor from the owner of another's account, who has lost it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResetSecondFactor {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Ends all sessions at the console of an account, of all its users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndSessions {
    /// The account's name.
    pub name: String,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// A page of quotas of S3, of every account and bucket that uses something or has limits of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListLimits {
    /// Only those behind this one.
    #[serde(default)]
    pub after: Option<Scope>,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Changes limits of S3 of an account or a bucket; those that are not named stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeLimits {
    /// Whose.
    pub whose: Whose,
    /// The new limit of bytes.
    #[serde(default)]
    pub bytes: Option<Limit>,
    /// The new limit of objects.
    #[serde(default)]
    pub objects: Option<Limit>,
    /// The new limit of buckets.
    #[serde(default)]
    pub buckets: Option<Limit>,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Tells limits of S3 of an account or a bucket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeLimits {
    /// Whose.
    pub whose: Whose,
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

/// Reads the whole log of what was asked, and tells whether it is as it was written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyLogs {
    /// Who has logged in and asks.
    pub by: CheckPerson,
    /// Where the request came from.
    pub address: String,
}

messages! {
    People:
    ListPeople => PeoplePage, true;
    DescribePerson => PersonView, true;
    AddPerson => AccountId, false;
    ConfirmPerson => Registered, true;
    ChangePerson => Registered, true;
    SetFirstPassword => (), false;
    ResetSecondFactor => (), true;
    EndSessions => (), true;
    ListLimits => Vec<NamedQuota>, true;
    ChangeLimits => NamedQuota, true;
    DescribeLimits => NamedQuota, true;
    VerifyLogs => Vec<AuditState>, true;
}

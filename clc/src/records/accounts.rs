//! Accounts, their users, and what these sign with.

use std::collections::{BTreeMap, BTreeSet};

use common::iam::EntityName;
use common::iam::entity::PolicySet;
use common::iam::principal::unique_id;
use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::Standing;
use serde::{Deserialize, Serialize};

use super::people::Registration;
use super::record::record;

/// An account: what the article calls a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number, `EC2_USER_ID`.
    pub number: AccountId,
    /// Its name, unique ignoring case.
    pub alias: String,
    /// Whether an administrator lets it use anything: see [`Account::is_usable`].
    pub enabled: bool,
    /// When it was registered.
    pub created: Timestamp,
    /// How it came to be and who stands behind it; accounts of before there was that are confirmed.
    #[serde(default)]
    pub registration: Registration,
    /// The limits that an administrator of the cloud has set for all of it.
    #[serde(default)]
    pub policies: PolicySet,
}

record!(Account, "account", |it| it.number.to_string());

impl Account {
    /// An enabled account of whose owner nothing is known.
    pub fn new(number: AccountId, alias: &str, created: Timestamp) -> Self {
        let registration = Registration::default();
        let (alias, policies) = (alias.to_owned(), PolicySet::default());
        Self { number, alias, enabled: true, created, registration, policies }
    }

    /// The row by which those who have applied are found, the first first.
    pub fn applicant_row(&self) -> String {
        let applied = self.registration.applied.unwrap_or(self.created);
        format!("{:013}/{}", applied.as_millis(), self.number)
    }

    /// Whether its users may use anything: an administrator lets it, its registration is done, and
    /// it is not about to be deleted.
    pub fn is_usable(&self) -> bool {
        self.enabled
            && self.registration.standing == Standing::Confirmed
            && self.registration.leaving.is_none()
    }
}

/// A user inside an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account without regard to case.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// `AIDA…`; empty for users of before there were ids: see [`User::unique_id`].
    #[serde(default)]
    pub id: String,
    /// `/` or `/division/`.
    #[serde(default = "root")]
    pub path: String,
    /// Whether it may use anything.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The names of the groups that it is in, in lower case.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Its policies.
    #[serde(default)]
    pub policies: PolicySet,
    /// The ARN of the managed policy that is its permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
    /// What was written on it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

record!(User, "user", |it| User::key_of(&it.account, &it.name));

fn root() -> String {
    "/".to_owned()
}

fn yes() -> bool {
    true
}

impl User {
    /// The key of the user of that name, in any case.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{}", name.to_ascii_lowercase())
    }

    /// A user in no group and with no policy.
    pub fn new(account: AccountId, name: &str, path: &str, id: String, created: Timestamp) -> Self {
        Self {
            account,
            name: name.to_owned(),
            created,
            id,
            path: path.to_owned(),
            enabled: true,
            groups: BTreeSet::new(),
            policies: PolicySet::default(),
            boundary: None,
            tags: BTreeMap::new(),
        }
    }

    /// The id that no other user ever has.
    pub fn unique_id(&self) -> String {
        match self.id.as_str() {
            "" => unique_id("AIDA", format!("{}/{}", self.account, self.name).as_bytes()),
            id => id.to_owned(),
        }
    }

    /// Whether it owns its account.
    pub fn is_owner(&self) -> bool {
        self.name == FIRST_USER
    }
}

/// The user that every account begins with.
pub const FIRST_USER: &str = "admin";

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// Its secret; signatures are checked with it, so it is kept as it is.
    pub secret: String,
    /// The account.
    pub account: AccountId,
    /// The user in it.
    pub user: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it may be used.
    #[serde(default = "yes")]
    pub active: bool,
    /// The [id](User::unique_id) of the user whom it was made for: whoever has the name later does
    /// not get it. Empty for an account's owner, whose place nobody takes, and for keys of before
    /// this was written.
    #[serde(default)]
    pub holder: String,
}

record!(AccessKey, "access-key", |it| it.id.clone());

impl AccessKey {
    /// The row of the index by which its user finds it.
    pub fn row(&self) -> String {
        format!("{}/{}", User::key_of(&self.account, &self.user), self.id)
    }
}

/// A user's certificate. Its private half was handed to the user and is not kept. A certificate
/// stays on record for ever, because bundles signed with it stay good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Eight hex digits, as in its file's name.
    pub id: String,
    /// The account.
    pub account: AccountId,
    /// The user in it.
    pub user: String,
    /// The certificate, PEM.
    pub pem: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether new bundles may be signed with it; old ones stay good.
    #[serde(default = "yes")]
    pub active: bool,
    /// Whether its user has deleted it: it is shown to nobody, and stays for the bundles it signed.
    #[serde(default)]
    pub deleted: bool,
    /// Whether it was made by IAM's actions, which are limited in number, and not for a zip of
    /// credentials; those of before this was written count as made for one.
    #[serde(default)]
    pub by_iam: bool,
}

record!(Certificate, "certificate", |it| format!("{}/{}", it.account, it.id));

impl Certificate {
    /// Its name in the feed of identity, where each that comes must be noted.
    pub fn entity_name(&self) -> EntityName {
        EntityName::Certificate(self.account.clone(), self.id.clone())
    }
}

/// The key of [`CloudKey`]: there is one.
pub const CLOUD_KEY: &str = "cloud";

/// The cloud's certificate, with which clients encrypt the keys of their bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudKey {
    /// The certificate, PEM.
    pub certificate: String,
    /// Whether walrus has the private half. Until then it lies in a file beside the store.
    pub delivered: bool,
}

record!(CloudKey, "cloud-key", |_it| CLOUD_KEY.to_owned());

/// A secret of the cloud's behind temporary credentials.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSecret {
    /// Its id, which stands in the tokens.
    pub id: String,
    /// 32 random bytes.
    pub key: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
}

record!(SessionSecret, "session-secret", |it| it.id.clone());

//! Accounts, their users, and what these sign with.

use common::id::AccountId;
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// An account: what the article calls a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number, `EC2_USER_ID`.
    pub number: AccountId,
    /// Its name, unique ignoring case.
    pub alias: String,
    /// Whether it may use anything.
    pub enabled: bool,
    /// When it was registered.
    pub created: Timestamp,
}

record!(Account, "account", |it| it.number.to_string());

/// A user inside an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The account.
    pub account: AccountId,
    /// Its name, unique in the account.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

record!(User, "user", |it| format!("{}/{}", it.account, it.name));

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
}

record!(AccessKey, "access-key", |it| it.id.clone());

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
}

record!(Certificate, "certificate", |it| format!("{}/{}", it.account, it.id));

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

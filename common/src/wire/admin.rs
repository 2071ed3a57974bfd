//! What `clc admin` asks of the running clc. Whoever can read the peer key file may ask: root and
//! the service's user, on the clc's own host.

use serde::{Deserialize, Serialize};

use super::Service;
use crate::id::AccountId;
use crate::messages;

/// The clc, as its administrator on the host sees it.
pub struct Admin;

impl Service for Admin {
    const NAME: &'static str = "admin";
    const VERSION: u32 = 1;
}

/// Register a user: an account of that name with one IAM user `admin`, an access key and a
/// certificate. A name that is taken is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AddUser {
    /// The account's name, by the rules of [`crate::name`].
    pub name: String,
}

/// Make new credentials for a user; the old ones stay good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetCredentials {
    /// The account's name.
    pub name: String,
}

/// The files of a credentials directory.
#[derive(Clone, Serialize, Deserialize)]
pub struct CredentialFiles {
    /// The account.
    pub account: AccountId,
    /// Each file.
    pub files: Vec<CredentialFile>,
}

/// One file of a credentials directory.
#[derive(Clone, Serialize, Deserialize)]
pub struct CredentialFile {
    /// Its name, without folders.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether only its owner may read it (mode 0600, else 0644).
    pub secret: bool,
}

/// All accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeUsers {}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Its name.
    pub name: String,
    /// Its number.
    pub account: AccountId,
    /// Whether it may use anything.
    pub enabled: bool,
}

/// Let a user use the cloud, or nothing of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnableUser {
    /// The account's name.
    pub name: String,
    /// Whether it may use anything.
    pub enabled: bool,
}

/// The settings that may be changed while the cloud runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeSettings {}

/// Change a setting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeSetting {
    /// Its name.
    pub name: String,
    /// Its new value.
    pub value: String,
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
    /// What it means, with its unit.
    pub meaning: String,
}

messages! {
    Admin:
    AddUser => CredentialFiles, false;
    GetCredentials => CredentialFiles, false;
    DescribeUsers => Vec<UserView>, true;
    EnableUser => (), true;
    DescribeSettings => Vec<SettingView>, true;
    ChangeSetting => (), true;
}

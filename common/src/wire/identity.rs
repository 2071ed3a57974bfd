//! Who is who: asked of the clc, which keeps accounts, users and their credentials.

use serde::{Deserialize, Serialize};

use super::Service;
use crate::iam::Authority;
use crate::iam::directory;
use crate::id::AccountId;
use crate::messages;
use crate::time::Timestamp;

/// The keeper of accounts.
pub struct Identity;

impl Service for Identity {
    const NAME: &'static str = "identity";
    const VERSION: u32 = 1;
}

/// Find the owner and secret of an access key. `None`: there is no such key, or its owner is
/// disabled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindAccessKey {
    /// The access key id.
    pub id: String,
}

/// An access key with all that is needed to check a signature and to know who made it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// The access key id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The account's name.
    pub alias: String,
    /// The user inside the account.
    pub user: String,
    /// Whether the account is the cloud's own.
    pub administrator: bool,
}

impl From<Credential> for directory::Credential {
    fn from(it: Credential) -> Self {
        let authority = Authority::owner(&it.account, &it.user);
        Self { id: it.id, secret: it.secret, alias: it.alias, authority }
    }
}

/// The certificates that are or were valid for an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FindCertificates {
    /// The account number as a manifest's `<user>` gives it; it may be nobody's.
    pub account: String,
}

/// Certificates in PEM, and whether the account exists at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Certificates {
    /// Whether there is such an account.
    pub known: bool,
    /// Its certificates, newest first.
    pub pem: Vec<String>,
}

/// Says when access keys were used in another service, which tells it now and then and not at each
/// use. What is older than what is known changes nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct NoteKeyUse {
    /// The last use of each key.
    pub uses: Vec<KeyUse>,
}

/// When and for what an access key was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// The access key id.
    pub id: String,
    /// The service: `s3`.
    pub service: String,
    /// When.
    pub at: Timestamp,
}

messages! {
    Identity:
    FindAccessKey => Option<Credential>, true;
    FindCertificates => Certificates, true;
    NoteKeyUse => (), true;
}

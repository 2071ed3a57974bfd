//! Key pairs: their public halves. The private ones were answered once and are nowhere.

use common::id::{AccountId, KeyPairId};
use common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::record;

/// A key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Whose it is.
    pub account: AccountId,
    /// Its name, any text.
    pub name: String,
    /// Its id.
    pub id: KeyPairId,
    /// `rsa` or `ed25519`.
    pub kind: String,
    /// Its fingerprint as EC2 prints it.
    pub fingerprint: String,
    /// The public half, one line in OpenSSH form.
    pub openssh: String,
    /// When it was made.
    pub created: Timestamp,
}

record!(KeyPair, "key-pair", |it| KeyPair::key_of(&it.account, &it.name));

impl KeyPair {
    /// The key of an account's key pair of that name.
    pub fn key_of(account: &AccountId, name: &str) -> String {
        format!("{account}/{name}")
    }
}

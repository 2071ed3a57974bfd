//! Key pairs.

use serde::{Deserialize, Serialize};

use super::types::{Done, Filter};
use crate::actions;
use crate::dialect::xml::Set;
use crate::id::KeyPairId;

/// Makes a key pair; its private half is in the answer and nowhere else.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyPair {
    /// Its name: 1 to 255 characters of UTF-8.
    pub key_name: String,
    /// `rsa` (2048 bits, the default) or `ed25519`.
    #[serde(default)]
    pub key_type: Option<String>,
    /// `pem`, the only form there is.
    #[serde(default)]
    pub key_format: Option<String>,
}

/// A key pair just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedKeyPair {
    /// Its name.
    pub key_name: String,
    /// SHA-1 of the private key's PKCS#8 form (rsa) or SHA-256 of the public one (ed25519).
    pub key_fingerprint: String,
    /// The private key, PEM.
    pub key_material: String,
    /// Its id.
    pub key_pair_id: KeyPairId,
}

/// Lists the account's key pairs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyPairs {
    /// Only these names.
    #[serde(default)]
    pub key_name: Vec<String>,
    /// Only these ids.
    #[serde(default)]
    pub key_pair_id: Vec<KeyPairId>,
    /// Only those that match: `key-name`, `fingerprint`, `key-pair-id`.
    #[serde(default)]
    pub filter: Vec<Filter>,
    /// Whether the public halves are shown.
    #[serde(default)]
    pub include_public_key: bool,
}

/// What DescribeKeyPairs answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPairs {
    /// The key pairs, by name.
    pub key_set: Set<KeyPair>,
}

/// A key pair, without its private half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPair {
    /// Its name.
    pub key_name: String,
    /// Its fingerprint.
    pub key_fingerprint: String,
    /// Its id.
    pub key_pair_id: KeyPairId,
    /// `rsa` or `ed25519`.
    pub key_type: String,
    /// The public half in OpenSSH form, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// Removes a key pair; one that does not exist is removed already. Running instances keep it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteKeyPair {
    /// Its name.
    #[serde(default)]
    pub key_name: Option<String>,
    /// Or its id.
    #[serde(default)]
    pub key_pair_id: Option<KeyPairId>,
}

actions! {
    CreateKeyPair => CreatedKeyPair, Write;
    DescribeKeyPairs => KeyPairs, Read;
    DeleteKeyPair => Done, Write;
}

//! Key pairs.

use serde::{Deserialize, Serialize};

use super::subjects;
use super::tags::{Tag, TagSpecification};
use super::types::{Done, Filter, is_blank};
use crate::actions;
use crate::dialect::xml::Set;
use crate::iam::{Context, Subject};
use crate::id::KeyPairId;

/// Makes a key pair; its private half is in the answer and nowhere else.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// Its tags from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
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
    /// Its tags.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub tag_set: Set<Tag>,
}

/// Makes a key pair of a public half that the caller made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportKeyPair {
    /// Its name: 1 to 255 characters of UTF-8.
    pub key_name: String,
    /// The public half in base64: a line of OpenSSH, a block of RFC 4716, PEM or DER; RSA of 1024
    /// to 16384 bits or ed25519.
    pub public_key_material: String,
    /// Its tags from the start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tag_specification: Vec<TagSpecification>,
}

/// A key pair just imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedKeyPair {
    /// Its name.
    pub key_name: String,
    /// MD5 (rsa) of the public half's DER, or SHA-256 (ed25519) of the public half.
    pub key_fingerprint: String,
    /// Its id.
    pub key_pair_id: KeyPairId,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub tag_set: Set<Tag>,
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
    /// Only those that match.
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
    /// When it was made.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub create_time: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    pub tag_set: Set<Tag>,
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

/// A key pair that an action makes.
fn made(name: &str, action: &str, tags: &[TagSpecification]) -> Subject {
    let (key, tags) = (subjects::key_pair(name), TagSpecification::said(tags));
    let said = Context::new().with("ec2:KeyPairName", name).and(&tags);
    subjects::with_tags(Subject::of([key.clone()]).when(said), key, action, &tags)
}

actions! {
    CreateKeyPair => CreatedKeyPair, Write, |it| {
        let kind = it.key_type.as_deref().unwrap_or("rsa");
        let said = Context::new().with("ec2:KeyPairType", kind);
        made(&it.key_name, "CreateKeyPair", &it.tag_specification).when(said)
    };
    DescribeKeyPairs => KeyPairs, Read;
    DeleteKeyPair => Done, Write, |it| {
        let by_name = it.key_name.as_deref().map(subjects::key_pair);
        let by_id = it.key_pair_id.as_ref().map(|id| subjects::key_pair_of_id(id.as_str()));
        Subject::of(by_name.into_iter().chain(by_id))
    };
    ImportKeyPair => ImportedKeyPair, Write, |it| {
        made(&it.key_name, "ImportKeyPair", &it.tag_specification)
    };
}

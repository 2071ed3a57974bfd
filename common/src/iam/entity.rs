//! What identity is made of, as it is told to whoever decides: by the clc's records to its own API,
//! and by its feed to walrus.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::AccountId;
use crate::time::Timestamp;

/// Something that permissions depend on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entity {
    /// An account.
    Account(AccountEntity),
    /// A user.
    User(UserEntity),
    /// A group.
    Group(GroupEntity),
    /// A managed policy: the text of its default version.
    Policy(String),
    /// A role.
    Role(RoleEntity),
    /// An access key.
    AccessKey(AccessKeyEntity),
    /// The cloud's secret behind temporary credentials: 32 bytes.
    SessionKey(Vec<u8>),
    /// A certificate that is or was a user's.
    Certificate(CertificateEntity),
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountEntity {
    /// Its number.
    pub number: AccountId,
    /// Its name.
    pub alias: String,
    /// Whether its users may use anything.
    pub enabled: bool,
    /// What an administrator of the cloud has set for all of it: limits.
    #[serde(default)]
    pub policies: PolicySet,
}

/// What policies say of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySet {
    /// ARNs of managed policies.
    #[serde(default)]
    pub attached: Vec<String>,
    /// Its own policies: name and text.
    #[serde(default)]
    pub inline: BTreeMap<String, String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserEntity {
    /// The name as it was given.
    pub name: String,
    /// `/` or `/division/`.
    pub path: String,
    /// `AIDA…`.
    pub id: String,
    /// Whether it owns its account.
    pub owner: bool,
    /// Whether it may use anything.
    pub enabled: bool,
    /// The groups it is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Its policies.
    #[serde(default)]
    pub policies: PolicySet,
    /// The ARN of the managed policy that is its permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupEntity {
    /// The name as it was given.
    pub name: String,
    /// Its policies.
    #[serde(default)]
    pub policies: PolicySet,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleEntity {
    /// The name as it was given.
    pub name: String,
    /// `/` or `/division/`.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    /// Its policies.
    #[serde(default)]
    pub policies: PolicySet,
    /// The ARN of the managed policy that is its permissions boundary.
    #[serde(default)]
    pub boundary: Option<String>,
}

/// An access key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKeyEntity {
    /// Its secret.
    pub secret: String,
    /// The account.
    pub account: AccountId,
    /// The user in it.
    pub user: String,
    /// Whether it may be used.
    pub active: bool,
    /// The id of the user whom it was made for; empty if that was not noted.
    #[serde(default)]
    pub holder: String,
}

/// A user's certificate. What it has signed stays good, whatever becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateEntity {
    /// The certificate, PEM.
    pub pem: String,
    /// When it came.
    pub created: Timestamp,
}

impl fmt::Debug for Entity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(it) => it.fmt(out),
            Self::User(it) => it.fmt(out),
            Self::Group(it) => it.fmt(out),
            Self::Policy(it) => it.fmt(out),
            Self::Role(it) => it.fmt(out),
            Self::AccessKey(it) => write!(out, "AccessKey of {}/{}", it.account, it.user),
            Self::SessionKey(_) => out.write_str("SessionKey"),
            Self::Certificate(it) => it.fmt(out),
        }
    }
}

/// By what an entity is found. Names of users, groups and roles know no case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum EntityName {
    /// An account by its number.
    Account(AccountId),
    /// A user by account and name.
    User(AccountId, String),
    /// A group by account and name.
    Group(AccountId, String),
    /// A managed policy by its ARN.
    Policy(String),
    /// A role by account and name.
    Role(AccountId, String),
    /// An access key by its id.
    AccessKey(String),
    /// A secret behind temporary credentials by its id.
    SessionKey(String),
    /// A certificate by account and id.
    Certificate(AccountId, String),
}

impl EntityName {
    /// A user's name.
    pub fn user(account: &AccountId, name: &str) -> Self {
        Self::User(account.clone(), name.to_ascii_lowercase())
    }

    /// A group's name.
    pub fn group(account: &AccountId, name: &str) -> Self {
        Self::Group(account.clone(), name.to_ascii_lowercase())
    }

    /// A role's name.
    pub fn role(account: &AccountId, name: &str) -> Self {
        Self::Role(account.clone(), name.to_ascii_lowercase())
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(number) => write!(out, "account/{number}"),
            Self::User(account, name) => write!(out, "user/{account}/{name}"),
            Self::Group(account, name) => write!(out, "group/{account}/{name}"),
            Self::Policy(arn) => write!(out, "policy/{arn}"),
            Self::Role(account, name) => write!(out, "role/{account}/{name}"),
            Self::AccessKey(id) => write!(out, "access-key/{id}"),
            Self::SessionKey(id) => write!(out, "session-key/{id}"),
            Self::Certificate(account, id) => write!(out, "certificate/{account}/{id}"),
        }
    }
}

/// A text that names no entity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("'{0}' names no entity")]
pub struct NoEntityName(String);

impl FromStr for EntityName {
    type Err = NoEntityName;

    fn from_str(text: &str) -> Result<Self, NoEntityName> {
        let refused = || NoEntityName(text.to_owned());
        let (kind, rest) = text.split_once('/').ok_or_else(refused)?;
        let account = |text: &str| text.parse::<AccountId>().map_err(|_| refused());
        let inside = || {
            let (number, name) = rest.split_once('/').ok_or_else(refused)?;
            Ok((account(number)?, name.to_owned()))
        };
        Ok(match kind {
            "account" => Self::Account(account(rest)?),
            "user" => inside().map(|(account, name)| Self::User(account, name))?,
            "group" => inside().map(|(account, name)| Self::Group(account, name))?,
            "policy" => Self::Policy(rest.to_owned()),
            "role" => inside().map(|(account, name)| Self::Role(account, name))?,
            "access-key" => Self::AccessKey(rest.to_owned()),
            "session-key" => Self::SessionKey(rest.to_owned()),
            "certificate" => inside().map(|(account, id)| Self::Certificate(account, id))?,
            _ => return Err(refused()),
        })
    }
}

impl TryFrom<String> for EntityName {
    type Error = NoEntityName;
    fn try_from(text: String) -> Result<Self, NoEntityName> {
        text.parse()
    }
}

impl From<EntityName> for String {
    fn from(name: EntityName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let account: AccountId = "123456789012".parse().unwrap();
        for name in [
            EntityName::Account(account.clone()),
            EntityName::user(&account, "Taro"),
            EntityName::group(&account, "g"),
            EntityName::Policy("arn:aws:iam::123456789012:policy/a/b".into()),
            EntityName::role(&account, "r"),
            EntityName::AccessKey("AKI1".into()),
            EntityName::SessionKey("1".into()),
            EntityName::Certificate(account.clone(), "0a1b".into()),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!(EntityName::user(&account, "Taro").to_string(), "user/123456789012/taro");
        for bad in ["", "user", "user/1/a", "user/123456789012", "thing/x"] {
            assert!(bad.parse::<EntityName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let account: AccountId = "123456789012".parse().unwrap();
        let key = AccessKeyEntity {
            secret: "s3cr3t".into(),
            account,
            user: "u".into(),
            active: true,
            holder: String::new(),
        };
        assert!(!format!("{:?}", Entity::AccessKey(key)).contains("s3cr3t"));
        assert_eq!(format!("{:?}", Entity::SessionKey(vec![1, 2])), "SessionKey");
    }
}

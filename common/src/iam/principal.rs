//! Who acts: an account's owner, one of its users, or whoever took on a role.

use serde::{Deserialize, Serialize};

use sha2::{Digest as _, Sha256};

use super::arn::Arn;
use super::context::Context;
use crate::id::AccountId;

/// What kind of principal somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrincipalKind {
    /// The user that an account begins with: owns the account, and no policy takes that away.
    Owner,
    /// A user: may do what policies allow.
    User,
    /// Somebody who took on a role.
    Role,
}

/// An id in the form of IAM's: a prefix (`AIDA`, `AROA`, `AGPA`, `ANPA`, `AIPA`) and 17 characters made
/// of a seed, which is random for whatever may be made again under the same name.
pub fn unique_id(prefix: &str, seed: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(seed);
    let digits = hash.iter().take(17).map(|byte| char::from(DIGITS[usize::from(byte & 31)]));
    prefix.chars().chain(digits).collect()
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// What kind.
    pub kind: PrincipalKind,
    /// The user's name, or the role's.
    pub name: String,
    /// The path of the user or role, `/` or `/division/`.
    pub path: String,
    /// The id that nobody else ever has: `AIDA…` of a user, `AROA…` of a role.
    pub id: String,
    /// The name of the session, of whoever took on a role.
    pub session: Option<String>,
}

impl Principal {
    /// The ARN: of the user, or of the session in which a role was taken on.
    pub fn arn(&self) -> String {
        let account = self.account.as_str();
        match &self.session {
            Some(session) => {
                let resource = format!("assumed-role/{}/{session}", self.name);
                Arn { service: "sts".to_owned(), ..Arn::iam(account, resource) }.to_string()
            }
            None => self.own_arn(),
        }
    }

    /// The ARN of the user or role itself.
    pub fn own_arn(&self) -> String {
        let kind = match self.kind {
            PrincipalKind::Owner | PrincipalKind::User => "user",
            PrincipalKind::Role => "role",
        };
        Arn::iam(self.account.as_str(), format!("{kind}{}{}", self.path, self.name)).to_string()
    }

    /// The id as `aws:userid` and STS tell it.
    pub fn user_id(&self) -> String {
        match &self.session {
            Some(session) => format!("{}:{session}", self.id),
            None => self.id.clone(),
        }
    }

    /// What condition keys say of a principal.
    pub fn context(&self) -> Context {
        let kind = match self.kind {
            PrincipalKind::Owner | PrincipalKind::User => "User",
            PrincipalKind::Role => "AssumedRole",
        };
        let name = (self.kind != PrincipalKind::Role).then_some(self.name.as_str());
        Context::new()
            .with("aws:principalarn", self.own_arn())
            .with("aws:principalaccount", self.account.as_str())
            .with("aws:principaltype", kind)
            .with("aws:userid", self.user_id())
            .with_some("aws:username", name)
    }
}

//! Who is signed in at the console. A session is known by the SHA-256 of its id alone: whoever
//! reads the store can end sessions, and take none over.

use common::id::AccountId;
use common::time::Timestamp;
use common::wire::people::CheckPerson;
use serde::{Deserialize, Serialize};

use super::record::record;

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSession {
    /// The SHA-256 of the session's id, in hex.
    pub digest: String,
    /// The account.
    pub account: AccountId,
    /// The user in it.
    pub user: String,
    /// When the password was set with which they signed in. With another one the session is over.
    pub password_set: Timestamp,
    /// When they signed in.
    pub begun: Timestamp,
    /// When the session was last used, to a minute.
    pub seen: Timestamp,
    /// From which address they signed in.
    pub address: String,
    /// What their browser called itself.
    pub agent: String,
    /// Whether they showed a second factor.
    pub second_factor: bool,
    /// Whether they have to set another password before anything else.
    pub must_change: bool,
    /// When they last proved who they are; absent in records of a version that asked at sign-in alone.
    #[serde(default)]
    pub proven: Option<Timestamp>,
}

record!(ConsoleSession, "console-session", |it| it.digest.clone());

impl ConsoleSession {
    /// How it is asked whether its user may go on, and on whose behalf something is asked.
    pub fn asks(&self) -> CheckPerson {
        let (account, user) = (self.account.clone(), self.user.clone());
        CheckPerson { account, user, password_set: self.password_set }
    }

    /// When they last proved who they are.
    pub fn proven(&self) -> Timestamp {
        self.proven.unwrap_or(self.begun)
    }

    /// Its key among the sessions of its user.
    pub fn key_of_user(&self) -> String {
        format!("{}{}", Self::prefix_of(&self.account, &self.user), self.digest)
    }

    /// What the keys of a user's sessions begin with.
    pub fn prefix_of(account: &AccountId, user: &str) -> String {
        format!("{account}/{}/", user.to_ascii_lowercase())
    }
}

//! What an EC2 action is as a type: its name, its answer, and whether it changes anything.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id::AccountId;

/// Whether an action reads or changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Changes nothing; may be repeated at will.
    Read,
    /// Changes something.
    Write,
    /// Changes something, and knows a repetition by its `ClientToken`.
    Tokened,
}

/// One operation of a query API. The value is the request, decoded.
pub trait Action: Serialize + DeserializeOwned + Send + 'static {
    /// What `Action=` says.
    const NAME: &'static str;
    /// Whether it changes anything.
    const ACCESS: Access;
    /// What is answered, without the envelope.
    type Output: Serialize + DeserializeOwned + Send + 'static;
}

/// Declares actions of one family and the list of their names.
#[macro_export]
macro_rules! actions {
    ($($name:ident => $output:ty, $access:ident;)*) => {
        $(impl $crate::action::Action for $name {
            const NAME: &'static str = stringify!($name);
            const ACCESS: $crate::action::Access = $crate::action::Access::$access;
            type Output = $output;
        })*

        /// The names of this family's actions.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

/// Who sent a request, after its signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The account's name.
    pub alias: String,
    /// The user inside it.
    pub user: String,
    /// Whether the account is the cloud's own.
    pub administrator: bool,
}

impl Caller {
    /// The user's ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:user/{}", self.account, self.user)
    }

    /// Whether this caller may change what `owner` owns.
    pub fn may_change(&self, owner: &AccountId) -> bool {
        self.administrator || self.account == *owner
    }
}

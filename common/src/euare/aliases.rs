//! The account itself: its name, and how much of everything it has.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Nothing};
use crate::actions;

/// Gives the account another name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccountAlias {
    /// The name.
    pub account_alias: String,
}

/// Takes the account's name away, so that it goes by its number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteAccountAlias {
    /// The name.
    pub account_alias: String,
}

/// Lists the account's names: there is one, or none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccountAliases {
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// The account's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountAliases {
    /// The names.
    pub account_aliases: Members<String>,
    /// Whether there are more.
    pub is_truncated: bool,
}

/// Counts what the account has, and tells how much of it there may be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GetAccountSummary {}

/// What an account has and may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountSummary {
    /// Number by name.
    pub summary_map: Entries,
}

/// A map as IAM writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// Its entries.
    #[serde(default)]
    pub entry: Vec<Entry>,
}

/// An entry of a map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name.
    pub key: String,
    /// The number.
    pub value: u64,
}

actions! {
    CreateAccountAlias => Nothing, Write;
    DeleteAccountAlias => Nothing, Write;
    ListAccountAliases => AccountAliases, Read;
    GetAccountSummary => AccountSummary, Read;
}

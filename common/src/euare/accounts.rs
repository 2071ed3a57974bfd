//! Accounts, which administrators of the cloud make, list and remove, as Eucalyptus lets them.

use serde::{Deserialize, Serialize};

use super::elements::{Members, Moment, Nothing};
use crate::actions;

/// Makes an account with its owner, the user `admin`, who has no access key yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateAccount {
    /// Its name; its number if absent.
    #[serde(default)]
    pub account_name: Option<String>,
}

/// An account that was made or asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneAccount {
    /// The account.
    pub account: Account,
}

/// An account as Eucalyptus tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// Its name.
    pub account_name: String,
    /// Its number.
    pub account_id: String,
    /// When it was made.
    pub create_date: Moment,
    /// Whether its users may use anything.
    pub enabled: bool,
}

/// Tells one account, the caller's if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccount {
    /// Its name or number.
    #[serde(default)]
    pub account_name: Option<String>,
}

/// Lists all accounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccounts {
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; all if absent, because Eucalyptus' clients know no pages here.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// The accounts of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Accounts {
    /// The accounts, by number.
    pub accounts: Members<Account>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Removes an account that has nothing but its owner, or with all its users, groups, roles and
/// policies. What becomes of instances, images, key pairs and buckets is said apart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteAccount {
    /// Its name or number.
    pub account_name: String,
    /// Whether to remove its users, groups, roles and policies, too.
    #[serde(default)]
    pub recursive: bool,
    /// What becomes of instances, images, key pairs and buckets: `refuse`, which is the default,
    /// removes no account that owns any; with `give` all of it becomes another's; with `end` it ends
    /// with the account.
    #[serde(default)]
    pub belongings: Option<String>,
    /// Whose it becomes, by name or number.
    #[serde(default)]
    pub heir: Option<String>,
}

/// Sets limits for a whole account: a policy whose statements are all of `Effect: Limit`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutAccountPolicy {
    /// The account's name or number.
    pub account_name: String,
    /// The policy's name.
    pub policy_name: String,
    /// The policy.
    pub policy_document: String,
}

/// Tells limits of an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountPolicy {
    /// The account's name or number.
    pub account_name: String,
    /// The policy's name.
    pub policy_name: String,
}

/// Limits of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountPolicy {
    /// The account's name.
    pub account_name: String,
    /// The policy's name.
    pub policy_name: String,
    /// The policy, percent-encoded as IAM tells policies.
    pub policy_document: String,
}

/// Lists the limits of an account by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAccountPolicies {
    /// The account's name or number.
    pub account_name: String,
    /// Those behind the page that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000; 100 if absent.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// A page of names of policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountPolicies {
    /// The names.
    pub policy_names: Members<String>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

/// Takes limits off an account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteAccountPolicy {
    /// The account's name or number.
    pub account_name: String,
    /// The policy's name.
    pub policy_name: String,
}

actions! {
    CreateAccount => OneAccount, Write;
    GetAccount => OneAccount, Read;
    ListAccounts => Accounts, Read;
    DeleteAccount => Nothing, Write;
    PutAccountPolicy => Nothing, Write;
    GetAccountPolicy => AccountPolicy, Read;
    ListAccountPolicies => AccountPolicies, Read;
    DeleteAccountPolicy => Nothing, Write;
}

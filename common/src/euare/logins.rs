//! Login profiles, passwords and the rules for them.
//!
//! Nothing that bears a password has a `Debug`.

use serde::{Deserialize, Serialize};

use super::elements::{Moment, Nothing};
use super::subjects;
use crate::actions;
use crate::iam::Subject;

/// Gives a user a password for the console, the caller if none is named.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateLoginProfile {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The password.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether it has to be changed at the first log-in.
    #[serde(default)]
    pub password_reset_required: bool,
}

/// Tells whether a user has a password, the caller if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetLoginProfile {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
}

/// A login profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OneLoginProfile {
    /// The profile.
    pub login_profile: LoginProfile,
}

/// How a user logs in, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoginProfile {
    /// The user.
    pub user_name: String,
    /// When it was made.
    pub create_date: Moment,
    /// Whether the password has to be changed at the next log-in.
    pub password_reset_required: bool,
}

/// Sets another password of a user.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateLoginProfile {
    /// The user.
    pub user_name: String,
    /// The password; it stays as it is if it is absent.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether it has to be changed at the next log-in; as before if absent.
    #[serde(default)]
    pub password_reset_required: Option<bool>,
}

/// Takes a user's password away, the caller's if none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteLoginProfile {
    /// The user.
    #[serde(default)]
    pub user_name: Option<String>,
}

/// Sets another password of the caller.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ChangePassword {
    /// The password as it is.
    pub old_password: String,
    /// The password as it shall be.
    pub new_password: String,
}

/// Sets the rules for passwords of the account's users. What is absent is as if there were none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateAccountPasswordPolicy {
    /// How many characters at least, 6 to 128; the cloud itself wants 8.
    #[serde(default)]
    pub minimum_password_length: Option<u32>,
    /// Whether there must be a symbol.
    #[serde(default)]
    pub require_symbols: bool,
    /// Whether there must be a digit.
    #[serde(default)]
    pub require_numbers: bool,
    /// Whether there must be an upper-case letter.
    #[serde(default)]
    pub require_uppercase_characters: bool,
    /// Whether there must be a lower-case letter.
    #[serde(default)]
    pub require_lowercase_characters: bool,
    /// Whether users may change their own.
    #[serde(default)]
    pub allow_users_to_change_password: bool,
    /// After how many days it must be changed, 1 to 1095.
    #[serde(default)]
    pub max_password_age: Option<u32>,
    /// How many former ones may not be used again, 1 to 24.
    #[serde(default)]
    pub password_reuse_prevention: Option<u32>,
    /// Whether one that is too old can be set by an administrator alone.
    #[serde(default)]
    pub hard_expiry: bool,
}

/// Tells the rules for passwords.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct GetAccountPasswordPolicy {}

/// The rules for passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnePasswordPolicy {
    /// The rules.
    pub password_policy: PasswordPolicy,
}

/// The rules for passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PasswordPolicy {
    /// How many characters at least.
    pub minimum_password_length: u32,
    /// Whether there must be a symbol.
    pub require_symbols: bool,
    /// Whether there must be a digit.
    pub require_numbers: bool,
    /// Whether there must be an upper-case letter.
    pub require_uppercase_characters: bool,
    /// Whether there must be a lower-case letter.
    pub require_lowercase_characters: bool,
    /// Whether users may change their own.
    pub allow_users_to_change_password: bool,
    /// Whether passwords get too old.
    pub expire_passwords: bool,
    /// After how many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_password_age: Option<u32>,
    /// How many former ones may not be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_reuse_prevention: Option<u32>,
    /// Whether one that is too old can be set by an administrator alone.
    pub hard_expiry: bool,
}

/// Takes the account's rules for passwords away; the cloud's own stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DeleteAccountPasswordPolicy {}

actions! {
    CreateLoginProfile => OneLoginProfile, Write,
        |it| subjects::user_or_own(it.user_name.as_deref());
    GetLoginProfile => OneLoginProfile, Read, |it| subjects::user_or_own(it.user_name.as_deref());
    UpdateLoginProfile => Nothing, Write, |it| Subject::iam("user", &it.user_name);
    DeleteLoginProfile => Nothing, Write, |it| subjects::user_or_own(it.user_name.as_deref());
    ChangePassword => Nothing, Write, |_it| subjects::user_or_own(None);
    UpdateAccountPasswordPolicy => Nothing, Write;
    GetAccountPasswordPolicy => OnePasswordPolicy, Read;
    DeleteAccountPasswordPolicy => Nothing, Write;
}

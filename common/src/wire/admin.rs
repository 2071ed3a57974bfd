//! What `clc admin` asks of the running clc. Whoever can read the peer key file may ask: root and
//! the service's user, on the clc's own host.

use serde::{Deserialize, Serialize};

use super::Service;
use super::people::{Contact, ContactChange, Language, Registered, Zip, ZipKind};
use crate::error::{ApiError, ErrorCode};
use crate::id::AccountId;
use crate::messages;

/// The clc, as its administrator on the host sees it.
pub struct Admin;

impl Service for Admin {
    const NAME: &'static str = "admin";
    const VERSION: u32 = 1;
}

/// Register a user: an account of that name with one IAM user `admin`, an access key and a
/// certificate. A name that is taken is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AddUser {
    /// The account's name, by the rules of [`crate::name`].
    pub name: String,
}

/// Make new credentials for a user; the old ones stay good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetCredentials {
    /// The account's name.
    pub name: String,
}

/// The files of a credentials directory.
#[derive(Clone, Serialize, Deserialize)]
pub struct CredentialFiles {
    /// The account.
    pub account: AccountId,
    /// Each file.
    pub files: Vec<CredentialFile>,
}

/// One file of a credentials directory.
#[derive(Clone, Serialize, Deserialize)]
pub struct CredentialFile {
    /// Its name, without folders.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether only its owner may read it (mode 0600, else 0644).
    pub secret: bool,
}

/// All accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeUsers {}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserView {
    /// Its name.
    pub name: String,
    /// Its number.
    pub account: AccountId,
    /// Whether it may use anything.
    pub enabled: bool,
}

/// Let a user use the cloud, or nothing of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnableUser {
    /// The account's name.
    pub name: String,
    /// Whether it may use anything.
    pub enabled: bool,
}

/// The settings that may be changed while the cloud runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeSettings {}

/// Change a setting.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeSetting {
    /// Its name.
    pub name: String,
    /// Its new value.
    pub value: String,
}

/// A setting and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingView {
    /// Its name.
    pub name: String,
    /// Its value as text.
    pub value: String,
    /// What it means, with its unit.
    pub meaning: String,
    /// What it is when nobody has changed it.
    #[serde(default)]
    pub default: String,
    /// The unit of its value; empty of what is no amount.
    #[serde(default)]
    pub unit: String,
    /// Whether somebody has set it.
    #[serde(default)]
    pub changed: bool,
}

/// Register a user with what is known of them.
#[derive(Clone, Serialize, Deserialize)]
pub struct RegisterUser {
    /// The account's name, by the rules of [`crate::name`].
    pub name: String,
    /// Who stands behind it.
    #[serde(default)]
    pub contact: Contact,
    /// The language of mails to them; the cloud's if it is not said.
    #[serde(default)]
    pub language: Option<Language>,
    /// A first password for the console, which has to be changed at the first log-in.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether the user confirms by the link of a mail first.
    #[serde(default)]
    pub by_mail: bool,
}

/// All that is known of the registrations of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeRegistrations {
    /// Only this account's.
    #[serde(default)]
    pub name: Option<String>,
}

/// What is done about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It is approved: its user gets a mail with a link.
    Approve,
    /// It is turned down: nothing of it stays, its user gets a mail.
    Reject,
    /// It is confirmed without a mail.
    Confirm,
}

/// Decide about a registration. The answer is what the administrator should know besides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DecideRegistration {
    /// The account's name.
    pub name: String,
    /// What is done.
    pub decision: Decision,
    /// Why somebody is turned down, in the administrator's words; it stands in the mail.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Change what is known of who stands behind an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeContact {
    /// The account's name.
    pub name: String,
    /// What is changed.
    pub contact: ContactChange,
}

/// Set a first password of an account's owner, which has to be changed at the next log-in.
#[derive(Clone, Serialize, Deserialize)]
pub struct SetPassword {
    /// The account's name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// What happens to what an account owns when it is deleted. Its words are the same everywhere:
/// `refuse`, `give` with the name of an account, `end`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Belongings {
    /// The account is deleted only if it owns nothing.
    #[default]
    Refuse,
    /// All of it becomes the account's of that name.
    Give(String),
    /// It ends with the account: instances are terminated, bundle tasks cancelled, images
    /// deregistered, key pairs, buckets and their objects deleted.
    #[serde(alias = "remove")]
    End,
}

impl Belongings {
    /// Reads the word, and the name that goes with `give`; both by the names of their parameters.
    ///
    /// # Errors
    /// `InvalidParameterValue` for another word, `MissingParameter` or
    /// `InvalidParameterCombination` if the name does not go with it.
    pub fn read(
        (word_name, word): (&str, Option<&str>),
        (heir_name, heir): (&str, Option<&str>),
    ) -> Result<Self, ApiError> {
        let read = match (word, heir) {
            (Some("give"), Some(heir)) => return Ok(Self::Give(heir.to_owned())),
            (Some("give"), None) => return Err(ApiError::missing(heir_name)),
            (None | Some("refuse"), _) => Self::Refuse,
            (Some("end"), _) => Self::End,
            (Some(other), _) => {
                let why = format!("'{other}' is none of refuse, give and end");
                return Err(ApiError::invalid(word_name, why));
            }
        };
        if heir.is_some() {
            let text = format!("{heir_name} goes with {word_name}=give only");
            return Err(ApiError::new(ErrorCode::InvalidParameterCombination, text));
        }
        Ok(read)
    }
}

/// Delete an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeleteUser {
    /// The account's name.
    pub name: String,
    /// What happens to what it owns.
    #[serde(default)]
    pub belongings: Belongings,
}

/// How far the deletion of an account is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deleted {
    /// It is gone.
    Gone,
    /// It can use nothing any more, and goes as soon as what it owned is gone: this is left.
    Leaving(String),
}

/// A zone group: which accounts may use which availability zones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneGroupView {
    /// Its name.
    pub name: String,
    /// The zones that its members may use.
    pub zones: Vec<String>,
    /// Its members, by the names of their accounts.
    pub members: Vec<String>,
}

/// All zone groups.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeZoneGroups {
    /// Only this one.
    #[serde(default)]
    pub group: Option<String>,
}

/// What is done to a zone group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupChange {
    /// It is made.
    Add,
    /// It is removed.
    Delete,
    /// This user is in it.
    Join(String),
    /// This user is no longer in it.
    Leave(String),
    /// It may use this zone.
    Grant(String),
    /// It may use this zone no more.
    Revoke(String),
}

/// Change a zone group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeZoneGroup {
    /// Its name.
    pub group: String,
    /// What is done to it.
    pub change: GroupChange,
}

/// Make credentials as a zip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GetCredentialsZip {
    /// The account's name.
    pub name: String,
    /// What it holds.
    #[serde(default)]
    pub kind: ZipKind,
}

/// Mails that are on their way or were given up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DescribeMails {}

/// A mail on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailView {
    /// Its id.
    pub id: String,
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// How often it was tried.
    pub tries: u32,
    /// Whether it was given up.
    pub given_up: bool,
    /// What the server said the last time.
    pub error: Option<String>,
}

messages! {
    Admin:
    RegisterUser => CredentialFiles, false;
    DescribeRegistrations => Vec<Registered>, true;
    DecideRegistration => Option<String>, false;
    ChangeContact => (), true;
    SetPassword => (), true;
    DeleteUser => Deleted, true;
    DescribeZoneGroups => Vec<ZoneGroupView>, true;
    ChangeZoneGroup => (), false;
    GetCredentialsZip => Zip, false;
    DescribeMails => Vec<MailView>, true;
}

messages! {
    Admin:
    AddUser => CredentialFiles, false;
    GetCredentials => CredentialFiles, false;
    DescribeUsers => Vec<UserView>, true;
    EnableUser => (), true;
    DescribeSettings => Vec<SettingView>, true;
    ChangeSetting => (), true;
}

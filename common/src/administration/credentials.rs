//! The files by which a user uses the cloud.

use serde::{Deserialize, Serialize};

use super::accounts::users;
use super::elements::Items;
use crate::actions;

/// Makes the files of a user, as a zip or one by one. Those that were made earlier stay good.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetCredentials {
    /// The user; the caller's own account if absent.
    #[serde(default)]
    pub user_name: Option<String>,
    /// `whole`, which is the default, or `keys`: access keys alone.
    #[serde(default)]
    pub kind: Option<String>,
    /// The directory in which the files will lie; they are answered one by one then.
    #[serde(default)]
    pub directory: Option<String>,
}

/// The files.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The user they are for.
    #[serde(rename(serialize = "euca:userName", deserialize = "userName"))]
    pub user_name: String,
    /// The account's number.
    #[serde(rename(serialize = "euca:accountNumber", deserialize = "accountNumber"))]
    pub account: String,
    /// What the zip is called.
    #[serde(rename(serialize = "euca:fileName", deserialize = "fileName"), default)]
    pub file_name: String,
    /// The zip, in base64; empty if the files are told one by one.
    #[serde(rename(serialize = "euca:base64", deserialize = "base64"), default)]
    pub base64: String,
    /// The files one by one.
    #[serde(rename(serialize = "euca:files", deserialize = "files"), default)]
    pub files: Items<File>,
}

/// One file.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name, without folders.
    #[serde(rename(serialize = "euca:name", deserialize = "name"))]
    pub name: String,
    /// Whether only its owner may read it.
    #[serde(rename(serialize = "euca:secret", deserialize = "secret"))]
    pub secret: bool,
    /// Its text.
    #[serde(rename(serialize = "euca:text", deserialize = "text"))]
    pub text: String,
}

actions! {
    GetCredentials => Credentials, Write, |it| users(&it.user_name);
}

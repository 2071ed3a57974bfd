//! Administration of the cloud as types: the query protocol of 2.0's own administration tools, at
//! `/services/Accounts`, `/services/Configuration` and `/services/Properties`.
//!
//! Those tools look for elements by their literal names, prefix and all (`euca:item`), so that is
//! how answers are written; whoever reads them by their names alone finds them, too. What 2.0 calls
//! a user is an account with its owner, and its groups say which availability zones accounts may
//! use.

pub mod accounts;
pub mod configuration;
pub mod credentials;
pub mod groups;
pub mod properties;

use serde::{Deserialize, Serialize};

/// What requests say as `Version`.
pub const VERSION: &str = "eucalyptus";

/// A list as 2.0 writes it: `<euca:users><euca:item>…</euca:item></euca:users>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items<T> {
    /// The items.
    #[serde(rename(serialize = "euca:item", deserialize = "item"), default = "Vec::new")]
    pub item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(item: Vec<T>) -> Self {
        Self { item }
    }
}

/// A list of texts as 2.0 writes it: `<euca:groups><euca:entry>…</euca:entry></euca:groups>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// The texts.
    #[serde(rename(serialize = "euca:entry", deserialize = "entry"), default)]
    pub entry: Vec<String>,
}

impl From<Vec<String>> for Entries {
    fn from(entry: Vec<String>) -> Self {
        Self { entry }
    }
}

/// What is answered when something was done: nothing but that it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// The names of all actions of administration.
pub fn names() -> impl Iterator<Item = &'static str> {
    [accounts::NAMES, configuration::NAMES, credentials::NAMES, groups::NAMES, properties::NAMES]
        .into_iter()
        .flatten()
        .copied()
}

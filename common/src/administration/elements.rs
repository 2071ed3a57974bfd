//! What the answers of several families are made of.
//!
//! What is written with 2.0's prefix is read with it and without: answers go between services as JSON,
//! too, as they are.

use serde::{Deserialize, Serialize};

/// A list as 2.0 writes it: `<euca:users><euca:item>…</euca:item></euca:users>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items<T> {
    /// The items.
    #[serde(
        rename(serialize = "euca:item", deserialize = "item"),
        alias = "euca:item",
        default = "Vec::new"
    )]
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

/// A list inside an item. 2.0's tools take an item for ended at the first `</euca:item>`, so that
/// what is listed inside one has another name: `<euca:fits><euca:member>…</euca:member></euca:fits>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members<T> {
    /// What is listed.
    #[serde(
        rename(serialize = "euca:member", deserialize = "member"),
        alias = "euca:member",
        default = "Vec::new"
    )]
    pub member: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { member: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Members<T> {
    fn from(member: Vec<T>) -> Self {
        Self { member }
    }
}

/// A list of texts as 2.0 writes it: `<euca:groups><euca:entry>…</euca:entry></euca:groups>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries {
    /// The texts.
    #[serde(
        rename(serialize = "euca:entry", deserialize = "entry"),
        alias = "euca:entry",
        default
    )]
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

/// Declares what is answered: `field: Type = "euca:name", "name";`, absent and empty being the same.
macro_rules! told {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $kind:ty = $long:literal, $short:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name {
            $(
                $(#[$of])*
                #[serde(rename(serialize = $long, deserialize = $short), alias = $long, default)]
                pub $field: $kind,
            )*
        }
    };
}
pub(super) use told;

//! Administration of the cloud as types: the query protocol of 2.0's own administration tools, at
//! `/services/Accounts`, `/services/Configuration` and `/services/Properties`.
//!
//! Those tools look for elements by their literal names, prefix and all (`euca:item`), so that is
//! how answers are written; whoever reads them by their names alone finds them, too. What 2.0 calls
//! a user is an account with its owner, and its groups say which availability zones accounts may
//! use.

pub mod accounts;
pub mod cache;
pub mod configuration;
pub mod credentials;
pub mod elements;
pub mod groups;
pub mod lines;
pub mod properties;
pub mod services;
pub mod types;

pub use elements::{Done, Entries, Items, Members};

/// What requests say as `Version`.
pub const VERSION: &str = "eucalyptus";

/// The names of all actions of administration.
pub fn names() -> impl Iterator<Item = &'static str> {
    [
        accounts::NAMES,
        cache::NAMES,
        configuration::NAMES,
        credentials::NAMES,
        groups::NAMES,
        properties::NAMES,
        services::NAMES,
        types::NAMES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

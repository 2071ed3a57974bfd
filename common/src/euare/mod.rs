//! IAM's query API as types, which Eucalyptus calls Euare: one file a family.
//!
//! [`names`] and [`paging`] hold the rules that all families share, [`elements`] the parts of which
//! their answers are made, [`subjects`] what policies call the things they are about.

pub mod access_keys;
pub mod accounts;
pub mod aliases;
pub mod certificates;
pub mod elements;
pub mod groups;
pub mod logins;
pub mod mfa;
pub mod names;
pub mod paging;
pub mod subjects;
pub mod users;

/// The version of IAM.
pub const VERSION: &str = "2010-05-08";

/// The namespace of its answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// Every action that the cloud answers.
pub fn names() -> impl Iterator<Item = &'static str> {
    let families = [
        access_keys::NAMES,
        accounts::NAMES,
        aliases::NAMES,
        certificates::NAMES,
        groups::NAMES,
        logins::NAMES,
        mfa::NAMES,
        users::NAMES,
    ];
    families.into_iter().flatten().copied()
}

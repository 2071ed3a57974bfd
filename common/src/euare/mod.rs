//! IAM's query API as types, which Eucalyptus calls Euare: one file a family.
//!
//! [`names`], [`parameters`] and [`paging`] hold the rules that all families share, [`elements`] the
//! parts of which their answers are made, [`subjects`] what policies call the things they are about.

pub mod access_keys;
pub mod accounts;
pub mod aliases;
pub mod attachments;
pub mod authorization;
pub mod certificates;
pub mod elements;
pub mod groups;
pub mod inline;
pub mod instance_profiles;
pub mod logins;
pub mod managed;
pub mod mfa;
pub mod names;
pub mod paging;
pub mod parameters;
pub mod roles;
pub mod simulate;
pub mod subjects;
pub mod tagging;
pub mod users;
pub mod versions;

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
        attachments::NAMES,
        authorization::NAMES,
        certificates::NAMES,
        groups::NAMES,
        inline::NAMES,
        instance_profiles::NAMES,
        managed::NAMES,
        roles::NAMES,
        simulate::NAMES,
        logins::NAMES,
        mfa::NAMES,
        users::NAMES,
        versions::NAMES,
    ];
    families.into_iter().flatten().copied()
}

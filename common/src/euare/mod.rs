//! IAM's query API as types, which Eucalyptus calls Euare: one file a family.
//!
//! [`names`] and [`paging`] hold the rules that all families share, [`elements`] the parts of which
//! their answers are made.

pub mod attachments;
pub mod authorization;
pub mod elements;
pub mod inline;
pub mod instance_profiles;
pub mod managed;
pub mod names;
pub mod paging;
pub mod roles;
pub mod simulate;
pub mod tagging;
pub mod versions;

/// The version of IAM.
pub const VERSION: &str = "2010-05-08";

/// The namespace of its answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

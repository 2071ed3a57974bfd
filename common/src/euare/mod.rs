//! IAM's query API as types, which Eucalyptus calls Euare: one file a family.
//!
//! [`names`] and [`paging`] hold the rules that all families share, [`elements`] the parts of which
//! their answers are made.

pub mod elements;
pub mod names;
pub mod paging;

/// The version of IAM.
pub const VERSION: &str = "2010-05-08";

/// The namespace of its answers.
pub const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

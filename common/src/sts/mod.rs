//! STS as types: who a caller is, and credentials for a while.

pub mod caller;
pub mod sessions;

/// The version of STS.
pub const VERSION: &str = "2011-06-15";

/// The namespace of its answers.
pub const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Every action that the cloud answers.
pub fn names() -> impl Iterator<Item = &'static str> {
    [caller::NAMES, sessions::NAMES].into_iter().flatten().copied()
}

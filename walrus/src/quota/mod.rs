//! Quotas beside the requests: what an administrator asks and sets, and the count that keeps usage
//! rows true. What a request is charged stands in [`crate::usage`].

pub(crate) mod answers;
pub(crate) mod count;

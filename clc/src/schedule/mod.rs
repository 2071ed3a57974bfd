//! Where instances go: the book of promised capacity, the policy that reads it, and the actor
//! that keeps it.

pub mod ledger;
pub mod policy;
pub mod scheduler;

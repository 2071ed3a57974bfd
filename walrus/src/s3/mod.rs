//! The S3 API: from a request to its answer.
//!
//! ```text
//!   front ── who (sign, key ring) ── what (common::s3::routes) ──▶ service actors ──▶ pool
//!                                                                 Buckets · Objects
//!   buckets · objects · listing     the meaning of each operation
//!   commit                          writing and removing an object's record, for all of them
//!   access                          who may do what, pure
//! ```

pub(crate) mod access;
pub(crate) mod buckets;
pub(crate) mod commit;
pub(crate) mod front;
pub(crate) mod listing;
pub(crate) mod objects;
pub(crate) mod service;

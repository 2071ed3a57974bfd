//! The S3 API: from a request to its answer.
//!
//! ```text
//!   front ── who (sign, key ring) ── what (common::s3::routes) ──▶ service actors ──▶ pool
//!                                                                 Buckets · Objects · Removals
//!   buckets · objects · lists · delete_objects · acl · configuration · copy · source · multipart
//!   attributes · post
//!                                   the meaning of each operation
//!   listing                         a page of a bucket
//!   commit                          writing and removing an object's record, for all of them
//!   caps                            how much policies let a caller have
//!   permits                         how many operations at once, in all and for one account
//!   answer                          the head of an answer that reads an object
//!   document                        bodies that are documents
//!   permit                          what policies say of the caller, before anything is looked for
//!   access                          what buckets and objects say, pure
//!   domains                         which bucket a host stands for
//!   refusal                         how a bad signature is told
//!   trace                           what is logged and recorded of a request
//! ```

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod answer;
pub(crate) mod attributes;
pub(crate) mod buckets;
pub(crate) mod caps;
pub(crate) mod commit;
pub(crate) mod configuration;
pub(crate) mod copy;
pub(crate) mod delete_objects;
pub(crate) mod document;
pub(crate) mod domains;
pub(crate) mod front;
pub(crate) mod listing;
pub(crate) mod lists;
pub(crate) mod multipart;
pub(crate) mod objects;
pub(crate) mod permit;
pub(crate) mod permits;
mod post;
mod refusal;
pub(crate) mod service;
pub(crate) mod source;
pub(crate) mod tally;
pub(crate) mod trace;

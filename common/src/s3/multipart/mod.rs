//! Multipart uploads: an object that comes in parts, in any order, and is put together at the end.
//!
//! ```text
//!   CreateMultipartUpload ──▶ UploadPart … UploadPartCopy ──▶ CompleteMultipartUpload
//!                                    │                         AbortMultipartUpload
//!             lists: ListParts, ListMultipartUploads
//! ```
//! What an upload's id looks like is not known here: it is a text that was once answered.

pub mod begin;
pub mod complete;
pub mod lists;
pub mod terms;

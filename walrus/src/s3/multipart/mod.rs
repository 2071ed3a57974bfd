//! Multipart uploads: the meaning of each operation. What is kept of them is told in
//! [`crate::upload`], how their bytes are read and cleared away in [`crate::parts`].
//!
//! ```text
//!   begin ──▶ part · part_copy ──▶ complete (plan, pure · commit)
//!               │                  abort
//!               ▼
//!             record               the one commit of a part
//!   lists                          what is being uploaded
//! ```

pub(crate) mod abort;
pub(crate) mod begin;
pub(crate) mod complete;
pub(crate) mod lists;
pub(crate) mod named;
pub(crate) mod part;
pub(crate) mod part_copy;
pub(crate) mod plan;
pub(crate) mod record;

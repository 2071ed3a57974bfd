//! Disks that users have put into S3 as they are, bundled where they lie.
//!
//! ```text
//!   CheckDisk ──▶ door ──▶ look      may it be read, and is it something that could run?
//!   ImportDisk ─▶ door ──▶ imports   a flight for each task, a few at a time
//!                             │
//!                    object ─▶ work ─▶ parts, one after another ─▶ bundling::store
//!                                   └▶ manifest, checked and signed there as a node's is
//!   StopImport ─▶ door ──▶ imports   the flight ends at its next chunk
//! ```
//! What is stored is marked with the task as what nodes store, and dropped in the same way. Nothing is
//! remembered of an import beside that: it begins anew after a restart, replacing its own parts, and
//! whoever asks for one whose manifest is there is told that it is complete.

pub(crate) mod door;
mod flights;
mod look;
mod work;

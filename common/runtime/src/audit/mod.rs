//! The log of what was asked: files of bounded size in one folder, which only grow at their end.
//!
//! ```text
//!   request ─▶ action ─▶ answer known ──keep──▶ queue ─▶ writer: one write, one sync for all that
//!                                                        wait ─▶ answer sent
//!   audit-00000001.log  audit-00000002.log … audit-00000009.log   (sealed … active)
//!   audit-00000001.words …   what sealed segments are about, so that look-ups pass them over
//!   head     the last record that is on disk for certain        anchor   where the log begins
//! ```
//! Reads have a chain of their own, in the folder `reads` within, and at most a quarter of the room:
//! whoever reads as much as they can pushes no change out. The answer to a change waits until its record is on disk; the record of a read is handed to the
//! kernel at once and synced within a second. While records cannot be written, changes are refused
//! before they are begun. [`check`] verifies the files of a log without the process that writes them.
//! Lines and their chain are `common::audit`'s.

mod age;
mod check;
mod log;
mod look;
mod segment;
mod words;
mod writer;

pub use check::check;
pub use log::AuditLog;
pub use look::State;
pub use writer::{OpenError, Terms};

//! What was asked of the cloud, by whom, and what became of it: the record of one call, and the
//! chain that such records make.
//!
//! ```text
//!   line 1: hash₁ {n:1, before:0…0, begun}      hashₙ = SHA-256 of the line's own JSON, which holds
//!   line 2: hash₂ {n:2, before:hash₁, event}    the hash before it: whoever changes a line has to
//!   line 3: hash₃ {n:3, before:hash₂, event}    change all that follow, and the head that was told
//!   …                                           elsewhere
//!   line k: hashₖ {n:k, before:…, sealed}       the end of a segment
//! ```
//! [`event`] is what a record says, [`parameters`] keeps secrets out of it, [`chain`] writes, reads
//! and verifies lines, [`find`] says which records somebody looks for, [`merge`] makes one answer of
//! several logs, [`line`] writes a record as a listing has it. Files and clocks are others'.

pub mod chain;
pub mod event;
pub mod find;
pub mod line;
pub mod merge;
pub mod parameters;

pub use event::{Actor, Event, Failure, Signed};
pub use find::Filter;
pub use line::Line;
pub use merge::{Piece, Place};

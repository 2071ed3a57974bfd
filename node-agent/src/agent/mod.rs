//! The node's own affairs: which machines there are, who asks about them, what the host can hold.
//!
//! ```text
//!               agent (actor: the list of machines)
//!      ┌───────────┬──────┴─────┬───────────┐
//!    adopt       report       plugs      capacity
//!  (at start)  (what the    (tap and     (what the
//!               clc sees)    metadata;    host has)
//!                            user_mode:
//!                            no tap)
//! ```
//!
//! The agent decides nothing about a machine: it hands wishes to it and shows what it has become.

pub mod adopt;
#[expect(clippy::module_inception, reason = "the actor is named for what it is")]
pub mod agent;
pub mod capacity;
pub mod plugs;
pub mod report;
pub mod user_mode;

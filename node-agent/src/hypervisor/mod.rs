//! What runs guests: one [`driver::Driver`], two bodies.
//!
//! [`qemu`] starts real machines, [`sim`] plays them, so that a whole cloud can be raised where no
//! hypervisor is. Both keep what they must remember beside the machine's disk and nowhere else:
//! an agent that comes back finds its machines by looking, and one suite
//! (`tests/drivers.rs`) holds both to the same promises.
//!
//! ```text
//!              vm (one actor per machine)      bundling
//!                        │ Launch, kill, ended        │ copy
//!                     driver ── console (the tail of what a guest wrote) ── layer ── error
//!                    ╱       ╲
//!                 sim         qemu ── args (pure) · qmp · process · probe
//!                                     copy · guest (its agent) · qcow2
//! ```
//!
//! [`blank`] makes the disks that are no image's, the same for both. Nothing here knows images,
//! networks, wishes or messages: it is told paths and a card.

pub mod blank;
pub mod console;
pub mod driver;
pub mod error;
pub mod layer;
pub mod qemu;
pub mod sim;

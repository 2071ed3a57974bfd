//! Machines that are QEMU processes.
//!
//! [`args`] says how one is started (pure), [`probe`] finds out what this host can do, [`qmp`]
//! speaks with a living one, [`process`] makes sure that what is signalled is that machine and no
//! stranger, [`mod@copy`] copies the overlay of one that runs, with the help of its [`guest`] if it can,
//! [`qcow2`] reads copies, and [`qemu`] is the driver that puts them together.

pub mod args;
mod copy;
pub mod guest;
pub mod probe;
pub mod process;
pub mod qcow2;
#[expect(clippy::module_inception, reason = "the driver is named for the program it drives")]
pub mod qemu;
pub mod qmp;

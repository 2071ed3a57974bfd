//! Machines that are QEMU processes.
//!
//! [`args`] says how one is started (pure), [`probe`] finds out what this host can do, [`qmp`]
//! speaks with a living one, [`process`] makes sure that what is signalled is that machine and no
//! stranger, and [`qemu`] is the driver that puts them together.

pub mod args;
pub mod probe;
pub mod process;
#[expect(clippy::module_inception, reason = "the driver is named for the program it drives")]
pub mod qemu;
pub mod qmp;

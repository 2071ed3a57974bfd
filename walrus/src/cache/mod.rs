//! The unbundle cache: plain images on disk, within a limit that an administrator sets.
//!
//! `table` decides and is pure, `cache` is the actor that does what the table decided, `disk` owns
//! the files.

pub(crate) mod actor;
pub(crate) mod disk;
pub(crate) mod table;

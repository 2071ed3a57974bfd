//! The unbundle cache: plain images on disk, within a limit that an administrator sets.
//!
//! `table` decides and is pure, `actor` does what the table decided, `unbundle` is one unpacking,
//! `disk` owns the files.

pub(crate) mod actor;
pub(crate) mod disk;
pub(crate) mod table;
pub(crate) mod unbundle;

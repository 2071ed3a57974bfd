//! The unbundle cache: plain images on disk, within a limit that an administrator sets.
//!
//! `table` decides and is pure, `actor` does what the table decided, `unbundle` is one unpacking,
//! `flights` shows how far each has come, `disk` owns the files, `layout` tells what kind of image
//! one holds.

pub(crate) mod actor;
pub(crate) mod disk;
pub(crate) mod flights;
pub(crate) mod layout;
pub(crate) mod table;
pub(crate) mod unbundle;

//! Bytes of objects: received, hashed, made to last, streamed out, swept.
//!
//! ```text
//!   body ──▶ staging/ID ──sync──▶ blobs/xx/ID ──▶ record committed ──▶ answered
//!              │ broken off           │ not committed
//!              ▼                      ▼
//!           removed                removed, or swept at the latest
//! ```
//! Names of files are random ids, never anything a user wrote. A crash leaves at worst a file
//! without a record, never a record without its file.

pub(crate) mod combine;
pub(crate) mod files;
pub(crate) mod hash;
pub(crate) mod pace;
pub(crate) mod pins;
pub(crate) mod range;
pub(crate) mod receive;
pub(crate) mod stream;
pub(crate) mod uploads;
pub(crate) mod wrapping;

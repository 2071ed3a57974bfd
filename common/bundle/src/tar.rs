//! The tar stream of a bundle: exactly one regular file.
//!
//! This is not a general tar library. [`Archive`] writes the one header that every reader knows;
//! [`Member`] reads what the old tools wrote, which is more: long names, pax headers, and sparse
//! files in the forms of GNU tar. Everything else that tar can hold (links, directories, devices,
//! a second member, names that lead elsewhere) is refused, with a reason.
//!
//! ```text
//! [L long name | x, g pax header]*  header  [sparse map]  data, padded to 512  zeros to the end
//! ```

mod header;
mod pax;
mod read;
mod sparse;
mod write;

use std::io;

pub use read::Member;
pub(crate) use read::Stretch;
pub use write::{Archive, LengthMismatch};

/// Bytes in a block of tar.
pub const BLOCK: usize = 512;

/// Bytes in a record: the length of an archive is a multiple of it.
pub const RECORD: u64 = 10_240;

/// The most that an archive of one member can be longer than the member: headers, long name, pax
/// data, a sparse map (always less than the holes it stands for) and padding.
pub const OVERHEAD: u64 = 4 << 20;

/// Why a tar stream is refused.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The stream could not be read.
    #[error("the tar stream cannot be read")]
    Read(#[source] io::Error),
    /// The image could not be written.
    #[error("the image cannot be written")]
    Sink(#[source] io::Error),
    /// The stream ends in the middle.
    #[error("the tar stream ends early")]
    Truncated,
    /// There is no member at all.
    #[error("the tar archive is empty")]
    NoMember,
    /// There is more than one member.
    #[error("the tar archive holds more than one member")]
    SecondMember,
    /// The member is not a regular file.
    #[error("the tar member is {0}, not a regular file")]
    NotRegular(&'static str),
    /// The member's name is empty, absolute, or leads upward.
    #[error("the tar member has an unacceptable name")]
    Name,
    /// A header's checksum is wrong.
    #[error("a tar header is damaged")]
    Checksum,
    /// A number in a header is none.
    #[error("the {0} in a tar header is not a number")]
    Number(&'static str),
    /// A long name or pax header is larger than any tool makes it, or there are too many.
    #[error("the tar archive holds too much metadata")]
    Metadata,
    /// A pax header is malformed.
    #[error("a pax header is malformed")]
    Pax,
    /// A sparse map does not describe a file.
    #[error("the sparse map of the tar member is not consistent")]
    Sparse,
    /// There is something after the end of the archive.
    #[error("something follows the end of the tar archive")]
    Trailing,
}

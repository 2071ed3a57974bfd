//! The node's images: plain files under the hash of their bytes, fetched once.
//!
//! No launch copies an image. Machines' disks are overlays that read through to `images/<sha256>`,
//! kernels and ramdisks are started from there. [`table`] decides what is fetched, kept and
//! removed (pure), [`landing`] brings one image to disk and checks it, [`fetch`] is where bytes
//! come from, [`images`] is the actor that does what the table says.

pub mod fetch;
pub mod images;
pub mod landing;
pub mod table;

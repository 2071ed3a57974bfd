//! What an account leaves behind that is deleted: its buckets with all in them, given to another
//! account or ended. The clc asks until nothing is left; each call does a portion.
//!
//! ```text
//!   closed ──give──▶ a bucket has its new owner, ──▶ its objects and open uploads ──▶ (no record)
//!     │              and so has what it uses          page by page; how far is on record
//!     │
//!     └─────end────▶ a bucket takes nothing more ──▶ its objects, its open uploads ──▶ (gone)
//!                                                     page by page
//! ```
//! A bucket changes hands in one commit, with the usage rows of both accounts. Whatever of its
//! former owner is still under way then finds in its own commit that the bucket is another's. A
//! bucket that is ended is marked as leaving, as by DeleteBucket, and loses its objects by the same
//! rules: their files go when nobody names them any more. A crash loses nothing but the mark, and
//! the next call sets it again.

pub(crate) mod door;
mod end;
mod give;

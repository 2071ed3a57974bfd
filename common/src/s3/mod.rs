//! S3 as a language: addresses, the table of operations, their requests and answers.
//!
//! ```text
//!   routes                      method, level and marker → operation
//!     │
//!   buckets   objects           one type per operation: read from a request, written as XML
//!     │          │
//!   request · address · types · checksum   what an operation is read from
//!     │
//!    xml                        writing and reading the few documents there are
//! ```
//! Nothing here knows who may do what, where bytes lie, or what time it is.

pub mod address;
pub mod buckets;
pub mod checksum;
pub mod objects;
pub mod request;
pub mod routes;
pub mod types;
pub mod xml;

pub use address::{Address, Level};
pub use request::{Query, Request};
pub use types::{BucketName, CannedAcl, ObjectKey, Owner};

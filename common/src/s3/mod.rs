//! S3 as a language: addresses, the table of operations, their requests and answers.
//!
//! ```text
//!   permissions · recorded      operation → what must be allowed, what a record says of it
//!     │
//!   routes                      method, level and marker → operation
//!     │
//!   copy   multipart   post_object    objects from objects, in parts, by a form
//!     │
//!   buckets   objects           one type per operation: read from a request, written as XML
//!   listing · delete_objects · acl · configuration · attributes · form · post_policy
//!     │          │
//!   incoming · conditions · overrides · checksum    what several of them read
//!     │
//!   request · address · types   what an operation is read from
//!     │
//!   xml · tree                  writing and reading the few documents there are
//! ```
//! Nothing here knows who may do what, where bytes lie, or what time it is.

pub mod acl;
pub mod address;
pub mod attributes;
pub mod buckets;
pub mod checksum;
pub mod conditions;
pub mod configuration;
pub mod copy;
pub mod delete_objects;
pub mod form;
pub mod incoming;
pub mod integrity;
pub mod listing;
pub mod multipart;
pub mod objects;
pub mod overrides;
pub mod permissions;
pub mod post_object;
pub mod post_policy;
pub mod recorded;
pub mod request;
pub mod routes;
pub mod tree;
pub mod types;
pub mod xml;

/// The path below which other services of the cloud find S3 at walrus' internal listener: signed as
/// anywhere, and wherever the public listeners are.
pub const INSIDE: &str = "/services/Walrus";

pub use address::{Address, Level};
pub use request::{Query, Request};
pub use types::{BucketName, CannedAcl, ObjectKey, Owner};

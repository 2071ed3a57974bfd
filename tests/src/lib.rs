//! Raises whole clouds in one process and looks at them from outside.
//!
//! ```text
//!   Cloud ── clc, walrus, nodes with simulated guests: the real services on real sockets,
//!     │      each on a thread of its own, all below one temporary directory
//!     ├── User ── what its eucarc says: the typed clients of EC2 and S3, and euca
//!     ├── raw ─── requests that no client would send
//!     └── wait ── until something is seen, with a deadline
//! ```
//!
//! A service that is stopped is started again on the same directory and ports. Nothing here reaches
//! into a service: it is asked over its sockets, and what it leaves is looked for on the disk.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a cloud that cannot be raised is a test that has failed"
)]

pub mod bundles;
pub mod cloud;
mod part;
pub mod raw;
pub mod user;
pub mod wait;

pub use cloud::{Cloud, Service, Shape};
pub use user::User;

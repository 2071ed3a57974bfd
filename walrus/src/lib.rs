//! Walrus: keeps buckets, objects and images.
//!
//! ```text
//!   server ─── config
//!     │
//!   s3 (public listener)    image (internal listener: messages, plain images by ticket)
//!     │   ╲                   │   ╲    │
//!     │    ╰──── bundling ────┼────╯   │     (internal listener: bundles that nodes make)
//!     │                       │        │
//!     │                       │      cache (and what unpacks into it)
//!   content ──────────────────┘
//!   arrival                 parts of bundles as they come in: their digests
//!   parts                   objects in parts: read, and cleared away
//!   estate                  what deleted accounts leave: given away, or ended
//!   records   upload   dropped   estates   blob      what lasts: rows, and files
//!   identity                who is who and may do what: a copy of what the clc keeps
//!   usage                   what is used and may be, charged in the commits of records (quota)
//! ```
//! `audit` answers what is asked of the log of requests, which `s3` writes.
//! `verify` is no part of the service: it asks whether all of that still is what was registered.
//! It knows nobody's secrets but those it was told by the clc, and it never calls a node. Where bytes lie is decided here and nowhere else.

mod arrival;
mod blob;
mod bundling;
mod cache;
mod content;
mod dropped;
mod estate;
mod estates;
mod identity;
mod image;
mod importing;
mod parts;
mod quota;
mod records;
mod s3;
mod sweep;
mod upload;
mod usage;

pub mod audit;
pub mod config;
pub mod server;
pub mod verify;

//! Walrus over real sockets: S3 as clients speak it, the image door as its peers do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at once")]

mod bad_bundles;
mod buckets;
mod chunks;
mod copies;
mod door;
mod forge;
mod http;
mod multipart;
mod objects;
mod presigned;
mod reading;
mod restart;
mod signing;
mod waiting;
mod world;

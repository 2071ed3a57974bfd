//! Walrus over real sockets: S3 as clients speak it, the image door as its peers do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail at once")]

mod arrivals;
mod audit;
mod bad_bundles;
mod buckets;
mod bundling;
mod chunks;
mod copies;
mod crowd;
mod delete_objects;
mod door;
mod feed;
mod forge;
mod forms;
mod http;
mod identity;
mod lists;
mod multipart;
mod objects;
mod permissions;
mod presigned;
mod quotas;
mod reading;
mod registering;
mod restart;
mod signing;
mod subresources;
mod verify;
mod waiting;
mod world;

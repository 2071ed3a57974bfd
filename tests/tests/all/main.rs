//! Whole clouds: three services, signed requests, simulated guests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

mod actions;
mod administration;
mod alone;
mod arriving;
mod bad_bundles;
mod bad_requests;
mod bundle_commands;
mod deletion;
mod disks;
mod exports;
mod forge;
mod identity_inputs;
mod lifecycle;
mod nodes;
mod odd_bundles;
mod path;
mod permission_rows;
mod permissions;
mod registered;
mod restart;
mod saving;
mod sessions;
mod sharing;
mod tampering;

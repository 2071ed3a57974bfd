//! The cloud controller over real sockets: every action by signed requests, its peers played by
//! stubs that speak the real messages.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod accounts;
mod apis;
mod images;
mod instances;
mod keys;
mod launches;
mod repeated;
mod restart;
mod world;
mod zones;

//! What the services say to each other.
//!
//! A [`Message`] is one type on both sides: the sender's call, the carrier's JSON, and the mail an
//! actor gets. Messages grow only by optional fields; a change of meaning is a new name.
//! Calls go one way: Compute → Node → Walrus → Identity. A node never calls the clc; news come as
//! the answer to a [`node::Report`] that waits.

pub mod admin;
pub mod audit;
pub mod bundling;
pub mod cached;
pub mod estate;
pub mod foreign;
pub mod host;
pub mod identity;
pub mod importing;
mod message;
pub mod node;
pub mod people;
pub mod quota;
pub mod registrar;
pub mod role;
pub mod spec;
pub mod steering;
pub mod told;
pub mod upkeep;
pub mod walrus;

pub use message::{Message, Service};

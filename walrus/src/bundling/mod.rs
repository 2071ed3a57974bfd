//! Bundles that nodes make of their instances: stored here in their owners' names.
//!
//! ```text
//!   OpenBundle ──▶ door      may it lie there? leave to store it: a ticket
//!   PUT /bundles/TICKET/part/N ────▶ store    an object of the owner's, marked with the task
//!   PUT /bundles/TICKET/manifest ──▶ store    checked against the parts, signed, and stored last
//!   DropBundle ──▶ door      what a task stored that did not end well goes again, and nothing
//!                            comes for it any more
//! ```
//! A node has neither a user's keys nor the cloud's: it has a [`ticket`], which says in whose name,
//! where and until when, and is worth nothing elsewhere. What is stored by it is an object like any
//! other: it counts on its owner's quota, and its owner may read and remove it. The manifest comes
//! unsigned; the private half of the cloud's certificate is used here alone, and only for a
//! manifest whose account is the ticket's and whose every part was stored by the same task.

pub(crate) mod door;
pub(crate) mod store;
pub(crate) mod ticket;

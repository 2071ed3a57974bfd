//! The node agent: runs instances on one host.
//!
//! It keeps no database: what it must remember lies beside each machine's disk, and all else it
//! finds by looking. It calls nobody but walrus, by ticket: for images, and with bundles of
//! its instances; the clc asks it.
//!
//! Floors, lowest first; a module uses only what stands above it in this list:
//! `config`, `network`, `hypervisor`, `image` · `metadata` · `vm` · `bundling` ·
//! `agent` · `routes` · `server`.

pub mod agent;
pub mod bundling;
pub mod config;
pub mod hypervisor;
pub mod image;
pub mod metadata;
pub mod network;
pub mod routes;
pub mod server;
pub mod vm;

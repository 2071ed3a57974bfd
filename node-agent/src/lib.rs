//! The node agent: runs instances on one host.

pub mod hypervisor;
pub mod image;
pub mod vm;

pub mod metadata;
pub mod network;
pub mod agent;
pub mod config;
pub mod routes;
pub mod server;

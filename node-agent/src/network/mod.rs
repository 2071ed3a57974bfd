//! Where instances are plugged in: routed taps, without any bridge.
//!
//! Each instance has a tap of its own, a /32 route to it, proxy ARP, and a chain of nftables rules
//! that lets nothing pass but what the instance may say under its own addresses. One more
//! interface per agent, the *holder*, carries the guests' router address and 169.254.169.254; it
//! leads nowhere. One dnsmasq serves all taps as if they were the holder.
//!
//! ```text
//!   guest A ── tap A ─┐  /32 routes  ┌── uplink (if the site wants a way out)
//!   guest B ── tap B ─┤ ◄── host ──► │
//!                     └── holder: router address, 169.254.169.254
//!
//!                network (actor: what is wanted, one change at a time)
//!        ┌──────────┬───────┴──────┬──────────┐
//!      plan       executor        dhcp      rules       plan, rules: pure
//!        └──────────┴── wanted ── names ──────┘
//! ```
//!
//! It never knows images, machines or messages, and never touches an interface, table or process
//! whose name is not its own.

pub mod dhcp;
pub mod executor;
mod kernel;
pub mod names;
#[expect(clippy::module_inception, reason = "the actor is named for what it owns")]
pub mod network;
pub mod plan;
pub mod rules;
pub mod tools;
pub mod wanted;

/// Where guests find the metadata service.
pub const METADATA_ADDRESS: std::net::Ipv4Addr = std::net::Ipv4Addr::new(169, 254, 169, 254);

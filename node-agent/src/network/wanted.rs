//! What the host should have: a network, a way out, and a tap for each instance.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use common::wire::node::Subnet;

use super::names::Names;

/// How instances reach what is not on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outbound {
    /// Not at all: they reach each other and the metadata service.
    None,
    /// By this interface, under their own addresses and in both directions: the site's routers
    /// know the subnet.
    Routed(String),
    /// By this interface, under the host's address; nobody outside can begin.
    Masquerade(String),
}

impl Outbound {
    /// The interface that leads outside.
    pub fn uplink(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Routed(uplink) | Self::Masquerade(uplink) => Some(uplink),
        }
    }
}

/// What may be heard on one tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The guest's hardware address, lower-case hex with colons.
    pub mac: String,
    /// The guest's address.
    pub address: Ipv4Addr,
}

/// What the host should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The agent's names.
    pub names: Names,
    /// The guests' network.
    pub subnet: Subnet,
    /// The way out.
    pub outbound: Outbound,
    /// The taps by name.
    pub taps: BTreeMap<String, Port>,
}

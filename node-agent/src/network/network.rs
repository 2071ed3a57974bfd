//! The actor that owns what is set up on this host's network.
//!
//! It holds what is wanted and what is known to be there; each message changes the first and
//! brings the host to it by [`plan`], in the pool. After a step that failed it trusts nothing it
//! knew and looks again. Machines that live keep their taps whatever happens to the agent; an
//! agent that stops with no instance left leaves nothing behind.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use actix::{
    Actor, ActorFutureExt as _, Addr, AtomicResponse, Context, Handler, Message, WrapFuture as _,
};
use common::id::InstanceId;
use common::wire::node::Subnet;
use common::wire::spec::NetworkSpec;
use runtime::pool;
use thiserror::Error;

use super::dhcp::{Dhcp, DhcpError, DhcpSettings};
use super::executor::{Executor, Host, HostError};
use super::names::Names;
use super::plan::{self, Seen};
use super::tools::Tools;
use super::wanted::{Outbound, Port, Wanted};

/// Why an instance is not connected.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The hardware address is not six pairs of lower-case hex digits, or is a group's.
    #[error("'{0}' is no hardware address of a single card in lower case")]
    Mac(String),
    /// The address is none that this node gives away.
    #[error("the address {address} is not one of the {network}/{prefix} that this node gives away")]
    Outside {
        /// The address.
        address: Ipv4Addr,
        /// The node's network.
        network: Ipv4Addr,
        /// Its prefix length.
        prefix: u8,
    },
    /// Another instance of this node has one of the two addresses, or the tap's name.
    #[error("{0} is in use by another instance of this node")]
    Taken(String),
    /// The host could not be changed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The guests cannot be told their addresses.
    #[error(transparent)]
    Dhcp(#[from] DhcpError),
    /// The agent itself is to blame, or is stopping.
    #[error("the network of instances is not available: {0}")]
    Broken(String),
}

/// What the network of a node is made of.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// What tells this agent from others on the host: names of interfaces, tables and files are
    /// derived from it.
    pub identity: String,
    /// The guests' network.
    pub subnet: Subnet,
    /// The way out.
    pub outbound: Outbound,
    /// The resolvers that guests are told.
    pub dns: Vec<Ipv4Addr>,
    /// The directory below which dnsmasq's files lie; dnsmasq's own user must be able to reach it.
    pub run_directory: PathBuf,
}

/// The actor.
pub struct Network {
    executor: Arc<dyn Executor>,
    dhcp: Arc<Dhcp>,
    wanted: Wanted,
    /// `None`: look first.
    seen: Option<Seen>,
}

impl Network {
    /// Brings the host to what is wanted for these instances, whatever was there before, starts
    /// dnsmasq and the actor.
    ///
    /// # Errors
    /// If the host refuses a change, or dnsmasq does not run.
    pub async fn start(
        settings: NetworkSettings,
        tools: &Tools,
        instances: BTreeMap<InstanceId, NetworkSpec>,
    ) -> Result<Addr<Self>, NetworkError> {
        let names = Names::new(&settings.identity);
        let mut wanted = Wanted {
            names: names.clone(),
            subnet: settings.subnet,
            outbound: settings.outbound,
            taps: BTreeMap::new(),
        };
        for (instance, spec) in &instances {
            // One that cannot be plugged in any more (the subnet was changed) keeps no other.
            if let Err(error) = want(&mut wanted, instance, spec) {
                tracing::error!(%instance, %error, "this instance has no network");
            }
        }
        let executor: Arc<dyn Executor> = Arc::new(Host::new(tools));
        let (seen, done) = apply(Arc::clone(&executor), wanted.clone(), None).await;
        done?;
        let dhcp = DhcpSettings {
            program: tools.dnsmasq.clone(),
            directory: settings.run_directory.join(names.directory()),
            names,
            subnet: settings.subnet,
            dns: settings.dns,
        };
        let dhcp = Dhcp::start(dhcp, wanted.taps.clone()).await?;
        Ok(Self { executor, dhcp, wanted, seen }.start())
    }
}

impl Actor for Network {
    type Context = Context<Self>;
}

/// Connect an instance; answers the name of its tap. One that is connected is looked after.
#[derive(Debug, Clone)]
pub struct Attach {
    /// Which.
    pub instance: InstanceId,
    /// Its place.
    pub spec: NetworkSpec,
}

impl Message for Attach {
    type Result = Result<String, NetworkError>;
}

/// Take an instance's tap, route, rules and reservation away.
#[derive(Debug, Clone)]
pub struct Detach {
    /// Which.
    pub instance: InstanceId,
}

impl Message for Detach {
    type Result = Result<(), NetworkError>;
}

/// End dnsmasq. Without instances, or if `purge` is set, nothing of this agent stays on the host.
#[derive(Debug, Clone)]
pub struct Stop {
    /// Take away even what instances use.
    pub purge: bool,
}

impl Message for Stop {
    type Result = Result<(), NetworkError>;
}

// The answers are atomic because the order of changes on the host is the order of messages: a
// detach that overtook an attach would remove what the attach just made.

impl Handler<Attach> for Network {
    type Result = AtomicResponse<Self, Result<String, NetworkError>>;

    fn handle(&mut self, message: Attach, _: &mut Context<Self>) -> Self::Result {
        match want(&mut self.wanted, &message.instance, &message.spec) {
            Ok(tap) => {
                let port = self.wanted.taps.get(&tap).cloned();
                self.change(move |dhcp| {
                    port.map_or(Ok(()), |port| dhcp.reserve(&tap, &port)).map(|()| tap)
                })
            }
            Err(error) => AtomicResponse::new(Box::pin(async { Err(error) }.into_actor(self))),
        }
    }
}

impl Handler<Detach> for Network {
    type Result = AtomicResponse<Self, Result<(), NetworkError>>;

    fn handle(&mut self, message: Detach, _: &mut Context<Self>) -> Self::Result {
        let tap = self.wanted.names.tap(&message.instance);
        self.wanted.taps.remove(&tap);
        self.change(move |dhcp| dhcp.release(&tap))
    }
}

impl Handler<Stop> for Network {
    type Result = AtomicResponse<Self, Result<(), NetworkError>>;

    fn handle(&mut self, message: Stop, _: &mut Context<Self>) -> Self::Result {
        let purge = message.purge || self.wanted.taps.is_empty();
        let (executor, dhcp) = (Arc::clone(&self.executor), Arc::clone(&self.dhcp));
        let names = self.wanted.names.clone();
        let work = async move {
            dhcp.stop().await;
            if !purge {
                return Ok(());
            }
            let purged = pool::block(move || {
                dhcp.remove_files();
                let seen = executor.look(&names)?;
                executor.carry_out(&names, &plan::purge(&seen))
            });
            purged.await.map_err(broken)?.map_err(NetworkError::from)
        };
        let forget = |done, actor: &mut Self, _: &mut Context<Self>| {
            actor.seen = None;
            done
        };
        AtomicResponse::new(Box::pin(work.into_actor(self).map(forget)))
    }
}

impl Network {
    /// Brings the host to what is wanted, then the reservations.
    fn change<T: Send + 'static>(
        &mut self,
        reserve: impl FnOnce(&Dhcp) -> Result<T, DhcpError> + Send + 'static,
    ) -> AtomicResponse<Self, Result<T, NetworkError>> {
        let (executor, dhcp) = (Arc::clone(&self.executor), Arc::clone(&self.dhcp));
        let (wanted, seen) = (self.wanted.clone(), self.seen.take());
        let work = async move {
            let (seen, done) = apply(executor, wanted, seen).await;
            if let Err(error) = done {
                return (seen, Err(error));
            }
            let reserved = pool::block(move || reserve(&dhcp)).await;
            (seen, reserved.map_err(broken).and_then(|done| Ok(done?)))
        };
        let learn = |(seen, done), actor: &mut Self, _: &mut Context<Self>| {
            actor.seen = seen;
            done
        };
        AtomicResponse::new(Box::pin(work.into_actor(self).map(learn)))
    }
}

async fn apply(
    executor: Arc<dyn Executor>,
    wanted: Wanted,
    seen: Option<Seen>,
) -> (Option<Seen>, Result<(), NetworkError>) {
    let work = move || {
        let seen = match seen {
            Some(seen) => seen,
            None => executor.look(&wanted.names)?,
        };
        let ops = plan::plan(&wanted, &seen);
        executor.carry_out(&wanted.names, &ops)?;
        Ok(plan::after(seen, &ops))
    };
    match pool::block(work).await.map_err(broken).and_then(|done: Result<_, HostError>| Ok(done?)) {
        Ok(seen) => (Some(seen), Ok(())),
        Err(error) => (None, Err(error)),
    }
}

fn broken(why: impl std::fmt::Display) -> NetworkError {
    NetworkError::Broken(why.to_string())
}

/// Adds an instance to what is wanted, if its addresses may be used; says the name of its tap.
fn want(
    wanted: &mut Wanted,
    instance: &InstanceId,
    spec: &NetworkSpec,
) -> Result<String, NetworkError> {
    check_mac(&spec.mac)?;
    let subnet = wanted.subnet;
    let (first, end) = (u32::from(subnet.network) + 2, u32::from(subnet.broadcast()));
    if !(first..end).contains(&u32::from(spec.address)) {
        let (network, prefix) = (subnet.network, subnet.prefix);
        return Err(NetworkError::Outside { address: spec.address, network, prefix });
    }
    let tap = wanted.names.tap(instance);
    for (_, other) in wanted.taps.iter().filter(|(name, _)| **name != tap) {
        if other.address == spec.address {
            return Err(NetworkError::Taken(format!("the address {}", spec.address)));
        }
        if other.mac == spec.mac {
            return Err(NetworkError::Taken(format!("the hardware address {}", spec.mac)));
        }
    }
    let port = Port { mac: spec.mac.clone(), address: spec.address };
    wanted.taps.insert(tap.clone(), port);
    Ok(tap)
}

/// What stands in the rules must be an address and nothing else.
fn check_mac(mac: &str) -> Result<(), NetworkError> {
    let pairs: Vec<_> = mac.split(':').collect();
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let shaped = pairs.len() == 6 && pairs.iter().all(|p| p.len() == 2 && p.bytes().all(digit));
    let single = u8::from_str_radix(pairs[0], 16).is_ok_and(|first| first & 1 == 0);
    if shaped && single { Ok(()) } else { Err(NetworkError::Mac(mac.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(mac: &str, address: [u8; 4]) -> NetworkSpec {
        NetworkSpec { mac: mac.to_owned(), address: address.into() }
    }

    #[test]
    fn only_addresses_that_are_free_and_ours_are_plugged_in() {
        let mut wanted = Wanted {
            names: Names::new("node-1"),
            subnet: Subnet { network: [10, 7, 0, 0].into(), prefix: 29 },
            outbound: Outbound::None,
            taps: BTreeMap::new(),
        };
        let (a, b) = ("i-00000001".parse().unwrap(), "i-00000002".parse().unwrap());
        let good = spec("d0:0d:00:00:00:01", [10, 7, 0, 2]);
        want(&mut wanted, &a, &good).unwrap();
        want(&mut wanted, &a, &good).unwrap();
        for (odd, expected) in [
            (spec("d0:0d:00:00:00:02", [10, 7, 0, 2]), "in use"),
            (spec("d0:0d:00:00:00:01", [10, 7, 0, 3]), "in use"),
            (spec("d0:0d:00:00:00:02", [10, 7, 0, 1]), "gives away"),
            (spec("d0:0d:00:00:00:02", [10, 7, 0, 7]), "gives away"),
            (spec("d0:0d:00:00:00:02", [10, 8, 0, 2]), "gives away"),
            (spec("D0:0D:00:00:00:02", [10, 7, 0, 3]), "hardware"),
            (spec("d1:0d:00:00:00:02", [10, 7, 0, 3]), "hardware"),
            (spec("d0:0d:00:00:00:02 accept", [10, 7, 0, 3]), "hardware"),
            (spec("", [10, 7, 0, 3]), "hardware"),
        ] {
            let error = want(&mut wanted, &b, &odd).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(wanted.taps.len(), 1);
    }
}

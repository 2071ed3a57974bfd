//! What has to be done so that the host is as wanted.
//!
//! Pure: [`plan`] compares what is wanted with what is seen and says the steps, [`after`] says
//! what is seen once they are done. Planning again then gives nothing, so applying twice is
//! applying once, and an agent that comes back after a crash takes the same path as on a good day.
//!
//! Rules come first: an interface that is not in them yet (or any more) is dropped by its prefix,
//! so no packet ever meets half a wall.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::wanted::Wanted;
use super::{METADATA_ADDRESS, rules};

/// One interface as the host has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// Whether this agent has set what the kernel does on it.
    pub tuned: bool,
    /// Its addresses with their prefix lengths.
    pub addresses: BTreeSet<(Ipv4Addr, u8)>,
    /// The hosts (/32) that are routed to it.
    pub routes: BTreeSet<Ipv4Addr>,
}

/// What the host has of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Holder and taps by name.
    pub links: BTreeMap<String, Link>,
    /// The rules that this agent applied last.
    pub rules: Option<String>,
    /// Whether this agent lets the uplink forward.
    pub forwarding: bool,
}

/// What the kernel is to do on an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Forward, answer ARP for what lies behind the host, no IPv6.
    Tap,
    /// No IPv6.
    Holder,
    /// Forward.
    Uplink,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Replace the rules by this text, at once and wholly.
    Rules(String),
    /// Remove the rules.
    DropRules,
    /// Make an interface.
    Make(String),
    /// Switch an interface on.
    Up(String),
    /// Give an interface an address.
    Address(String, Ipv4Addr, u8),
    /// Take an address from an interface.
    Unaddress(String, Ipv4Addr, u8),
    /// Route one host to an interface; the host itself then speaks from the last address.
    Route(String, Ipv4Addr, Ipv4Addr),
    /// Route it there no more.
    Unroute(String, Ipv4Addr),
    /// Remove an interface.
    Remove(String),
    /// Set what the kernel does on an interface.
    Tune(String, Role),
}

/// The steps from what is seen to what is wanted.
pub fn plan(wanted: &Wanted, seen: &Seen) -> Vec<Op> {
    let mut ops = Vec::new();
    let rules = rules::print(wanted);
    if seen.rules.as_deref() != Some(&rules) {
        ops.push(Op::Rules(rules));
    }
    let holder = wanted.names.holder();
    let strangers = seen.links.keys().filter(|n| **n != holder && !wanted.taps.contains_key(*n));
    ops.extend(strangers.map(|name| Op::Remove(name.clone())));

    let mut tunes = Vec::new();
    for (name, shape) in shapes(wanted) {
        let (mut now, mut later) = shape.reach(&name, seen.links.get(&name));
        ops.append(&mut now);
        tunes.append(&mut later);
    }
    if let Some(uplink) = wanted.outbound.uplink()
        && !seen.forwarding
    {
        tunes.push(Op::Tune(uplink.to_owned(), Role::Uplink));
    }
    ops.append(&mut tunes);
    ops
}

/// The steps that leave nothing of this agent on the host.
pub fn purge(seen: &Seen) -> Vec<Op> {
    let links = seen.links.keys().map(|name| Op::Remove(name.clone()));
    links.chain([Op::DropRules]).collect()
}

/// What an interface should be.
struct Shape {
    role: Role,
    addresses: BTreeSet<(Ipv4Addr, u8)>,
    routes: BTreeSet<Ipv4Addr>,
    /// From which address the host speaks to what is routed there.
    source: Ipv4Addr,
}

fn shapes(wanted: &Wanted) -> Vec<(String, Shape)> {
    let (gateway, prefix) = (wanted.subnet.gateway(), wanted.subnet.prefix);
    let holder = Shape {
        role: Role::Holder,
        addresses: BTreeSet::from([(gateway, prefix), (METADATA_ADDRESS, 32)]),
        routes: BTreeSet::new(),
        source: gateway,
    };
    let taps = wanted.taps.iter().map(|(name, port)| {
        let shape = Shape {
            role: Role::Tap,
            addresses: BTreeSet::new(),
            routes: BTreeSet::from([port.address]),
            source: gateway,
        };
        (name.clone(), shape)
    });
    [(wanted.names.holder(), holder)].into_iter().chain(taps).collect()
}

impl Shape {
    fn reach(&self, name: &str, seen: Option<&Link>) -> (Vec<Op>, Vec<Op>) {
        let own = || name.to_owned();
        let none = Link::default();
        let mut ops = Vec::new();
        if seen.is_none() {
            ops.push(Op::Make(own()));
        }
        let seen = seen.unwrap_or(&none);
        if !seen.up {
            ops.push(Op::Up(own()));
        }
        let odd = seen.addresses.difference(&self.addresses);
        ops.extend(odd.map(|(address, prefix)| Op::Unaddress(own(), *address, *prefix)));
        let missing = self.addresses.difference(&seen.addresses);
        ops.extend(missing.map(|(address, prefix)| Op::Address(own(), *address, *prefix)));
        let odd = seen.routes.difference(&self.routes);
        ops.extend(odd.map(|address| Op::Unroute(own(), *address)));
        let missing = self.routes.difference(&seen.routes);
        ops.extend(missing.map(|address| Op::Route(own(), *address, self.source)));
        let tune = (!seen.tuned).then(|| Op::Tune(own(), self.role));
        (ops, tune.into_iter().collect())
    }
}

/// What is seen when all steps are done.
pub fn after(mut seen: Seen, ops: &[Op]) -> Seen {
    for op in ops {
        match op.clone() {
            Op::Rules(text) => seen.rules = Some(text),
            Op::DropRules => seen.rules = None,
            Op::Make(name) => drop(seen.links.insert(name, Link::default())),
            Op::Remove(name) => drop(seen.links.remove(&name)),
            Op::Up(name) => on(&mut seen, name).up = true,
            Op::Address(name, address, prefix) => {
                on(&mut seen, name).addresses.insert((address, prefix));
            }
            Op::Unaddress(name, address, prefix) => {
                on(&mut seen, name).addresses.remove(&(address, prefix));
            }
            Op::Route(name, address, _) => drop(on(&mut seen, name).routes.insert(address)),
            Op::Unroute(name, address) => drop(on(&mut seen, name).routes.remove(&address)),
            Op::Tune(_, Role::Uplink) => seen.forwarding = true,
            Op::Tune(name, _) => on(&mut seen, name).tuned = true,
        }
    }
    seen
}

fn on(seen: &mut Seen, name: String) -> &mut Link {
    seen.links.entry(name).or_default()
}

#[cfg(test)]
mod tests {
    use common::wire::node::Subnet;

    use super::super::names::Names;
    use super::super::wanted::{Outbound, Port};
    use super::*;

    fn wanted(taps: &[(&str, u8)]) -> Wanted {
        let port = |last: u8| Port {
            mac: format!("d0:0d:00:00:00:{last:02x}"),
            address: Ipv4Addr::new(10, 7, 0, last),
        };
        Wanted {
            names: Names::new("node-1"),
            subnet: Subnet { network: Ipv4Addr::new(10, 7, 0, 0), prefix: 24 },
            outbound: Outbound::None,
            taps: taps.iter().map(|(name, last)| ((*name).to_owned(), port(*last))).collect(),
        }
    }

    fn settle(wanted: &Wanted, seen: Seen) -> (Vec<Op>, Seen) {
        let ops = plan(wanted, &seen);
        let seen = after(seen, &ops);
        (ops, seen)
    }

    #[test]
    fn an_empty_host_gets_rules_first_and_then_all_else() {
        let wanted = wanted(&[("tap-a", 5)]);
        let holder = wanted.names.holder();
        let gateway = Ipv4Addr::new(10, 7, 0, 1);
        let (ops, seen) = settle(&wanted, Seen::default());
        let expected = [
            Op::Rules(rules::print(&wanted)),
            Op::Make(holder.clone()),
            Op::Up(holder.clone()),
            Op::Address(holder.clone(), gateway, 24),
            Op::Address(holder.clone(), METADATA_ADDRESS, 32),
            Op::Make("tap-a".to_owned()),
            Op::Up("tap-a".to_owned()),
            Op::Route("tap-a".to_owned(), Ipv4Addr::new(10, 7, 0, 5), gateway),
            Op::Tune(holder, Role::Holder),
            Op::Tune("tap-a".to_owned(), Role::Tap),
        ];
        assert_eq!(ops, expected);
        assert_eq!(plan(&wanted, &seen), [], "applying twice is applying once");
    }

    #[test]
    fn from_whatever_is_seen_one_plan_reaches_what_is_wanted() {
        let own = wanted(&[]).names.holder();
        let odd = Link {
            up: false,
            tuned: true,
            addresses: BTreeSet::from([(Ipv4Addr::new(10, 9, 0, 1), 24)]),
            routes: BTreeSet::from([Ipv4Addr::new(10, 7, 0, 9)]),
        };
        let mut masquerade = wanted(&[("tap-a", 5)]);
        masquerade.outbound = Outbound::Masquerade("eth0".to_owned());
        for links in [vec![], vec!["tap-a"], vec!["tap-a", "tap-z", &own], vec!["tap-z"]] {
            let links = links.into_iter().map(|name| (name.to_owned(), odd.clone())).collect();
            let seen = Seen { links, rules: Some("old".to_owned()), forwarding: false };
            for wanted in [wanted(&[]), wanted(&[("tap-a", 5), ("tap-b", 6)]), masquerade.clone()] {
                let (_, seen) = settle(&wanted, seen.clone());
                assert_eq!(plan(&wanted, &seen), []);
                assert_eq!(seen, settle(&wanted, Seen::default()).1);
            }
        }
    }

    #[test]
    fn one_more_instance_takes_four_steps_beside_the_rules() {
        let (_, seen) = settle(&wanted(&[("tap-a", 5)]), Seen::default());
        let (ops, seen) = settle(&wanted(&[("tap-a", 5), ("tap-b", 6)]), seen);
        assert_eq!(ops.len(), 5);
        let (ops, seen) = settle(&wanted(&[("tap-a", 5)]), seen);
        assert!(matches!(&ops[..], [Op::Rules(_), Op::Remove(name)] if name == "tap-b"));
        assert_eq!(after(seen.clone(), &purge(&seen)), Seen::default());
    }
}

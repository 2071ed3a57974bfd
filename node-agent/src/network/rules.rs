//! The walls around instances, as nftables text.
//!
//! Pure. One table of the family `inet` and one of `arp`, replaced wholly in one transaction, so
//! there is no moment with half of them. What stands in them, for each tap:
//!
//! - nothing enters but frames from the guest's own hardware address and packets from its own
//!   IPv4 address, DHCP's first ones aside; ARP speaks for that address alone; no IPv6;
//! - link-local addresses are heard only as 169.254.169.254 port 80 over TCP, and never forwarded;
//! - of the host, a guest reaches DHCP, the metadata service and echo; whatever the host itself
//!   began with it is answered; nothing else;
//! - guests of this agent reach each other; the way out is the site's choice
//!   ([`super::wanted::Outbound`]).
//!
//! A tap that carries the agent's prefix and no port is dropped: the rules fail closed.

use super::METADATA_ADDRESS;
use super::wanted::{Outbound, Wanted};

/// Prints the whole set, ready for `nft -f -`; a set that is there is replaced.
pub fn print(wanted: &Wanted) -> String {
    let table = wanted.names.table();
    let mut text = String::new();
    for (family, body) in [("inet", inet(wanted)), ("arp", arp(wanted))] {
        let lines = format!(
            "table {family} {table} {{}}\ndelete table {family} {table}\n\
             table {family} {table} {{\n{body}}}\n"
        );
        text.push_str(&lines);
    }
    text
}

/// Prints the removal of the set, whether it is there or not.
pub fn print_removal(table: &str) -> String {
    ["inet", "arp"]
        .map(|family| format!("table {family} {table} {{}}\ndelete table {family} {table}\n"))
        .concat()
}

fn inet(wanted: &Wanted) -> String {
    let guests = format!("\"{}*\"", wanted.names.tap_prefix());
    let gateway = wanted.subnet.gateway();
    let mut text = base("heard", "filter", "prerouting", "raw", &by_tap(wanted));
    for (tap, port) in &wanted.taps {
        let (mac, address) = (&port.mac, port.address);
        text.push_str(&chain(
            &format!("from_{tap}"),
            &[
                format!("ether saddr != {mac} drop"),
                "meta nfproto != ipv4 drop".to_owned(),
                "ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept".into(),
                format!("ip saddr != {address} drop"),
                format!("ip daddr {METADATA_ADDRESS} tcp dport 80 accept"),
                "ip daddr 169.254.0.0/16 drop".to_owned(),
                "accept".to_owned(),
            ],
        ));
    }
    let to_host = [format!("iifname {guests} jump guest_to_host")];
    text.push_str(&base("to_host", "filter", "input", "filter", &to_host));
    text.push_str(&chain(
        "guest_to_host",
        &[
            "udp sport 68 udp dport 67 accept".to_owned(),
            format!("ip daddr {METADATA_ADDRESS} tcp dport 80 accept"),
            "ct state established,related accept".to_owned(),
            format!("ip daddr {gateway} icmp type echo-request limit rate 50/second accept"),
            "drop".to_owned(),
        ],
    ));
    let through = [
        format!("iifname {guests} jump guest_to_world"),
        format!("oifname {guests} jump world_to_guest"),
    ];
    text.push_str(&base("through", "filter", "forward", "filter", &through));
    let (mut outward, mut inward) = (
        vec!["ip daddr 169.254.0.0/16 drop".to_owned(), format!("oifname {guests} accept")],
        vec![
            "ip saddr 169.254.0.0/16 drop".to_owned(),
            "ct state established,related accept".to_owned(),
        ],
    );
    if let Some(uplink) = wanted.outbound.uplink() {
        outward.push(format!("oifname \"{uplink}\" accept"));
    }
    if let Outbound::Routed(uplink) = &wanted.outbound {
        inward.push(format!("iifname \"{uplink}\" accept"));
    }
    outward.push("drop".to_owned());
    inward.push("drop".to_owned());
    text.push_str(&chain("guest_to_world", &outward));
    text.push_str(&chain("world_to_guest", &inward));
    if let Outbound::Masquerade(uplink) = &wanted.outbound {
        let (network, prefix) = (wanted.subnet.network, wanted.subnet.prefix);
        let rule = format!("ip saddr {network}/{prefix} oifname \"{uplink}\" masquerade");
        text.push_str(&base("outside", "nat", "postrouting", "srcnat", &[rule]));
    }
    text
}

fn arp(wanted: &Wanted) -> String {
    let mut text = base("heard", "filter", "input", "filter", &by_tap(wanted));
    for (tap, port) in &wanted.taps {
        let (mac, address) = (&port.mac, port.address);
        text.push_str(&chain(
            &format!("from_{tap}"),
            &[
                format!("arp saddr ether != {mac} drop"),
                // A guest that asks whether its address is free says 0.0.0.0.
                format!("arp saddr ip {{ 0.0.0.0, {address} }} accept"),
                "drop".to_owned(),
            ],
        ));
    }
    text
}

/// Each tap goes to its own chain, by one look-up however many there are; a chain ends in a
/// verdict, so what goes on is nobody's.
fn by_tap(wanted: &Wanted) -> Vec<String> {
    let mut rules = Vec::new();
    if !wanted.taps.is_empty() {
        let jumps = wanted.taps.keys().map(|tap| format!("\"{tap}\" : jump from_{tap}"));
        rules.push(format!("iifname vmap {{ {} }}", jumps.collect::<Vec<_>>().join(", ")));
    }
    rules.push(format!("iifname \"{}*\" drop", wanted.names.tap_prefix()));
    rules
}

fn base(name: &str, kind: &str, hook: &str, priority: &str, rules: &[String]) -> String {
    let head = format!("type {kind} hook {hook} priority {priority}; policy accept;");
    let lines: Vec<_> = [head].into_iter().chain(rules.iter().cloned()).collect();
    chain(name, &lines)
}

fn chain(name: &str, lines: &[String]) -> String {
    let body: String = lines.iter().map(|line| format!("\t\t{line}\n")).collect();
    format!("\tchain {name} {{\n{body}\t}}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    use common::wire::node::Subnet;

    use super::super::names::Names;
    use super::super::wanted::Port;
    use super::*;

    fn wanted(outbound: Outbound, taps: u8) -> Wanted {
        let names = Names::new("node-1");
        let port = |n: u8| {
            let tap = names.tap(&format!("i-0000000{n}").parse().unwrap());
            let address = Ipv4Addr::new(10, 7, 0, n + 1);
            (tap, Port { mac: format!("d0:0d:00:00:00:{n:02x}"), address })
        };
        let taps: BTreeMap<_, _> = (1..=taps).map(port).collect();
        let subnet = Subnet { network: Ipv4Addr::new(10, 7, 0, 0), prefix: 24 };
        Wanted { names, subnet, outbound, taps }
    }

    #[test]
    fn the_rules_are_those_that_were_read_and_agreed_on() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/network/golden");
        for (name, wanted) in [
            ("none.nft", wanted(Outbound::None, 0)),
            ("two_masquerade.nft", wanted(Outbound::Masquerade("eth0".to_owned()), 2)),
            ("one_routed.nft", wanted(Outbound::Routed("eth0".to_owned()), 1)),
        ] {
            let path = format!("{folder}/{name}");
            let printed = print(&wanted);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&path, &printed).unwrap();
            }
            assert_eq!(printed, std::fs::read_to_string(&path).unwrap(), "{path}");
        }
    }

    #[test]
    fn no_chain_of_a_tap_ends_open() {
        let text = print(&wanted(Outbound::None, 2));
        for chain in text.split("chain from_").skip(1) {
            let body = chain.split("\t}").next().unwrap();
            let last = body.lines().rfind(|line| !line.trim().is_empty()).unwrap().trim();
            assert!(matches!(last, "accept" | "drop"), "{last}");
        }
    }
}

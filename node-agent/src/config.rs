//! The node agent's configuration: one per hypervisor host.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use common::wire::node::Subnet;
use runtime::telemetry::LogFormat;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Everything that can be configured. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The node's name, as the clc's configuration says it. Empty (the default): the host's name.
    pub name: String,
    /// Where instances and images lie. Default `/var/lib/eucalypt/node`.
    pub data_dir: PathBuf,
    /// Where dnsmasq's files lie; its own user must be able to reach them. Default
    /// `/run/eucalypt`.
    pub run_dir: PathBuf,
    /// Where messages of the clc, /healthz and /metrics are answered. Default `127.0.0.1:8775`.
    pub internal_listen: SocketAddr,
    /// The key that the services share: 32 random bytes, mode 0600. Default
    /// `/etc/eucalypt/peer.key`.
    pub peer_key_file: PathBuf,
    /// What runs instances: `qemu` (the default), or `sim`, which plays them without rights,
    /// hypervisor or network.
    pub driver: DriverKind,
    /// How instances are connected: `tap` (the default), a routed interface each, which needs root;
    /// or `user`, a network of its own for each, which QEMU plays and which needs no rights. With
    /// `user` instances do not reach each other, and are reached by ssh alone (see `ssh_ports`).
    pub network: NetworkKind,
    /// The instances' network as ADDRESS/LENGTH, /8 to /30; each node needs its own. The first
    /// address is the instances' router. Default `10.111.0.0/20`; with `network = "user"` it lies
    /// in 169.254.0.0/16, and the default is `169.254.64.0/20`.
    pub subnet: Cidr,
    /// With `network = "user"`: the port of 127.0.0.1 from which the instances' are counted. The
    /// one with the n-th address of the subnet is reached by ssh at this port plus n. Default 20000.
    pub ssh_ports: u16,
    /// The interface by which instances reach what is not on this host. Empty (the default): none,
    /// or the default route's if `masquerade` is set.
    pub uplink: String,
    /// Whether instances speak to the outside under the host's address, and nobody outside can
    /// begin. If not, and an uplink is named, the site's routers must know the subnet, and
    /// instances are reached from outside. With `network = "user"`: whether instances reach what
    /// this program's user reaches, the host itself included. Default false.
    pub masquerade: bool,
    /// The resolvers that instances are told by DHCP. Default none.
    pub dns: Vec<Ipv4Addr>,
    /// Virtual processors that instances may have in all. 0 (the default): the host's.
    pub cpus: u32,
    /// Memory that instances may have in all, in MiB. 0 (the default): the host's, less an eighth.
    pub memory_mib: u64,
    /// Disk that instances may have in all, in MiB. 0 (the default): what was free at the start and
    /// what instances and images take already, less the image cache.
    pub disk_mib: u64,
    /// Space for images on this host, in MB of 2^20 bytes; those of machines that run are kept
    /// whatever it says. Default 20480.
    pub image_cache_mb: u64,
    /// Space of the disk that copies of instances' disks leave free when instances are bundled, in
    /// MB of 2^20 bytes. Default 256.
    pub free_space_reserve_mb: u64,
    /// How many instances are bundled at once, 1 to 64; others wait. Default 2.
    pub bundles_at_once: usize,
    /// How long a guest that is asked to shut down may take, in seconds, before it is switched off
    /// (stop) or started anew (reboot); at most 3600. Default 30.
    pub shutdown_grace_seconds: u64,
    /// What is logged: a level, or levels by module. Default `info`.
    pub log: String,
    /// How it is logged: `text` (the default) or `json`.
    pub log_format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            data_dir: PathBuf::from("/var/lib/eucalypt/node"),
            run_dir: PathBuf::from("/run/eucalypt"),
            internal_listen: SocketAddr::from(([127, 0, 0, 1], 8775)),
            peer_key_file: PathBuf::from("/etc/eucalypt/peer.key"),
            driver: DriverKind::Qemu,
            network: NetworkKind::Tap,
            subnet: TAP_SUBNET,
            ssh_ports: 20_000,
            uplink: String::new(),
            masquerade: false,
            dns: Vec::new(),
            cpus: 0,
            memory_mib: 0,
            disk_mib: 0,
            image_cache_mb: 20480,
            free_space_reserve_mb: 256,
            bundles_at_once: 2,
            shutdown_grace_seconds: 30,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

/// What runs instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverKind {
    /// QEMU, with KVM where a trial guest ran with it.
    #[default]
    Qemu,
    /// Nothing: they are played.
    Sim,
}

/// How instances are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkKind {
    /// By a routed tap each.
    #[default]
    Tap,
    /// By a network of QEMU's own each.
    User,
}

const TAP_SUBNET: Cidr = Cidr(Subnet { network: Ipv4Addr::new(10, 111, 0, 0), prefix: 20 });
const USER_SUBNET: Cidr = Cidr(Subnet { network: Ipv4Addr::new(169, 254, 64, 0), prefix: 20 });

/// A network in its text form, `10.111.0.0/20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr(pub Subnet);

/// Why a value makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unusable {
    /// A text that is no network for instances.
    #[error("subnet: '{0}' is no network like 10.111.0.0/20, from /8 to /30")]
    Cidr(String),
    /// A network whose address has bits behind its length.
    #[error("subnet: '{0}' has bits set behind its length: the network is {1}")]
    Bits(String, String),
    /// A name that is missing or has characters that no name has.
    #[error("name: '{0}' is no name: letters, digits, '-', '.' and '_' make one")]
    Name(String),
    /// Something that is no interface's name.
    #[error("uplink: '{0}' is no interface's name")]
    Uplink(String),
    /// A network that QEMU cannot play beside the metadata service.
    #[error(
        "subnet: with network = \"user\" it lies in 169.254.0.0/16 and is not around 169.254.169.254, and '{0}' is otherwise"
    )]
    UserSubnet(Cidr),
    /// More addresses than ports.
    #[error("ssh_ports: from {0} on there are fewer ports than {1} has addresses")]
    Ports(u16, Cidr),
    /// A key that has no meaning in a network of QEMU's own.
    #[error("{0}: it has no meaning with network = \"user\"")]
    NoUser(&'static str),
    /// A number of bundle tasks that is none.
    #[error("bundles_at_once: {0} is not 1 to 64")]
    AtOnce(usize),
    /// A size in megabytes that is more than 2^64 bytes, or a time beyond all patience.
    #[error("{0} is too large")]
    TooLarge(&'static str),
}

impl Config {
    /// Refuses values that nothing could work with, and puts the host's name where none is given.
    ///
    /// # Errors
    /// Names the first key at fault.
    pub fn check(mut self) -> Result<Self, Unusable> {
        if self.name.is_empty() {
            let host = rustix::system::uname();
            self.name = host.nodename().to_string_lossy().into_owned();
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if self.name.is_empty() || !self.name.chars().all(plain) {
            return Err(Unusable::Name(self.name));
        }
        // It stands in the rules, where nothing but a name may stand.
        if self.uplink.len() > 15 || !self.uplink.chars().all(|c| plain(c) || c == '@') {
            return Err(Unusable::Uplink(self.uplink));
        }
        if self.network == NetworkKind::User {
            self = self.check_user()?;
        }
        for (key, megabytes) in [
            ("image_cache_mb", self.image_cache_mb),
            ("free_space_reserve_mb", self.free_space_reserve_mb),
        ] {
            if megabytes > u64::MAX >> 20 {
                return Err(Unusable::TooLarge(key));
            }
        }
        if !(1..=64).contains(&self.bundles_at_once) {
            return Err(Unusable::AtOnce(self.bundles_at_once));
        }
        if self.shutdown_grace_seconds > 3600 {
            return Err(Unusable::TooLarge("shutdown_grace_seconds"));
        }
        Ok(self)
    }

    fn check_user(mut self) -> Result<Self, Unusable> {
        if self.subnet == TAP_SUBNET {
            self.subnet = USER_SUBNET;
        }
        let Subnet { network, .. } = self.subnet.0;
        let (first, last) = (u32::from(network), u32::from(self.subnet.0.broadcast()));
        let apart = |address: [u8; 4]| !(first..=last).contains(&u32::from_be_bytes(address));
        let link_local = |address: u32| address >> 16 == 0xa9fe;
        // The resolver and the metadata service have their addresses beside the instances.
        let free = apart([169, 254, 169, 253]) && apart([169, 254, 169, 254]);
        if !link_local(first) || !link_local(last) || !free {
            return Err(Unusable::UserSubnet(self.subnet));
        }
        if u32::from(self.ssh_ports) + (last - first) > u32::from(u16::MAX) {
            return Err(Unusable::Ports(self.ssh_ports, self.subnet));
        }
        if !self.uplink.is_empty() {
            return Err(Unusable::NoUser("uplink"));
        }
        if !self.dns.is_empty() {
            return Err(Unusable::NoUser("dns"));
        }
        Ok(self)
    }
}

impl FromStr for Cidr {
    type Err = Unusable;

    fn from_str(text: &str) -> Result<Self, Unusable> {
        let parts = text.split_once('/').and_then(|(network, prefix)| {
            Some((network.parse::<Ipv4Addr>().ok()?, prefix.parse::<u8>().ok()?))
        });
        let Some((network, prefix @ 8..=30)) = parts else {
            return Err(Unusable::Cidr(text.to_owned()));
        };
        let mask = u32::MAX << (32 - u32::from(prefix));
        let plain = Ipv4Addr::from(u32::from(network) & mask);
        if plain != network {
            return Err(Unusable::Bits(text.to_owned(), format!("{plain}/{prefix}")));
        }
        Ok(Self(Subnet { network, prefix }))
    }
}

impl TryFrom<String> for Cidr {
    type Error = Unusable;

    fn try_from(text: String) -> Result<Self, Unusable> {
        text.parse()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.0.network, self.0.prefix)
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

#[cfg(test)]
mod tests {
    use runtime::config::{Sources, load, print};

    use super::*;

    #[test]
    fn what_is_printed_can_be_read() {
        let text = print(&Config::default()).unwrap();
        assert!(text.contains("subnet = \"10.111.0.0/20\""), "{text}");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("node-agent.toml");
        let from = Sources {
            program: "node-agent",
            environment: "EUCALYPT_NODE_TEST__",
            file: Some(&file),
            flags: vec![],
        };
        std::fs::write(&file, &text).unwrap();
        assert_eq!(load::<Config>(&from).unwrap(), Config::default());
        assert!(!Config::default().check().unwrap().name.is_empty());
        for (line, word) in [
            ("subnet = '10.0.0.1/24'", "10.0.0.0/24"),
            ("zone = 'x'", "zone"),
            ("driver = 'kvm'", "kvm"),
        ] {
            std::fs::write(&file, line).unwrap();
            let error = load::<Config>(&from).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn values_that_cannot_be_used_are_refused() {
        for text in ["10.0.0.0", "10.0.0.0/31", "10.0.0.0/7", "10.0.0/24", "x/24", "10.0.0.0/-1"] {
            assert_eq!(text.parse::<Cidr>(), Err(Unusable::Cidr(text.to_owned())));
        }
        let odd = Config { name: "a b".into(), ..Config::default() };
        assert_eq!(odd.check(), Err(Unusable::Name("a b".into())));
        for uplink in ["eth0\" accept", "sixteen-letters-"] {
            let odd = Config { uplink: uplink.into(), ..Config::default() };
            assert_eq!(odd.check(), Err(Unusable::Uplink(uplink.into())));
        }
        for odd in [
            Config { image_cache_mb: u64::MAX, ..Config::default() },
            Config { shutdown_grace_seconds: 3601, ..Config::default() },
            Config { free_space_reserve_mb: u64::MAX, ..Config::default() },
            Config { bundles_at_once: 0, ..Config::default() },
        ] {
            assert!(odd.check().is_err());
        }
    }

    #[test]
    fn a_network_of_qemus_own_lies_beside_the_metadata_service() {
        let user = || Config { network: NetworkKind::User, ..Config::default() };
        assert_eq!(user().check().unwrap().subnet, USER_SUBNET);
        for (subnet, good) in [
            ("169.254.0.0/24", true),
            ("169.254.169.0/25", true),
            ("169.254.169.0/24", false),
            ("169.254.128.0/17", false),
            ("169.254.0.0/16", false),
            ("10.0.0.0/24", false),
            ("169.0.0.0/8", false),
        ] {
            let config = Config { subnet: subnet.parse().unwrap(), ..user() };
            assert_eq!(config.check().is_ok(), good, "{subnet}");
        }
        let odd = Config { ssh_ports: 65_000, ..user() };
        assert_eq!(odd.check(), Err(Unusable::Ports(65_000, USER_SUBNET)));
        assert!(Config { uplink: "eth0".into(), ..user() }.check().is_err());
        assert!(Config { dns: vec![Ipv4Addr::LOCALHOST], ..user() }.check().is_err());
    }
}

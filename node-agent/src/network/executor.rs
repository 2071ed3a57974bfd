//! Carries out the steps of a plan on the host.
//!
//! The steps of one plan cost two processes whatever their number: one `nft -f -`, one
//! `ip -batch -`; what the kernel is to do on an interface is written to /proc directly. Blocking:
//! called from the pool only. The processes get their text on standard input, so nothing of ours
//! shows in a process list.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use thiserror::Error;

use super::kernel::{Unset, tune};
use super::names::Names;
use super::plan::{Link, Op, Seen};
use super::rules;
use super::tools::Tools;

/// Why the host is not as it should be.
#[derive(Debug, Error)]
pub enum HostError {
    /// A program that must be installed is not.
    #[error("{program} cannot be started: {why}")]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// A program ran and refused.
    #[error("{program} refuses: {why}")]
    Refused {
        /// The program.
        program: PathBuf,
        /// What it said.
        why: String,
    },
    /// A setting of the kernel cannot be made.
    #[error(transparent)]
    Setting(#[from] Unset),
    /// What a program printed cannot be read.
    #[error("what ip printed cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Whoever changes the host.
pub trait Executor: Send + Sync + 'static {
    /// Looks what is there of this agent's.
    ///
    /// # Errors
    /// If it cannot be seen.
    fn look(&self, names: &Names) -> Result<Seen, HostError>;

    /// Carries out the steps, in order.
    ///
    /// # Errors
    /// At the first that fails; what the host is like then, only a look can say.
    fn carry_out(&self, names: &Names, ops: &[Op]) -> Result<(), HostError>;
}

/// The host itself.
#[derive(Debug, Clone)]
pub struct Host {
    ip: PathBuf,
    nft: PathBuf,
}

impl Executor for Host {
    fn look(&self, names: &Names) -> Result<Seen, HostError> {
        let links = run(&self.ip, &["-json", "address", "show"], "")?;
        let routes = run(&self.ip, &["-json", "-4", "route", "show", "table", "main"], "")?;
        read(names, &links, &routes)
    }

    fn carry_out(&self, names: &Names, ops: &[Op]) -> Result<(), HostError> {
        let mut batch = String::new();
        let mut tunes = Vec::new();
        for op in ops {
            match op {
                Op::Rules(text) => drop(run(&self.nft, &["-f", "-"], text)?),
                Op::DropRules => {
                    drop(run(&self.nft, &["-f", "-"], &rules::print_removal(&names.table()))?);
                }
                Op::Tune(name, role) => tunes.push((name, *role)),
                op => batch.push_str(&line(op)),
            }
        }
        if !batch.is_empty() {
            run(&self.ip, &["-batch", "-"], &batch)?;
        }
        Ok(tunes.into_iter().try_for_each(|(name, role)| tune(name, role))?)
    }
}

impl Host {
    /// The host, changed by these programs.
    pub fn new(tools: &Tools) -> Self {
        Self { ip: tools.ip.clone(), nft: tools.nft.clone() }
    }

    /// The interface of the default route.
    ///
    /// # Errors
    /// If it cannot be seen.
    pub fn default_uplink(&self) -> Result<Option<String>, HostError> {
        let json = run(&self.ip, &["-json", "-4", "route", "show", "default"], "")?;
        let routes: Vec<RouteView> = serde_json::from_str(empty_as_list(&json))?;
        Ok(routes.into_iter().find_map(|route| route.dev))
    }
}

/// A step as a line for `ip -batch`.
fn line(op: &Op) -> String {
    match op {
        // Without an own link-local address from the moment it is switched on.
        Op::Make(name) => {
            format!("tuntap add dev {name} mode tap\nlink set dev {name} addrgenmode none\n")
        }
        Op::Up(name) => format!("link set dev {name} up\n"),
        Op::Address(name, address, prefix) => {
            format!("address replace {address}/{prefix} dev {name}\n")
        }
        Op::Unaddress(name, address, prefix) => {
            format!("address delete {address}/{prefix} dev {name}\n")
        }
        Op::Route(name, address, source) => {
            format!("route replace {address}/32 dev {name} src {source}\n")
        }
        Op::Unroute(name, address) => format!("route delete {address}/32 dev {name}\n"),
        Op::Remove(name) => format!("link delete dev {name}\n"),
        Op::Rules(_) | Op::DropRules | Op::Tune(..) => String::new(),
    }
}

fn run(program: &Path, arguments: &[&str], input: &str) -> Result<String, HostError> {
    let failed = |why| HostError::Start { program: program.to_owned(), why };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    // Both programs read all before they answer, and their answers are small: no deadlock. A
    // program that does not read has failed, and its own words say why.
    if let Some(mut stdin) = child.stdin.take() {
        drop(stdin.write_all(input.as_bytes()));
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said: Vec<_> = said.lines().map(str::trim).filter(|l| !l.is_empty()).take(3).collect();
    let why = if said.is_empty() { output.status.to_string() } else { said.join("; ") };
    Err(HostError::Refused { program: program.to_owned(), why })
}

#[derive(Deserialize)]
struct LinkView {
    ifname: String,
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    addr_info: Vec<AddressView>,
}

#[derive(Deserialize)]
struct AddressView {
    family: String,
    local: Option<Ipv4OrOther>,
    prefixlen: u8,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Ipv4OrOther {
    Ipv4(Ipv4Addr),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
struct RouteView {
    dst: Option<String>,
    dev: Option<String>,
}

/// What `ip -json` prints of this agent's interfaces.
fn read(names: &Names, links: &str, routes: &str) -> Result<Seen, HostError> {
    let links: Vec<LinkView> = serde_json::from_str(empty_as_list(links))?;
    let routes: Vec<RouteView> = serde_json::from_str(empty_as_list(routes))?;
    let (holder, taps) = (names.holder(), names.tap_prefix());
    let ours = links.into_iter().filter(|l| l.ifname == holder || l.ifname.starts_with(&taps));
    let mut seen = Seen::default();
    for link in ours {
        let addresses = link.addr_info.iter().filter(|a| a.family == "inet");
        let addresses: BTreeSet<_> = addresses
            .filter_map(|a| match a.local {
                Some(Ipv4OrOther::Ipv4(address)) => Some((address, a.prefixlen)),
                _ => None,
            })
            .collect();
        let hosts = routes.iter().filter(|r| r.dev.as_deref() == Some(&link.ifname));
        // `ip` prints a /32 without its length.
        let hosts = hosts.filter_map(|r| r.dst.as_deref()?.parse().ok()).collect();
        let up = link.flags.iter().any(|flag| flag == "UP");
        seen.links.insert(link.ifname, Link { up, tuned: false, addresses, routes: hosts });
    }
    Ok(seen)
}

fn empty_as_list(json: &str) -> &str {
    if json.trim().is_empty() { "[]" } else { json }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ip_prints_is_understood() {
        let names = Names::new("node-1");
        let tap = names.tap(&"i-00000001".parse().unwrap());
        let holder = names.holder();
        let links = format!(
            r#"[{{"ifname":"lo","flags":["UP"],"addr_info":[{{"family":"inet","local":"127.0.0.1","prefixlen":8}}]}},
               {{"ifname":"{holder}","flags":["NO-CARRIER","UP"],"addr_info":[
                  {{"family":"inet","local":"10.7.0.1","prefixlen":24}},
                  {{"family":"inet6","local":"fe80::1","prefixlen":64}},{{"family":"inet","prefixlen":3}}]}},
               {{"ifname":"{tap}","flags":["BROADCAST"]}}]"#
        );
        let routes = format!(
            r#"[{{"dst":"default","dev":"eth0"}},{{"dst":"10.7.0.0/24","dev":"{holder}"}},
               {{"dst":"10.7.0.5","dev":"{tap}"}}]"#
        );
        let seen = read(&names, &links, &routes).unwrap();
        let expected = Link {
            up: true,
            addresses: BTreeSet::from([(Ipv4Addr::new(10, 7, 0, 1), 24)]),
            ..Link::default()
        };
        assert_eq!(seen.links[&holder], expected);
        let expected =
            Link { routes: BTreeSet::from([Ipv4Addr::new(10, 7, 0, 5)]), ..Link::default() };
        assert_eq!(seen.links[&tap], expected);
        assert_eq!(seen.links.len(), 2);
        assert_eq!(read(&names, "", "\n").unwrap(), Seen::default());
    }
}
